"""What goes together, what waits, what is tried again and what is given up: on a real database, by a moved clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import psycopg

from ioc.alerts import actions
from ioc.alerts.model import QuietHours, Severity, Step
from ioc.delivery.channels.interface import Receipt
from ioc.delivery.claiming import MARGIN
from ioc.delivery.settling import Outcome
from ioc.kpi.query import SYSTEM_READER
from ioc.kpi.steps import run
from tests.integration.alerting import a_rule, up
from tests.integration.delivering import MINUTE, OFFICER, POLICY, Post, rotation
from tests.integration.kpi_data import Connection

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def _several(post: Post, rule: str, count: int, first: int = 0) -> list[int]:
    alerts = [post.open(rule, f"device:d{n}") for n in range(first, first + count)]
    post.escalate()
    return alerts


def test_what_comes_soon_after_a_message_waits_and_goes_as_one(post: Post) -> None:
    post.channel("email", bundle=30 * SECOND)
    (first,) = _several(post, "wifi.down", 1)
    (alone,) = post.send("email")
    assert alone.alerts == (first,)
    post.passed(10 * SECOND)
    later = _several(post, "wifi.down", 5, 1)
    assert post.send("email") == []
    assert post.outbox(later[0]) == [("alert", "an", "email", "waiting")]
    post.passed(20 * SECOND)
    (bundle,) = post.send("email")
    assert sorted(bundle.alerts) == later
    assert post.outbox(later[0]) == [("alert", "an", "email", "bundled"), ("alert", "an", "email", "sent")]
    assert post.message(bundle.message_id, "attempts", "severity") == (1, Severity.WARNING)


def test_what_waits_for_two_people_goes_as_one_message_to_each(post: Post) -> None:
    post.channel("email", bundle=30 * SECOND)
    post.rosters(rotation("truc-ban", "an+binh"), rotation("lanh-dao", "lan"))
    alerts = _several(post, "wifi.down", 4)
    found = post.send("email")
    assert {one.person for one in found} == {"an", "binh"}
    assert all(sorted(one.alerts) == alerts for one in found)
    assert len({one.key for one in found}) == 2


def test_what_is_worse_than_all_before_it_does_not_wait_for_a_bundle(post: Post) -> None:
    post.channel("email", bundle=30 * SECOND)
    _several(post, "wifi.down", 1)
    post.send("email")
    (worse,) = _several(post, "site.down", 1)
    assert [one.alerts for one in post.send("email")] == [(worse,)]
    _several(post, "site.down", 1, 1)
    assert post.send("email") == []


def test_a_bundle_that_is_sent_again_has_the_same_key_and_is_without_what_was_acknowledged(
    post: Post,
) -> None:
    post.channel("email", bundle=30 * SECOND, attempts=8)
    alerts = _several(post, "wifi.down", 4)
    (first,) = post.refuse("email")
    post.acknowledge(alerts[0])
    fresh = _several(post, "wifi.down", 1, 10)
    post.passed(2 * SECOND)
    (again,) = post.send("email")
    assert (again.key, again.attempt) == (first.key, 2)
    assert sorted(again.alerts) == alerts[1:]
    assert post.outbox(fresh[0]) == [("alert", "an", "email", "waiting")]


def test_a_bundle_of_which_all_was_acknowledged_is_not_sent_again(post: Post) -> None:
    post.channel("email", bundle=30 * SECOND)
    alerts = _several(post, "wifi.down", 3)
    (first,) = post.refuse("email")
    for alert in alerts:
        post.acknowledge(alert)
    post.passed(2 * SECOND)
    assert post.send("email") == []
    assert post.message(first.message_id, "state", "error") == ("cancelled", "acknowledged")


def test_what_is_snoozed_leaves_its_bundle_and_is_told_when_that_ends(post: Post) -> None:
    post.channel("email", bundle=30 * SECOND)
    alerts = _several(post, "wifi.down", 3)
    post.refuse("email")
    with post.connection.transaction():
        run(post.connection, actions.snooze(SYSTEM_READER, alerts[:1], "an", post.now, post.now + 5 * MINUTE))
    post.passed(2 * SECOND)
    assert sorted(post.send("email")[0].alerts) == alerts[1:]
    assert post.outbox(alerts[0]) == [("alert", "an", "email", "waiting")]
    post.passed(5 * MINUTE)
    assert [one.alerts for one in post.send("email")] == [(alerts[0],)]


def test_a_full_hour_holds_what_is_not_critical_and_lets_it_go_together(post: Post) -> None:
    post.channel("email", most_per_hour=3)
    alerts = _several(post, "wifi.down", 5)
    # all at once, and no more than the hour has room for
    assert [one.alerts for one in post.send("email")] == [(alert,) for alert in alerts[:3]]
    assert post.send("email") == []
    post.passed(MINUTE)
    _several(post, "wifi.down", 2, 10)
    _several(post, "site.down", 1, 20)
    assert [one.severity for one in post.send("email")] == [Severity.CRITICAL]
    assert post.outbox(alerts[4]) == [("alert", "an", "email", "waiting")]
    post.passed(HOUR - MINUTE - SECOND)
    assert post.send("email") == []
    post.passed(SECOND)
    assert [len(one.alerts) for one in post.send("email")] == [4]


def test_quiet_hours_hold_what_is_less_until_their_end_of_the_district_s_clock(post: Post) -> None:
    post.channel("email", quiet=QuietHours(time(22), time(6), Severity.MAJOR))
    post.passed(timedelta(hours=15))  # eleven at night
    night = post.now
    less, more = post.open("wifi.down"), post.open("camera.down")
    post.escalate()
    assert [one.alerts for one in post.send("email")] == [(more,)]
    assert post.outbox(less) == [("alert", "an", "email", "waiting")]
    ((held, until),) = post.connection.execute(
        "SELECT held, not_before FROM ioc.alert_message WHERE held IS NOT NULL"
    ).fetchall()
    assert (held, until) == ("quiet", night + 7 * HOUR)
    post.passed(7 * HOUR)
    assert [one.alerts for one in post.send("email")] == [(less,)]


def test_what_did_not_go_is_tried_again_later_each_time_with_the_same_key(post: Post) -> None:
    post.channel("email", attempts=5)
    _several(post, "wifi.down", 1)
    waits, keys = [], []
    for _ in range(4):
        (one,) = post.refuse("email")
        keys.append(one.key)
        ((due,),) = post.connection.execute("SELECT not_before FROM ioc.alert_message").fetchall()
        waits.append(due - post.now)
        assert post.claim("email").sends == []
        post.now = due
    assert waits == [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert len(set(keys)) == 1
    (last,) = post.send("email")
    assert post.message(last.message_id, "state", "attempts", "receipt") == ("sent", 5, {"id": "r"})


def test_a_channel_that_asks_to_wait_is_left_alone_for_so_long(post: Post) -> None:
    _several(post, "wifi.down", 1)
    post.refuse("email", retry_after_s=120.0)
    post.passed(119 * SECOND)
    assert post.claim("email").sends == []
    post.passed(SECOND)
    assert len(post.claim("email").sends) == 1


def test_when_all_channels_of_somebody_failed_the_fallback_is_called_at_once(post: Post) -> None:
    alert = post.open("camera.down")
    post.escalate()
    post.refuse("sms", "no credit", final=True)
    # e-mail may still arrive
    assert [row[2:] for row in post.outbox(alert)] == [("email", "waiting"), ("sms", "failed")]
    post.refuse("email", "no such mailbox", final=True)
    assert post.outbox(alert)[2:] == [("alert", None, "siren", "waiting")]
    assert [d["why"] for d in post.called(alert, "message_failed")] == ["no credit", "no such mailbox"]
    assert post.called(alert)[-1]["fallback"] is True
    # and the fallback's own failure calls nobody for ever
    post.refuse("siren", "dark", final=True)
    assert len(post.outbox(alert)) == 3


def test_a_bundle_that_failed_calls_the_fallback_for_each_alert_in_it(post: Post) -> None:
    post.channel("email", bundle=30 * SECOND)
    alerts = _several(post, "wifi.down", 3)
    post.refuse("email", "no such mailbox", final=True)
    assert all(post.outbox(alert)[-1] == ("alert", None, "siren", "waiting") for alert in alerts)


def test_an_attempt_whose_process_died_is_taken_up_again_with_the_same_key_and_counted(post: Post) -> None:
    _several(post, "wifi.down", 1)
    (first,) = post.claim("email").sends
    post.passed(post.channels["email"].timeout + MARGIN - SECOND)
    assert post.claim("email").sends == []
    post.passed(SECOND)
    (second,) = post.claim("email").sends
    assert (second.message_id, second.key, second.attempt) == (first.message_id, first.key, 2)
    # the first sender was not dead but slow: what it says now counts no more
    assert post.settled(Outcome(first.message_id, first.attempt, "email", error="slow")) == 0
    assert post.settled(Outcome(second.message_id, second.attempt, "email", Receipt())) == 1


def test_a_message_whose_sender_dies_each_time_is_given_up(post: Post) -> None:
    _several(post, "wifi.down", 1)
    lease = post.channels["email"].timeout + MARGIN
    for attempt in (1, 2, 3):
        assert [one.attempt for one in post.claim("email").sends] == [attempt]
        post.passed(lease)
    claims = post.claim("email")
    assert claims.sends == []
    assert [why for _, _, why in claims.failed] == ["Its sender died 3 times while it was being sent."]


def test_no_attempt_begins_once_an_acknowledgement_is_committed(post: Post, connection: Connection) -> None:
    (alert,) = _several(post, "wifi.down", 1)
    with psycopg.connect(connection.info.dsn, password=connection.info.password) as other:
        run(other, actions.acknowledge(SYSTEM_READER, [alert], "an", post.now))
        # not committed yet: nobody can say, and nobody waits for it
        claims = post.claim("email")
        assert (claims.sends, claims.left) == ([], True)
        other.commit()
    assert post.claim("email").sends == []
    assert post.outbox(alert) == [("alert", "an", "email", "cancelled")]


def test_a_resolved_notice_comes_after_the_message_that_it_answers(post: Post) -> None:
    (alert,) = _several(post, "wifi.down", 1)
    (going,) = post.claim("email").sends
    post.settle(up("wifi.down", "device:d0", post.now))
    post.escalate()
    assert post.claim("email").sends == []
    post.settled(Outcome(going.message_id, 1, "email", Receipt()))
    post.passed(SECOND)
    assert [one.kind for one in post.send("email")] == ["resolved"]
    assert [row[3] for row in post.outbox(alert)] == ["sent", "sent"]


def test_a_resolved_notice_of_what_never_arrived_is_not_sent(post: Post) -> None:
    (alert,) = _several(post, "wifi.down", 1)
    (going,) = post.claim("email").sends
    post.settle(up("wifi.down", "device:d0", post.now))
    post.escalate()
    post.settled(Outcome(going.message_id, 1, "email", error="no such mailbox", final=True))
    post.passed(SECOND)
    assert post.send("email") == []
    assert [row[0::3] for row in post.outbox(alert)] == [("alert", "failed"), ("resolved", "cancelled")]


def test_two_deliverers_never_claim_one_message_nor_one_line_of_bundles(
    post: Post, connection: Connection
) -> None:
    post.channel("email", bundle=30 * SECOND)
    _several(post, "wifi.down", 20)
    with (
        psycopg.connect(connection.info.dsn, password=connection.info.password) as other,
        other.transaction(),
    ):
        mine = post.claim("email", connection=other)
        assert [len(one.alerts) for one in mine.sends] == [20]
        # more came meanwhile; the line is the other one's until it commits, and within the bundle's time after
        _several(post, "wifi.down", 1, 50)
        theirs = post.claim("email")
        assert (theirs.sends, theirs.left) == ([], True)
    assert post.claim("email").sends == []


def test_few_places_are_given_to_the_worst_first_and_the_rest_stays_due(post: Post) -> None:
    _several(post, "wifi.down", 5)
    (worst,) = _several(post, "site.down", 1, 9)
    assert [one.alerts for one in post.claim("email", slots=1).sends] == [(worst,)]
    assert len(post.claim("email", slots=10).sends) == 5


def test_reminders_and_alerts_are_bundled_apart(post: Post) -> None:
    post.channel("email", bundle=30 * SECOND)
    once = replace(POLICY, steps=(Step(timedelta(0), (OFFICER,)),), repeat=0)
    post.rules(a_rule("wifi.down", policy="truc", remind=HOUR), policies=(once,))
    old = _several(post, "wifi.down", 2)
    post.send("email")
    post.passed(HOUR)
    new = _several(post, "wifi.down", 2, 5)
    found = {one.kind: sorted(one.alerts) for one in post.send("email")}
    assert found == {"reminder": old, "alert": new}
