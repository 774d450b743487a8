"""The auditor: takes over from one that died or froze, mends what can be, raises the alarm where no evaluator lives."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import structlog
from pydantic import SecretStr

from ioc.alerts.model import AbsenceCondition, Kind, ReadingCondition
from ioc.kpi.query import answer
from ioc.settings import Settings
from ioc.watch import backlog, beside
from ioc.watch.auditor import Auditor
from ioc.watch.beat import Beat
from ioc.watch.reading import Reading, keep
from ioc.watch.state import Watched, look
from tests.integration.alerting import POLICY, T0, Desk, a_rule, bring_in, down, up
from tests.integration.asking import asking
from tests.integration.kpi_data import Connection
from tests.integration.streaming import ROOT, environment, run_ioc, wait_until
from tests.peers.receiver import Reply, receiving
from tests.servers import Servers

INTERVAL_S = 0.2
MINUTE = timedelta(minutes=1)
PROCESSES = a_rule("process.silent", kind=Kind.ABSENCE, condition=AbsenceCondition("process"))
STUCK = a_rule("delivery.stuck", kind=Kind.READING, condition=ReadingCondition("delivery.stuck", above=0))
CAMERA = a_rule("camera.down", holds_for=5 * MINUTE)


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    """A fresh database; auditors look often."""
    with servers.place() as found:
        yield Settings.model_validate({**found.model_dump(), "heartbeat_s": INTERVAL_S})


@pytest.fixture
def session(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        yield found
        found.execute(
            "TRUNCATE ioc.heartbeat, ioc.reading, ioc.alert_signal, ioc.alert_step, ioc.alert_flap,"
            " ioc.alert_message_alert, ioc.alert_message, ioc.alert_event, ioc.alert RESTART IDENTITY"
        )


@pytest.fixture
def desk(session: Connection) -> Desk:
    return Desk(session, bring_in(session, (PROCESSES, STUCK, CAMERA)))


def heartbeat(session: Connection, kind: str, at: Any, *, stopped: bool = False, number: str = "") -> None:
    session.execute(
        "INSERT INTO ioc.heartbeat (name, kind, host, at, interval_s, stopped) VALUES (%s, %s, 'box', %s, 5, %s)"
        " ON CONFLICT (name) DO UPDATE SET at = excluded.at, stopped = excluded.stopped",
        (f"{kind}@box{number}", kind, at, stopped),
    )


def watched(session: Connection) -> Watched:
    return answer(session, look())


def message(session: Connection, state: str, lease: Any) -> int:
    row = session.execute(
        "INSERT INTO ioc.alert_message (key, kind, severity, channel, state, not_before, lease_until, attempts)"
        " VALUES (gen_random_uuid()::text, 'alert', 3, 'sms', %s, %s, %s, 1) RETURNING message_id",
        (state, lease, lease),
    ).fetchone()
    assert row is not None
    return int(row[0])


def auditor(place: Settings) -> Auditor:
    return Auditor(place, "deliver", "box")


# -- what it mends ---------------------------------------------------------------------------------------


def test_a_message_whose_sender_died_is_freed_under_its_key_and_one_that_is_being_sent_is_not(
    place: Settings, session: Connection
) -> None:
    died, sending = message(session, "sending", T0 - MINUTE), message(session, "sending", T0 + MINUTE)
    found = auditor(place).audit(session, T0)
    assert found.repaired.messages == (died,)
    rows = session.execute(
        "SELECT message_id, state, attempts, not_before FROM ioc.alert_message ORDER BY 1"
    ).fetchall()
    assert rows == [(died, "waiting", 1, T0), (sending, "sending", 1, T0 + MINUTE)]
    assert auditor(place).audit(session, T0).repaired.messages == ()


def test_an_alert_that_nobody_is_called_for_is_called_for_anew(place: Settings, desk: Desk) -> None:
    heartbeat(desk.connection, "evaluate", T0 + 10 * MINUTE)
    desk.book = bring_in(desk.connection, (PROCESSES, a_rule("camera.down"), a_rule("quiet", policy=None)))
    lost, whole, quiet = (
        desk.settle(down(rule, subject)).opened[0]
        for rule, subject in (("camera.down", "device:a"), ("camera.down", "device:b"), ("quiet", "device:c"))
    )
    desk.connection.execute("DELETE FROM ioc.alert_step WHERE alert_id = %s", (lost,))
    # an escalation that went to its end is no repair's business
    desk.connection.execute("UPDATE ioc.alert_step SET state = 'done' WHERE alert_id = %s", (whole,))
    assert auditor(place).audit(desk.connection, T0 + MINUTE / 4).repaired.alerts == ()
    assert auditor(place).audit(desk.connection, T0 + MINUTE).repaired.alerts == (lost,)
    assert desk.steps(lost) == [("escalate", "waiting", T0 + MINUTE)]
    assert desk.events(lost)[-1] == "repaired"
    assert desk.steps(quiet) == []
    assert auditor(place).audit(desk.connection, T0 + 2 * MINUTE).repaired.alerts == ()


def test_an_acknowledged_alert_and_one_that_is_over_are_left_alone(place: Settings, desk: Desk) -> None:
    desk.book = bring_in(desk.connection, (PROCESSES, a_rule("camera.down")))
    (taken,) = desk.settle(down("camera.down", "device:a")).opened
    desk.connection.execute(
        "UPDATE ioc.alert SET acknowledged_at = %s, acknowledged_by = 'an' WHERE alert_id = %s", (T0, taken)
    )
    desk.connection.execute(
        "UPDATE ioc.alert_step SET state = 'cancelled', detail = '{\"why\": \"acknowledged\"}'"
    )
    (over,) = desk.settle(down("camera.down", "device:b")).opened
    desk.settle(up("camera.down", "device:b"))
    assert auditor(place).audit(desk.connection, T0 + MINUTE).repaired.alerts == ()
    # the acknowledgement lapsed, and whoever let it lapse made no step
    desk.connection.execute("UPDATE ioc.alert SET acknowledged_at = NULL, acknowledged_by = NULL")
    assert auditor(place).audit(desk.connection, T0 + MINUTE).repaired.alerts == (taken,)
    assert over not in auditor(place).audit(desk.connection, T0 + 9 * MINUTE).repaired.alerts


# -- standing in for the evaluator -----------------------------------------------------------------------


def test_where_no_evaluator_lives_its_silence_is_an_alert_that_calls_people(
    place: Settings, desk: Desk
) -> None:
    heartbeat(desk.connection, "evaluate", T0)
    heartbeat(desk.connection, "deliver", T0 + 3 * MINUTE)
    assert auditor(place).audit(desk.connection, T0 + MINUTE / 6).dead == ()
    found = auditor(place).audit(desk.connection, T0 + MINUTE)
    assert found.dead == ("evaluate",)
    rows = desk.connection.execute(
        "SELECT a.alert_id, r.code, a.key, a.since FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id)"
    ).fetchall()
    assert [row[1:] for row in rows] == [("process.silent", "process:evaluate@box", T0 + MINUTE / 4)]
    assert desk.steps(rows[0][0]) == [("escalate", "waiting", T0 + MINUTE)]
    # a second look opens no second one, and an end on purpose clears it
    auditor(place).audit(desk.connection, T0 + 2 * MINUTE)
    heartbeat(desk.connection, "evaluate", T0 + 3 * MINUTE, stopped=True)
    auditor(place).audit(desk.connection, T0 + 3 * MINUTE)
    assert desk.connection.execute("SELECT count(*), count(cleared_at) FROM ioc.alert").fetchone() == (1, 1)


def test_a_living_evaluator_is_left_to_its_work(place: Settings, desk: Desk) -> None:
    heartbeat(desk.connection, "evaluate", T0 + MINUTE)
    heartbeat(desk.connection, "serve", T0)
    assert auditor(place).audit(desk.connection, T0 + MINUTE).dead == ("deliver",)
    assert desk.connection.execute("SELECT count(*) FROM ioc.alert").fetchone() == (0,)


def test_while_no_evaluator_lives_signals_still_ripen_and_stuck_messages_still_alarm(
    place: Settings, desk: Desk
) -> None:
    desk.settle(down("camera.down", "device:a"))
    message(desk.connection, "waiting", T0)
    auditor(place).audit(desk.connection, T0 + 6 * MINUTE)
    rows = desk.connection.execute("SELECT key FROM ioc.alert ORDER BY key").fetchall()
    assert [key for (key,) in rows] == ["device:a", "reading:delivery.stuck@all"]


def test_a_rule_that_can_not_be_raised_does_not_end_the_audit(place: Settings, desk: Desk) -> None:
    """Its own part fails, all else goes on: here the table of readings is gone."""
    died = message(desk.connection, "sending", T0 - MINUTE)
    desk.connection.execute("ALTER TABLE ioc.reading RENAME TO away")
    try:
        with structlog.testing.capture_logs() as lines:
            found = auditor(place).audit(desk.connection, T0)
    finally:
        desk.connection.execute("ALTER TABLE ioc.away RENAME TO reading")
    assert found.repaired.messages == (died,)
    assert "auditor.can_not_stand_in" in [line["event"] for line in lines]


def test_after_a_power_cut_those_that_are_still_starting_are_not_missed(place: Settings, desk: Desk) -> None:
    """All beats are old then, and nobody was there to miss any until now."""
    session = desk.connection
    now = watched(session).now
    heartbeat(session, "serve", now - timedelta(hours=1))
    heartbeat(session, "evaluate", now - timedelta(hours=1))
    heartbeat(session, "deliver", now)
    session.execute(
        "UPDATE ioc.heartbeat SET detail = jsonb_build_object('started_at', %s::timestamptz) WHERE kind = 'deliver'",
        (now,),
    )
    found = watched(session)
    assert [one.is_silent(now) for one in found.heartbeats if one.kind != "deliver"] == [False, False]
    # that it does not live is no secret meanwhile, and the outside does not hear of us
    assert "no process of evaluate lives" in "\n".join(found.degraded())
    auditor(place).audit(session)
    assert session.execute("SELECT count(*) FROM ioc.alert").fetchone() == (0,)
    session.execute(
        "UPDATE ioc.heartbeat SET detail = jsonb_build_object('started_at', %s::timestamptz) WHERE kind = 'deliver'",
        (now - 2 * MINUTE,),
    )
    auditor(place).audit(session)
    rows = session.execute("SELECT key FROM ioc.alert ORDER BY key").fetchall()
    assert [key for (key,) in rows] == ["process:evaluate@box", "process:serve@box"]


# -- one at a time, whatever dies ------------------------------------------------------------------------

_AUDITING = """
import threading
from ioc.settings import load
from ioc.watch import beside
from ioc.watch.beat import Beat
stop = threading.Event()
with Beat(load(), {role!r}) as beat:
    beside.audit(load(), stop, beat)
    stop.wait()
