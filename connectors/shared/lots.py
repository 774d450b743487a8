"""What the relay carries: lots of messages, the calls that handed them in, and what it says about itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from connectors.shared.chunks import CHUNK_BYTES
from connectors.shared.frames import Message
from ioc.errors import UnavailableError

OVERHEAD_BYTES: Final = 300
"""What a waiting message costs in Python objects beside its own bytes."""
_LOT_MESSAGES: Final = 500
_MOST_UNTOLD: Final = 100


class Fate(StrEnum):
    """Where accepted events are."""

    ACKNOWLEDGED = "acknowledged"
    SPOOLED = "spooled"


class Mode(StrEnum):
    """Which way events take."""

    DIRECT = "direct"
    SPOOLING = "spooling"
    DRAINING = "draining"
    FULL = "full"
    """Kafka is away and there is no room: new events are refused."""


@dataclass(frozen=True)
class RelayState:
    """A relay at one moment."""

    mode: Mode
    since: datetime
    """When the way was last turned from or to direct."""
    reason: str | None
    """Why it is not direct."""
    spooled_events: int
    """Events on disk that Kafka has not acknowledged."""
    spooled_bytes: int
    oldest_age_s: float | None
    """Age of the oldest event on disk; None when there is none."""
    waiting_events: int
    """Events in memory, neither acknowledged nor on disk yet."""
    taken: int
    """Events handed in since the start; those refused for want of room are not among them."""
    acknowledged: int
    """Events of this process that Kafka acknowledged without the spool between."""
    spooled: int
    """Events that went to the spool since the start."""
    forwarded: int
    """Events that Kafka acknowledged from the spool, earlier processes' included."""
    failed: int
    """Events that were taken and could then be kept nowhere; whoever handed them in was told."""
    refused: int
    """Events not taken for want of room."""
    set_aside: int
    """Damaged stretches of the spool and messages that Kafka never takes, kept in its folder ``aside``."""


class Call:
    """What one caller handed in, in one or more lots."""

    __slots__ = ("error", "fate", "future", "left")

    def __init__(self, future: Future[Fate] | None, lots: int) -> None:
        self.future = future
        self.left = lots
        self.fate = Fate.ACKNOWLEDGED
        self.error: UnavailableError | None = None


class Lot:
    """Messages that travel together: at most a chunk."""

    __slots__ = ("call", "cost", "messages", "size")

    def __init__(self, messages: list[Message], call: Call) -> None:
        self.messages = messages
        self.call = call
        self.size = sum(message.size for message in messages)
        self.cost = self.size + len(messages) * OVERHEAD_BYTES


class Backlog:
    """Lots that wait in memory, first in, first out, with what they take. Whoever shares it holds a lock."""

    def __init__(self) -> None:
        self._lots: deque[Lot] = deque()
        self.cost = 0
        """Bytes of memory."""
        self.size = 0
        """Bytes that they would take on disk."""
        self.messages = 0

    def __bool__(self) -> bool:
        return bool(self._lots)

    def put(self, lot: Lot) -> None:
        """Put a lot at the end."""
        self._lots.append(lot)
        self._count(lot, 1)

    def put_back(self, lots: Sequence[Lot]) -> None:
        """Put lots that were taken before those that wait, in their order."""
        for lot in reversed(lots):
            self._lots.appendleft(lot)
            self._count(lot, 1)

    def take(self, most_bytes: int, most: int) -> list[Lot]:
        """Take the oldest lots: one, and as many more as fit into so many bytes and messages."""
        taken: list[Lot] = []
        size = count = 0
        while self._lots and (
            not taken
            or (size + self._lots[0].size <= most_bytes and count + len(self._lots[0].messages) <= most)
        ):
            lot = self._lots.popleft()
            self._count(lot, -1)
            size += lot.size
            count += len(lot.messages)
            taken.append(lot)
        return taken

    def _count(self, lot: Lot, sign: int) -> None:
        self.cost += sign * lot.cost
        self.size += sign * lot.size
        self.messages += sign * len(lot.messages)


class Tally:
    """How many events of a relay went where, and what nobody was told yet. Whoever shares it holds a lock."""

    def __init__(self) -> None:
        self.taken = self.acknowledged = self.spooled = self.forwarded = self.failed = self.refused = 0
        self.settled = 0
        """Events whose fate is decided: those of :attr:`taken` but for what is under way."""
        self._untold: list[UnavailableError] = []

    def settle(self, lots: Sequence[Lot], fate: Fate | None, error: UnavailableError | None) -> list[Call]:
        """Count these as settled; returns the calls that are complete."""
        done = []
        for lot in lots:
            call = lot.call
            self.settled += len(lot.messages)
            call.left -= 1
            if fate is not None:
                call.fate = fate
            if error is not None:
                call.error = error
                if call.future is None and len(self._untold) < _MOST_UNTOLD:
                    self._untold.append(error)
            if call.left == 0 and call.future is not None:
                done.append(call)
        return done

    def first_untold(self) -> UnavailableError | None:
        """The first error of events that no call waits for since this was asked last."""
        untold, self._untold = self._untold, []
        return untold[0] if untold else None


def messages_in(lots: Iterable[Lot]) -> int:
    """How many messages lots hold."""
    return sum(len(lot.messages) for lot in lots)


def divide(messages: list[Message], future: Future[Fate] | None) -> list[Lot]:
    """Divide messages into lots that fit a chunk."""
    parts: list[list[Message]] = [[]]
    size = 0
    for message in messages:
        if parts[-1] and (size + message.size > CHUNK_BYTES or len(parts[-1]) >= _LOT_MESSAGES):
            parts.append([])
            size = 0
        parts[-1].append(message)
        size += message.size
    call = Call(future, len(parts))
    return [Lot(part, call) for part in parts]


def tell(calls: Iterable[Call]) -> None:
    """Give completed calls their outcome; runs the callers' callbacks, so no lock may be held."""
    for call in calls:
        if call.future is None or not call.future.set_running_or_notify_cancel():
            continue
        if call.error is not None:
            call.future.set_exception(call.error)
        else:
            call.future.set_result(call.fate)
