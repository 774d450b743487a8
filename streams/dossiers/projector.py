"""Dossier facts, their projection and their ledger, one partition's share of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from ioc import topics
from ioc.dossiers.ledger import Entry, entries
from ioc.dossiers.reducer import Fact, FactData, reduce
from ioc.events import (
    DossierApologised,
    DossierApology,
    DossierMerge,
    DossierMerged,
    DossierPaid,
    DossierPayment,
    DossierProgress,
    DossierProgressed,
    DossierRated,
    DossierRating,
    DossierRecord,
    DossierRecorded,
    DossierSupplement,
    DossierSupplemented,
)
from ioc.settings import Settings
from streams import days
from streams.batch import Batch
from streams.days import Told, late
from streams.decode import EARLIEST, BatchDecoder
from streams.dossiers import watching, writing
from streams.dossiers.erased import Erased
from streams.dossiers.reduced import Reduced
from streams.ownership import Claim, Connection, Moved
from streams.registry import Registry, Unit
from streams.unreadable import Unreadable
from streams.work import Outcome

KINDS: Final[dict[type, int]] = {
    DossierRecorded: 1,
    DossierProgressed: 2,
    DossierApologised: 3,
    DossierRated: 4,
    DossierPaid: 5,
    DossierSupplemented: 6,
    DossierMerged: 7,
}
_BODIES: Final[dict[int, Any]] = {
    1: DossierRecord,
    2: DossierProgress,
    3: DossierApology,
    4: DossierRating,
    5: DossierPayment,
    6: DossierSupplement,
    7: DossierMerge,
}

#: Moments that can't lie after the fact that tells them, and those that may.
_PAST: Final = ("submitted_at", "received_at", "rejected_at", "completed_at", "returned_at", "withdrawn_at")
_DUE: Final = ("due_at", "old_due_at", "new_due_at")

#: Due dates further ahead are mistakes.
_DUE_AHEAD = timedelta(days=50 * 366)


@dataclass(slots=True)
class DossierWork:
    """A prepared batch of dossier facts."""

    projector: DossierProjector
    events: list[Any]
    units: dict[str, Unit]
    sources: dict[str, int]
    unreadable: list[Unreadable]
    watermark: datetime | None
    exclusive: bool = False

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        return await self.projector.store(connection, moved, self)


class DossierProjector:
    """Remembers nothing between batches: a dossier's state is reduced anew from its facts."""

    careful = False

    def __init__(self, claim: Claim, registry: Registry, settings: Settings, careful: bool) -> None:  # noqa: ARG002
        self._partition = claim.partition
        self._registry = registry
        self._tolerance = timedelta(seconds=settings.future_tolerance_s)
        self._decoder: BatchDecoder[Any] = BatchDecoder(topics.DOSSIERS, settings.future_tolerance_s)
        self._erased = Erased(settings)

    async def prepare(self, batch: Batch) -> DossierWork:
        """Decode a batch and look up the numbers of its units and sources."""
        decoded = self._decoder.decode(batch.records)
        bad = decoded.bad
        units = await self._registry.units({e.data.unit for e in decoded.events}, fresh=True)
        values = batch.by_offset()
        kept: list[Any] = []
        for offset, event in zip(decoded.offsets, decoded.events, strict=True):
            fault = self._fault(event, units)
            if fault is None:
                kept.append(event)
            else:
                bad.append(Unreadable(offset, *fault, values[offset]))
        sources = await self._registry.sources({e.source for e in kept})
        return DossierWork(
            projector=self,
            events=kept,
            units=units,
            sources=sources,
            unreadable=bad,
            watermark=max((e.time for e in kept), default=None),
        )

    def _fault(self, event: Any, units: dict[str, Unit]) -> tuple[str, str] | None:
        data = event.data
        if data.unit not in units:
            return "unknown-unit", f"unit {data.unit!r} is in no pack, and too many are not"
        latest = event.time + self._tolerance
        for name in _PAST:
            at = getattr(data, name, None)
            if at is not None and not EARLIEST <= at <= latest:
                return "invalid", f"data.{name} {at.isoformat()} is not between 1990 and the event's time"
        for name in _DUE:
            due = getattr(data, name, None)
            if due is not None and not EARLIEST <= due <= event.time + _DUE_AHEAD:
                return "invalid", f"data.{name} {due.isoformat()} is not a due date"
        if isinstance(data, DossierMerge) and data.into == event.subject:
            return "invalid", "data.into is the dossier's own code"
        return None

    async def store(self, connection: Connection, moved: Moved, work: DossierWork) -> Outcome:
        """Write a prepared batch inside the caller's transaction."""
        outcome = Outcome(unreadable=work.unreadable)
        if not work.events:
            return outcome
        await self._erased.follow(connection, moved.erasures)
        events = await self._erased.without(connection, work.events, moved.now)
        outcome.erased = len(work.events) - len(events)
        if not events:
            return outcome
        first_units = {e.subject: work.units[e.data.unit].unit_id for e in events}
        dossiers = await writing.ensure_dossiers(connection, first_units)
        # of two with one id in a batch the first counts, as it does between batches
        facts: dict[writing.FactKey, Any] = {}
        for event in events:
            key = writing.FactKey(dossiers[event.subject], work.sources[event.source], event.id)
            facts.setdefault(key, event)
        inserted = await writing.insert_facts(
            connection,
            [
                writing.FactRow(
                    key=key,
                    time=e.time,
                    sequence=e.sequence,
                    kind=KINDS[type(e)],
                    recorded_at=_learned(e, moved),
                    body=msgspec.json.encode(e.data).decode(),
                )
                for key, e in facts.items()
            ],
        )
        outcome.facts = len(inserted)
        outcome.duplicates = len(events) - outcome.facts
        told = [
            Told(work.units[facts[key].data.unit].unit_id, facts[key].time, _learned(facts[key], moved))
            for key in inserted
        ]
        outcome.late = late(told, moved)
        await days.add(connection, self._partition, moved, told)
        await writing.add_aliases(connection, set(_aliases(facts[key] for key in inserted)))
        reduced = await reduce_all(connection, self._registry, sorted({key.dossier_id for key in inserted}))
        await write(connection, reduced)
        rules = await self._registry.rules()
        codes = {number: code for code, number in dossiers.items()}
        await watching.observe(connection, rules, reduced, codes, moved.now)
        return outcome

    async def idle(self, connection: Connection) -> None:
        """Nothing is put off."""


