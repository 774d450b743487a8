"""Folding: partials of closed minutes become one row a unit, and are added to every coarser roll-up at once.

What is folded is exactly what a transaction takes out of the partials, so that roll-ups are sums of deltas: late
facts are one more delta, a kill in between leaves either all of it or none, and no range has to be computed again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import psycopg

from ioc.storage.device_minutes import ADD_UP

Connection = psycopg.Connection[Any]

_SUMS: Final = (
    "up_ms",
    "degraded_ms",
    "down_ms",
    "maintenance_ms",
    "client_ms",
    "client_known_ms",
    "samples",
    "late",
)

#: Table, the cell that a minute lies in, and how many minutes a cell may have; 0 where minutes are not marked.
_LEVELS: Final = (
    ("device_quarter", "date_bin('15 minutes', {0}, '2000-01-01 00:00+00')", 15),
    ("device_hour", "date_trunc('hour', {0}, 'UTC')", 60),
    # a day may have 25 hours
    ("device_day", "date_trunc('day', {0}, zone)", 1500),
    ("device_month", "date_trunc('month', {0}, zone)", 0),
)

#: Each unit's zone, as it is when something of it is rolled up for the first time.
ENSURE_ZONES: Final = """
INSERT INTO ioc.rollup_zone (unit_id, zone)
SELECT u.unit_id, u.time_zone FROM ioc.unit u
WHERE NOT EXISTS (SELECT FROM ioc.rollup_zone z WHERE z.unit_id = u.unit_id)
"""


def _level(table: str, cell: str, width: int) -> str:
    sums = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
    names = ", ".join(_SUMS)
    added = ", ".join(f"{name} = m.{name} + excluded.{name}" for name in _SUMS)
    bits = "NULL::varbit"
    join = ""
    if width:
        # Bits of the minutes that were touched are set anew, those of the others stay. Where the minutes themselves
        # are gone already, what is known of one can't be told: it is only ever added.
        zeros = f"repeat('0', {width})::varbit"
        at = "(extract(epoch FROM bucket - cell) / 60)::int"
        join = f"""
    LEFT JOIN (
        SELECT unit_id, cell, bit_or(set_bit({zeros}, {at}, 1)) AS mask,
               bit_or(set_bit({zeros}, {at}, reported::int)) AS marks
        FROM (SELECT *, {cell.format("bucket")} AS cell FROM minute JOIN ioc.rollup_zone USING (unit_id)) AS found
        WHERE reported OR bucket >= (SELECT since FROM kept)
        GROUP BY 1, 2
    ) AS b USING (unit_id, cell)
    LEFT JOIN ioc.{table} AS old ON old.kind = %(kind)s AND old.unit_id = d.unit_id
        AND old.bucket = d.cell"""  # noqa: S608 - names of ours
        bits = (
            "CASE WHEN %(kind)s = 2 THEN"
            f" (coalesce(old.reported, {zeros}) & ~coalesce(b.mask, {zeros})) | coalesce(b.marks, {zeros}) END"
        )
    return f"""
{table} AS (
    INSERT INTO ioc.{table} AS m (kind, unit_id, bucket, {names}, client_max, reported)
    SELECT %(kind)s, d.unit_id, d.cell, {", ".join(f"d.{name}" for name in _SUMS)}, d.client_max, {bits}
    FROM (
        SELECT unit_id, {cell.format("bucket")} AS cell, {sums}, max(client_max) AS client_max
        FROM closed JOIN ioc.rollup_zone USING (unit_id) GROUP BY 1, 2
    ) AS d{join}
    ON CONFLICT (kind, unit_id, bucket) DO UPDATE SET {added},
        client_max = greatest(m.client_max, excluded.client_max), reported = excluded.reported
)"""  # noqa: S608 - names of ours


_FOLD = f"""
WITH kept AS (
    SELECT coalesce(max(since), '-infinity') AS since FROM ioc.kept_from WHERE fact = 'device_minute'
), closed AS MATERIALIZED (
    DELETE FROM ioc.device_minute WHERE kind = %(kind)s AND part >= 0 AND bucket < %(until)s RETURNING *
), minute AS (
    INSERT INTO ioc.device_minute AS m (kind, unit_id, bucket, part, {", ".join(_SUMS)}, client_max)
    SELECT kind, unit_id, bucket, -1, {", ".join(f"sum({name})" for name in _SUMS)}, max(client_max)
    FROM closed GROUP BY kind, unit_id, bucket ORDER BY unit_id, bucket
    {ADD_UP} RETURNING m.unit_id, m.bucket, m.client_known_ms > 0 AS reported
),{",".join(_level(*level) for level in _LEVELS)},
dirty AS (
    -- a sample may hold beyond its hour, and what it changes there may cancel out in the unit's sums
    INSERT INTO ioc.sample_dirty (kind, hour, unit_id)
    SELECT DISTINCT %(kind)s, date_trunc('hour', bucket + shift, 'UTC'), unit_id
    FROM closed CROSS JOIN (VALUES (interval '0'), (interval '15 minutes')) AS s (shift)
    WHERE shift = '0' OR samples > 0
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM minute
"""  # noqa: S608 - names of ours


def fold(connection: Connection, kind: int, until: datetime) -> int:
    """Fold partials of minutes before ``until`` inside the caller's transaction.

    :param kind: of device, 1 camera, 2 access point.
    :returns: how many minutes of units were touched.
    """
    connection.execute(ENSURE_ZONES)
    row = connection.execute(_FOLD, {"kind": kind, "until": until}).fetchone()
    return 0 if row is None else int(row[0])
