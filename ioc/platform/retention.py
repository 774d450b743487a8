"""Lets old facts go, kind by kind, once what is rolled up from them says all that is kept of them.

Each kind has its own setting. What a question needs and is gone is told by ``ioc.kept_from``, which moves in the same
transaction: a figure that can't be answered exactly any more is refused with the reason, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from ioc.settings import Settings

Connection = psycopg.Connection[Any]

#: Rows deleted in one transaction, where whole chunks can't be dropped.
_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Chunked:
    """A hypertable, dropped chunk by chunk.

    :param days: of the settings, for how long it is kept.
    :param ready: statement that gives the moment before which all is rolled up; null where nothing holds it back.
    """

    table: str
    days: Callable[[Settings], int]
    ready: str


_SAMPLES_READY = """
SELECT least(coalesce((SELECT until FROM ioc.sample_progress WHERE kind = {kind}), 'epoch'),
    (SELECT min(hour) FROM ioc.sample_dirty WHERE kind = {kind}),
    (SELECT min(bucket) FROM ioc.device_minute WHERE kind = {kind} AND part >= 0))
"""
_HOURS_READY = "SELECT (SELECT min(low) FROM ioc.sample_dirty_day)"
_NOTHING = "SELECT NULL::timestamptz"
_CHUNKED: Final = (
    _Chunked("camera_sample", lambda s: s.keep_samples_days, _SAMPLES_READY.format(kind=1)),
    _Chunked("wifi_sample", lambda s: s.keep_samples_days, _SAMPLES_READY.format(kind=2)),
    _Chunked(
        "device_minute",
        lambda s: s.keep_minutes_days,
        "SELECT min(bucket) FROM ioc.device_minute WHERE part >= 0",
    ),
    # what is folded is in every level at once
    _Chunked("device_quarter", lambda s: s.keep_quarters_days, _NOTHING),
    _Chunked("device_hour", lambda s: s.keep_hours_days, _NOTHING),
    _Chunked("sample_hour", lambda s: s.keep_hours_days, _HOURS_READY),
    _Chunked("platform_sample", lambda s: s.keep_platform_days, _NOTHING),
)
# The newest chunk that ends by then tells until when all goes; without one nothing does.
_ENDS = """
SELECT max(range_end) FROM timescaledb_information.chunks
WHERE hypertable_schema = 'ioc' AND hypertable_name = %s AND range_end <= %s
"""
_NOTE = """
INSERT INTO ioc.kept_from AS k (fact, since) VALUES (%s, %s)
ON CONFLICT (fact) DO UPDATE SET since = greatest(k.since, excluded.since), dropped_at = now()
"""
_UNREADABLE = """
WITH gone AS (
    DELETE FROM ioc.unreadable WHERE unreadable_id = ANY (ARRAY(
        SELECT unreadable_id FROM ioc.unreadable
        WHERE recorded_at < %s AND mirrored_at IS NOT NULL ORDER BY recorded_at LIMIT %s))
    RETURNING topic, recorded_at
), counted AS (
    INSERT INTO ioc.unreadable_count AS c (topic, hour, records)
    SELECT topic, date_trunc('hour', recorded_at, 'UTC'), count(*) FROM gone GROUP BY 1, 2
    ON CONFLICT (topic, hour) DO UPDATE SET records = c.records + excluded.records
)
SELECT count(*) FROM gone
"""
_TICKETS = """
WITH gone AS (
    SELECT ticket_id FROM ioc.ticket WHERE date < %s ORDER BY date LIMIT %s FOR UPDATE SKIP LOCKED
), facts AS (
    DELETE FROM ioc.ticket_fact WHERE ticket_id IN (SELECT ticket_id FROM gone)
)
SELECT array_agg(ticket_id) FROM gone
"""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What went in one round: kind, and the moment from which on it is kept now."""

    kind: str
    since: datetime


def drop_old(connection: Connection, settings: Settings, *, now: datetime | None = None) -> list[Dropped]:
    """Let go what is older than its setting says and rolled up; each kind in transactions of its own.

    Harmless when repeated. What is not rolled up yet stays until it is.

    :param now: the moment from which ages are counted; tests say another one.
    """
    now = now or datetime.now(UTC)
    found: list[Dropped] = []
    for kind in _CHUNKED:
        days = kind.days(settings)
        if days and (since := _drop_chunks(connection, kind, now - timedelta(days=days))) is not None:
            found.append(Dropped(kind.table, since))
    if settings.keep_unreadable_days:
        before = now - timedelta(days=settings.keep_unreadable_days)
        while _count(connection, _UNREADABLE, before) == _ROWS:
            pass
    if settings.keep_tickets_days:
        since = _drop_tickets(connection, now - timedelta(days=settings.keep_tickets_days))
        if since is not None:
            found.append(Dropped("ticket", since))
    return found


def _drop_chunks(connection: Connection, kind: _Chunked, before: datetime) -> datetime | None:
    with connection.transaction():
        ready = _moment(connection, kind.ready)
        if ready is not None:
            before = min(before, ready)
        since = _moment(connection, _ENDS, kind.table, before)
        if since is None:
            return None
        connection.execute(_NOTE, (kind.table, since))
        connection.execute("SELECT drop_chunks(%s::regclass, older_than => %s)", (f"ioc.{kind.table}", since))
        return since


def _drop_tickets(connection: Connection, before: datetime) -> datetime | None:
    """Tickets whose day ended before, each with its facts."""
    # a day ends last where clocks are furthest behind; the day itself is asked for in whole days of any zone
    since = before.replace(hour=0, minute=0, second=0, microsecond=0)
    row = connection.execute("SELECT min(date) < %s FROM ioc.ticket", (since.date(),)).fetchone()
    if row is None or not row[0]:
        return None
    while True:
        with connection.transaction():
            # one that is a day old in one zone is not in another: two days are no loss
            connection.execute(_NOTE, ("ticket", since + timedelta(days=2)))
            numbers = connection.execute(_TICKETS, (since.date(), _ROWS)).fetchone()
            if numbers is None or not numbers[0]:
                return since + timedelta(days=2)
            connection.execute("DELETE FROM ioc.ticket WHERE ticket_id = ANY (%s)", (numbers[0],))


def _moment(connection: Connection, statement: str, *values: object) -> datetime | None:
    row = connection.execute(statement.encode(), values).fetchone()
    found: datetime | None = None if row is None else row[0]
    return found


def _count(connection: Connection, statement: str, before: datetime) -> int:
    with connection.transaction():
        row = connection.execute(statement.encode(), (before, _ROWS)).fetchone()
        return 0 if row is None else int(row[0])
