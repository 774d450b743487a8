"""The platform's own indicators, sampled so that they have a history."""

from __future__ import annotations

import psycopg

_SAMPLE = """
INSERT INTO ioc.platform_sample (time, kpi, topic, value)
SELECT date_trunc('minute', now()), kpi, topic, value
FROM (
    SELECT 'platform.lag' AS kpi, topic, sum(greatest(log_end - next_offset, 0))::float8 AS value
    FROM ioc.partition_offset WHERE retired_at IS NULL GROUP BY topic
    UNION ALL
    SELECT 'platform.freshness', topic, greatest(extract(epoch FROM now() - max(watermark)), 0)::float8
    FROM ioc.partition_offset WHERE retired_at IS NULL AND watermark IS NOT NULL GROUP BY topic
) s
ON CONFLICT (kpi, topic, time) DO UPDATE SET value = excluded.value
"""
_LOG_ENDS = """
UPDATE ioc.partition_offset o SET log_end = n.log_end
FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS n (topic, partition, log_end)
WHERE o.topic = n.topic AND o.partition = n.partition AND o.retired_at IS NULL AND o.log_end < n.log_end
"""


def sample(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Keep this minute's value of each of the platform's indicators."""
    connection.execute(_SAMPLE)


def note_log_ends(
    connection: psycopg.Connection[tuple[object, ...]], ends: dict[tuple[str, int], int]
) -> None:
    """Write how far Kafka's logs reach, so that lag shows while no worker runs."""
    if ends:
        keys = sorted(ends)
        connection.execute(
            _LOG_ENDS, ([t for t, _ in keys], [p for _, p in keys], [ends[key] for key in keys])
        )
