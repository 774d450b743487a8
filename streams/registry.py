"""Numbers for names: units, sources and devices as the database knows them.

What a fact names and no pack describes is entered as undeclared, so that it is counted and listed for the
administrator instead of lost; there is a limit to that, against a source gone wild.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from psycopg_pool import AsyncConnectionPool

from ioc.alerts.book import RuleBook
from ioc.alerts.loading import Keeper
from ioc.district.worktime import WorkCalendar, stored_calendar
from ioc.kpi import steps
from streams.ownership import Connection

#: Most undeclared units; facts of further ones are unreadable until the pack names them.
UNDECLARED_UNITS = 1000
#: Most undeclared devices; a worker remembers each of its own, some hundred bytes.
UNDECLARED_DEVICES = 250_000
#: Seconds between two looks whether rules of alerts changed.
_RULES_S = 2.0


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as facts need it."""

    unit_id: int
    calendar: WorkCalendar
    """The district's working time in the unit's own zone; outside the district, weekdays without holidays."""

    @property
    def zone(self) -> ZoneInfo:
        return self.calendar.zone


# What no pack describes is taken for a part of the district.
_UNITS = """
WITH RECURSIVE tree AS (
    SELECT root_unit AS code FROM ioc.district
    UNION SELECT u.code FROM ioc.unit u JOIN tree ON u.parent_code = tree.code
)
SELECT u.code, u.unit_id, u.time_zone,
       CASE WHEN NOT u.declared OR u.code IN (SELECT code FROM tree)
            THEN (SELECT working_time::text FROM ioc.district) END
FROM ioc.unit u WHERE u.code = ANY(%s)
"""
_NEW_UNITS = """
INSERT INTO ioc.unit (code, name_vi, name_en, kind, time_zone, declared)
SELECT code, code, code, 'undeclared',
       coalesce((SELECT time_zone FROM ioc.district), 'Asia/Ho_Chi_Minh'), false
FROM unnest(%s::text[]) AS code
LIMIT greatest(0, %s - (SELECT count(*) FROM ioc.unit WHERE NOT declared))
ON CONFLICT (code) DO NOTHING
"""
_SOURCES = "SELECT name, source_id FROM ioc.source WHERE name = ANY(%s)"
_NEW_SOURCES = "INSERT INTO ioc.source (name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING"
_NEW_DEVICES = """
INSERT INTO ioc.device (code, kind, unit_id, interval_s, declared)
SELECT code, %s, unit_id, interval_s, false
FROM unnest(%s::text[], %s::int[], %s::float8[]) AS found (code, unit_id, interval_s)
LIMIT greatest(0, %s - (SELECT count(*) FROM ioc.device WHERE NOT declared))
ON CONFLICT (code) DO NOTHING
"""


class Registry:
    """Look-ups shared by all partitions of a worker; entries are remembered, at most ``limit`` of a kind."""

    def __init__(self, pool: AsyncConnectionPool[Connection], limit: int = 100_000) -> None:
        self.pool = pool
        self._limit = limit
        self._units: dict[str, Unit] = {}
        self._sources: dict[str, int] = {}
        self._rules = Keeper()
        self._rules_seen = -_RULES_S

    async def rules(self) -> RuleBook:
        """Return the rules of alerts in force, some seconds old at most."""
        book = self._rules.book
        if book is None or time.monotonic() - self._rules_seen >= _RULES_S:
            # set first, so that other partitions go on with what is known meanwhile
            self._rules_seen = time.monotonic()
            async with self.pool.connection() as connection:
                book = await steps.run_async(connection, self._rules.newest())
        return book

    async def units(self, codes: Iterable[str], *, fresh: bool = False) -> dict[str, Unit]:
        """Return the units of these codes, entering new ones as undeclared.

        :param fresh: ask the database again, since time zones of a unit may have been corrected.
        :returns: a mapping that lacks the codes for which there was no more room.
        """
        wanted = set(codes)
        # what is returned is kept here: while one partition waits for the database another may clear the memory
        known = {} if fresh else {code: self._units[code] for code in wanted if code in self._units}
        unknown = wanted - known.keys()
        if unknown:
            if len(self._units) > self._limit:
                self._units.clear()
            found = await self._load_units(unknown)
            missing = sorted(unknown - found.keys())
            if missing:
                async with self.pool.connection() as connection:
                    await connection.execute(_NEW_UNITS, (missing, UNDECLARED_UNITS))
                found |= await self._load_units(missing)
            self._units |= found
            known |= found
        return known

    async def _load_units(self, codes: Iterable[str]) -> dict[str, Unit]:
        async with self.pool.connection() as connection:
            rows = await (await connection.execute(_UNITS, (list(codes),))).fetchall()
        return {
            str(c): Unit(int(str(i)), stored_calendar(str(z), None if t is None else str(t)))
            for c, i, z, t in rows
        }

    async def sources(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of these sources, entering new ones."""
        wanted = set(names)
        # what is returned is kept here: while one partition waits for the database another may clear the memory
        known = {name: self._sources[name] for name in wanted if name in self._sources}
        unknown = sorted(wanted - known.keys())
        if unknown:
            if len(self._sources) > self._limit:
                self._sources.clear()
            async with self.pool.connection() as connection:
                await connection.execute(_NEW_SOURCES, (unknown,))
                rows = await (await connection.execute(_SOURCES, (unknown,))).fetchall()
            found = {str(name): int(str(number)) for name, number in rows}
            self._sources |= found
            known |= found
        return known

    @staticmethod
    async def add_devices(connection: Connection, kind: int, found: dict[str, tuple[int, float]]) -> None:
        """Enter devices that no pack describes, as long as there is room: code to (unit, probe interval in seconds)."""
        codes = sorted(found)
        await connection.execute(
            _NEW_DEVICES,
            (
                kind,
                codes,
                [found[c][0] for c in codes],
                [found[c][1] for c in codes],
                UNDECLARED_DEVICES,
            ),
        )
