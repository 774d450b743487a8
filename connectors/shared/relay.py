"""The one way from a long-running connector to Kafka: straight while it answers, over the disk while it does not.

Two threads: one talks to Kafka, the other to the disk. While Kafka answers (``direct``), events wait in memory for its
acknowledgement. When it does not within a while, everything that is unacknowledged and everything new goes to the
spool, in order (``spooling``). Once it answers again the spool is forwarded from its beginning (``draining``) and new
events still queue up behind, until the spool is empty and the way is direct again. Events of one key arrive in the
order in which they were handed in; some may arrive twice, which the sink counts once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import islice
from types import TracebackType
from typing import Final, Self

import structlog

from connectors.shared.chunks import CHUNK_BYTES, MOST_VALUE_BYTES, ChunkProducer, ChunkSize
from connectors.shared.frames import Message
from connectors.shared.lots import (
    Backlog,
    Call,
    Fate,
    Lot,
    Mode,
    RelayState,
    Tally,
    divide,
    messages_in,
    tell,
)
from connectors.shared.spool import Kept, Spool, SpoolFullError
from connectors.shared.way import Way
from ioc import events, tracing
from ioc.errors import InputError, UnavailableError
from ioc.events import AnyEvent, ConnectorEvent
from ioc.settings import Settings

__all__ = ["Fate", "Mode", "Relay", "RelayState", "SpoolFullError"]

_GROUP_BYTES: Final = 4 * 1024 * 1024
"""Most bytes written to the spool with one fsync."""
_DRAIN_WAIT_S: Final = 10.0
"""Nobody waits for a forwarded chunk, so a thin line gets this long before the chunk is tried smaller."""
_STUCK_S: Final = 60.0

log = structlog.get_logger(__name__)


class Relay:
    """Takes events, and brings each to Kafka at least once, in order per subject. Safe from several threads.

    :param settings: where Kafka is, the topic prefix, the state folder, how large the spool may grow.
    :param name: folder of the spool and identity of the process, such as ``ingest``: one process at a time.
    :param client_id: name that the broker's logs show.
    :param memory_bytes: most memory that events may take on their way; about half of it makes :meth:`publish` wait.
    :raises UsageError: when the name is not 1 to 50 small letters, digits, ``.``, ``_`` and ``-``.
    :raises UnavailableError: when another process runs under this name, or the spool can't be written. Kafka
        need not be there.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        *,
        client_id: str | None = None,
        memory_bytes: int = 64 * 1024 * 1024,
        owner_wait_s: float = 5.0,
    ) -> None:
        self.name = name
        self._prefix = settings.topic_prefix
        self._wait_s = settings.kafka_wait_s
        self._memory = memory_bytes
        self._spool = Spool(
            settings.state_dir / "spool" / name,
            most_bytes=settings.spool_bytes,
            least_free_bytes=settings.spool_free_bytes,
            owner_wait_s=owner_wait_s,
        )
        self._kafka = ChunkProducer(settings, client_id or f"ioc-{name}")
        self._lock = threading.Lock()
        self._for_sender = threading.Condition(self._lock)
        self._for_keeper = threading.Condition(self._lock)
        self._for_callers = threading.Condition(self._lock)
        self._queue = Backlog()
        self._in_flight: list[Lot] | None = None
        self._in_flight_since = 0.0
        self._keeping = False
        self._closing = self._sender_done = False
        self._way = Way(name, self._wait_s)
        self._chunk = ChunkSize()
        self._tally = Tally()
        if self._spool.pending:
            self._way.begin_spooling("events of an earlier run are to be forwarded")
            log.info("relay.continues", relay=name, events=self._spool.pending)
        self._sender = threading.Thread(target=self._send_loop, name=f"relay-{name}-kafka", daemon=True)
        self._keeper = threading.Thread(target=self._keep_loop, name=f"relay-{name}-disk", daemon=True)
        self._sender.start()
        self._keeper.start()

    # -- for connectors -----------------------------------------------------------------------------------

    @property
    def state(self) -> RelayState:
        """What is where, now."""
        try:
            oldest = self._spool.oldest_at
        except UnavailableError:
            oldest = None
        pending, size = self._spool.pending, self._spool.pending_bytes
        with self._lock:
            return RelayState(
                mode=Mode.FULL if self._way.full else self._way.mode,
                since=self._way.since,
                reason=self._way.reason,
                spooled_events=pending,
                spooled_bytes=size,
                oldest_age_s=None if oldest is None else max(0.0, time.time() - oldest),
                waiting_events=self._queue.messages + messages_in(self._in_flight or ()),
                taken=self._tally.taken,
                acknowledged=self._tally.acknowledged,
                spooled=self._tally.spooled,
                forwarded=self._tally.forwarded,
                failed=self._tally.failed,
                refused=self._tally.refused,
                set_aside=self._spool.set_aside,
            )

    def accept(self, many: Sequence[AnyEvent | ConnectorEvent]) -> Future[Fate]:
        """Take all of these events, in order, or none; never waits.

        :returns: a future that is done when all are acknowledged by Kafka (``ACKNOWLEDGED``) or safe, some of
            them on disk (``SPOOLED``). It raises :class:`SpoolFullError` at once when there is no room: then
            none was taken. It raises it, or another :class:`UnavailableError`, later when Kafka and the disk
            failed while they were under way: then some may have arrived. Handing all in again counts none twice.
        :raises InputError: when one is too large for Kafka; none was taken.
        """
        future: Future[Fate] = Future()
        messages = [self._message(event) for event in many]
        if not messages:
            future.set_result(Fate.ACKNOWLEDGED)
            return future
        lots = divide(messages, future)
        with self._lock:
            refusal = self._refusal(lots)
            if refusal is None:
                self._enqueue(lots)
        if refusal is not None:
            future.set_exception(refusal)
        return future

    def publish(self, event: AnyEvent | ConnectorEvent) -> None:
        """Take one event; waits while too much is on its way. :meth:`flush` tells what became of it.

        :raises SpoolFullError: when there is no room; it was not taken.
        :raises UnavailableError: when the relay is closed, or neither Kafka nor the disk moves.
        :raises InputError: when it is too large for Kafka.
        """
        self._put([self._message(event)])

    def publish_many(self, many: Iterable[AnyEvent | ConnectorEvent]) -> int:
        """Take each event in order, without keeping them all; returns how many.

        :raises SpoolFullError: when there is no more room; the ones before were taken.
        :raises UnavailableError: when the relay is closed, or neither Kafka nor the disk moves.
        :raises InputError: at the first one that is too large for Kafka.
        """
        count = 0
        rest = iter(many)
        while messages := [self._message(event) for event in islice(rest, 200)]:
            self._put(messages)
            count += len(messages)
        return count

    def flush(self) -> None:
        """Wait until everything handed in so far is acknowledged by Kafka or safe on disk.

        :raises UnavailableError: when some of what :meth:`publish` took since the last flush is neither.
        """
        with self._lock:
            until = self._tally.taken
            before = self._tally.settled
            end = time.monotonic() + _STUCK_S
            while self._tally.settled < until:
                if self._tally.settled > before:
                    before, end = self._tally.settled, time.monotonic() + _STUCK_S
                if time.monotonic() >= end:
                    raise self._stuck()
                self._for_callers.wait(1.0)
            untold = self._tally.first_untold()
        if untold is not None:
            raise untold

    def close(self) -> None:
        """Send or spool what waits, then let go of Kafka and the spool. Errors are in the futures and the log."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._notify()
        self._sender.join(self._wait_s * 2 + 1)
        with self._lock:
            if self._queue or self._in_flight:
                self._turn_away("the connector ends")
            self._sender_done = True
            self._notify()
        self._keeper.join(_STUCK_S)
        if self._sender.is_alive():
            self._kafka.abandon()
            self._sender.join(_STUCK_S)
        self._kafka.close(self._wait_s)
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- taking in ----------------------------------------------------------------------------------------

    def _message(self, event: AnyEvent | ConnectorEvent) -> Message:
        value = events.encode(event)
        if len(value) > MOST_VALUE_BYTES:
            raise InputError(
                f"An event about {event.subject} has {len(value):,} bytes; Kafka takes {MOST_VALUE_BYTES:,}."
            )
        topic = self._prefix + events.topic_of(event)
        return Message(topic, event.subject.encode(), value, tracing.traceparent())

    def _put(self, messages: list[Message]) -> None:
        lots = divide(messages, None)
        cost = sum(lot.cost for lot in lots)
        end = time.monotonic() + _STUCK_S
        with self._lock:
            while True:
                crowded = self._queue.cost and self._queue.cost + cost > self._memory // 2
                refusal = None if crowded else self._refusal(lots, count=False)
                if not crowded and refusal is None:
                    self._enqueue(lots)
                    return
                # while Kafka takes from the spool, room comes by itself
                if refusal is not None and (self._closing or self._way.mode is not Mode.DRAINING):
                    self._tally.refused += len(messages)
                    raise refusal
                if time.monotonic() >= end:
                    raise self._stuck()
                self._for_callers.wait(1.0)

    def _refusal(self, lots: Sequence[Lot], *, count: bool = True) -> UnavailableError | None:
        """Why these have no room. The caller holds the lock."""
        if self._closing:
            return UnavailableError("The connector is ending.", remedy="Hand the events in again.")
        why = None
        cost = sum(lot.cost for lot in lots)
        if self._queue and self._queue.cost + cost > self._memory:
            why = "Neither Kafka nor the disk takes events as fast as they come."
        elif self._way.mode is not Mode.DIRECT:
            why = self._spool.refusal(self._queue.size + sum(lot.size for lot in lots))
            self._way.full = why is not None
        if why is None:
            return None
        if count:
            self._tally.refused += messages_in(lots)
        return SpoolFullError(why, remedy="See that Kafka answers, or raise IOC_SPOOL_BYTES.")

    def _enqueue(self, lots: Sequence[Lot]) -> None:
        for lot in lots:
            self._queue.put(lot)
            self._tally.taken += len(lot.messages)
        if self._way.mode is Mode.DIRECT:
            self._for_sender.notify()
            if self._queue.cost > self._memory * 3 // 4:
                self._turn_away("more comes in than Kafka takes")
        else:
            self._for_keeper.notify()

    def _turn_away(self, reason: str) -> None:
        """From now on events go to the spool, those under way first. The caller holds the lock."""
        if self._in_flight is not None:
            self._queue.put_back(self._in_flight)
            self._in_flight = None
        self._way.turn_away(reason, self._queue.messages)
        self._notify()

    def _notify(self) -> None:
        for condition in (self._for_sender, self._for_keeper, self._for_callers):
            condition.notify_all()

    # -- Kafka's thread -----------------------------------------------------------------------------------

    def _send_loop(self) -> None:
        while True:
            step = self._next_step()
            if step is None:
                return
            try:
                step()
            except UnavailableError as error:  # the spool can't be read
                with self._lock:
                    self._turn_away(error.message)
            except Exception as error:
                log.exception("relay.fault", relay=self.name)
                with self._lock:
                    self._turn_away(f"{type(error).__name__}: {error}")

    def _next_step(self) -> Callable[[], None] | None:
        with self._lock:
            while True:
                if self._closing and not (self._way.mode is Mode.DIRECT and self._queue):
                    return None
                if self._way.mode is Mode.DIRECT:
                    if self._queue:
                        lots = self._queue.take(self._chunk.bytes, self._chunk.messages)
                        self._in_flight, self._in_flight_since = lots, time.monotonic()
                        return lambda: self._send(lots)
                    self._for_sender.wait()
                    continue
                rest_s = self._way.rest_s
                if rest_s <= 0:
                    return self._drain
                self._for_sender.wait(rest_s)

    def _send(self, lots: list[Lot]) -> None:
        fault = self._kafka.send([m for lot in lots for m in lot.messages], self._wait_s)
        with self._lock:
            self._chunk.note(fault, messages_in(lots))
            if self._in_flight is not lots:  # the keeper waited no longer and has them
                return
            if fault is not None:
                self._turn_away(fault.reason)
                return
            self._in_flight = None
            self._tally.acknowledged += messages_in(lots)
            done = self._settle(lots, None, None)
        tell(done)

    def _drain(self) -> None:
        kept = self._spool.peek(self._chunk.bytes, self._chunk.messages)
        with self._lock:
            reach = not kept and not self._keeping and (not self._queue or self._way.holding)
            if self._spool.pending <= len(kept):
                self._way.hold()
        if reach:
            self._reach()
        elif kept:
            self._forward(kept)
        else:
            time.sleep(0.002)  # the keeper is at its fsync

    def _reach(self) -> None:
        fault = self._kafka.reach()
        with self._lock:
            if fault is not None:
                self._turn_away(fault.reason)
            elif not self._spool.pending and not self._keeping:
                self._way.turn_direct(self._tally.forwarded)
                self._notify()

    def _forward(self, kept: list[Kept]) -> None:
        wait_s = max(self._wait_s, _DRAIN_WAIT_S)
        fault = self._kafka.send([one.message for one in kept], wait_s)
        if fault is None:
            self._spool.acknowledge(kept[-1])
        elif fault.refused and len(kept) == 1:
            self._spool.refuse(kept[0], f"Kafka refuses it: {fault.reason}")
            fault = None
        with self._lock:
            self._chunk.note(fault, len(kept))
            if fault is None:
                self._tally.forwarded += len(kept)
                self._way.drain()
                self._way.full = self._way.full and self._spool.refusal(CHUNK_BYTES) is not None
                self._for_callers.notify_all()
            else:
                self._turn_away(fault.reason)
                if fault.divide:
                    self._way.try_at_once()

    # -- the disk's thread --------------------------------------------------------------------------------

    def _keep_loop(self) -> None:
        while (lots := self._next_group()) is not None:
            safe, fault = self._keep(lots)
            with self._lock:
                self._keeping = False
                self._tally.spooled += messages_in(lots[:safe])
                done = self._settle(lots[:safe], Fate.SPOOLED, None)
                if fault is not None:
                    failed = messages_in(lots[safe:])
                    self._tally.failed += failed
                    self._way.full = isinstance(fault, SpoolFullError)
                    log.error("relay.failed", relay=self.name, events=failed, reason=fault.message)
                    done += self._settle(lots[safe:], None, fault)
                self._for_sender.notify_all()
            tell(done)

    def _keep(self, lots: list[Lot]) -> tuple[int, UnavailableError | None]:
        """Put lots on disk; returns how many of them are safe, and why the rest is not."""
        safe = 0
        try:
            try:
                self._spool.append([m for lot in lots for m in lot.messages])
                safe = len(lots)
            except SpoolFullError:
                # what there is room for is kept, and nothing overtakes what is not
                for lot in lots:
                    self._spool.append(lot.messages)
                    safe += 1
        except UnavailableError as error:
            return safe, error
        except Exception as error:
            log.exception("relay.fault", relay=self.name)
            return safe, UnavailableError(f"The spool failed: {type(error).__name__}.")
        return safe, None

    def _next_group(self) -> list[Lot] | None:
        with self._lock:
            while True:
                now = time.monotonic()
                until = None
                if self._in_flight is not None:
                    # kafka-python may be late itself: nobody waits for it longer than this
                    until = self._in_flight_since + self._wait_s + 1.0
                    if now >= until:
                        self._turn_away(f"no acknowledgement within {self._wait_s:g} s")
                        until = None
                until = self._way.held_until(now) or until
                if self._way.mode is not Mode.DIRECT and not self._way.holding and self._queue:
                    self._keeping = True
                    return self._queue.take(_GROUP_BYTES, 1_000_000)
                if self._sender_done and not self._queue:
                    return None
                if until is None and self._way.mode is Mode.DIRECT:
                    until = now + 0.5
                self._for_keeper.wait(None if until is None else max(0.0, until - now))

    def _settle(self, lots: Sequence[Lot], fate: Fate | None, error: UnavailableError | None) -> list[Call]:
        done = self._tally.settle(lots, fate, error)
        self._for_callers.notify_all()
        return done

    def _stuck(self) -> UnavailableError:
        return UnavailableError(
            f"The relay {self.name} moves nothing: neither Kafka nor the spool {self._spool.folder} takes events.",
            remedy="Look at Kafka and at the disk.",
        )
