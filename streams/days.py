"""Counts facts by unit and local day, with the facts themselves: what provenance tells of a range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.batch import Partition
from streams.ownership import Connection, Moved

_ADD = """
INSERT INTO ioc.fact_day AS d (unit_id, day, topic, partition, facts, late, learned_at)
SELECT f.unit_id, (f.time AT TIME ZONE u.time_zone)::date, %(topic)s, %(partition)s, count(*),
    count(*) FILTER (WHERE f.time < %(closed)s), min(f.recorded_at)
FROM unnest(%(units)s::int[], %(times)s::timestamptz[], %(recorded)s::timestamptz[]) AS f (unit_id, time, recorded_at)
JOIN ioc.unit u USING (unit_id)
GROUP BY 1, 2
ON CONFLICT (unit_id, day, topic, partition) DO UPDATE SET
    facts = d.facts + excluded.facts, late = d.late + excluded.late,
    learned_at = least(d.learned_at, excluded.learned_at)
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A fact that is new: its unit, when it happened, when it was learned."""

    unit_id: int
    time: datetime
    recorded_at: datetime


def late(told: Sequence[Told], moved: Moved) -> Counter[int]:
    """Return how many of these facts came after their window had closed, by unit."""
    closed = moved.closed_until
    return Counter(fact.unit_id for fact in told if closed is not None and fact.time < closed)


async def add(connection: Connection, partition: Partition, moved: Moved, told: Sequence[Told]) -> None:
    """Add new facts to their days, inside the transaction that stores them; late are those of closed windows."""
    if told:
        await connection.execute(
            _ADD,
            {
                "topic": partition.topic,
                "partition": partition.partition,
                "closed": moved.closed_until,
                "units": [fact.unit_id for fact in told],
                "times": [fact.time for fact in told],
                "recorded": [fact.recorded_at for fact in told],
            },
        )
