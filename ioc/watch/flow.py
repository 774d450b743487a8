"""How facts come in, by what was written of it: connectors, partitions, and sources that were halted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.kpi.steps import Steps

PARTITIONS: Final = """
SELECT topic, partition, greatest(log_end - next_offset, 0) AS lag, halted_reason, updated_at
FROM ioc.partition_offset WHERE retired_at IS NULL ORDER BY topic, partition
"""
SOURCES: Final = """
SELECT h.topic, h.source, h.halted_at, h.records, h.bad, h.reason, (
    SELECT count(*) FROM ioc.unreadable u
    WHERE u.topic = h.topic AND u.source = h.source AND u.reason = 'source-halted'
) AS held
FROM ioc.source_halt h WHERE h.released_at IS NULL ORDER BY h.topic, h.source
"""
# A reader of one unit is not told the names of other units' devices.
_CONNECTORS: Final = """
SELECT n.name, n.source, n.state, n.since, n.time, CASE WHEN r.root_unit IS NULL THEN n.reason END,
       n.sources, n.failing, CASE WHEN r.root_unit IS NULL THEN n.failing_sources END,
       n.spooled_events, n.spooled_bytes, n.oldest_spooled_s, n.interval_s
FROM ioc.connector_now n JOIN ioc.reader r ON r.name = %s AND r.active ORDER BY n.name, n.source LIMIT 1000
"""


@dataclass(frozen=True)
class PartitionState:
    """One partition as its owner last wrote it."""

    topic: str
    partition: int
    lag: int
    """Records between the stored offset and the log's end."""
    halted_reason: str | None
    updated_at: datetime

    @property
    def repair(self) -> str:
        """The command that lets a halted partition go on."""
        return f"ioc repair offsets {self.topic} {self.partition} --to start"


@dataclass(frozen=True)
class SourceHalt:
    """A source that is halted because too much of what it sent could not be read."""

    topic: str
    source: str
    """``?`` stands for records that name no source."""
    halted_at: datetime
    records: int
    """Its records in the window when it was halted, of which ``bad`` could not be read."""
    bad: int
    reason: str
    """Why most of them could not be read."""
    held: int
    """Its records since then, which wait among the unreadable ones."""

    @property
    def summary(self) -> str:
        """What happened, in a line."""
        return (
            f"{self.topic}: {self.source}: {self.bad} of {self.records} records bad (mostly {self.reason}),"
            f" {self.held} held since"
        )

    @property
    def repair(self) -> str:
        """The command that lets the source go on."""
        return f"ioc repair source {self.topic} {shlex.quote(self.source)}"


@dataclass(frozen=True)
class Connector:
    """A connector with the state that holds now.

    :param source: the machine that it runs on.
    :param last_report: when it was last heard.
    :param sources: how many it reads, of which ``failing`` can't be read now.
    :param failing_sources: names of those, for readers of every unit.
    """

    name: str
    source: str
    state: str
    since: datetime
    last_report: datetime
    reason: str | None
    sources: int
    failing: int
    failing_sources: list[str] | None
    spooled_events: int
    spooled_bytes: int
    oldest_spooled_s: float | None
    interval_s: float


@dataclass(frozen=True)
class Flow:
    """How all of it is."""

    connectors: tuple[Connector, ...]
    partitions: tuple[PartitionState, ...]
    halts: tuple[SourceHalt, ...]


def connectors(reader: str) -> Steps[tuple[Connector, ...]]:
    """Steps to the connectors that were heard of lately, as far as the reader may know."""
    rows = yield _CONNECTORS, (reader,)
    return tuple(Connector(*row) for row in rows)


def flow(reader: str) -> Steps[Flow]:
    """Steps to how facts come in now."""
    found = yield from connectors(reader)
    partitions = yield PARTITIONS, ()
    halts = yield SOURCES, ()
    return Flow(
        found,
        tuple(PartitionState(*row) for row in partitions),
        tuple(SourceHalt(*row) for row in halts),
    )
