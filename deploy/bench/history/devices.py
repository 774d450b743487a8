# ruff: noqa: E501 - statements and sentences, kept whole
"""A year of cameras and access points: nine days summed by the platform itself, the weeks before them copied.

What each device does is the same every week, so the sums of one whole week, moved back by a number of weeks, are the
sums of that week. Samples and what is made of them last in a day that the first samples stand too near to the edge of
are removed again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from deploy.bench.history.province import Size
from ioc import topics
from ioc.platform import day_ends, rollups, samples
from ioc.settings import Settings
from ioc.storage.device_minutes import ADD_UP

Connection = psycopg.Connection[Any]
Tell = Callable[[str], None]

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)
#: Days whose samples stay.
KEPT_DAYS: Final = 8

# What device d does in a minute: down once a day, degraded once, silent for half an hour on one day of the week.
_DOES: Final = """
CREATE TEMPORARY TABLE does AS
SELECT d.device_id, d.unit_id, d.kind, t.at + make_interval(secs => d.device_id * 7 %% 60) AS time,
       CASE WHEN m.minute - (d.device_id * 97 + m.dow * 211) %% 1300 BETWEEN 0 AND 2 + (d.device_id * 13 + m.dow * 7) %% 40 THEN 3
            WHEN m.minute - (d.device_id * 41 + m.dow * 173) %% 1300 BETWEEN 0 AND 9 THEN 2
            ELSE 1 END::smallint AS state,
       (d.device_id * 31 + m.minute * 17 + m.dow * 5) %% 997 AS roll
FROM ioc.device d
CROSS JOIN generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 minute', interval '1 minute') AS t (at)
CROSS JOIN LATERAL (
    SELECT extract(dow FROM t.at AT TIME ZONE 'Asia/Ho_Chi_Minh')::int AS dow,
           (extract(hour FROM t.at AT TIME ZONE 'Asia/Ho_Chi_Minh') * 60
            + extract(minute FROM t.at AT TIME ZONE 'Asia/Ho_Chi_Minh'))::int AS minute
) AS m
WHERE d.kind = %(kind)s
  AND NOT ((d.device_id + m.dow) %% 7 = 0 AND m.minute BETWEEN 100 + d.device_id %% 900 AND 130 + d.device_id %% 900)
"""
_CAMERAS: Final = """
INSERT INTO ioc.camera_sample (device_id, time, recorded_at, unit_id, state, valid_ms, last_frame_age_s, fps, clock_offset_s,
    frozen, stalled, rung, flags)
SELECT device_id, time, time + interval '1 second', unit_id, state, 180000, 0.2, 8, (roll %% 40 - 20) / 10.0,
       false, false, 'frames', 0
FROM does ORDER BY time
"""
_WIFI: Final = """
INSERT INTO ioc.wifi_sample (device_id, time, recorded_at, unit_id, state, valid_ms, clients, rtt_ms, loss, internet_ok, flags,
    rx_bytes, tx_bytes)
SELECT device_id, time, time + interval '1 second', unit_id, state, 180000,
       CASE WHEN state <> 3 THEN roll %% 37 END, CASE WHEN state <> 3 THEN 5 + roll %% 60 END,
       CASE state WHEN 3 THEN 1 ELSE (roll %% 5) / 100.0 END, state <> 3, 0,
       CASE WHEN state <> 3 THEN roll * 1000 END, CASE WHEN state <> 3 THEN roll * 200 END
FROM does ORDER BY time
"""
# Device-time as the sink books it: a sample holds until the next one, or for as long as it is valid.
_BOOK: Final = f"""
INSERT INTO ioc.device_minute AS m (kind, unit_id, bucket, part, up_ms, degraded_ms, down_ms, maintenance_ms, client_ms,
    client_known_ms, client_max, samples)
