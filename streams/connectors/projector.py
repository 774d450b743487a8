"""Reports of connectors: the newest of each, and every change of state, whatever the order they come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ioc import topics
from ioc.events import ConnectorReported
from ioc.settings import Settings
from streams.batch import Batch
from streams.decode import BatchDecoder
from streams.ownership import Claim, Connection, Moved
from streams.registry import Registry
from streams.unreadable import Unreadable
from streams.work import Outcome

_ROWS = """unnest(%(name)s::text[], %(source)s::int[], %(time)s::timestamptz[], %(id)s::text[], %(state)s::text[],
    %(since)s::timestamptz[], %(reason)s::text[], %(sources)s::int[], %(failing)s::int[], %(failing_sources)s::jsonb[],
    %(spooled_events)s::bigint[], %(spooled_bytes)s::bigint[], %(oldest)s::float8[], %(interval)s::float8[],
    %(changed)s::boolean[])
    AS r (name, source_id, time, report_id, state, since, reason, sources, failing, failing_sources, spooled_events,
        spooled_bytes, oldest_spooled_s, interval_s, changed)"""
_STORED = """
SELECT name, source_id, time, report_id FROM ioc.connector WHERE name = ANY(%s) ORDER BY connector_id FOR UPDATE
"""
_NEWEST = f"""
INSERT INTO ioc.connector AS c (name, source_id, time, report_id, recorded_at, state, since, reason, sources, failing,
    failing_sources, spooled_events, spooled_bytes, oldest_spooled_s, interval_s)
SELECT DISTINCT ON (name, source_id) name, source_id, time, report_id, %(now)s, state, since, reason, sources, failing,
    failing_sources, spooled_events, spooled_bytes, oldest_spooled_s, interval_s
FROM {_ROWS} ORDER BY name, source_id, time DESC, report_id DESC
ON CONFLICT (name, source_id) DO UPDATE SET time = excluded.time, report_id = excluded.report_id,
    recorded_at = excluded.recorded_at, state = excluded.state, since = excluded.since, reason = excluded.reason,
    sources = excluded.sources, failing = excluded.failing, failing_sources = excluded.failing_sources,
    spooled_events = excluded.spooled_events, spooled_bytes = excluded.spooled_bytes,
    oldest_spooled_s = excluded.oldest_spooled_s, interval_s = excluded.interval_s
WHERE (excluded.time, excluded.report_id) > (c.time, c.report_id)
"""  # noqa: S608 - constants of ours
_CHANGES = f"""
INSERT INTO ioc.connector_change (connector_id, time, report_id, recorded_at, state, reason, sources, failing,
    spooled_events)
SELECT c.connector_id, r.time, r.report_id, %(now)s, r.state, r.reason, r.sources, r.failing, r.spooled_events
FROM {_ROWS} JOIN ioc.connector c USING (name, source_id) WHERE r.changed
ON CONFLICT DO NOTHING RETURNING report_id
"""  # noqa: S608 - constants of ours


@dataclass(slots=True)
class ConnectorWork:
    """A prepared batch of reports."""

    events: list[ConnectorReported]
    sources: dict[str, int]
    unreadable: list[Unreadable]
    #: Reports close no windows.
    watermark: datetime | None = None
    exclusive: bool = False

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        """Write states and changes inside the caller's transaction."""
        outcome = Outcome(unreadable=self.unreadable)
        if not self.events:
            return outcome
        names = sorted({event.subject for event in self.events})
        rows: list[Any] = await (await connection.execute(_STORED, (names,))).fetchall()
        stored = {(name, source): (time, report) for name, source, time, report in rows}
        given = self._columns() | {"now": moved.now}
        await connection.execute(_NEWEST, given)
        changes: list[Any] = await (await connection.execute(_CHANGES, given)).fetchall()
        kept = {report for (report,) in changes}
        for event in self.events:
            last = stored.get((event.subject, self.sources[event.source]))
            if last is None or (event.time, event.id) > last:
                kept.add(event.id)
        outcome.facts = len(kept)
        outcome.duplicates = len(self.events) - outcome.facts
        return outcome

    def _columns(self) -> dict[str, Any]:
        events = self.events
        return {
            "name": [e.subject for e in events],
            "source": [self.sources[e.source] for e in events],
            "time": [e.time for e in events],
            "id": [e.id for e in events],
            "state": [e.data.state.value for e in events],
            "since": [e.data.since for e in events],
            "reason": [e.data.reason for e in events],
            "sources": [e.data.sources for e in events],
            "failing": [e.data.failing for e in events],
            "failing_sources": [msgspec.json.encode(e.data.failing_sources).decode() for e in events],
            "spooled_events": [e.data.spooled_events for e in events],
            "spooled_bytes": [e.data.spooled_bytes for e in events],
            "oldest": [e.data.oldest_spooled_s for e in events],
            "interval": [e.data.interval_s for e in events],
            "changed": [e.data.changed for e in events],
        }


class ConnectorProjector:
    """Remembers nothing between batches."""

    careful = False

    def __init__(self, claim: Claim, registry: Registry, settings: Settings, careful: bool) -> None:  # noqa: ARG002
        self._registry = registry
        self._decoder: BatchDecoder[ConnectorReported] = BatchDecoder(
            topics.CONNECTORS, settings.future_tolerance_s
        )

    async def prepare(self, batch: Batch) -> ConnectorWork:
        """Decode a batch and look up the numbers of its sources."""
        decoded = self._decoder.decode(batch.records)
        sources = await self._registry.sources({e.source for e in decoded.events})
        return ConnectorWork(decoded.events, sources, decoded.bad)

    async def idle(self, connection: Connection) -> None:
        """Nothing is put off."""
