"""Nobody is called in a maintenance window; when it ends and the condition still holds, calling begins or goes on."""

from __future__ import annotations

from datetime import timedelta

from ioc.alerts import maintenance, windows
from ioc.kpi.query import SYSTEM_READER, change
from tests.integration.alerting import up
from tests.integration.delivering import MINUTE, Post


def window(post: Post, hours: float, **given: str) -> int:
    wanted = windows.Wanted(
        name="Bảo trì", start=post.now.isoformat(), hours=hours, rules=("camera.down",), **given
    )
    return change(post.connection, windows.create(SYSTEM_READER, wanted, "chief", post.now)).window.id


def mark(post: Post) -> None:
    change(post.connection, maintenance.mark(post.now))


def test_what_opens_in_a_window_calls_nobody_until_it_ends(post: Post) -> None:
    window(post, 1)
    post.passed(MINUTE)
    # delivery asks before the evaluator's clock marked the alert
    alert = post.open("camera.down")
    assert post.escalate() == 0
    mark(post)
    post.passed(30 * MINUTE)
    assert post.escalate() == 0
    assert post.outbox(alert) == []
    post.passed(29 * MINUTE)
    mark(post)
    assert post.escalate() > 0
    assert {kind for kind, *_ in post.outbox(alert)} == {"alert"}


def test_what_cleared_in_a_window_never_calls(post: Post) -> None:
    window(post, 1)
    alert = post.open("camera.down")
    post.escalate()
    post.settle(up("camera.down", "device:c1", post.now))
    post.passed(timedelta(hours=1))
    mark(post)
    assert post.escalate() == 0
    assert post.outbox(alert) == []


def test_an_escalation_under_way_and_what_waits_in_the_outbox_are_held_when_a_window_begins(
    post: Post,
) -> None:
    alert = post.open("camera.down")
    assert post.escalate() == 2
    number = window(post, 1)
    assert post.claim("email").sends == []
    post.passed(10 * MINUTE)
    assert post.escalate() == 0
    change(post.connection, windows.withdraw(SYSTEM_READER, number, "chief", post.now))
    assert post.escalate() > 0
    assert len(post.claim("email").sends) > 0
    assert len(post.outbox(alert)) > 2


def test_each_night_s_window_holds_what_goes_on_by_day(post: Post) -> None:
    window(post, 1, recurs="FREQ=DAILY")
    alert = post.open("camera.down")
    assert post.escalate() == 0
    post.passed(timedelta(hours=1))
    mark(post)
    called = post.escalate()
    assert called > 0
    post.passed(timedelta(hours=23))
    # the second night: not even a step that is long due
    assert post.escalate() == 0
    assert len(post.outbox(alert)) == called