WITH held AS (
    SELECT device_id, unit_id, state, clients, time,
           floor(extract(epoch FROM time) * 1000)::bigint AS begins,
           floor(extract(epoch FROM least(time + valid_ms * interval '1 ms',
                 lead(time) OVER (PARTITION BY device_id ORDER BY time))) * 1000)::bigint AS ends
    FROM ioc.device_sample WHERE kind = %(kind)s AND time >= %(start)s
), cut AS (
    SELECT h.unit_id, h.state, h.clients, g.minute,
           least(h.ends, (g.minute + 1) * 60000) - greatest(h.begins, g.minute * 60000) AS ms
    FROM held h CROSS JOIN generate_series(h.begins / 60000, (h.ends - 1) / 60000) AS g (minute)
), told AS (
    SELECT unit_id, to_timestamp(minute * 60) AS bucket, coalesce(sum(ms) FILTER (WHERE state IN (1, 2)), 0) AS up_ms,
           coalesce(sum(ms) FILTER (WHERE state = 2), 0) AS degraded_ms,
           coalesce(sum(ms) FILTER (WHERE state = 3), 0) AS down_ms,
           coalesce(sum(ms) FILTER (WHERE state = 4), 0) AS maintenance_ms,
           coalesce(sum(ms * clients) FILTER (WHERE state NOT IN (0, 3)), 0) AS client_ms,
           coalesce(sum(ms) FILTER (WHERE state NOT IN (0, 3) AND clients IS NOT NULL), 0) AS client_known_ms
    FROM cut GROUP BY 1, 2
), own AS (
    SELECT unit_id, date_trunc('minute', time) AS bucket, count(*) AS samples,
           max(clients) FILTER (WHERE state NOT IN (0, 3)) AS client_max
    FROM held GROUP BY 1, 2
)
SELECT %(kind)s, unit_id, bucket, 0, coalesce(up_ms, 0), coalesce(degraded_ms, 0), coalesce(down_ms, 0),
       coalesce(maintenance_ms, 0), coalesce(client_ms, 0), coalesce(client_known_ms, 0), client_max, coalesce(samples, 0)
FROM told FULL JOIN own USING (unit_id, bucket) ORDER BY bucket, unit_id
{ADD_UP}"""  # noqa: S608 - a constant of ours
_STRETCHES: Final = """
CREATE TEMPORARY TABLE stretch AS
WITH seen AS (
    SELECT s.device_id, s.unit_id, s.state, s.time, s.clients, s.time + s.valid_ms * interval '1 ms' AS until,
           lag(s.state) OVER w AS before, lag(s.time + s.valid_ms * interval '1 ms') OVER w AS held
    FROM ioc.device_sample s WHERE s.kind = %(kind)s WINDOW w AS (PARTITION BY s.device_id ORDER BY s.time)
), marked AS (
    SELECT *, count(*) FILTER (WHERE before IS DISTINCT FROM state OR time > held) OVER (PARTITION BY device_id ORDER BY time) AS n
    FROM seen
)
SELECT device_id, unit_id, state, n, min(time) AS started, max(until) AS until, max(time) AS last_time,
       (array_agg(clients ORDER BY time DESC))[1] AS clients,
       lead(min(time)) OVER (PARTITION BY device_id ORDER BY n) AS next
FROM marked GROUP BY device_id, unit_id, state, n
"""
_RUNS: Final = """
INSERT INTO ioc.device_run (device_id, kind, unit_id, state, flags, started, ended)
SELECT device_id, %(kind)s, unit_id, state, 0, started, least(until, next) FROM stretch WHERE next IS NOT NULL
UNION ALL
SELECT device_id, %(kind)s, unit_id, 0, 0, until, next FROM stretch WHERE next > until
"""
_STATES: Final = """
INSERT INTO ioc.device_state (device_id, kind, unit_id, state, flags, since, last_time, valid_until, clients)
SELECT device_id, %(kind)s, unit_id, state, 0, started, last_time, until, clients FROM stretch WHERE next IS NULL
"""
#: Table, its moments, and its columns that are moments too.
_COPIED: Final = (
    ("device_quarter", "bucket", ()),
    ("device_hour", "bucket", ()),
    ("device_day", "bucket", ()),
    ("sample_hour", "bucket", ("offset_at",)),
    ("sample_day", "bucket", ("offset_at",)),
    ("device_run", "started", ("ended",)),
)
_MONTHS: Final = """
INSERT INTO ioc.device_month (kind, unit_id, bucket, up_ms, degraded_ms, down_ms, maintenance_ms, client_ms, client_known_ms,
    client_max, samples, late)
SELECT kind, unit_id, date_trunc('month', bucket, zone), sum(up_ms), sum(degraded_ms), sum(down_ms), sum(maintenance_ms),
       sum(client_ms), sum(client_known_ms), max(client_max), sum(samples), sum(late)
