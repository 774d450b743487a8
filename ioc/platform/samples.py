"""Sums of samples per device and hour, and per device and day, made from the samples once their hour is closed.

Folding notes which hours of which units moved (:mod:`ioc.platform.rollups`); these are made again as a whole, so that
late samples need no case of their own and a second run changes nothing. Each hour and each day is a transaction.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import psycopg

Connection = psycopg.Connection[Any]

#: Hours made anew in one call, so that windows keep closing while there is much to do.
_HOURS: Final = 20

_CLOSED = "SELECT date_trunc('hour', closed_until, 'UTC') FROM ioc.window_close WHERE topic = %s"
_DUE = """
SELECT hour, array_agg(unit_id ORDER BY unit_id) FROM ioc.sample_dirty
WHERE kind = %s AND hour < %s GROUP BY hour ORDER BY hour LIMIT %s
"""
_TAKE = "DELETE FROM ioc.sample_dirty WHERE kind = %(kind)s AND hour = %(hour)s"
# What lies so far back that its samples are gone stays as it was rolled up.
_FORGET = "DELETE FROM ioc.sample_dirty WHERE kind = %s AND hour < (SELECT since FROM ioc.kept_from WHERE fact = %s)"
# Hours before it are all made; those that wait for the first time hold it back, late ones do not.
_PROGRESS = """
INSERT INTO ioc.sample_progress AS p (kind, until)
SELECT %(kind)s, least(%(closed)s, (
    SELECT min(d.hour) FROM ioc.sample_dirty d
    WHERE d.kind = %(kind)s
      AND NOT EXISTS (SELECT FROM ioc.sample_progress q WHERE q.kind = d.kind AND q.until > d.hour)))
ON CONFLICT (kind) DO UPDATE SET until = greatest(p.until, excluded.until) WHERE excluded.until > p.until
"""

_SUMS: Final = {
    "samples": "sum(samples)::bigint",
    "client_ms": "sum(client_ms)::bigint",
    "client_known_ms": "sum(client_known_ms)::bigint",
    "client_max": "max(client_max)",
    "loss_sum": "sum(loss_sum)",
    "loss_known": "sum(loss_known)::bigint",
    "internet_ok": "sum(internet_ok)::bigint",
    "internet_known": "sum(internet_known)::bigint",
    "rx_bytes": "sum(rx_bytes)",
    "tx_bytes": "sum(tx_bytes)",
}
_COLUMNS: Final = (
    f"kind, unit_id, device_id, bucket, {', '.join(_SUMS)}, rtt_bins, rtt_counts, offset_s, offset_at"
)


def _merged(device: str, cell: str, rows: str) -> str:
    """Rows of a roll-up, made of finer ones: per unit, ``device`` and ``cell``."""
    totals = ", ".join(f"{total} AS {name}" for name, total in _SUMS.items())
    return f"""
SELECT %(kind)s, s.unit_id, s.device_id, s.cell, {", ".join(f"s.{name}" for name in _SUMS)},
    coalesce(b.bins, '{{}}'), coalesce(b.counts, '{{}}'), s.offset_s, s.offset_at
FROM (
    SELECT unit_id, {device} AS device_id, {cell} AS cell, {totals},
        -- one clock can be told, not those of a whole unit
        (array_agg(offset_s ORDER BY offset_at DESC) FILTER (WHERE offset_at IS NOT NULL AND {device} > 0))[1]
            AS offset_s,
        max(offset_at) FILTER (WHERE {device} > 0) AS offset_at
    FROM {rows} GROUP BY 1, 2, 3
) AS s
LEFT JOIN (
    SELECT unit_id, device_id, cell, array_agg(bin ORDER BY bin) AS bins, array_agg(n ORDER BY bin) AS counts
    FROM (
        SELECT unit_id, {device} AS device_id, {cell} AS cell, h.bin, sum(h.n)::bigint AS n
        FROM {rows} CROSS JOIN LATERAL unnest(rtt_bins, rtt_counts) AS h (bin, n) GROUP BY 1, 2, 3, 4
    ) AS n
    GROUP BY 1, 2, 3
) AS b USING (unit_id, device_id, cell)"""  # noqa: S608 - names of ours


_DROP_HOUR = (
    "DELETE FROM ioc.sample_hour WHERE kind = %(kind)s AND unit_id = ANY (%(units)s) AND bucket = %(hour)s"
)
_DEVICES = f"""
INSERT INTO ioc.sample_hour ({_COLUMNS})
SELECT %(kind)s, s.unit_id, s.device_id, %(hour)s, {", ".join(f"s.{name}" for name in _SUMS)}, s.rtt_bins, s.rtt_counts,
    s.offset_s, s.offset_at
