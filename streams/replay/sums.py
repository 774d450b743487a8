"""Sums of the dossier ledger, held against the ledger itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ioc.platform.dossier_sums import LEVELS
from streams.ownership import Connection
from streams.replay.finding import Finding, Progress

#: Units looked at in one statement.
_UNITS: Final = 20

# A cell's entries, less what its sum and what waits to be added to it say.
_DIFFERENCES: Final = """
WITH placed AS (
    SELECT s.series_id, s.unit_id, coalesce(z.zone, u.time_zone) AS zone
    FROM ioc.dossier_series s JOIN ioc.unit u USING (unit_id) LEFT JOIN ioc.rollup_zone z USING (unit_id)
    WHERE s.unit_id = ANY (%(units)s)
), told AS (
    SELECT l.measure, p.{whose}, date_trunc('{cell}', l.effective_at, p.zone) AS bucket, l.delta::int
    FROM ioc.dossier_ledger l JOIN placed p USING (series_id)
    UNION ALL
    SELECT w.measure, p.{whose}, date_trunc('{cell}', w.effective_at, p.zone), -w.delta
    FROM ioc.dossier_pending w JOIN placed p USING (series_id)
    UNION ALL
    SELECT measure, {whose}, bucket, -delta FROM ioc.{table}
    WHERE {whose} IN (SELECT {whose} FROM placed)
)
SELECT measure, {whose}, bucket, sum(delta)::int FROM told
WHERE bucket >= coalesce(%(since)s::timestamptz, '-infinity') GROUP BY 1, 2, 3
"""
_CORRECT: Final = """
INSERT INTO ioc.{table} AS m (measure, {whose}, bucket, delta) VALUES (%s, %s, %s, %s)
ON CONFLICT (measure, {whose}, bucket) DO UPDATE SET delta = m.delta + excluded.delta
"""


async def dossier_sums(connection: Connection, *, repair: bool, progress: Progress) -> Finding:
    """Hold every sum of every unit against the ledger.

    Each statement sees ledger, pending entries and sums at one moment; a repair keeps workers from adding to
    them for as long as it looks at some units.
    """
    rows: list[Any] = await (
        await connection.execute("SELECT unit_id FROM ioc.unit ORDER BY unit_id")
    ).fetchall()
    units = [number for (number,) in rows]
    kept: Any = await (
        await connection.execute("SELECT since FROM ioc.kept_from WHERE fact = 'dossier_ledger'")
    ).fetchone()
    since: datetime | None = None if kept is None else kept[0]
    checked = different = 0
    for place in range(0, len(units), _UNITS):
        named = {"units": units[place : place + _UNITS], "since": since}
        async with connection.transaction():
            if repair:
                await connection.execute("LOCK TABLE ioc.dossier_pending IN SHARE ROW EXCLUSIVE MODE")
            for table, whose, cell in LEVELS:
                names = {"table": table, "whose": whose, "cell": cell}
                found: list[Any] = await (
                    await connection.execute(_DIFFERENCES.format(**names).encode(), named)
                ).fetchall()
                wrong = [row for row in found if row[3]]
                if repair:
                    for row in wrong:
                        await connection.execute(_CORRECT.format(**names).encode(), row)
                checked += len(found)
                different += len(wrong)
        progress(f"dossier sums: {min(place + _UNITS, len(units))} of {len(units)} units")
    return Finding("dossier sums", checked, different)
