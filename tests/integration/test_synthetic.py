"""Synthetic alerts go the whole way and back: measured when they return, a growing number when they are late."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ioc.alerts.encoding import channel_to_json
from ioc.alerts.model import Channel, Hours, Kind, Policy, Severity, Step, SyntheticCondition, Target
from ioc.delivery.channels.webhook import SIGNATURE_HEADER, sign
from ioc.kpi.query import answer, ask, current
from ioc.kpi.question import Asked
from ioc.kpi.steps import run as drive
from ioc.settings import Settings
from ioc.watch import beside, echo, synthetic
from ioc.watch.beat import Beat
from ioc.watch.reading import KeptReading, readings
from ioc.watch.sending import Sender
from ioc.watch.state import look
from ioc.watch.synthetic import Pace
from tests.integration.alerting import T0, Desk, a_rule, bring_in, down
from tests.integration.asking import asking
from tests.integration.kpi_data import add_district, add_unit
from tests.integration.streaming import IocProcess, started, wait_until
from tests.servers import Servers

MINUTE = timedelta(minutes=1)
PACE = Pace(15 * MINUTE, MINUTE)
POLICY = Policy("thu", "Thử", "Check", (Step(timedelta(0), (Target(channel="echo"),)),))
RULE = a_rule(
    "thu",
    kind=Kind.SYNTHETIC,
    condition=SyntheticCondition(),
    severity=Severity.INFO,
    policy="thu",
    hours=Hours.WORKING,
)
REAL = a_rule("camera.down", policy="thu")
CHANNELS = (
    Channel("echo", "echo", bundle=timedelta(0), most_per_hour=None),
    Channel("telegram", "telegram", "env:NOWHERE"),
)


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    with servers.place() as found:
        with psycopg.connect(found.database_dsn, autocommit=True) as session:
            add_unit(session, "go")
            add_district(session, "go")
            for channel in CHANNELS:
                session.execute(
                    "INSERT INTO ioc.alert_channel (code, definition) VALUES (%s, %s)",
                    (channel.code, channel_to_json(channel)),
                )
        yield found


@pytest.fixture
def desk(place: Settings) -> Iterator[Desk]:
    with psycopg.connect(place.database_dsn, autocommit=True) as session:
        yield Desk(session, bring_in(session, (RULE, REAL), (POLICY,)))
        session.execute(
            "TRUNCATE ioc.heartbeat, ioc.reading, ioc.alert_signal, ioc.alert_step, ioc.alert_flap,"
            " ioc.alert_message_alert, ioc.alert_message, ioc.alert_event, ioc.alert RESTART IDENTITY"
        )
        session.execute("DELETE FROM ioc.platform_sample")


def message(
    desk: Desk, alert: int, key: str, *, channel: str = "echo", state: str = "sending", at: Any = None
) -> str:
    """What delivery would have put into the outbox."""
    row = desk.connection.execute(
        "INSERT INTO ioc.alert_message (key, kind, severity, channel, state, not_before, ended_at)"
        " VALUES (%s, 'synthetic', 1, %s, %s, %s, %s) RETURNING message_id",
        (key, channel, state, desk.now, at),
    ).fetchone()
    assert row is not None
    desk.connection.execute("INSERT INTO ioc.alert_message_alert VALUES (%s, %s)", (row[0], alert))
    return key


def reading(desk: Desk) -> KeptReading | None:
    found = drive(desk.connection, readings())
    return next((one for one in found if one.name == "alerts.round_trip"), None)


def back(desk: Desk, key: str, after: timedelta) -> list[synthetic.Returned]:
    with desk.connection.transaction():
        return drive(desk.connection, synthetic.back(desk.book, key, desk.now + after, PACE))


def is_open(desk: Desk) -> list[int]:
    rows = desk.connection.execute(
        "SELECT alert_id FROM ioc.alert WHERE cleared_at IS NULL ORDER BY 1"
    ).fetchall()
    return [alert for (alert,) in rows]


# -- the clock is the test's -----------------------------------------------------------------------------


def test_one_is_opened_on_schedule_at_any_hour_and_called_for_by_its_policy(desk: Desk) -> None:
    """T0 is eight in the morning of a Monday; the night before offices were closed."""
    sender = Sender(PACE)
    night = T0 - timedelta(hours=6)
    (first,) = sender.look(desk.connection, night)
    assert desk.steps(first) == [("escalate", "waiting", night)]
    assert sender.look(desk.connection, night + 14 * MINUTE) == []
    # another process, which has to look up when the newest was
    assert Sender(PACE).look(desk.connection, night + 14 * MINUTE) == []
    assert len(Sender(PACE).look(desk.connection, night + 15 * MINUTE)) == 1


def test_its_return_clears_it_and_is_its_round_trip(desk: Desk) -> None:
    (alert,) = Sender(PACE).look(desk.connection, desk.now)
    message(desk, alert, "k1")
    (found,) = back(desk, "k1", timedelta(seconds=2.5))
    assert (found.alert, found.seconds) == (alert, 2.5)
    assert desk.alert(alert)["cleared_at"] == desk.now + timedelta(seconds=2.5)
    assert desk.events(alert) == ["opened", "cleared", "returned"]
    kept = reading(desk)
    assert kept is not None
    assert (kept.value, kept.instance, kept.detail["state"]) == (2.5, "thu", "back")
    # what comes a second time changes nothing
    assert back(desk, "k1", timedelta(seconds=9)) == []
    assert reading(desk) == kept


def test_an_echo_of_another_alert_or_of_nothing_closes_nothing(desk: Desk) -> None:
    (real,) = desk.settle(down("camera.down", "device:c1")).opened
    message(desk, real, "k1")
    assert back(desk, "k1", MINUTE) == []
    assert back(desk, "unknown", MINUTE) == []
    assert is_open(desk) == [real]
    assert reading(desk) is None


def test_on_other_channels_the_receipt_counts(desk: Desk) -> None:
    sender = Sender(PACE)
    (alert,) = sender.look(desk.connection, desk.now)
    message(desk, alert, "k1", channel="echo", state="sent", at=desk.now + timedelta(seconds=1))
    sender.look(desk.connection, desk.now + timedelta(seconds=2))
    assert is_open(desk) == [alert]
    message(desk, alert, "k2", channel="telegram", state="sent", at=desk.now + timedelta(seconds=3))
    sender.look(desk.connection, desk.now + timedelta(seconds=4))
    assert is_open(desk) == []
    kept = reading(desk)
    assert kept is not None
    assert (kept.value, kept.detail["channel"]) == (3, "telegram")


def test_what_is_late_grows_until_something_comes_back(desk: Desk) -> None:
    """Also over the next ones, which are opened on schedule: the reading counts from the first that was lost."""
    sender = Sender(PACE)
    (first,) = sender.look(desk.connection, desk.now)
    sender.look(desk.connection, desk.now + timedelta(seconds=59))
    assert reading(desk) is None
    for minutes in (1, 9):
        sender.look(desk.connection, desk.now + minutes * MINUTE)
        late = reading(desk)
        assert late is not None
        assert (late.value, late.detail["state"]) == (minutes * 60, "late")
    desk.now += 15 * MINUTE
    (second,) = sender.look(desk.connection, desk.now)
    assert desk.events(first) == ["opened", "cleared", "lost"]
    late = reading(desk)
    assert late is not None
    assert late.value == 15 * 60
    message(desk, second, "k2")
    back(desk, "k2", timedelta(seconds=4))
    found = reading(desk)
    assert found is not None
    assert (found.value, found.detail["state"]) == (4, "back")
    sender.look(desk.connection, desk.now + MINUTE)
    assert reading(desk) == found


def test_that_it_comes_and_goes_all_the_time_never_damps_it(desk: Desk) -> None:
    sender = Sender(replace(PACE, every=MINUTE))
    for number in range(12):
        desk.now += MINUTE
        (alert,) = sender.look(desk.connection, desk.now)
        assert not desk.alert(alert)["flapping"]
        assert desk.steps(alert) == [("escalate", "waiting", desk.now)]
        message(desk, alert, f"k{number}")
        back(desk, f"k{number}", timedelta(seconds=1))


# -- the indicator ---------------------------------------------------------------------------------------


def value_now(desk: Desk) -> float | None:
    (figure,) = answer(desk.connection, current("system", ["alerts.round_trip"]))
    return figure.value


def test_the_indicator_is_the_slowest_of_a_period_and_now_the_newest(desk: Desk) -> None:
    desk.now = datetime.now(UTC) - timedelta(hours=2)
    assert value_now(desk) is None
    for number, seconds in enumerate((3.0, 40.0, 2.0)):
        (alert,) = Sender(replace(PACE, every=MINUTE)).look(desk.connection, desk.now)
        message(desk, alert, f"k{number}")
        back(desk, f"k{number}", timedelta(seconds=seconds))
        desk.now += 2 * MINUTE
    # the newest is too old to be told as of now
    assert value_now(desk) is None
    desk.connection.execute("UPDATE ioc.reading SET valid_until = now() + interval '1 minute'")
    assert value_now(desk) == 2
    month = Asked(start=(desk.now - timedelta(days=1)).isoformat(), bucket="1mo")
    points = answer(desk.connection, ask("system", "alerts.round_trip", month)).points
    assert [point.value for point in points if point.value is not None] == [40]
    parts = answer(desk.connection, ask("system", "alerts.round_trip", replace(month, by="rule"))).points
    assert {(point.dim, point.value) for point in parts if point.value is not None} == {("thu", 40)}
    desk.connection.execute('UPDATE ioc.reading SET detail = \'{"state": "late"}\'')
    assert value_now(desk) is None


# -- what comes back over HTTP ---------------------------------------------------------------------------


async def test_only_the_platform_itself_can_say_that_one_came_back(place: Settings, desk: Desk) -> None:
    desk.now = datetime.now(UTC)
    (alert,) = Sender(PACE).look(desk.connection, desk.now)
    body = json.dumps({"id": message(desk, alert, "k1"), "specversion": "1.0"}).encode()
    now, key = int(time.time()), echo.read_key(place)
    forged = {
        "none": "",
        "another key": sign(b"x" * 64, now, body),
        "another body": sign(key, now, body + b" "),
        "old": sign(key, now - 301, body),
        "of tomorrow": sign(key, now + 86_400, body),
        "no signature": "t=1,v1=zz",
    }
    async with asking(place) as client:
        for what, header in forged.items():
            refused = await client.post(echo.PATH, content=body, headers={SIGNATURE_HEADER: header})
            assert (refused.status_code, what) == (403, what)
        for garbage in (b"", b"[]", b"\xff", b'{"id": 7}', b"[" * 5000):
            found = await client.post(
                echo.PATH, content=garbage, headers={SIGNATURE_HEADER: sign(key, now, garbage)}
            )
            assert found.status_code == 422
        assert is_open(desk) == [alert]
        for _ in range(2):
            heard = await client.post(
                echo.PATH, content=body, headers={SIGNATURE_HEADER: sign(key, now, body)}
            )
            assert heard.status_code == 204
    assert is_open(desk) == []
    assert desk.events(alert)[-1] == "returned"


# -- the whole way, with the processes that go it --------------------------------------------------------


def test_the_round_trip_is_measured_over_real_processes_and_is_late_while_delivery_hangs(
    place: Settings, desk: Desk
) -> None:
    """``ioc deliver`` sends over HTTP to ``ioc serve``; what goes on beside the evaluator goes on in this process."""
    settings = Settings.model_validate(
        {**place.model_dump(), "heartbeat_s": 0.5, "synthetic_every_s": 3.0, "synthetic_within_s": 2.0}
    )
    stop = threading.Event()
    serve = IocProcess(settings, "serve", "serve", stop_s=60)
    deliver = IocProcess(settings, "deliver", "deliver", stop_s=60)

    def degraded() -> str:
        return "\n".join(answer(desk.connection, look()).degraded())

    def state() -> str | None:
        found = reading(desk)
        return None if found is None else str(found.detail["state"])

    with started(serve), started(deliver), Beat(settings, "evaluate") as beat:
        try:
            beside.watch(settings, stop, beat)
            wait_until(lambda: state() == "back", within_s=60, what="a synthetic alert is back")
            wait_until(lambda: degraded() == "", within_s=30, what="nothing is wrong")
            took = value_now(desk)
            assert took is not None
            assert 0 < took < 60
            deliver.signal(signal.SIGSTOP)
            wait_until(lambda: state() == "late", within_s=30, what="one is late")
            wait_until(
                lambda: "no process of deliver lives" in degraded(), within_s=30, what="delivery is missed"
            )
            assert "has not come back" in degraded()
            assert value_now(desk) is None
            deliver.signal(signal.SIGCONT)
            wait_until(lambda: state() == "back", within_s=60, what="the next one is back")
            wait_until(lambda: degraded() == "", within_s=30, what="nothing is wrong any more")
        finally:
            stop.set()
    kinds = {kind for (kind,) in desk.connection.execute("SELECT kind FROM ioc.alert_event").fetchall()}
    assert (
        {"opened", "called", "returned", "cleared", "lost"}
        >= kinds
        >= {"opened", "called", "returned", "cleared"}
    )
