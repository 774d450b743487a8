"""From observations to alerts, on a real database with a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from ioc.alerts import life
from ioc.alerts.model import Grouping
from ioc.kpi.steps import run
from tests.integration.alerting import MINUTE, POLICY, T0, Desk, a_rule, bring_in, down, up
from tests.integration.kpi_data import Connection

SITE = a_rule("site.outage", policy=None)
CAMERA = a_rule("camera.down", holds_for=3 * MINUTE, clear_for=2 * MINUTE, inhibited_by=("site.outage",))
AT_ONCE = a_rule("wifi.down")
UNITS = a_rule("dossier.overdue", group_by=Grouping.UNIT)


@pytest.fixture
def desk(connection: Connection) -> Iterator[Desk]:
    yield Desk(connection, bring_in(connection, (SITE, CAMERA, AT_ONCE, UNITS)))
    connection.execute(
        "TRUNCATE ioc.alert_signal, ioc.alert_step, ioc.alert_flap, ioc.alert_message_alert, ioc.alert_message,"
        " ioc.alert_event, ioc.alert"
    )


def test_a_condition_opens_one_alert_with_its_first_step_and_clears_it(desk: Desk) -> None:
    assert not desk.settle(down("camera.down", "device:c1")).changed
    assert not desk.ripen(3 * MINUTE - timedelta(seconds=1)).changed
    (number,) = desk.ripen(timedelta(seconds=1)).opened
    alert = desk.alert(number)
    assert (alert["key"], alert["members"], alert["since"], alert["opened_at"]) == (
        "device:c1",
        1,
        T0,
        T0 + 3 * MINUTE,
    )
    assert alert["policy"]["policy"]["code"] == POLICY.code
    assert desk.steps(number) == [("escalate", "waiting", T0 + 3 * MINUTE)]
    assert not desk.settle(down("camera.down", "device:c1")).changed
    desk.settle(up("camera.down", "device:c1", desk.now))
    assert desk.ripen(2 * MINUTE).cleared == (number,)
    assert desk.alert(number)["cleared_at"] == desk.now
    assert [(kind, state) for kind, state, _ in desk.steps(number)] == [
        ("escalate", "cancelled"),
        ("resolved", "waiting"),
    ]
    assert desk.events(number) == ["opened", "cleared"]
    assert desk.connection.execute("SELECT count(*) FROM ioc.alert_signal").fetchone() == (0,)


def test_the_same_news_twice_is_one_alert_and_a_new_outage_a_new_one(desk: Desk) -> None:
    (number,) = desk.settle(
        down("wifi.down", "device:a"), down("wifi.down", "device:a"), up("wifi.down", "device:b")
    ).opened
    assert not desk.settle(down("wifi.down", "device:a")).changed
    assert desk.settle(up("wifi.down", "device:a")).cleared == (number,)
    assert not desk.settle(up("wifi.down", "device:a")).changed
    desk.now += MINUTE
    (later,) = desk.settle(down("wifi.down", "device:a")).opened
    assert later != number


def test_a_unit_s_dossiers_share_an_alert_that_lasts_until_the_last_is_done(desk: Desk) -> None:
    (number,) = desk.settle(*(down("dossier.overdue", f"dossier:{n}", unit_id=7) for n in range(3))).opened
    assert desk.settle(down("dossier.overdue", "dossier:9", unit_id=7)).joined == (number,)
    (other,) = desk.settle(down("dossier.overdue", "dossier:x", unit_id=8)).opened
    assert (desk.alert(number)["members"], desk.alert(other)["members"]) == (4, 1)
    desk.settle(*(up("dossier.overdue", f"dossier:{n}") for n in range(3)))
    assert (desk.alert(number)["members"], desk.alert(number)["cleared_at"]) == (1, None)
    assert desk.settle(up("dossier.overdue", "dossier:9")).cleared == (number,)
    assert desk.events(number) == ["opened", "joined", "left", "cleared"]


def test_a_due_date_that_moves_clears_and_opens_again_when_it_is_passed(desk: Desk) -> None:
    (number,) = desk.settle(down("dossier.overdue", "dossier:1", unit_id=7)).opened
    later = T0 + timedelta(days=5)
    assert desk.settle(down("dossier.overdue", "dossier:1", later, unit_id=7)).cleared == (number,)
    assert not desk.ripen(timedelta(days=4)).changed
    assert len(desk.ripen(timedelta(days=1)).opened) == 1


def test_an_outage_of_the_site_silences_its_devices_and_releases_those_that_stay_down(desk: Desk) -> None:
    at = {"point": "point.huyen"}
    (before,) = desk.settle(down("camera.down", "device:early", T0 - 5 * MINUTE, **at)).opened
    (elsewhere,) = desk.settle(down("camera.down", "device:far", T0 - 5 * MINUTE, point="point.khac")).opened
    desk.settle(down("site.outage", "point:point.huyen", **at))
    assert desk.link() == 1
    (after,) = desk.settle(down("camera.down", "device:late", T0 - 5 * MINUTE, **at)).opened
    site = desk.alert(before)["inhibited_by"]
    assert site is not None
    assert desk.alert(after)["inhibited_by"] == site
    assert desk.alert(elsewhere)["inhibited_by"] is None
    assert desk.link() == 0
    assert desk.settle(up("site.outage", "point:point.huyen")).cleared == (site,)
    assert desk.link() == 2
    assert desk.alert(before)["inhibited_by"] is None
    assert desk.events(before) == ["opened", "inhibited", "released"]


def test_what_ripens_together_finds_the_site_s_alert_open(desk: Desk) -> None:
    at = {"point": "point.huyen"}
    slow = bring_in(
        desk.connection, (a_rule("site.outage", policy=None, holds_for=3 * MINUTE), CAMERA, AT_ONCE, UNITS)
    )
    desk.book = slow
    desk.settle(
        *(down("camera.down", f"device:{n}", **at) for n in range(5)),
        down("site.outage", "point:point.huyen", **at),
    )
    opened = desk.ripen(3 * MINUTE).opened
    assert len(opened) == 6
    assert sum(desk.alert(number)["inhibited_by"] is not None for number in opened) == 5


def test_what_comes_and_goes_is_told_as_flapping_once_and_then_held_until_it_is_steady(desk: Desk) -> None:
    held = []
    for _ in range(6):
        (number,) = desk.settle(down("wifi.down", "device:a", desk.now)).opened
        (_, _, due), *_ = desk.steps(number)
        held.append((desk.alert(number)["flapping"], due > desk.now))
        desk.settle(up("wifi.down", "device:a", desk.now))
        desk.now += timedelta(seconds=30)
    assert held == [(False, False)] * 4 + [(True, True)] * 2
    desk.now += timedelta(hours=6)
    (number,) = desk.settle(down("wifi.down", "device:a", desk.now)).opened
    assert not desk.alert(number)["flapping"]


def test_a_rule_that_is_gone_from_the_pack_takes_its_alerts_with_it(desk: Desk) -> None:
    (number,) = desk.settle(down("wifi.down", "device:a")).opened
    desk.book = bring_in(desk.connection, (SITE, CAMERA, UNITS))
    with desk.connection.transaction():
        assert run(desk.connection, life.retire(desk.book, desk.now)).cleared == (number,)
    assert not desk.settle(down("wifi.down", "device:a")).changed


def test_news_that_is_rolled_back_leaves_nothing(desk: Desk) -> None:
    with desk.connection.transaction() as transaction:
        run(desk.connection, life.settle(desk.book, [down("wifi.down", "device:a")], desk.now))
        raise psycopg.Rollback(transaction)
    assert desk.connection.execute("SELECT count(*) FROM ioc.alert").fetchone() == (0,)


def test_many_writers_open_one_alert_and_count_each_member_once(desk: Desk) -> None:
    """Partitions and the sweep bring the same and different members of one group at the same moment."""
    desk_dsn = desk.connection.info
    writers, rounds = 6, 15
    barrier = threading.Barrier(writers)

    def write(writer: int) -> int:
        opened = 0
        with psycopg.connect(
            host=desk_dsn.host,
            port=desk_dsn.port,
            user=desk_dsn.user,
            password=desk_dsn.password,
            dbname=desk_dsn.dbname,
            autocommit=True,
        ) as connection:
            for turn in range(rounds):
                barrier.wait(timeout=60)
                news = [
                    down("dossier.overdue", f"dossier:{turn}-{member}", unit_id=100 + turn)
                    for member in (writer, writer + 1)
                ]
                with connection.transaction():
                    opened += len(run(connection, life.settle(desk.book, news, T0)).opened)
        return opened

    with ThreadPoolExecutor(writers) as pool:
        assert sum(pool.map(write, range(writers))) == rounds
    assert desk.connection.execute("SELECT DISTINCT members, joined FROM ioc.alert").fetchall() == [
        (writers + 1, writers + 1)
    ]


def test_the_trail_is_only_written_to(desk: Desk) -> None:
    desk.settle(down("wifi.down", "device:a"))
    with pytest.raises(psycopg.errors.RestrictViolation):
        desk.connection.execute("UPDATE ioc.alert_event SET actor = 'somebody'")
