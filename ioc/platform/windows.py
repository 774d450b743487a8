"""Closing of windows on committed data.

A topic's watermark is the lowest of its partitions' watermarks (newest fact time, moved on by recorded
silences). Windows that end at or before the watermark less the grace are closed: their partials are folded
into one row, and facts that still come for them are counted as late, and applied.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from ioc.platform import rollups

#: One evaluator at a time on a database.
EVALUATOR_LOCK = 0x696F6302

_WATERMARKS = """
SELECT topic, min(watermark) FROM ioc.partition_offset
WHERE retired_at IS NULL GROUP BY topic HAVING bool_and(watermark IS NOT NULL)
"""
_CLOSE = """
INSERT INTO ioc.window_close AS w (topic, closed_until) VALUES (%s, %s)
ON CONFLICT (topic) DO UPDATE SET closed_until = greatest(w.closed_until, excluded.closed_until), updated_at = now()
WHERE excluded.closed_until > w.closed_until
"""
_LATE = """
UPDATE ioc.window_close w SET late_facts = c.facts
FROM (SELECT topic, sum(facts) AS facts FROM ioc.late_count GROUP BY topic) c
WHERE c.topic = w.topic AND w.late_facts <> c.facts
"""

Connection = psycopg.Connection[tuple[object, ...]]


def closing_time(watermark: datetime, grace_s: float) -> datetime:
    """Return until when windows are closed: the last whole minute at or before the watermark less the grace."""
    at = (watermark - timedelta(seconds=grace_s)).astimezone(UTC)
    return at.replace(second=0, microsecond=0)


def close(connection: Connection, grace_s: float, kinds: dict[str, int]) -> dict[str, datetime]:
    """Close what may close, and fold it; each topic in a transaction of its own.

    :param kinds: device kind by topic name, for the topics whose partials are folded.
    :returns: topics whose windows moved on, with the time until which they are closed now.
    """
    moved: dict[str, datetime] = {}
    for topic, watermark in connection.execute(_WATERMARKS).fetchall():
        if not isinstance(topic, str) or not isinstance(watermark, datetime):
            continue
        until = closing_time(watermark, grace_s)
        with connection.transaction():
            if connection.execute(_CLOSE, (topic, until)).rowcount:
                moved[topic] = until
                if topic in kinds:
                    rollups.fold(connection, kinds[topic], until)
    connection.execute(_LATE)
    return moved
