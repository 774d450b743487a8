"""Readings of machines, servers and of what calls people: written with how long they hold, unknown where they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog

from ioc.district import apply_pack, read_pack
from ioc.duty import Person, Roster, Rotation
from ioc.duty.model import Advance, Cover
from ioc.kpi.query import answer
from ioc.settings import Settings
from ioc.watch import backlog, backups, machine, taking
from ioc.watch.reading import READINGS, KeptReading, Reading, forget, keep, readings
from ioc.watch.taking import Measure, Taker
from tests.integration.kpi_data import Connection
from tests.integration.streaming import wait_until

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _empty(connection: Connection) -> Iterator[None]:
    yield
    connection.execute(
        "TRUNCATE ioc.reading, ioc.alert_message, ioc.alert_message_alert, ioc.alert_step, ioc.alert_signal,"
        " ioc.alert_event, ioc.alert, ioc.alert_rule CASCADE"
    )


def kept(connection: Connection) -> dict[str, KeptReading]:
    return {one.subject: one for one in answer(connection, readings())}


def alert(connection: Connection, key: str, **facts: Any) -> int:
    connection.execute(
        "INSERT INTO ioc.alert_rule (code, position, kind, severity, definition)"
        " VALUES ('rule', 1, 'device', 3, '{}') ON CONFLICT DO NOTHING"
    )
    facts = {"flapping": False, "snoozed_until": None, "maintenance_id": None, "inhibited_by": None, **facts}
    row = connection.execute(
        "INSERT INTO ioc.alert (rule_id, key, severity, subject, since, opened_at, changed_at, flapping, snoozed_until,"
        " maintenance_id, inhibited_by)"
        " SELECT rule_id, %(key)s, 3, %(key)s, %(now)s, %(now)s, %(now)s, %(flapping)s, %(snoozed_until)s,"
        " %(maintenance_id)s, %(inhibited_by)s FROM ioc.alert_rule RETURNING alert_id",
        {"key": key, "now": NOW - timedelta(hours=1), **facts},
    ).fetchone()
    assert row is not None
    return int(row[0])


def held_alerts(connection: Connection) -> list[int]:
    cause = alert(connection, "cause")
    return [
        alert(connection, "a", flapping=True),
        alert(connection, "b", snoozed_until=NOW + MINUTE),
        alert(connection, "c", maintenance_id=1),
        alert(connection, "d", inhibited_by=cause),
    ]


def step(connection: Connection, alert_id: int, due: datetime, state: str = "waiting") -> None:
    connection.execute(
        "INSERT INTO ioc.alert_step (alert_id, due_at, state) VALUES (%s, %s, %s)", (alert_id, due, state)
    )


def message(
    connection: Connection,
    not_before: datetime,
    state: str = "waiting",
    *,
    of: int | None = None,
    lease: Any = None,
) -> int:
    row = connection.execute(
        "INSERT INTO ioc.alert_message (key, kind, severity, channel, state, not_before, lease_until)"
        " VALUES (gen_random_uuid()::text, 'alert', 3, 'sms', %s, %s, %s) RETURNING message_id",
        (state, not_before, lease),
    ).fetchone()
    assert row is not None
    if of is not None:
        connection.execute("INSERT INTO ioc.alert_message_alert VALUES (%s, %s)", (row[0], of))
    return int(row[0])


def test_a_reading_is_known_while_it_holds_and_unknown_after(connection: Connection) -> None:
    keep(connection, [Reading("clock.offset_s", "box/database", 0.5)], NOW, timedelta(seconds=90))
    (found,) = kept(connection).values()
    assert found.subject == "reading:clock.offset_s@box/database"
    assert found.unit == "s"
    assert found.known(NOW + timedelta(seconds=89)) == 0.5
    assert found.known(NOW + timedelta(seconds=90)) is None


def test_an_older_reading_never_replaces_a_newer_one(connection: Connection) -> None:
    """Two evaluators of one machine write the same readings."""
    for at, value in ((NOW, 1.0), (NOW - MINUTE, 2.0)):
        keep(connection, [Reading("delivery.stuck", "all", value)], at, MINUTE)
    assert [one.value for one in kept(connection).values()] == [1.0]


def test_readings_of_machines_that_are_gone_are_let_go(connection: Connection) -> None:
    keep(connection, [Reading("disk.free_share", "old/state", 0.5)], NOW - timedelta(days=8), MINUTE)
    keep(connection, [Reading("disk.free_share", "new/state", 0.5)], NOW - timedelta(days=6), MINUTE)
    assert forget(connection, NOW) == 1
    assert list(kept(connection)) == ["reading:disk.free_share@new/state"]


def test_steps_past_due_count_unless_their_alert_is_held(connection: Connection) -> None:
    assert backlog.overdue(connection, NOW).value == 0
    late = alert(connection, "late")
    step(connection, late, NOW - 2 * MINUTE)
    step(connection, alert(connection, "busy"), NOW - MINUTE / 2)
    step(connection, alert(connection, "done"), NOW - 2 * MINUTE, "done")
    for held in held_alerts(connection):
        step(connection, held, NOW - 2 * MINUTE)
    found = backlog.overdue(connection, NOW)
    assert (found.value, found.detail) == (1, {"oldest_s": 120, "alerts": [late]})


def test_messages_are_stuck_when_nobody_took_them_up_for_a_minute(connection: Connection) -> None:
    assert backlog.stuck(connection, NOW).value == 0
    late = NOW - 2 * MINUTE
    waiting = message(connection, late)
    of_open = message(connection, late, of=alert(connection, "open"))
    died = message(connection, NOW - 5 * MINUTE, "sending", lease=late)
    message(connection, NOW - MINUTE / 2)
    message(connection, NOW + MINUTE)
    message(connection, late, "sending", lease=NOW + MINUTE)
    message(connection, late, "sent")
    message(connection, late, "failed")
    for held in held_alerts(connection):
        message(connection, late, of=held)
    found = backlog.stuck(connection, NOW)
    assert found.value == 3
    assert found.detail["oldest_s"] == 120
    assert sorted(found.detail["messages"]) == [waiting, of_open, died]
    assert found.detail["sending"] == 1


def test_the_nearest_gap_of_each_roster_is_told_in_hours(connection: Connection) -> None:
    daily = Rotation(
        "main", "ca", ("daily",), time(7), time(7), 1, Advance.CALENDAR, (("an",),), 1, date(2026, 3, 2)
    )
    filled = Roster("filled", "Trực", "Duty", "Asia/Ho_Chi_Minh", Cover.ALWAYS, (daily,))
    ends = Roster(
        "ends", "Trực", "Duty", "Asia/Ho_Chi_Minh", Cover.ALWAYS, (replace(daily, valid_to=date(2026, 3, 3)),)
    )
    people = (Person("an", "An", "Cán bộ", contacts={}),)
    apply_pack(connection, replace(read_pack(SHIPPED), people=people, rosters=(filled, ends)))
    found = {one.instance: one for one in backlog.gaps(connection, NOW)}
    assert found["filled"].value == 336
    assert found["filled"].detail == {"state": "no gap within 14 days"}
    # the last shift, of 2 March, ends at 7:00 of the next day
    assert found["ends"].value == 15
    assert datetime.fromisoformat(found["ends"].detail["from"]) == datetime(2026, 3, 3, tzinfo=UTC)


def test_an_installation_without_a_backup_is_unknown_first_and_old_after_its_days(
    connection: Connection, place: Settings
) -> None:
    def read(now: datetime) -> Reading:
        found = backups.age(connection, place, now)
        keep(connection, [found], now, MINUTE)
        return found

    first = read(NOW)
    assert (first.value, first.detail["state"]) == (None, "never")
    assert read(NOW + timedelta(days=2)).value is None
    assert read(NOW + timedelta(days=3)).value == timedelta(days=3).total_seconds()
    folder = place.state_dir / "backups"
    folder.mkdir()
    made = NOW + timedelta(days=4)
    (folder / "backup-1.json").write_text(json.dumps({"finished_at": made.isoformat(), "complete": True}))
    found = read(made + timedelta(hours=1))
    assert found.value == 3600
    assert "state" not in found.detail


def test_the_clock_against_the_databases_is_measured_with_its_uncertainty(connection: Connection) -> None:
    found = machine.against_database(connection)
    assert found.value is not None
    # both are this machine's
    assert found.value <= found.detail["uncertain_s"] + 0.001


def test_a_reading_that_fails_is_told_once_and_hinders_no_other(connection: Connection) -> None:
    broken = True

    def fails(_connection: Connection, _now: datetime) -> list[Reading]:
        if broken:
            raise ValueError("cracked")
        return []

    def works(_connection: Connection, _now: datetime) -> list[Reading]:
        return [Reading("delivery.stuck", "all", 0.0)]

    def refused(session: Connection, _now: datetime) -> list[Reading]:
        session.execute("SELECT FROM ioc.nowhere")
        return []

    taker = Taker([Measure("a", 0.0, fails), Measure("b", 0.0, refused), Measure("c", 0.0, works)])
    with structlog.testing.capture_logs() as lines:
        assert [taker.take(connection), taker.take(connection)] == [1, 1]
        broken = False
        taker.take(connection)
    told = [(line["event"], line["reading"]) for line in lines]
    assert told == [("reading.failed", "a"), ("reading.failed", "b"), ("reading.taken_again", "a")]


def test_the_thread_writes_every_reading_of_this_machine(place: Settings) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=taking.run, args=(place, stop))
    thread.start()
    try:
        with psycopg.connect(place.database_dsn, autocommit=True) as session:
            expected = {
                "disk.free_share",
                "clock.offset_s",
                "backup.age_s",
                "delivery.stuck",
                "escalation.overdue",
            }
            wait_until(
                lambda: expected <= {one.name for one in kept(session).values()},
                within_s=10,
                what="all readings",
            )
            assert {one.name for one in kept(session).values()} <= set(READINGS)
    finally:
        stop.set()
        thread.join()
