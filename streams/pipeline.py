"""One partition's way into the database: prepare the next batch while the last one is being committed.

Each partition has its own connection, so that partitions never wait for one another and a successor can end
exactly this partition's session. Any failure ends in the same place: state is dropped, the stored offset is
read again and Kafka is read from there. The database alone says what has been counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

import psycopg
import structlog

from ioc import tracing
from ioc.metrics import PROCESS, Meters, processes
from streams import ownership, unreadable
from streams.batch import Batch, OffsetLost, Partition
from streams.errors import FencedError, HaltedError
from streams.ownership import Claim, Connection
from streams.sources import Gate, Limit
from streams.unreadable import Unreadable
from streams.work import Projector, Work

log = structlog.get_logger(__name__)

_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 5.0

#: Errors that one record can cause, whatever is done again. Others (a server away, a schema that does not fit)
#: are nobody's record's fault: those are waited out.
_RECORD_FAULTS = (psycopg.DataError, psycopg.IntegrityError, ValueError, ArithmeticError, RecursionError)

_SILENCE = """
INSERT INTO ioc.partition_silence (topic, topic_id, partition, next_offset, watermark)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (topic_id, partition, next_offset)
DO UPDATE SET watermark = greatest(partition_silence.watermark, excluded.watermark)
"""
_LATE = """
INSERT INTO ioc.late_count AS l (topic, partition, unit_id, facts)
SELECT %s, %s, * FROM unnest(%s::int[], %s::bigint[])
ON CONFLICT (topic, partition, unit_id) DO UPDATE SET facts = l.facts + excluded.facts
"""


class Source(Protocol):
    """What a pipeline needs of the consumer."""

    async def restart_at(self, partition: Partition, offset: int) -> None: ...
    def hold(self, partition: Partition) -> None: ...
    def release(self, partition: Partition) -> None: ...
    def caught_up_at(self, partition: Partition, within_s: float) -> int | None: ...


class Stats:
    """Counters of a worker for one topic, its partitions together."""

    def __init__(self, topic: str = "", meters: Meters = PROCESS) -> None:
        self.records = 0
        self.facts = 0
        self.duplicates = 0
        self.erased = 0
        self.late = 0
        self.unreadable = 0
        self.transactions = 0
        self.retries = 0
        self.fences = 0
        seconds = meters.histogram(processes.STREAM_SECONDS)
        self.prepare_s = seconds.labels(topic, "prepare")
        self.commit_s = seconds.labels(topic, "commit")


class Pipeline:
    """Moves one partition. Made by the sink when the partition is claimed, stopped when it is revoked."""

    def __init__(
        self,
        *,
        partition: Partition,
        source: Source,
        claim: Callable[[Partition, Claim | None], Awaitable[tuple[Connection, Claim]]],
        make_projector: Callable[[Claim, bool], Projector],
        stats: Stats,
        silence_s: float,
        batch_records: int,
        batch_bytes: int,
        limit: Limit,
    ) -> None:
        self.partition = partition
        self._source = source
        self._claim_again = claim
        self._make_projector = make_projector
        self._stats = stats
        self._silence_s = silence_s
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._gate = Gate(partition, limit)
        #: When a fact came last, or the silence after it was noted: records that are no facts are silence too.
        self._quiet_since = time.monotonic()
        self._waiting: deque[Batch | OffsetLost] = deque()
        #: When something was stored last, or came while nothing waited.
        self._moved_at = time.monotonic()
        self._arrived = asyncio.Event()
        self._held = False
        self._careful = False
        #: Most records in the next batch: cut down while a record that can't be stored is looked for.
        self._most = batch_records
        self._narrowed = False
        self._attempted: Batch | None = None
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._claim: Claim | None = None
        self._projector: Projector | None = None
        #: Offset up to which batches were accepted for preparation.
        self._accepted = 0
        #: Offset that the database holds, as far as this process knows.
        self.committed = 0
        self.halted: str | None = None

    async def start(self) -> int:
        """Claim the partition and return the offset to read from.

        :raises HaltedError: when the partition needs a repair first.
        """
        await self._take()
        self._task = asyncio.create_task(self._run(), name=f"pipeline {self.partition}")
        return self.committed

    def start_halted(self, error: HaltedError) -> None:
        """Begin by waiting for a repair."""
        self.halted = error.message
        self._task = asyncio.create_task(self._run(error), name=f"pipeline {self.partition}")

    async def _take(self, former: Claim | None = None) -> None:
        self._connection, self._claim = await self._claim_again(self.partition, former)
        await self._gate.load(self._connection)
        self._projector = self._make_projector(self._claim, self._careful)
        self.committed = self._accepted = self._claim.next_offset

    async def _reclaim(self) -> None:
        """Claim the partition again, in a new session and only where it is still ours."""
        await self._close()
        await self._take(self._claim)

    def submit(self, batch: Batch | OffsetLost) -> None:
        """Hand over what was fetched; never blocks, but holds back fetching when too much waits."""
        if not self._waiting:
            self._moved_at = time.monotonic()
        self._waiting.append(batch)
        self._arrived.set()
        if not self._held and self._enough_waits():
            self._held = True
            self._source.hold(self.partition)

    def stalled_s(self) -> float:
        """For how long, in seconds, records have waited and none was stored; a halt waits for people and is none."""
        waits = bool(self._waiting) and self.halted is None
        return time.monotonic() - self._moved_at if waits else 0.0

    def _enough_waits(self) -> bool:
        waiting = [batch for batch in self._waiting if isinstance(batch, Batch)]
        return (
            # Kafka would be asked in vain for a lost offset, over and over, until somebody repairs it
            len(waiting) < len(self._waiting)
            or sum(map(len, waiting)) >= self._batch_records
            or sum(batch.size for batch in waiting) >= self._batch_bytes
        )

    async def stop(self, *, within_s: float = 3.0) -> None:
        """Let the commit under way finish if it does so soon; then close the session, which rolls back."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=within_s)
        await self._close()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()

    async def _run(self, halt: HaltedError | None = None) -> None:
        """Work until the partition is another worker's.

        :param halt: what is to be repaired first.
        """
        try:
            await self._keep_moving(halt)
        except FencedError as error:
            self._stats.fences += 1
            log.warning("partition lost to another worker", reason=error.message)
            await self._close()

    async def _keep_moving(self, halt: HaltedError | None) -> None:
        """Move on, and begin again after each failure.

        :raises FencedError: when the partition has another owner.
        """
        retry_s = _FIRST_RETRY_S
        while True:
            before = self.committed
            suspicion: Exception | None = None
            try:
                if halt is not None:
                    cause, halt = halt, None
                    await self._wait_for_repair(cause)
                    retry_s = _FIRST_RETRY_S
                await self._move_on()
            except (asyncio.CancelledError, FencedError):
                raise
            except HaltedError as error:
                halt = error
                continue
            except Exception as error:
                # Two partitions wrote the same key: from now on trust the database, not what is remembered.
                self._careful = self._careful or isinstance(error, psycopg.errors.UniqueViolation)
                if isinstance(error, _RECORD_FAULTS) and not isinstance(
                    error, psycopg.errors.UniqueViolation
                ):
                    suspicion = error
                if self.committed > before:
                    retry_s = _FIRST_RETRY_S
                self._stats.retries += 1
                log.warning(
                    "batch not stored, will be tried again",
                    partition=tuple(self.partition),
                    offset=self.committed,
                    error=f"{type(error).__name__}: {error}",
                    wait_s=round(retry_s, 1),
                    exc_info=not isinstance(error, psycopg.OperationalError),
                )
            await asyncio.sleep(retry_s * (0.5 + random.random()))  # noqa: S311 - jitter needs no secrecy
            retry_s = min(retry_s * 2, _LONGEST_RETRY_S)
            try:
                if suspicion is not None:
                    await self._narrow_down(suspicion)
                await self._begin_again()
            except FencedError:
                raise
            except HaltedError as error:
                halt = error
            except Exception as error:
                log.warning("a server does not answer, will be tried again", error=str(error).strip())

    async def _narrow_down(self, error: Exception) -> None:
        """Cut the next batch down; a single record that still can't be stored is set aside as unreadable.

        Decoding and limits at the edge should leave nothing for this: it is the last line, so that one record
        that nobody thought of does not stop its partition.
        """
        culprit, self._attempted = self._attempted, None
        if culprit is None or len(culprit) > 1 or not self._narrowed:
            # Until batches go one at a time, the one that was prepared last need not be the one that failed.
            self._narrowed = True
            self._most = max(1, min(self._most, len(culprit) if culprit else self._most) // 8)
            return
        log.error(
            "record can't be stored, set aside",
            partition=tuple(self.partition),
            offset=culprit.offsets[0],
            error=f"{type(error).__name__}: {error}",
        )
        await self._reclaim()
        connection, claim = self._connection, self._claim
        if connection is None or claim is None or self.committed != culprit.start:
            return
        aside = Unreadable(
            culprit.offsets[0], "unstorable", f"{type(error).__name__}: {error}", culprit.values[0]
        )
        async with connection.transaction():
            await ownership.move(connection, claim, culprit.start, culprit.end, culprit.log_end)
            await unreadable.store(connection, claim.log.topic_id, self.partition, [aside])
        self.committed = culprit.end
        self._stats.unreadable += 1

    async def _begin_again(self) -> None:
        """Verify that the partition is still ours, and read it again from the stored offset.

        :raises HaltedError: when it needs a repair first.
        """
        await self._reclaim()
        await self._read_again()

    async def _read_again(self) -> None:
        """Drop what waits, and let Kafka be read from the stored offset."""
        self._waiting.clear()
        await self._source.restart_at(self.partition, self.committed)
        self._let_flow()

    def _let_flow(self) -> None:
        if self._held and not self._enough_waits():
            self._held = False
            self._source.release(self.partition)

    async def _wait_for_repair(self, error: HaltedError) -> None:
        self.halted = error.message
        log.error("partition halted", reason=error.message, remedy=error.remedy)
        while True:
            await asyncio.sleep(2.0)
            try:
                await self._reclaim()
            except FencedError:
                raise
            except Exception as failure:
                if not isinstance(failure, HaltedError):
                    log.warning("a server does not answer, will be tried again", error=str(failure).strip())
                continue
            self.halted = None
            log.info("partition repaired", partition=tuple(self.partition), offset=self.committed)
            await self._read_again()
            return

    async def _move_on(self) -> None:
        commit: asyncio.Task[None] | None = None
        projector = self._projector
        if projector is None or self._connection is None:
            raise ConnectionError("the partition's session is closed")
        try:
            while True:
                batch = await self._next(commit)
                if batch is None:
                    if commit is not None:
                        await commit
                        commit = None
                    else:
                        await self._on_silence(projector)
                    continue
                if commit is not None and (projector.careful or self._narrowed):
                    await commit
                self._attempted = batch
                batch = self._gate.part(batch)
                began = time.perf_counter()
                work = await projector.prepare(batch)
                self._stats.prepare_s.observe(time.perf_counter() - began)
                self._accepted = batch.end
                if commit is not None:
                    await commit
                commit = asyncio.create_task(self._commit(batch, work))
                if work.watermark is not None:
                    self._quiet_since = time.monotonic()
                quiet = time.monotonic() - self._quiet_since > self._silence_s
                if work.exclusive or self._narrowed or quiet:
                    await commit
                    commit = None
                    self._most = min(self._most * 2, self._batch_records)
                    self._narrowed = self._narrowed and self._most < self._batch_records
                if quiet:
                    await self._on_silence(projector, batch.end == batch.log_end)
                    self._quiet_since = time.monotonic()
                # Gives the commit its first step, so that the server works while the next batch is prepared.
                await asyncio.sleep(0)
        finally:
            if commit is not None:
                # On cancellation too: a commit that is under way is waited for by stop(), within its limit.
                with contextlib.suppress(Exception):
                    await asyncio.shield(commit)

    async def _next(self, commit: asyncio.Task[None] | None) -> Batch | None:
        """Return the next batch to work on; None when nothing waits (a commit is to be finished) or comes."""
        while True:
            if not self._waiting:
                if commit is not None:
                    return None
                self._arrived.clear()
                try:
                    await asyncio.wait_for(self._arrived.wait(), self._silence_s)
                except TimeoutError:
                    return None
            found = self._waiting.popleft()
            if isinstance(found, OffsetLost):
                await self._claim_after_loss(found)
                continue
            if found.end > self._accepted:
                if found.start > self._accepted:
                    # A hole that we never saw: what lies between would be lost.
                    raise ConnectionError(f"fetched from {found.start}, expected {self._accepted}")
                found = self._with_neighbours(found.after(self._accepted))
                found, rest = found.cut(self._most)
                if rest is not None:
                    self._waiting.appendleft(rest)
            self._let_flow()
            if found.end > self._accepted:
                return found

    def _with_neighbours(self, batch: Batch) -> Batch:
        """Join small batches that wait: one transaction for many, so that catching up is quick."""
        while self._waiting:
            following = self._waiting[0]
            if (
                not isinstance(following, Batch)
                or following.start != batch.end
                or len(batch) + len(following) > self._most
                or batch.size + following.size > self._batch_bytes
            ):
                break
            batch = batch.joined(following)
            self._waiting.popleft()
        return batch

    async def _claim_after_loss(self, lost: OffsetLost) -> None:
        log.warning("Kafka does not have the offset", partition=tuple(lost.partition), offset=lost.offset)
        await self._reclaim()
        raise ConnectionError("the offset was lost and is there again")

    async def _commit(self, batch: Batch, work: Work) -> None:
        with tracing.span(
            "stream.commit",
            links=batch.traces,
            topic=self.partition.topic,
            partition=self.partition.partition,
            start=batch.start,
            end=batch.end,
            records=len(batch),
        ):
            await self._store(batch, work)

    async def _store(self, batch: Batch, work: Work) -> None:
        connection, claim = self._connection, self._claim
        if connection is None or claim is None:
            raise ConnectionError("the partition's session is closed")
        began = time.perf_counter()
        async with connection.transaction():
            moved = await ownership.move(
                connection, claim, self.committed, batch.end, batch.log_end, newest=work.watermark
            )
            held = await self._gate.hold(connection, batch, moved.halted_sources)
            outcome = await work.apply(connection, moved)
            judged = await self._gate.judge(connection, batch, outcome.unreadable)
            aside = outcome.unreadable + held
            await unreadable.store(connection, claim.log.topic_id, self.partition, aside)
            if outcome.late:
                units = sorted(outcome.late)
                await connection.execute(
                    _LATE,
                    (
                        self.partition.topic,
                        self.partition.partition,
                        units,
                        [outcome.late[unit] for unit in units],
                    ),
                )
        self.committed = batch.end
        self._moved_at = time.monotonic()
        self._gate.committed(batch, judged, moved.halted_sources)
        stats = self._stats
        stats.records += len(batch) + len(held)
        stats.facts += outcome.facts
        stats.duplicates += outcome.duplicates
        stats.erased += outcome.erased
        stats.late += outcome.late.total()
        stats.unreadable += len(aside)
        stats.transactions += 1
        stats.commit_s.observe(time.perf_counter() - began)

    async def _on_silence(self, projector: Projector, at_end: bool = False) -> None:
        """Record that nothing came, when Kafka itself says so; and write what the projector put off.

        :param at_end: all that came is read, and Kafka had no more when it was fetched.
        """
        connection, claim = self._connection, self._claim
        if connection is None or claim is None:
            raise ConnectionError("the partition's session is closed")
        end = self.committed if at_end else self._source.caught_up_at(self.partition, self._silence_s)
        async with connection.transaction():
            if end == self.committed:
                row = await (await connection.execute("SELECT now()")).fetchone()
                now = None if row is None else row[0]
                assert isinstance(now, datetime)  # noqa: S101 - narrows the driver's row
                moved = await ownership.move(connection, claim, end, end, end, watermark=now)
                self._gate.know(moved.halted_sources)
                await connection.execute(
                    _SILENCE, (self.partition.topic, claim.log.topic_id, self.partition.partition, end, now)
                )
            await projector.idle(connection)