"""


@contextmanager
def auditing(place: Settings, role: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that audits beside nothing else."""
    process = subprocess.Popen(
        [sys.executable, "-c", _AUDITING.format(role=role)], cwd=ROOT, env=environment(place)
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(60)


def audits_now(session: Connection) -> str | None:
    found = watched(session)
    holder = found.auditor
    return holder.detail["by"] if holder is not None and holder.lives(found.now) else None


def called_for(session: Connection) -> list[str]:
    """Roles whose silence is an alert with a step that calls people."""
    rows = session.execute(
        "SELECT split_part(split_part(key, ':', 2), '@', 1) FROM ioc.alert a"
        " WHERE EXISTS (SELECT FROM ioc.alert_step s WHERE s.alert_id = a.alert_id AND s.kind = 'escalate')"
    ).fetchall()
    return [role for (role,) in rows]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_another_takes_over_from_an_auditor_that_is(
    how: signal.Signals, place: Settings, session: Connection
) -> None:
    bring_in(session, (PROCESSES,), (POLICY,))
    with auditing(place, "evaluate") as first:
        wait_until(lambda: audits_now(session) == "evaluate", within_s=20, what="the first audits")
        with auditing(place, "deliver") as second:
            wait_until(
                lambda: any(one.kind == "deliver" for one in watched(session).heartbeats),
                within_s=20,
                what="a second",
            )
            assert audits_now(session) == "evaluate"
            first.send_signal(how)
            wait_until(lambda: audits_now(session) == "deliver", within_s=10, what="the second audits")
            wait_until(
                lambda: "evaluate" in called_for(session),
                within_s=10,
                what="people are called for the first",
            )
            if how is signal.SIGSTOP:
                first.send_signal(signal.SIGCONT)
                wait_until(
                    lambda: (
                        not any(one.is_silent(watched(session).now) for one in watched(session).heartbeats)
                    ),
                    within_s=10,
                    what="the first is heard again",
                )
                assert audits_now(session) == "deliver"
            assert second.poll() is None


# -- outwards --------------------------------------------------------------------------------------------


def test_the_outside_hears_of_us_only_while_evaluator_delivery_and_database_live(
    place: Settings, session: Connection
) -> None:
    with receiving() as watchdog, structlog.testing.capture_logs() as lines:
        url = f"{watchdog.url}/ping/secret-token"
        outward = Settings.model_validate(
            {**place.model_dump(), "heartbeat_url": SecretStr(url), "heartbeat_url_every_s": 1.0}
        )
        stop = threading.Event()
        with Beat(outward, "deliver") as beat:
            beside.audit(outward, stop, beat)
            wait_until(lambda: audits_now(session) == "deliver", within_s=20, what="it audits")
            time.sleep(5 * INTERVAL_S)
            assert watchdog.asked == []
            with Beat(outward, "evaluate"):
                wait_until(lambda: watchdog.asked, within_s=20, what="the watchdog is called")
                watchdog.answer = lambda _asked: Reply(503)
                wait_until(
                    lambda: any("heartbeat_url.failed" in line["event"] for line in lines),
                    within_s=20,
                    what="a line",
                )
                watchdog.answer = lambda _asked: Reply()
                wait_until(
                    lambda: any("answers_again" in line["event"] for line in lines),
                    within_s=20,
                    what="a line",
                )
            wait_until(
                lambda: "evaluate" in watched(session).degraded()[0], within_s=20, what="nobody evaluates"
            )
            time.sleep(5 * INTERVAL_S)
            seen = len(watchdog.asked)
            time.sleep(1.5)
            assert len(watchdog.asked) == seen
            stop.set()
    told = [line for line in lines if line["event"].startswith("heartbeat_url")]
    assert [line["event"] for line in told] == ["heartbeat_url.failed", "heartbeat_url.answers_again"]
    assert "secret-token" not in repr(lines)


# -- who is told -----------------------------------------------------------------------------------------


async def test_readiness_and_status_say_what_keeps_people_from_being_called(
    place: Settings, session: Connection
) -> None:
    now = watched(session).now
    heartbeat(session, "evaluate", now)
    heartbeat(session, "deliver", now - MINUTE)
    keep(session, [Reading("alerts.round_trip", "thu", 300.0, {"state": "late"})], now, MINUTE)
    keep(session, [Reading("delivery.stuck", "all", 2.0)], now, MINUTE)
    keep(session, [Reading("escalation.overdue", "all", 9.0)], now - 2 * MINUTE, MINUTE)
    async with asking(place) as client:
        body = (await client.get("/health/ready")).json()
        metrics = (await client.get("/metrics")).text
    said = "\n".join(body["degraded"])
    assert f"ioc_degraded {len(body['degraded'])}.0" in metrics
    assert 'ioc_alert_round_trip_seconds{rule="thu"} 300.0' in metrics
    assert "deliver@box has been silent for 6" in said
    assert "no process of deliver lives" in said
    assert "nobody audits" in said
    assert "2 messages should have gone" in said
    assert "thu has not come back for 300 s" in said
    # too old to be known
    assert "escalations" not in said
    assert "evaluate" not in said.replace("ioc evaluate", "")
    status = run_ioc(place, "status", "--json")
    assert '"degraded": ["deliver@box' in status.stdout


def test_readings_of_what_calls_people_are_the_auditors_too(place: Settings, session: Connection) -> None:
    """So that an alarm on them rises where no evaluator takes readings."""
    message(session, "waiting", T0)
    bring_in(session, (STUCK,), (POLICY,))
    auditor(place).audit(session, T0 + 2 * MINUTE)
    (value,) = session.execute("SELECT value FROM ioc.reading WHERE name = 'delivery.stuck'").fetchone() or (
        None,
    )
    assert value == backlog.stuck(session, T0 + 2 * MINUTE).value == 1
