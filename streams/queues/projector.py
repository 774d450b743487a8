"""Ticket facts and one row a ticket. Moments of a ticket are the earliest of their kind, whatever the order.

A number that is given twice in a day is two tickets: see ``ioc.ticket_rounds``. What facts make of a ticket is said
once, in ``ioc.ticket_states``, which answers for any earlier moment too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import msgspec

from ioc import topics
from ioc.events import (
    TicketCalled,
    TicketCancelled,
    TicketCompleted,
    TicketIssued,
    TicketNoShow,
    TicketRecalled,
    TicketStarted,
    TicketTransferred,
)
from ioc.settings import Settings
from streams import days
from streams.batch import Batch, Partition
from streams.days import Told, late
from streams.decode import BatchDecoder
from streams.ownership import Claim, Connection, Moved
from streams.registry import Registry, Unit
from streams.unreadable import Unreadable
from streams.work import Outcome

KINDS: Final[dict[type, int]] = {
    TicketIssued: 1,
    TicketCalled: 2,
    TicketRecalled: 3,
    TicketStarted: 4,
    TicketCompleted: 5,
    TicketNoShow: 6,
    TicketTransferred: 7,
    TicketCancelled: 8,
}

_TICKETS = """
INSERT INTO ioc.ticket (kiosk, date, number, unit_id)
SELECT DISTINCT ON (kiosk, date, number) * FROM unnest(%s::text[], %s::date[], %s::text[], %s::int[])
    AS n (kiosk, date, number, unit_id)
ORDER BY kiosk, date, number
ON CONFLICT (kiosk, date, number, round) DO NOTHING
"""
_FIND = """
SELECT t.kiosk, t.date, t.number, t.ticket_id FROM ioc.ticket t
JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::date[], %s::text[]) AS n (kiosk, date, number)) n
    USING (kiosk, date, number)
WHERE t.round = 1
ORDER BY t.ticket_id FOR UPDATE OF t
"""
_FACTS = """
INSERT INTO ioc.ticket_fact (ticket_id, source_id, id, time, sequence, kind, recorded_at, body)
SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::timestamptz[], %s::text[], %s::smallint[],
    %s::timestamptz[], %s::jsonb[])
ON CONFLICT DO NOTHING RETURNING ticket_id, source_id, id
"""
_NUMBERS = "SELECT DISTINCT coalesce(first_id, ticket_id) FROM ioc.ticket WHERE ticket_id = ANY(%s)"
_OPEN = """
INSERT INTO ioc.ticket (kiosk, date, number, unit_id, round, first_id)
SELECT t.kiosk, t.date, t.number, t.unit_id, r.round, t.ticket_id
FROM (SELECT DISTINCT ticket_id, round FROM ioc.ticket_rounds(%s) WHERE round > 1) r JOIN ioc.ticket t USING (ticket_id)
ON CONFLICT (kiosk, date, number, round) DO NOTHING
"""
_CLOSE = """
DELETE FROM ioc.ticket t
WHERE t.first_id = ANY(%(numbers)s)
  AND NOT EXISTS (SELECT FROM ioc.ticket_rounds(%(numbers)s) r WHERE r.ticket_id = t.first_id AND r.round = t.round)
"""
# Computed from the facts, so that order and repetition don't matter.
_PROJECT = """
UPDATE ioc.ticket t SET
    unit_id = f.unit_id, issued_at = f.issued_at, called_at = f.called_at, started_at = f.started_at,
    completed_at = f.completed_at, no_show_at = f.no_show_at, cancelled_at = f.cancelled_at, recalls = f.recalls,
    service = f.service, counter = f.counter
FROM (
    SELECT k.ticket_id, coalesce((SELECT u.unit_id FROM ioc.unit u WHERE u.code = n.unit), k.unit_id) AS unit_id,
        n.issued_at, n.called_at, n.started_at, n.completed_at, n.no_show_at, n.cancelled_at, n.recalls, n.service,
        n.counter
    FROM ioc.ticket_states(%s) n
    JOIN ioc.ticket a ON a.ticket_id = n.ticket_id
    JOIN ioc.ticket k ON (k.kiosk, k.date, k.number, k.round) = (a.kiosk, a.date, a.number, n.round)
) f
WHERE t.ticket_id = f.ticket_id
  AND (t.unit_id, t.issued_at, t.called_at, t.started_at, t.completed_at, t.no_show_at, t.cancelled_at, t.recalls,
       t.service, t.counter)
      IS DISTINCT FROM
      (f.unit_id, f.issued_at, f.called_at, f.started_at, f.completed_at, f.no_show_at, f.cancelled_at, f.recalls,
       f.service, f.counter)
