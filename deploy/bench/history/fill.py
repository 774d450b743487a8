# ruff: noqa: E501 - statements and sentences, kept whole
"""Fills a database with a province's history, and says what lies where afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from deploy.bench.history import devices, dossiers
from deploy.bench.history.province import Size, found
from ioc import topics
from ioc.settings import Settings

Tell = Callable[[str], None]

# Ninety days of kiosks: forty tickets a unit and day. Of tickets the rows alone are made, not their facts.
_TICKETS: Final = """
INSERT INTO ioc.ticket (kiosk, date, number, unit_id, service, issued_at, called_at, started_at, completed_at, no_show_at)
SELECT 'kiosk-' || u.unit_id, d.day, to_char(n, 'FM0000'), u.unit_id, (ARRAY['A', 'B', 'C'])[1 + n % 3], i.at,
       i.at + w.wait, CASE WHEN n % 17 > 0 THEN i.at + w.wait END, CASE WHEN n % 17 > 0 THEN i.at + w.wait + interval '6 minutes' END,
       CASE WHEN n % 17 = 0 THEN i.at + w.wait END
FROM ioc.unit u
CROSS JOIN (SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - k AS day FROM generate_series(0, 89) AS k) AS d
CROSS JOIN generate_series(1, 40) AS n
CROSS JOIN LATERAL (SELECT (d.day + interval '7 hours' + n * interval '12 minutes') AT TIME ZONE 'Asia/Ho_Chi_Minh' AS at) AS i
CROSS JOIN LATERAL (SELECT (u.unit_id * 7 + n * 13) % 40 * interval '1 minute' AS wait) AS w
WHERE u.kind = 'commune' AND i.at + w.wait + interval '6 minutes' < now()
ORDER BY d.day, n
"""
_OFFSETS: Final = """
INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end, newest_fact, watermark)
SELECT 'bench', t.name, t.name, p.n, 1000000, 1000003, now(), now()
FROM unnest(%s::text[]) AS t (name) CROSS JOIN generate_series(0, 3) AS p (n)
"""
_SIZES: Final = """
SELECT c.relname, CASE WHEN h.hypertable_name IS NULL THEN pg_total_relation_size(c.oid)
                       ELSE (SELECT total_bytes FROM hypertable_detailed_size(c.oid::regclass)) END
FROM pg_class c
LEFT JOIN timescaledb_information.hypertables h ON h.hypertable_schema = 'ioc' AND h.hypertable_name = c.relname
WHERE c.relnamespace = 'ioc'::regnamespace AND c.relkind = 'r'
"""


@dataclass(frozen=True)
class Filled:
    """What a database holds.

    :param rows: table to its rows and MiB with indexes, of those that have any.
    :param dossier_facts: facts of dossiers.
    :param samples: device samples that the roll-ups stand for, from their own sums.
    """

    rows: dict[str, tuple[int, float]]
    dossier_facts: int
    dossiers: int
    samples: int
    seconds: float
    gib: float


def fill(settings: Settings, folder: Path, size: Size, tell: Tell) -> Filled:
    """Fill a migrated, empty database.

    :param folder: empty; the province's pack is written there.
    """
    began = time.perf_counter()
    dsn = settings.database_dsn
    found(dsn, folder, size)
    now = datetime.now(UTC)
    closed = (now - timedelta(minutes=2)).replace(second=0, microsecond=0)
    # Samples of the coming hours are there already, so that the newest minutes are never empty while one measures.
    end = closed.replace(minute=0) + timedelta(hours=4)
    with psycopg.connect(dsn, autocommit=True) as connection:
        names = [
            settings.topic_prefix + name
            for name in (topics.DOSSIERS, topics.QUEUES, topics.CAMERAS, topics.WIFI)
        ]
        connection.execute(_OFFSETS, (names,))
        connection.execute(_TICKETS)
        connection.cursor().executemany(
            "INSERT INTO ioc.window_close (topic, closed_until) VALUES (%s, %s)",
            [(name, closed) for name in names[:2]],
        )
    devices.fill(settings, size, closed, end, tell)
    asyncio.run(dossiers.fill(settings, size, now, tell))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        tell("vacuumed")
        return look(connection, time.perf_counter() - began)


def look(connection: psycopg.Connection[Any], seconds: float) -> Filled:
    """Count what is there."""
    rows: dict[str, tuple[int, float]] = {}
    for name, size in connection.execute(_SIZES).fetchall():
        count = _one(connection, f"SELECT count(*) FROM ioc.{name}")  # noqa: S608 - a table's own name
        if count:
            rows[name] = (count, float(size) / 2**20)
    return Filled(
        rows=rows,
        dossier_facts=rows["dossier_fact"][0],
        dossiers=rows["dossier"][0],
        samples=_one(connection, "SELECT sum(samples)::bigint FROM ioc.device_day"),
        seconds=seconds,
        gib=_one(connection, "SELECT pg_database_size(current_database())") / 2**30,
    )


def _one(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])
