"""Records that can't become facts: kept with reason and coordinates, in the transaction that passes them by."""

from __future__ import annotations

from dataclasses import dataclass

from streams.batch import Partition
from streams.origin import source_of
from streams.ownership import Connection

#: As much of a record as is kept; Kafka has the rest until its retention ends. What is only held is kept whole.
KEPT_BYTES = 64 * 1024
#: Reason under which the records of a halted source are held.
HELD = "source-halted"

_INSERT = """
INSERT INTO ioc.unreadable (topic, topic_id, partition, "offset", reason, detail, bytes, size, source)
SELECT %s, %s, %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::bigint[], %s::text[])
ON CONFLICT (topic_id, partition, "offset") DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One record that was passed by.

    ``reason`` is one of a few words that can be counted: ``empty``, ``too-large``, ``not-json``,
    ``unknown-type``, ``invalid``, ``far-future``, ``far-past``, ``conflict``, ``unknown-unit``,
    ``unknown-device``, ``unstorable``; ``source-halted`` marks a record that nobody looked at.
    """

    offset: int
    reason: str
    detail: str
    value: bytes | None


async def store(
    connection: Connection, topic_id: str, partition: Partition, records: list[Unreadable]
) -> None:
    """Insert the records inside the caller's transaction."""
    if not records:
        return
    await connection.execute(
        _INSERT,
        (
            partition.topic,
            topic_id,
            partition.partition,
            [r.offset for r in records],
            [r.reason for r in records],
            # PostgreSQL text takes no NUL; what a hostile record put there is of no use to a reader
            [r.detail.replace("\x00", "\\0")[:2000] for r in records],
            [None if r.value is None else _kept(r.value, r.reason) for r in records],
            [0 if r.value is None else len(r.value) for r in records],
            [source_of(r.value) for r in records],
        ),
    )


def _kept(value: bytes, reason: str) -> bytes:
    return value if reason == HELD else value[:KEPT_BYTES]
