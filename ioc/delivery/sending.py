"""Channels at work in one process: each has its driver and its few threads, so that none waits for another."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

import structlog

from ioc import tracing
from ioc.alerts.model import Channel
from ioc.delivery.channels.interface import (
    ChannelError,
    Driver,
    Listener,
    Outgoing,
    PermanentError,
    Receipt,
    TemporaryError,
)
from ioc.delivery.claiming import Claimed
from ioc.delivery.settling import Outcome
from ioc.errors import IocError
from ioc.metrics import PROCESS, processes

log = structlog.get_logger(__name__)

#: A channel whose driver can't be made is looked at again after this: somebody may have set its secret.
_MAKE_AGAIN_S: Final = 60.0

_LONGEST_SAID: Final = 500

Make = Callable[[Channel], Driver]


@dataclass
class _Line:
    """One channel at work."""

    channel: Channel
    pool: ThreadPoolExecutor
    driver: Driver | None = None
    error: str = ""
    made_at: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    on_the_way: Counter[str] = field(default_factory=Counter)


class Senders:
    """The channels of a book, made once each and made anew when the book changes.

    :param make: makes a channel's driver.
    :param places: most messages that are sent over one channel at a time.
    :param done: called from any thread when an outcome can be taken.
    """

    def __init__(self, make: Make, places: int, done: Callable[[], None]) -> None:
        self._make, self._places, self._done = make, places, done
        self._lines: dict[str, _Line] = {}
        self._outcomes: queue.SimpleQueue[tuple[_Line, str, Outcome | None]] = queue.SimpleQueue()
        self._retired: list[_Line] = []

    def renew(self, channels: Mapping[str, Channel]) -> None:
        """Take the channels in force; those that did not change go on as they are."""
        for code, line in list(self._lines.items()):
            if channels.get(code) != line.channel:
                self._retire(self._lines.pop(code))
        for code, channel in channels.items():
            if code not in self._lines:
                pool = ThreadPoolExecutor(self._places, thread_name_prefix=f"send {code}")
                self._lines[code] = line = _Line(channel, pool)
                self._equip(line)

    def places(self) -> dict[str, int]:
        """How many messages more each channel can take now."""
        return {code: self._places - line.on_the_way.total() for code, line in self._lines.items()}

    def crowded(self, code: str) -> list[str]:
        """People to whom half of a channel's places are taken already; the rest is for others."""
        most = max(1, self._places // 2)
        # what is of nobody has no others beside it
        on_the_way = self._lines[code].on_the_way
        return [person for person, count in on_the_way.items() if person and count >= most]

    @property
    def on_the_way(self) -> int:
        """Messages that are being sent."""
        return sum(line.on_the_way.total() for line in (*self._lines.values(), *self._retired))

    def send(self, code: str, claimed: Claimed, outgoing: Outgoing, until: float) -> None:
        """Have a message sent by a thread of the channel.

        :param until: by the monotonic clock: when the lease is over. What did not begin by then is left to others.
        """
        line = self._lines[code]
        self._equip(line)
        person = claimed.person or ""
        line.on_the_way[person] += 1
        line.pool.submit(self._work, line, person, claimed, outgoing, until)

    def outcomes(self) -> list[Outcome]:
        """What became of messages since the last call."""
        found: list[Outcome] = []
        while True:
            try:
                line, person, outcome = self._outcomes.get_nowait()
            except queue.Empty:
                return found
            line.on_the_way[person] -= 1
            line.on_the_way += Counter()  # what is at zero is let go
            if outcome is not None:
                found.append(outcome)

    def close(self) -> None:
        """End listeners and give connections back; what is on its way is not waited for."""
        for line in self._lines.values():
            self._retire(line)
        self._lines.clear()

    # -- inside --------------------------------------------------------------------------------------

    def _equip(self, line: _Line) -> None:
        if line.driver is not None or (line.made_at and time.monotonic() - line.made_at < _MAKE_AGAIN_S):
            return
        line.made_at = time.monotonic()
        try:
            line.driver = self._make(line.channel)
        except ChannelError as error:
            self._not_made(line, str(error))
            return
        except Exception as error:
            # a driver's own fault; its words might hold the secret
            self._not_made(line, f"The channel's driver can't be made ({type(error).__name__}).")
            return
        if line.error:
            log.info("a channel can be used now", channel=line.channel.code)
            line.error = ""
        if isinstance(line.driver, Listener):
            threading.Thread(
                target=line.driver.listen, args=(line.stop,), name=f"listen {line.channel.code}", daemon=True
            ).start()

    @staticmethod
    def _not_made(line: _Line, why: str) -> None:
        if line.error != why:
            log.warning("a channel can't be used, its messages fail", channel=line.channel.code, why=why)
        line.error = why

    def _retire(self, line: _Line) -> None:
        line.stop.set()
        self._retired = [one for one in self._retired if one.on_the_way.total()]
        self._retired.append(line)

        def end() -> None:
            line.pool.shutdown(wait=True)
            if line.driver is not None:
                line.driver.close()

        threading.Thread(target=end, name=f"close {line.channel.code}", daemon=True).start()

    def _work(self, line: _Line, person: str, claimed: Claimed, outgoing: Outgoing, until: float) -> None:
        outcome = None
        try:
            # a process that was frozen must not send what another one took over meanwhile
            if (began := time.monotonic()) < until:
                with tracing.within(tracing.begin()), _spanning(line, claimed) as made:
                    outcome = _attempt(line, claimed, outgoing)
                    made.note(sent=outcome.receipt is not None)
                _count(outcome, time.monotonic() - began)
        finally:
            self._outcomes.put((line, person, outcome))
            self._done()


def _spanning(line: _Line, claimed: Claimed) -> AbstractContextManager[tracing.Span]:
    return tracing.span(
        "deliver.attempt",
        channel=line.channel.code,
        message=claimed.message_id,
        attempt=claimed.attempt,
    )


def _count(outcome: Outcome, took_s: float) -> None:
    became = "sent" if outcome.receipt is not None else "refused" if outcome.final else "failed"
    PROCESS.counter(processes.DELIVER_ATTEMPTS).labels(outcome.channel, became).inc()
    PROCESS.histogram(processes.DELIVER_SECONDS).labels(outcome.channel).observe(took_s)


def _attempt(line: _Line, claimed: Claimed, outgoing: Outgoing) -> Outcome:
    """Send once, and say what became of it in words that may be kept."""
    receipt: Receipt | None = None
    error, final, retry_after_s = "", False, None
    if line.driver is None:
        error, final = line.error, True
    else:
        try:
            receipt = line.driver.send(outgoing)
        except PermanentError as refusal:
            error, final = str(refusal), True
        except TemporaryError as refusal:
            error, retry_after_s = str(refusal), refusal.retry_after_s
        except IocError as refusal:
            error = str(refusal)
        except Exception as fault:
            # a driver's own fault: its words might hold an address
            error = f"The channel's driver failed ({type(fault).__name__})."
            log.error("a channel's driver failed", channel=line.channel.code, fault=type(fault).__name__)
    if receipt is not None:
        kept = {
            name: _kept(value) if isinstance(value, str) else value for name, value in receipt.detail.items()
        }
        receipt = Receipt(None if receipt.id is None else _kept(receipt.id), kept)
    return Outcome(
        claimed.message_id, claimed.attempt, line.channel.code, receipt, _kept(error), final, retry_after_s
    )


def _kept(text: str) -> str:
    """What another server said, as it can be stored: bounded, and without what no text of the database holds."""
    return "".join(sign for sign in text[:_LONGEST_SAID] if sign.isprintable())