FROM ioc.sample_sums(%(kind)s, %(units)s, NULL, ARRAY[%(hour)s, %(end)s]::timestamptz[], %(hour)s, %(end)s) s
"""  # noqa: S608 - names of ours
_UNITS = f"""
INSERT INTO ioc.sample_hour ({_COLUMNS})
{
    _merged(
        "0",
        "bucket",
        "(SELECT * FROM ioc.sample_hour WHERE kind = %(kind)s AND unit_id = ANY (%(units)s)"
        " AND bucket = %(hour)s) AS r",
    )
}"""  # noqa: S608 - names of ours
# The local days that the hour lies in, unit by unit.
_NOTE_DAYS = """
INSERT INTO ioc.sample_dirty_day (kind, low, high, unit_id)
SELECT %(kind)s, d.low, d.high, z.unit_id
FROM ioc.rollup_zone z
CROSS JOIN LATERAL (
    SELECT date_trunc('day', %(hour)s::timestamptz, z.zone) AS low,
        (date_trunc('day', %(hour)s::timestamptz AT TIME ZONE z.zone) + interval '1 day') AT TIME ZONE z.zone AS high
) AS d
WHERE z.unit_id = ANY (%(units)s)
ON CONFLICT DO NOTHING
"""
_DAYS = """
SELECT low, high, array_agg(unit_id ORDER BY unit_id) FROM ioc.sample_dirty_day
WHERE kind = %s AND high <= %s GROUP BY 1, 2 ORDER BY 1, 2
"""
_TAKE_DAY = (
    "DELETE FROM ioc.sample_dirty_day WHERE kind = %(kind)s AND low = %(low)s AND unit_id = ANY (%(units)s)"
)
_FORGET_DAYS = """
DELETE FROM ioc.sample_dirty_day WHERE kind = %s AND low < (SELECT since FROM ioc.kept_from WHERE fact = 'sample_hour')
"""
_DROP_DAY = (
    "DELETE FROM ioc.sample_day WHERE kind = %(kind)s AND unit_id = ANY (%(units)s) AND bucket = %(low)s"
)
_DAY = f"""
INSERT INTO ioc.sample_day ({_COLUMNS})
{
    _merged(
        "device_id",
        "%(low)s::timestamptz",
        "(SELECT * FROM ioc.sample_hour WHERE kind = %(kind)s AND unit_id = ANY (%(units)s) AND bucket >= %(low)s"
        " AND bucket < %(high)s) AS r",
    )
}"""  # noqa: S608 - names of ours


def roll_up(connection: Connection, kind: int, topic: str) -> int:
    """Make the sums of closed hours whose samples moved, and of the days that these complete or change.

    :param kind: of device, 1 camera, 2 access point.
    :param topic: of its samples, whose windows tell what is closed.
    :returns: how many hours were made; there may be more, then another call goes on.
    """
    row = connection.execute(_CLOSED, (topic,)).fetchone()
    if row is None:
        return 0
    closed = row[0]
    connection.execute(_FORGET, (kind, "camera_sample" if kind == 1 else "wifi_sample"))
    connection.execute(_FORGET_DAYS, (kind,))
    due = connection.execute(_DUE, (kind, closed, _HOURS)).fetchall()
    for hour, units in due:
        named = {"kind": kind, "units": units, "hour": hour, "end": hour + timedelta(hours=1)}
        with connection.transaction():
            for statement in (_DROP_HOUR, _DEVICES, _UNITS, _NOTE_DAYS, _TAKE):
                connection.execute(statement, named)
    for low, high, units in connection.execute(_DAYS, (kind, closed)).fetchall():
        named = {"kind": kind, "units": units, "low": low, "high": high}
        with connection.transaction():
            for statement in (_DROP_DAY, _DAY, _TAKE_DAY):
                connection.execute(statement, named)
    connection.execute(_PROGRESS, {"kind": kind, "closed": closed})
    return len(due)
