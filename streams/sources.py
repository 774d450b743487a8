"""Sources that send too much that can't be read.

One bad record never stops anything: it is set aside and counted. A source of which more than a share is bad over
a sliding window, of at least so many records, is halted: what it sends is held among the unreadable records,
good or bad, until a person lets it go on (``ioc repair source``). Other sources of the same partitions go on.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from streams.batch import Batch, Partition
from streams.origin import UNKNOWN, source_of
from streams.ownership import Connection
from streams.unreadable import HELD, Unreadable

log = structlog.get_logger(__name__)

#: A window slides in this many steps.
_STEPS: Final = 12
#: Sources told apart in one step; names beyond are counted as unknown, so that made-up ones take no memory.
_MOST_SOURCES: Final = 1000

_STANDING = "SELECT source FROM ioc.source_halt WHERE topic = %s AND released_at IS NULL"
# Shared with other workers, not with a repair: what is held under it is there when the repair looks for it.
_LOCK = _STANDING + " AND source = ANY(%s) FOR SHARE"
_HALT = """
INSERT INTO ioc.source_halt (topic, source, partition, records, bad, reason)
SELECT %s, u.source, %s, u.records, u.bad, u.reason
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[]) AS u (source, records, bad, reason)
ON CONFLICT (topic, source) WHERE released_at IS NULL DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of what a source sends may be bad."""

    #: Halted above this share, 0 to 1; at 1 nothing is halted.
    share: float
    window_s: float
    #: Fewest records in the window to judge a source by.
    minimum: int


class Verdict(NamedTuple):
    """A source that passes the limit, and its records in the window."""

    source: str
    records: int
    bad: int


class Judged(NamedTuple):
    """A batch's bad records by source, and the sources that pass the limit by them."""

    bad: Counter[str]
    halted: list[str]


class Watch:
    """What each source sent of late in one partition. Counts what was committed, nothing else.

    :param clock: seconds that only go forward.
    """

    def __init__(self, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._steps: deque[tuple[int, Counter[str], Counter[str]]] = deque()

    def _step(self) -> int:
        return int(self._clock() / self._limit.window_s * _STEPS)

    def passing(self, read: Counter[str], bad: Counter[str]) -> list[Verdict]:
        """Return the sources that pass the limit once these records are counted; counts nothing yet.

        :param read: all records of a batch, good and bad, by source.
        :param bad: those of them that were set aside.
        """
        oldest = self._step() - _STEPS
        found = []
        for source in bad:
            kept = [(records, wrong) for step, records, wrong in self._steps if step > oldest]
            records = read[source] + sum(step[source] for step, _ in kept)
            wrong = bad[source] + sum(step[source] for _, step in kept)
            if records >= self._limit.minimum and wrong > self._limit.share * records:
                found.append(Verdict(source, records, wrong))
        return found

    def note(self, read: Counter[str], bad: Counter[str]) -> None:
        """Count the records of a batch that is committed."""
        now = self._step()
        while self._steps and self._steps[0][0] <= now - _STEPS:
            self._steps.popleft()
        if not self._steps or self._steps[-1][0] != now:
            self._steps.append((now, Counter(), Counter()))
        _, records, wrong = self._steps[-1]
        for source, count in read.items():
            name = source if source in records or len(records) < _MOST_SOURCES else UNKNOWN
            records[name] += count
            if bad[source]:
                wrong[name] += bad[source]

    def forget(self, sources: Collection[str]) -> None:
        """Begin anew with sources that were halted: when they are let go on, they are judged by what comes then."""
        for _, records, wrong in self._steps:
            for source in sources:
                del records[source], wrong[source]


class Gate:
    """Keeps halted sources out of one partition, and halts those that pass the limit."""

    def __init__(self, partition: Partition, limit: Limit) -> None:
        self._partition = partition
        self._watch = Watch(limit)
        #: As the database said last.
        self._halted: frozenset[str] = frozenset()

    async def load(self, connection: Connection) -> None:
        """Read which sources of the topic are halted."""
        cursor = await connection.execute(_STANDING, (self._partition.topic,))
        self.know(frozenset(str(row[0]) for row in await cursor.fetchall()))

    def know(self, halted: frozenset[str]) -> None:
        """Take over which sources of the topic are halted."""
        self._halted = halted

    def part(self, batch: Batch) -> Batch:
        """Return the batch without the records of halted sources; those are in its ``held``."""
        # What names no source can't be told from others' records: it is read, and set aside one by one.
        wanted = self._halted - {UNKNOWN}
        if not wanted:
            return batch
        marks = [source_of(value) in wanted for value in batch.values]
        return batch.holding(marks) if any(marks) else batch

    async def hold(self, connection: Connection, batch: Batch, halted: frozenset[str]) -> list[Unreadable]:
        """Return the records to be held; their sources are halted, and stay so until the transaction ends.

        :param halted: the topic's halted sources as the transaction sees them.
        :raises ConnectionError: when a source was halted, or let go on, since the batch was parted.
        """
        if not halted.isdisjoint(batch.sources.keys() - {UNKNOWN}):
            raise ConnectionError("a source was halted meanwhile")
        if batch.held is None:
            return []
        names = sorted({source_of(value) for value in batch.held.values})
        cursor = await connection.execute(_LOCK, (self._partition.topic, names))
        if len(await cursor.fetchall()) < len(names):
            raise ConnectionError("a source was let go on meanwhile")
        return [
            Unreadable(offset, HELD, "its source is halted", value)
            for offset, value in zip(batch.held.offsets, batch.held.values, strict=True)
        ]

    async def judge(self, connection: Connection, batch: Batch, aside: list[Unreadable]) -> Judged:
        """Count a batch's bad records by source, and halt the sources that pass the limit, in the transaction."""
        if not aside:
            return Judged(Counter(), [])
        reasons = Counter((source_of(record.value), record.reason) for record in aside)
        bad: Counter[str] = Counter()
        for (source, _), count in reasons.items():
            bad[source] += count
        verdicts = self._watch.passing(batch.sources, bad)
        if verdicts:
            # rarest first, so that the commonest reason of a source is the one that stays
            why = {source: reason for (source, reason), _ in reversed(reasons.most_common())}
            await self._halt(connection, verdicts, why)
        return Judged(bad, [verdict.source for verdict in verdicts])

    async def _halt(self, connection: Connection, verdicts: list[Verdict], why: dict[str, str]) -> None:
        topic, number = self._partition
        await connection.execute(
            _HALT,
            (
                topic,
                number,
                [v.source for v in verdicts],
                [v.records for v in verdicts],
                [v.bad for v in verdicts],
                [why[v.source] for v in verdicts],
            ),
        )
        for verdict in verdicts:
            if verdict.source not in self._halted:
                log.error(
                    "source halted",
                    topic=topic,
                    source=verdict.source,
                    records=verdict.records,
                    bad=verdict.bad,
                    remedy=f"Mend it, then: ioc repair source {topic} '{verdict.source}'",
                )

    def committed(self, batch: Batch, judged: Judged, halted: frozenset[str]) -> None:
        """Count what was judged, now that its transaction is committed.

        :param halted: the topic's halted sources as the transaction saw them.
        """
        self._halted = halted.union(judged.halted)
        self._watch.note(batch.sources, judged.bad)
        self._watch.forget(judged.halted)
