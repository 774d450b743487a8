"""What the wall asks, on a real database: the same figures as everywhere, and nothing that a reader may not know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from ioc.access import GUEST, readers
from ioc.district import apply_pack, read_pack
from ioc.history.points import points
from ioc.history.queues import waiting
from ioc.kpi.query import answer, current
from ioc.kpi.steps import run
from ioc.pages.wall.board import Board, board, trends
from ioc.pages.wall.choice import ALERTS_NEAR, KPIS, TILES
from tests.servers import Servers

_PACK = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def connection(servers: Servers) -> Iterator[Connection]:
    url = servers.new_database()
    with psycopg.connect(url, autocommit=True) as found:
        apply_pack(found, read_pack(_PACK))
        readers.add(found, "chief")
        readers.add(found, "clerk", root_unit="25663")
        found.execute(
            "INSERT INTO ioc.ticket (kiosk, date, number, unit_id, service, issued_at, started_at)"
            " SELECT 'k', (now() AT TIME ZONE u.time_zone)::date, n::text, u.unit_id,"
            "        CASE WHEN n % 3 > 0 THEN 'S' || n % 3 END, now() - n * interval '1 second',"
            "        CASE WHEN n % 2 = 0 THEN now() END"
            " FROM ioc.unit u, generate_series(1, 11) n WHERE u.code = 'go-dau.phuong'"
        )
        yield found
    servers.drop_database(url)


def _board(connection: Connection, reader: str) -> Board:
    with connection.transaction():
        return run(connection, board(reader, named=reader != GUEST, prefix=""))


def test_figures_are_those_of_every_other_surface(connection: Connection) -> None:
    found = _board(connection, "chief")
    assert set(found.figures) == set(KPIS)
    again = {figure.kpi: figure.value for figure in answer(connection, current("chief"))}
    for kpi in ("queue.waiting", "queue.issued", "dossier.open", "camera.down"):
        assert found.figures[kpi].value == again[kpi]
    assert found.target("queue.served_within_15m") is not None
    assert found.target("camera.down") is None


def test_those_who_wait_are_those_of_the_indicator_and_the_longest_wait_is_first(
    connection: Connection,
) -> None:
    found = answer(connection, waiting("chief"))
    assert sum(one.people for one in found) == _board(connection, "chief").figures["queue.waiting"].value == 6
    assert [one.service for one in found] == ["S2", None, "S1"]
    assert [one.since for one in found] == sorted(one.since for one in found)
    assert answer(connection, waiting("clerk")) == ()


def test_points_are_those_of_the_day_and_of_the_readers_units(connection: Connection) -> None:
    pack = read_pack(_PACK)
    today = datetime.now(ZoneInfo(pack.time_zone)).date()
    found = answer(connection, points("chief"))
    assert [point.code for point in found] == sorted(pack.point_codes())
    assert {point.unit for point in found} == {pack.unit_of(point.code, today) for point in found}
    assert all(point.latitude and point.longitude for point in found)
    assert sum(len(point.devices) for point in found) == len(pack.devices)
    assert {device.state for point in found for device in point.devices} == {"unknown"}
    own = answer(connection, points("clerk"))
    assert {point.code for point in own} == {"point.hiep-thanh", "point.phuoc-thanh", "point.phuoc-trach"}
    assert answer(connection, points("nobody")) == ()


def test_a_guest_is_told_of_no_alert_and_a_reader_of_those_of_his_units(connection: Connection) -> None:
    now = datetime.now(UTC)
    with connection.transaction(force_rollback=True):
        for key, unit, severity, taken in (
            ("a", "25663", 5, None),
            ("b", "go-dau.phuong", 5, "x"),
            ("c", "25663", 1, None),
        ):
            _open(connection, key, unit, severity, now, taken)
        guest = _board(connection, GUEST)
        assert (guest.alerts, guest.critical, guest.units) == (None, (), {})
        assert sum(guest.open.values()) == 3
        chief, clerk = _board(connection, "chief"), _board(connection, "clerk")
        assert sorted(row.key for row in chief.alerts or ()) == [
            "a",
            "b",
        ]  # what is for information alone is counted
        assert sum(chief.open.values()) == 3
        assert [row.key for row in clerk.alerts or ()] == ["a"]
        # somebody has taken the other one on: it is not to sound
        assert chief.critical == clerk.critical == tuple(row.id for row in clerk.alerts or ())

        # and what is newer and milder does not push the critical one off
        for number in range(2 * ALERTS_NEAR):
            _open(connection, f"mild-{number}", "25663", 3, now + timedelta(seconds=number + 1))
        shown = [row.key for row in _board(connection, "chief").alerts or ()]
        newest = [f"mild-{number}" for number in reversed(range(2 * ALERTS_NEAR))]
        assert shown == ["a", *newest[: ALERTS_NEAR - 1]]


def _open(
    connection: Connection, key: str, unit: str, severity: int, at: datetime, taken: str | None = None
) -> None:
    connection.execute(
        "INSERT INTO ioc.alert (rule_id, key, severity, unit_id, subject, since, opened_at, changed_at,"
        " acknowledged_by, acknowledged_at)"
        " SELECT rule_id, %(key)s, %(severity)s, unit_id, 'device:' || %(key)s, %(at)s, %(at)s, %(at)s, %(taken)s,"
        "        CASE WHEN %(taken)s::text IS NOT NULL THEN %(at)s::timestamptz END"
        " FROM ioc.alert_rule r, ioc.unit u WHERE r.code = 'camera.down' AND u.code = %(unit)s",
        {"key": key, "severity": severity, "at": at, "taken": taken, "unit": unit},
    )


def test_topics_that_are_silent_for_too_long_are_told_and_nights_are_not_counted_for_counters(
    connection: Connection,
) -> None:
    with connection.transaction(force_rollback=True):
        for topic, age in (
            ("ioc.wifi", "1 minute"),
            ("ioc.cameras", "20 minutes"),
            ("ioc.dossiers", "30 days"),
        ):
            connection.execute(
                "INSERT INTO ioc.partition_offset"
                " (cluster_id, topic, topic_id, partition, next_offset, log_end, newest_fact)"
                " VALUES ('c', %(topic)s, %(topic)s, 0, 5, 12, now() - %(age)s::interval)",
                {"topic": topic, "age": age},
            )
        found = {topic.watched.topic: topic for topic in _board(connection, "chief").topics}
    assert {topic: one.silent for topic, one in found.items()} == {
        "ioc.dossiers": True,
        "ioc.queues": False,
        "ioc.cameras": True,
        "ioc.wifi": False,
    }
    assert found["ioc.queues"].newest is None
    assert (found["ioc.wifi"].age, found["ioc.wifi"].lag) == (timedelta(minutes=1), 7)


def test_every_tile_has_a_trend(connection: Connection) -> None:
    found = answer(connection, trends("chief"))
    for tile in TILES:
        assert found.points[tile.kpi]
        assert found.points[tile.kpi][-1].time <= datetime.now(UTC)