def _learned(event: Any, moved: Moved) -> datetime:
    """When a fact was learned; never in the future."""
    learned: datetime = min(event.recordedat or moved.now, moved.now)
    return learned


def _aliases(events: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Each other code of a dossier that the events tell, with the code that counts."""
    for event in events:
        if isinstance(event, DossierRecorded):
            yield from ((alias, event.subject) for alias in event.data.aliases if alias != event.subject)
        elif isinstance(event, DossierMerged) and event.data.into is not None:
            yield event.subject, event.data.into


class Changes(NamedTuple):
    """What a rebuild wrote; zeros prove that nothing differed."""

    entries: int
    """Ledger entries that were added or taken away."""
    projections: int


async def rebuild(connection: Connection, registry: Registry, dossier_ids: Sequence[int]) -> Changes:
    """Reduce dossiers anew from their facts; write what differs of projection and ledger."""
    return await write(connection, await reduce_all(connection, registry, dossier_ids))


async def reduce_all(connection: Connection, registry: Registry, dossier_ids: Sequence[int]) -> Reduced:
    """Reduce dossiers anew from all their facts."""
    if not dossier_ids:
        return Reduced({}, {}, {})
    facts = await load_facts(connection, dossier_ids)
    units = await registry.units({f.data.unit for known in facts.values() for f in known})
    return Reduced(facts, {i: reduce(known) for i, known in facts.items()}, units)


async def write(connection: Connection, reduced: Reduced) -> Changes:
    """Write what differs of projection and ledger."""
    facts, units = reduced.facts, reduced.units
    if not facts:
        return Changes(0, 0)
    stored = await writing.load_ledger(connection, sorted(facts))
    wanted: dict[int, Counter[Entry]] = {
        i: Counter(_unit_entries(entries(known, reduced.calendar_of))) for i, known in facts.items()
    }
    series = await writing.ensure_series(
        connection,
        {entry.series for counted in wanted.values() for entry in counted},
        {code: unit.unit_id for code, unit in units.items()},
    )
    rows: dict[int, Counter[writing.LedgerRow]] = {
        i: Counter(
            {
                writing.LedgerRow(
                    series[e.series], int(e.measure), e.amount, e.delta, e.effective_at, e.recorded_at
                ): n
                for e, n in counted.items()
            }
        )
        for i, counted in wanted.items()
    }
    return Changes(
        entries=await writing.store_ledger(connection, rows, stored),
        projections=await writing.store_dossiers(
            connection, reduced.dossiers, {code: unit.unit_id for code, unit in units.items()}, facts
        ),
    )


def _unit_entries(ledger: list[Entry]) -> list[Entry]:
    """Split entries of more than one into entries of one, as the table keeps them."""
    return [e._replace(delta=1 if e.delta > 0 else -1) for e in ledger for _ in range(abs(e.delta))]


async def load_facts(connection: Connection, dossier_ids: Sequence[int]) -> dict[int, list[Fact]]:
    """Return all facts of these dossiers."""
    rows: list[Any] = await (
        await connection.execute(
            "SELECT dossier_id, time, sequence, id, f.recorded_at, kind, body::text, name"
            " FROM ioc.dossier_fact f JOIN ioc.source USING (source_id) WHERE dossier_id = ANY(%s)",
            (list(dossier_ids),),
        )
    ).fetchall()
    found: dict[int, list[Fact]] = defaultdict(list)
    for dossier_id, time, sequence, fact_id, recorded_at, kind, body, source in rows:
        data: FactData = msgspec.json.decode(body, type=_BODIES[kind])
        found[dossier_id].append(Fact(time, sequence, fact_id, recorded_at, data, source))
    return dict(found)
