"""How the stream worker stands, read from the database: lag, halted partitions, halted sources."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import psycopg
from psycopg.rows import class_row

from ioc.settings import Settings

R = TypeVar("R")

_PARTITIONS = """
SELECT topic, partition, greatest(log_end - next_offset, 0) AS lag, halted_reason, updated_at
FROM ioc.partition_offset WHERE retired_at IS NULL ORDER BY topic, partition
"""
_SOURCES = """
SELECT h.topic, h.source, h.halted_at, h.records, h.bad, h.reason, (
    SELECT count(*) FROM ioc.unreadable u
    WHERE u.topic = h.topic AND u.source = h.source AND u.reason = 'source-halted'
) AS held
FROM ioc.source_halt h WHERE h.released_at IS NULL ORDER BY h.topic, h.source
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


def partition_states(settings: Settings) -> list[PartitionState] | None:
    """Every partition's state; none when the database does not answer or was never prepared."""
    return _read(settings, _PARTITIONS, PartitionState)


def source_halts(settings: Settings) -> list[SourceHalt] | None:
    """Every halted source; none when the database does not answer or was never prepared."""
    return _read(settings, _SOURCES, SourceHalt)


def _read(settings: Settings, query: str, row: type[R]) -> list[R] | None:
    try:
        with psycopg.connect(
            settings.database_dsn, connect_timeout=3, row_factory=class_row(row)
        ) as connection:
            return connection.execute(query.encode()).fetchall()
    except psycopg.Error:
        return None