"""


async def project(connection: Connection, ticket_ids: Sequence[int]) -> int:
    """Compute tickets, and all of the same number and day, anew from their facts.

    :returns: how many differed from what was stored.
    """
    rows: list[Any] = await (await connection.execute(_NUMBERS, (list(ticket_ids),))).fetchall()
    numbers = [number for (number,) in rows]
    await connection.execute(_OPEN, (numbers,))
    changed = (await connection.execute(_PROJECT, (numbers,))).rowcount
    return changed + (await connection.execute(_CLOSE, {"numbers": numbers})).rowcount


@dataclass(slots=True)
class QueueWork:
    """A prepared batch of ticket facts."""

    events: list[Any]
    units: dict[str, Unit]
    sources: dict[str, int]
    unreadable: list[Unreadable]
    watermark: datetime | None
    partition: Partition
    exclusive: bool = False

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        """Write facts and tickets inside the caller's transaction."""
        outcome = Outcome(unreadable=self.unreadable)
        if not self.events:
            return outcome
        keys = [(e.data.kiosk, date.fromisoformat(e.data.date), e.data.number) for e in self.events]
        kiosks, dates, numbers = map(list, zip(*keys, strict=True))
        units = [self.units[e.data.unit].unit_id for e in self.events]
        await connection.execute(_TICKETS, (kiosks, dates, numbers, units))
        rows: list[Any] = await (await connection.execute(_FIND, (kiosks, dates, numbers))).fetchall()
        tickets = {(kiosk, day, number): i for kiosk, day, number, i in rows}
        # of two with one id in a batch the first counts, as it does between batches
        facts: dict[tuple[int, int, str], Any] = {}
        for event, key in zip(self.events, keys, strict=True):
            facts.setdefault((tickets[key], self.sources[event.source], event.id), event)
        recorded = {row: min(e.recordedat or moved.now, moved.now) for row, e in facts.items()}
        cursor = await connection.execute(
            _FACTS,
            (
                [ticket for ticket, _, _ in facts],
                [source for _, source, _ in facts],
                [fact_id for _, _, fact_id in facts],
                [e.time for e in facts.values()],
                [e.sequence for e in facts.values()],
                [KINDS[type(e)] for e in facts.values()],
                list(recorded.values()),
                [msgspec.json.encode(e.data).decode() for e in facts.values()],
            ),
        )
        inserted: list[Any] = await cursor.fetchall()
        touched = {row[0] for row in inserted}
        outcome.facts = len(inserted)
        outcome.duplicates = len(self.events) - outcome.facts
        told = [
            Told(self.units[facts[row].data.unit].unit_id, facts[row].time, recorded[row]) for row in inserted
        ]
        outcome.late = late(told, moved)
        await days.add(connection, self.partition, moved, told)
        if touched:
            await project(connection, sorted(touched))
        return outcome


class QueueProjector:
    """Remembers nothing between batches."""

    careful = False

    def __init__(self, claim: Claim, registry: Registry, settings: Settings, careful: bool) -> None:  # noqa: ARG002
        self._partition = claim.partition
        self._registry = registry
        self._decoder: BatchDecoder[Any] = BatchDecoder(topics.QUEUES, settings.future_tolerance_s)

    async def prepare(self, batch: Batch) -> QueueWork:
        """Decode a batch and look up the numbers of its units and sources."""
        decoded = self._decoder.decode(batch.records)
        bad = decoded.bad
        units = await self._registry.units({e.data.unit for e in decoded.events})
        values = batch.by_offset()
        kept: list[Any] = []
        for offset, event in zip(decoded.offsets, decoded.events, strict=True):
            if event.data.unit not in units:
                bad.append(
                    Unreadable(
                        offset, "unknown-unit", f"unit {event.data.unit!r} is in no pack", values[offset]
                    )
                )
            elif not _is_date(event.data.date):
                bad.append(
                    Unreadable(offset, "invalid", f"data.date {event.data.date!r} is no date", values[offset])
                )
            else:
                kept.append(event)
        sources = await self._registry.sources({e.source for e in kept})
        newest = max((e.time for e in kept), default=None)
        return QueueWork(kept, units, sources, bad, newest, self._partition)

    async def idle(self, connection: Connection) -> None:
        """Nothing is put off."""


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
