"""How the stream worker stands, read from the database: lag and halted partitions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from ioc.settings import Settings

_QUERY = """
SELECT topic, partition, greatest(log_end - next_offset, 0) AS lag, halted_reason, updated_at
FROM ioc.partition_offset WHERE retired_at IS NULL ORDER BY topic, partition
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


def partition_states(settings: Settings) -> list[PartitionState] | None:
    """Every partition's state; none when the database does not answer or was never prepared."""
    try:
        with psycopg.connect(
            settings.database_dsn, connect_timeout=3, row_factory=class_row(PartitionState)
        ) as connection:
            return connection.execute(_QUERY).fetchall()
    except psycopg.Error:
        return None