FROM ioc.device_day JOIN ioc.rollup_zone USING (unit_id) GROUP BY 1, 2, 3
"""
_COLUMNS: Final = """
SELECT column_name FROM information_schema.columns WHERE table_schema = 'ioc' AND table_name = %s
  AND is_generated = 'NEVER' ORDER BY ordinal_position
"""


def fill(settings: Settings, size: Size, closed: datetime, end: datetime, tell: Tell) -> None:
    """Fill an empty database with device samples until ``end``, whose windows are closed until ``closed``."""
    zone = "Asia/Ho_Chi_Minh"
    with psycopg.connect(
        settings.database_dsn, autocommit=True, options="-c timezone=UTC -c work_mem=128MB"
    ) as connection:
        row = connection.execute(
            "SELECT date_trunc('day', %s::timestamptz, %s) - interval '9 days'", (closed, zone)
        ).fetchone()
        assert row is not None  # noqa: S101 - a row without a condition
        start: datetime = row[0]
        kept = start + _DAY
        kinds = (
            (1, settings.topic_prefix + topics.CAMERAS, _CAMERAS),
            (2, settings.topic_prefix + topics.WIFI, _WIFI),
        )
        for kind, topic, store in kinds:
            named = {"kind": kind, "start": start, "end": end}
            connection.execute(
                "INSERT INTO ioc.window_close (topic, closed_until) VALUES (%s, %s)", (topic, closed)
            )
            connection.execute(_DOES, named)
            connection.execute(store, named)
            connection.execute("DROP TABLE does")
            connection.execute("ANALYZE ioc.camera_sample, ioc.wifi_sample")
            connection.execute(_BOOK, named)
            connection.execute(_STRETCHES, named)
            for statement in (_RUNS, _STATES):
                connection.execute(statement, named)
            connection.execute("DROP TABLE stretch")
            tell(f"{topic}: nine days of samples booked")
            until = start
            while until < closed:
                until = min(until + _DAY, closed)
                with connection.transaction():
                    rollups.fold(connection, kind, until)
            while samples.roll_up(connection, kind, topic):
                tell(f"{topic}: sums of samples")
        _cut(connection, kept)
        _copy(connection, size, kept, tell)


def _cut(connection: Connection, kept: datetime) -> None:
    for table, column in (
        ("camera_sample", "time"),
        ("wifi_sample", "time"),
        ("device_minute", "bucket"),
        *((table, column) for table, column, _ in _COPIED),
    ):
        connection.execute(f"DELETE FROM ioc.{table} WHERE {column} < %s".encode(), (kept,))  # noqa: S608
    connection.execute("TRUNCATE ioc.device_month")


def _copy(connection: Connection, size: Size, kept: datetime, tell: Tell) -> None:
    copied = [(*entry, size.device_weeks) for entry in _COPIED]
    copied.append(("device_minute", "bucket", (), size.minute_weeks))
    for table, column, others, weeks in copied:
        columns = [name for (name,) in connection.execute(_COLUMNS, (table,)).fetchall()]
        moved = ", ".join(
            f"t.{name} - turn.n * interval '7 days'" if name in (column, *others) else f"t.{name}"
            for name in columns
        )
        # in order of time, as it would have come; what is a partial still is of no closed week
        connection.execute(
            f"INSERT INTO ioc.{table} ({', '.join(columns)})"  # noqa: S608 - names of ours
            f" SELECT {moved} FROM generate_series(%(turns)s, 1, -1) AS turn (n) CROSS JOIN ioc.{table} t"
            f" WHERE t.{column} >= %(low)s AND t.{column} < %(high)s"
            f" ORDER BY turn.n DESC, t.{column}".encode(),
            {"turns": weeks - 1, "low": kept, "high": kept + _WEEK},
        )
        tell(f"{table}: {weeks} weeks")
    connection.execute(_MONTHS)
    while day_ends.fold(connection):
        tell("ends of days")
    oldest = kept - (size.minute_weeks - 1) * _WEEK
    connection.cursor().executemany(
        "INSERT INTO ioc.kept_from (fact, since) VALUES (%s, %s)",
        [("camera_sample", kept), ("wifi_sample", kept), ("device_minute", oldest)],
    )
