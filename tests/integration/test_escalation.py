"""Whom an alert calls, when, and when no more: on a real database, by a clock that the test moves."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import time, timedelta

import psycopg

from ioc.alerts import actions, maintenance
from ioc.alerts.model import Grouping, Severity, Step, Target
from ioc.delivery import escalation, quiet
from ioc.duty import Change, ChangeKind, store
from ioc.kpi.query import SYSTEM_READER, change
from ioc.kpi.steps import run
from tests.integration.alerting import T0, a_rule, down, up
from tests.integration.delivering import (
    LEADER,
    MINUTE,
    OFFICER,
    POLICY,
    Post,
    people,
    rotation,
)
from tests.integration.kpi_data import Connection

HOUR = timedelta(hours=1)


def test_each_step_calls_who_is_on_duty_then_after_its_delay_over_every_channel_that_takes_it(
    post: Post,
) -> None:
    alert = post.open("camera.down")
    assert post.escalate() == 2
    assert post.outbox(alert) == [("alert", "an", "email", "waiting"), ("alert", "an", "sms", "waiting")]
    assert post.called(alert) == [
        {"run": 0, "round": 0, "step": 0, "people": {"an": ["email", "sms"]}, "channels": []}
    ]
    post.passed(10 * MINUTE - timedelta(seconds=1))
    assert post.escalate() == 0
    post.passed(timedelta(seconds=1))
    assert post.escalate() == 2
    assert [row[1:3] for row in post.outbox(alert)][2:] == [("lan", "email"), ("lan", "sms")]


def test_a_channel_does_not_carry_what_is_less_than_it_takes(post: Post) -> None:
    alert = post.open("wifi.down")
    post.escalate()
    assert post.outbox(alert) == [("alert", "an", "email", "waiting")]


def test_all_steps_are_gone_through_again_and_then_reminders_come_while_nobody_acknowledges(
    post: Post,
) -> None:
    alert = post.open("camera.down")
    for _ in range(30):
        post.escalate()
        post.passed(5 * MINUTE)
    steps = [(d["round"], d["step"]) for d in post.called(alert)]
    # steps at 0 and 10, again at 20 and 30 minutes; reminders of everybody from 60 on, each half hour
    assert steps[:4] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    reminders = [row for row in post.outbox(alert) if row[0] == "reminder"]
    assert {row[1] for row in reminders} == {"an", "lan"}
    assert [place for place, _ in steps[4:]] == [0, 1, 2]


def test_a_policy_whose_steps_all_come_at_once_pauses_between_its_rounds(post: Post) -> None:
    at_once = replace(POLICY, steps=(Step(timedelta(0), (OFFICER,)),), repeat=2)
    post.rules(a_rule("camera.down", policy="truc"), policies=(at_once,))
    alert = post.open("camera.down")
    post.escalate()
    assert len(post.called(alert)) == 1
    post.passed(escalation.PAUSE)
    post.escalate()
    assert len(post.called(alert)) == 2


def test_an_acknowledgement_ends_calling_and_one_that_lapses_begins_it_again(post: Post) -> None:
    alert = post.open("camera.down")
    post.escalate()
    post.acknowledge(alert)
    post.passed(POLICY.ack_for or HOUR)
    assert post.escalate() == 0
    with post.connection.transaction():
        run(post.connection, actions.lapse(post.now))
    assert post.escalate() == 2
    assert [(d["run"], d["step"]) for d in post.called(alert)] == [(0, 0), (1, 0)]
    post.passed(10 * MINUTE)
    post.escalate()
    assert [(d["run"], d["step"]) for d in post.called(alert)] == [(0, 0), (1, 0), (1, 1)]


def test_when_nobody_is_on_duty_the_fallback_is_called_and_it_is_said(post: Post) -> None:
    post.rosters(rotation("truc-ban", "an", starts=time(20), ends=time(22)), rotation("lanh-dao", "lan"))
    alert = post.open("camera.down")
    post.escalate()
    assert post.outbox(alert) == [("alert", None, "siren", "waiting")]
    (told,) = post.called(alert, "nobody_on_duty")
    assert told["absent"] == ["truc/truc-ban: no shift is held"]
    assert post.called(alert)[0]["channels"] == ["siren"]


def test_a_layer_that_is_empty_is_the_fallbacks_turn_beside_those_who_are_there(post: Post) -> None:
    both = replace(POLICY, steps=(Step(timedelta(0), (OFFICER, LEADER)),), repeat=0)
    post.rules(a_rule("camera.down", policy="truc"), policies=(both,))
    change(
        post.connection,
        store.make(SYSTEM_READER, Change(ChangeKind.LEAVE, "lan", T0 - HOUR, T0 + HOUR), "test"),
    )
    alert = post.open("camera.down")
    post.escalate()
    assert [row[1:3] for row in post.outbox(alert)] == [("an", "email"), ("an", "sms"), (None, "siren")]
    assert "is on leave" in post.called(alert, "nobody_on_duty")[0]["absent"][0]


def test_somebody_without_a_way_to_be_told_is_seen_as_failed_and_the_fallback_is_called(post: Post) -> None:
    post.rosters(rotation("truc-ban", "chi"), rotation("lanh-dao", "lan"))
    alert = post.open("camera.down")
    post.escalate()
    assert sorted(post.outbox(alert), key=str) == [
        ("alert", "chi", "-", "failed"),
        ("alert", None, "siren", "waiting"),
    ]
    (error,) = post.connection.execute(
        "SELECT error FROM ioc.alert_message WHERE state = 'failed'"
    ).fetchone() or ("",)
    assert error == "There is no way to reach this person."


def test_the_room_is_not_disturbed_by_what_is_less_than_its_siren_takes(post: Post) -> None:
    post.rosters(rotation("lanh-dao", "lan"))
    post.channel("siren", least=Severity.MAJOR)
    less, more = post.open("wifi.down"), post.open("camera.down")
    post.escalate()
    assert post.outbox(less) == []
    assert post.events(less)[1:] == ["nobody_on_duty", "not_called"]
    assert post.outbox(more) == [("alert", None, "siren", "waiting")]


def test_a_maintenance_window_holds_what_is_due_until_it_ends(post: Post) -> None:
    post.connection.execute(
        "INSERT INTO ioc.maintenance (name, rules, starts_at, length_s, time_zone, made_by)"
        " VALUES ('Thay thiết bị', '{camera.down}', %s, 3600, 'Asia/Ho_Chi_Minh', 'test')",
        (post.now,),
    )
    alert, other = post.open("camera.down"), post.open("wifi.down")
    # whether or not the evaluator marked the alert yet
    assert post.escalate() == 1
    assert post.outbox(other) == [("alert", "an", "email", "waiting")]
    with post.connection.transaction():
        run(post.connection, maintenance.mark(post.now))
    post.passed(30 * MINUTE)
    assert post.escalate() == 1
    assert post.outbox(other)[-1] == ("alert", "lan", "email", "waiting")
    assert post.outbox(alert) == []
    post.passed(30 * MINUTE)
    with post.connection.transaction():
        run(post.connection, maintenance.mark(post.now))
    post.escalate()
    assert [row[1:3] for row in post.outbox(alert)] == [("an", "email"), ("an", "sms")]


def test_a_policy_without_fallback_that_finds_nobody_says_that_nobody_was_called(post: Post) -> None:
    lonely = replace(POLICY, fallback=())
    post.rules(a_rule("camera.down", policy="truc"), policies=(lonely,))
    post.rosters(rotation("lanh-dao", "lan"))
    alert = post.open("camera.down")
    post.escalate()
    assert post.outbox(alert) == []
    assert post.events(alert)[1:] == ["nobody_on_duty", "not_called"]
    # the next step comes all the same
    post.passed(10 * MINUTE)
    assert post.escalate() == 2


def test_a_policy_that_changes_after_the_alert_opened_changes_nothing_for_it(post: Post) -> None:
    alert = post.open("camera.down")
    other = replace(POLICY, steps=(Step(timedelta(0), (Target(person="binh"),)),))
    post.rules(a_rule("camera.down", policy="truc"), policies=(other,))
    post.escalate()
    post.passed(10 * MINUTE)
    post.escalate()
    assert [list(d["people"]) for d in post.called(alert)] == [["an"], ["lan"]]
    fresh = post.open("camera.down", "device:c2")
    post.escalate()
    assert [list(d["people"]) for d in post.called(fresh)] == [["binh"]]


def test_whoever_is_on_duty_at_the_step_is_called_and_not_who_was_before(post: Post) -> None:
    again = replace(POLICY, steps=(Step(timedelta(0), (OFFICER,)), Step(10 * MINUTE, (OFFICER,))), repeat=0)
    post.rules(a_rule("camera.down", policy="truc"), policies=(again,))
    alert = post.open("camera.down")
    post.escalate()
    stand_in = Change(ChangeKind.REPLACE, "an", T0 + MINUTE, T0 + HOUR, "truc", "truc-ban", "binh")
    change(post.connection, store.make(SYSTEM_READER, stand_in, "test"))
    post.passed(10 * MINUTE)
    post.escalate()
    assert [list(d["people"]) for d in post.called(alert)] == [["an"], ["binh"]]


def test_somebody_who_is_gone_from_the_people_between_two_steps_is_not_called(post: Post) -> None:
    alert = post.open("camera.down")
    post.escalate()
    post.rosters(
        rotation("truc-ban", "an", "binh"),
        rotation("lanh-dao", "lan"),
        people_=[one for one in people() if one.code != "lan"],
    )
    post.passed(10 * MINUTE)
    post.escalate()
    assert post.outbox(alert)[2:] == [("alert", None, "siren", "waiting")]
    assert "is not among the people" in post.called(alert, "nobody_on_duty")[0]["absent"][0]


def test_more_of_the_same_joins_the_alert_and_calls_nobody_again(post: Post) -> None:
    post.rules(a_rule("camera.down", policy="truc", group_by=Grouping.DISTRICT))
    alert = post.open("camera.down")
    post.escalate()
    post.settle(*(down("camera.down", f"device:c{n}", post.now) for n in range(2, 40)))
    assert post.escalate() == 0
    assert len(post.outbox(alert)) == 2


def test_a_snoozed_alert_calls_nobody_until_the_snooze_ends(post: Post) -> None:
    alert = post.open("camera.down")
    post.escalate()
    with post.connection.transaction():
        run(post.connection, actions.snooze(SYSTEM_READER, [alert], "an", post.now, post.now + HOUR))
    post.passed(10 * MINUTE)
    assert post.escalate() == 0
    ((held, due),) = post.connection.execute(
        "SELECT detail->>'held', due_at FROM ioc.alert_step WHERE state = 'waiting'"
    ).fetchall()
    assert (held, due) == ("snoozed", T0 + HOUR)
    # a shorter snooze counts, and nobody has to look again and again
    with post.connection.transaction():
        run(post.connection, actions.snooze(SYSTEM_READER, [alert], "an", post.now, post.now + 5 * MINUTE))
    assert post.escalate() == 0
    post.passed(5 * MINUTE)
    assert post.escalate() == 2


def test_an_alert_that_another_explains_waits_until_that_one_clears(post: Post) -> None:
    post.rules(
        a_rule("site.down", policy="truc", severity=Severity.CRITICAL),
        a_rule("camera.down", policy="truc", inhibited_by=("site.down",)),
    )
    post.settle(down("site.down", "point:p1", point="p1"), down("camera.down", "device:c1", point="p1"))
    post.escalate()
    called = {
        row[0] for row in post.connection.execute("SELECT DISTINCT alert_id FROM ioc.alert_message_alert")
    }
    assert len(called) == 1
    post.passed(5 * MINUTE)
    post.settle(up("site.down", "point:p1", post.now))
    post.link()
    # at once, though the step was to be looked at a minute later
    post.escalate()
    kinds = post.connection.execute(
        "SELECT r.code, m.kind FROM ioc.alert_message m JOIN ioc.alert_message_alert USING (message_id)"
        " JOIN ioc.alert USING (alert_id) JOIN ioc.alert_rule r USING (rule_id) WHERE m.channel = 'email'"
        " AND m.state = 'waiting'"
    ).fetchall()
    assert kinds == [("camera.down", "alert")]


def test_who_was_told_is_told_that_it_is_over_and_who_was_not_never_hears_of_it(post: Post) -> None:
    alert = post.open("camera.down")
    post.escalate()
    post.send("email")
    post.passed(MINUTE)
    post.settle(up("camera.down", "device:c1", post.now))
    assert post.escalate() == 1
    assert post.outbox(alert) == [
        ("alert", "an", "email", "sent"),
        ("alert", "an", "sms", "cancelled"),
        ("resolved", "an", "email", "waiting"),
    ]
    assert [one.kind for one in post.send("email")] == ["resolved"]
    post.passed(HOUR)
    assert post.escalate() == 0


def test_nobody_is_called_for_what_cleared_before_it_was_told(post: Post) -> None:
    alert = post.open("camera.down")
    post.settle(up("camera.down", "device:c1", post.now))
    assert post.escalate() == 0
    assert post.outbox(alert) == []


def test_after_a_restore_nobody_is_called_at_first_and_then_for_what_is_still_open(post: Post) -> None:
    """Of three alerts of the backup one was told of and is over; one waited; one opens as facts are read again."""
    told, waiting = post.open("camera.down", "device:c1"), post.open("camera.down", "device:c2")
    post.escalate()
    post.send("email")
    post.connection.execute(
        "UPDATE ioc.alert_message SET state = 'waiting', attempts = 0 WHERE channel = 'sms'"
    )
    try:
        assert quiet.begin(post.connection, "b", post.now, post.now + 15 * MINUTE) == 2
        again, over = post.open("camera.down", "device:c3"), post.open("camera.down", "device:c4")
        post.passed(10 * MINUTE)
        post.settle(up("camera.down", "device:c1", post.now), up("camera.down", "device:c4", post.now))
        assert post.escalate() == 0
        post.passed(5 * MINUTE)
        post.escalate()
        assert post.outbox(over) == []
        # by the policy as ever: its first step, and of the older one the second
        assert [row[:3] for row in post.outbox(again)] == [("alert", "an", "email"), ("alert", "an", "sms")]
        assert ("alert", "lan", "email", "waiting") in post.outbox(waiting)
        assert [row for row in post.outbox(told) if row[3] == "waiting"] == []
        assert [row[0] for row in post.outbox(told)] == ["alert", "alert"]  # and nobody hears that it is over
    finally:
        post.connection.execute("DELETE FROM ioc.restored")


def test_two_deliverers_do_each_step_once(post: Post, connection: Connection) -> None:
    subjects = [f"device:c{n}" for n in range(600)]
    post.settle(*(down("wifi.down", subject, post.now) for subject in subjects))
    counts: list[int] = []
    with psycopg.connect(connection.info.dsn, password=connection.info.password, autocommit=True) as other:
        threads = [
            threading.Thread(target=lambda session=session: counts.append(post.escalate(session)))
            for session in (connection, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(counts) == 600
    ((steps, messages, events),) = connection.execute(
        "SELECT (SELECT count(*) FROM ioc.alert_step WHERE state = 'done' AND attempt = 1),"
        " (SELECT count(*) FROM ioc.alert_message), (SELECT count(*) FROM ioc.alert_event WHERE kind = 'called')"
    ).fetchall()
    assert (steps, messages, events) == (600, 600, 600)


def test_a_deliverer_that_dies_in_the_middle_of_a_step_leaves_it_to_the_next_one(
    post: Post, connection: Connection
) -> None:
    alert = post.open("camera.down")
    with psycopg.connect(connection.info.dsn, password=connection.info.password) as dying:
        run(dying, escalation.advance(post.roll(), post.channels, post.now))
        # another one meanwhile finds nothing to do, and waits for nobody
        assert post.escalate() == 0
        dying.rollback()
    assert post.escalate() == 2
    assert len(post.called(alert)) == 1


def test_a_policy_that_cannot_be_read_stops_no_other_alert(post: Post) -> None:
    spoilt, sound = post.open("camera.down"), post.open("wifi.down")
    post.connection.execute(
        'UPDATE ioc.alert SET policy = \'{"policy": {"code": 7}, "remind_s": null}\' WHERE alert_id = %s',
        (spoilt,),
    )
    assert post.escalate() == 1
    assert post.events(spoilt)[1:] == ["not_called"]
    assert post.events(sound)[1:] == ["called"]
