"""How the stream worker stands, read from the database: lag, halted partitions, halted sources."""

from __future__ import annotations

from typing import TypeVar

import psycopg
from psycopg.rows import class_row

from ioc.settings import Settings
from ioc.watch.flow import PARTITIONS, SOURCES, PartitionState, SourceHalt

R = TypeVar("R")


def partition_states(settings: Settings) -> list[PartitionState] | None:
    """Every partition's state; none when the database does not answer or was never prepared."""
    return _read(settings, PARTITIONS, PartitionState)


def source_halts(settings: Settings) -> list[SourceHalt] | None:
    """Every halted source; none when the database does not answer or was never prepared."""
    return _read(settings, SOURCES, SourceHalt)


def _read(settings: Settings, query: str, row: type[R]) -> list[R] | None:
    try:
        with psycopg.connect(
            settings.database_dsn, connect_timeout=3, row_factory=class_row(row)
        ) as connection:
            return connection.execute(query.encode()).fetchall()
    except psycopg.Error:
        return None
