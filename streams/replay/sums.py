"""Sums of the dossier ledger and of devices' runs, held against the ledger and the runs themselves."""

from __future__ import annotations

from typing import Any, Final

from ioc.platform.day_ends import COUNTS, MIDNIGHTS
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
SELECT measure, {whose}, bucket, sum(delta)::int FROM told GROUP BY 1, 2, 3
"""
# A day's ranked amounts against those of its entries.
_RANKED: Final = """
WITH placed AS (
    SELECT s.series_id, s.unit_id, coalesce(z.zone, u.time_zone) AS zone
    FROM ioc.dossier_series s JOIN ioc.unit u USING (unit_id) LEFT JOIN ioc.rollup_zone z USING (unit_id)
    WHERE s.unit_id = ANY (%(units)s)
), told AS (
    SELECT p.unit_id, date_trunc('day', l.effective_at, p.zone) AS bucket, l.amount, l.delta::int AS n
    FROM ioc.dossier_ledger l JOIN placed p USING (series_id) WHERE l.measure = 9
    UNION ALL
    SELECT p.unit_id, date_trunc('day', w.effective_at, p.zone), w.amount, -w.delta
    FROM ioc.dossier_pending w JOIN placed p USING (series_id) WHERE w.measure = 9
), netted AS (
    SELECT unit_id, bucket, amount, sum(n) AS n FROM told GROUP BY 1, 2, 3
), right_ones AS (
    SELECT t.unit_id, t.bucket, coalesce(array_agg(t.amount ORDER BY t.amount) FILTER (WHERE t.n > 0), '{}') AS amounts,
           coalesce(array_agg(t.amount ORDER BY t.amount) FILTER (WHERE t.n < 0), '{}') AS taken
    FROM netted t CROSS JOIN LATERAL generate_series(1, abs(t.n)) GROUP BY 1, 2
)
SELECT unit_id, bucket, coalesce(r.amounts, '{}'), coalesce(r.taken, '{}'),
       (coalesce(r.amounts, '{}'), coalesce(r.taken, '{}'))
       IS DISTINCT FROM (coalesce(d.amounts, '{}'), coalesce(d.taken, '{}'))
FROM right_ones r
FULL JOIN (SELECT * FROM ioc.dossier_amount_day WHERE unit_id = ANY (%(units)s)) AS d USING (unit_id, bucket)
"""
_RANK: Final = """
INSERT INTO ioc.dossier_amount_day AS m (unit_id, bucket, amounts, taken) VALUES (%s, %s, %s, %s)
ON CONFLICT (unit_id, bucket) DO UPDATE SET amounts = excluded.amounts, taken = excluded.taken
"""
_CORRECT: Final = """
INSERT INTO ioc.{table} AS m (measure, {whose}, bucket, delta) VALUES (%s, %s, %s, %s)
ON CONFLICT (measure, {whose}, bucket) DO UPDATE SET delta = m.delta + excluded.delta
"""
# What the runs that ended say of each local day's end, less what the days and the runs that wait for them say.
_DAY_ENDS: Final = f"""
WITH told AS (
    SELECT r.unit_id, m.moment, r.state, r.flags, r.n
    FROM (SELECT unit_id, state, flags, started, ended, 1 AS n FROM ioc.device_run
          WHERE kind = %(kind)s AND state BETWEEN 1 AND 4 AND unit_id = ANY (%(units)s)
          UNION ALL
          SELECT unit_id, state, flags, started, ended, -n FROM ioc.device_run_pending
          WHERE kind = %(kind)s AND unit_id = ANY (%(units)s)) AS r
    JOIN (SELECT u.unit_id, coalesce(z.zone, u.time_zone) AS zone
          FROM ioc.unit u LEFT JOIN ioc.rollup_zone z USING (unit_id)) AS placed USING (unit_id)
    CROSS JOIN LATERAL ({MIDNIGHTS}) AS m
), sums AS (
    SELECT r.unit_id, r.moment, {COUNTS} FROM told r GROUP BY 1, 2
    UNION ALL
    SELECT unit_id, moment, -known, -down, -flag_1, -flag_2 FROM ioc.device_day_end
    WHERE kind = %(kind)s AND unit_id = ANY (%(units)s)
)
SELECT unit_id, moment, sum(known)::int, sum(down)::int, sum(flag_1)::int, sum(flag_2)::int FROM sums GROUP BY 1, 2
"""  # noqa: S608 - constants of ours
_DAY_END: Final = """
INSERT INTO ioc.device_day_end AS d (kind, unit_id, moment, known, down, flag_1, flag_2)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (kind, unit_id, moment) DO UPDATE SET known = d.known + excluded.known, down = d.down + excluded.down,
    flag_1 = d.flag_1 + excluded.flag_1, flag_2 = d.flag_2 + excluded.flag_2
"""


async def day_ends(
    connection: Connection, kind: int, name: str, *, repair: bool, progress: Progress
) -> Finding:
    """Hold counts of devices at the ends of days against the runs.

    :param kind: of device, 1 camera, 2 access point.
    :param name: of its topic, for people.
    """
    units = await _units(connection)
    checked = different = 0
    for place in range(0, len(units), _UNITS):
        named = {"units": units[place : place + _UNITS], "kind": kind}
        async with connection.transaction():
            if repair:
                await connection.execute("LOCK TABLE ioc.device_run_pending IN SHARE ROW EXCLUSIVE MODE")
            found: list[Any] = await (await connection.execute(_DAY_ENDS, named)).fetchall()
            wrong = [row for row in found if any(row[2:])]
            if repair:
                for row in wrong:
                    await connection.execute(_DAY_END, (kind, *row))
        checked += len(found)
        different += len(wrong)
        progress(f"day ends of {name}: {min(place + _UNITS, len(units))} of {len(units)} units")
    return Finding(f"day ends of {name}", checked, different)


async def _units(connection: Connection) -> list[int]:
    rows: list[Any] = await (
        await connection.execute("SELECT unit_id FROM ioc.unit ORDER BY unit_id")
    ).fetchall()
    return [number for (number,) in rows]


async def dossier_sums(connection: Connection, *, repair: bool, progress: Progress) -> Finding:
    """Hold every sum of every unit against the ledger.

    Each statement sees ledger, pending entries and sums at one moment; a repair keeps workers from adding to
    them for as long as it looks at some units.
    """
    units = await _units(connection)
    checked = different = 0
    for place in range(0, len(units), _UNITS):
        named = {"units": units[place : place + _UNITS]}
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
            ranked: list[Any] = await (await connection.execute(_RANKED, named)).fetchall()
            unlike = [row[:4] for row in ranked if row[4]]
            if repair:
                for row in unlike:
                    await connection.execute(_RANK, row)
            checked += len(ranked)
            different += len(unlike)
        progress(f"dossier sums: {min(place + _UNITS, len(units))} of {len(units)} units")
    return Finding("dossier sums", checked, different)
