"""What the platform's own indicators need from outside the database."""

from __future__ import annotations

import psycopg

_LOG_ENDS = """
UPDATE ioc.partition_offset o SET log_end = n.log_end
FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS n (topic, partition, log_end)
WHERE o.topic = n.topic AND o.partition = n.partition AND o.retired_at IS NULL AND o.log_end < n.log_end
"""


def note(connection: psycopg.Connection[tuple[object, ...]], ends: dict[tuple[str, int], int]) -> None:
    """Write how far Kafka's logs reach, so that lag shows while no worker runs."""
    if ends:
        keys = sorted(ends)
        connection.execute(
            _LOG_ENDS, ([t for t, _ in keys], [p for _, p in keys], [ends[key] for key in keys])
        )
