"""Lists of alerts, one alert, counts, rules and the trail, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ioc.alerts import actions, asking, audit, detail, maintenance, windows
from ioc.alerts.asking import Filter, Order
from ioc.alerts.errors import UnknownAlertError
from ioc.alerts.model import Grouping, Severity
from ioc.alerts.states import Held, State
from ioc.kpi.errors import BadQuestionError, UnknownUnitError
from ioc.kpi.query import SYSTEM_READER, Steps, answer, change
from tests.integration.alert_place import Place
from tests.integration.alerting import MINUTE, a_rule, bring_in, down, up

HOUR = timedelta(hours=1)


def listed(desk: Place, reader: str = SYSTEM_READER, order: Order = Order.NEWEST, **given: Any) -> list[int]:
    steps = asking.page(reader, Filter(**given), order=order, after=None, limit=100)
    return [row.id for row in answer(desk.connection, steps).rows]


def do(desk: Place, steps: Steps[Any]) -> Any:
    return change(desk.connection, steps)


def several(desk: Place) -> dict[str, int]:
    """An alert of each sort, a minute apart."""
    found: dict[str, int] = {}
    for name, rule, subject, unit, point in (
        ("waiting", "camera.down", "device:Cam_1", "go-1", "p1"),
        ("acknowledged", "camera.down", "device:cam-2", "go-2", None),
        ("cleared", "wifi.down", "device:ap-1", "go-1", None),
        ("snoozed", "site.power", "device:ap-2", "go-1", "p2"),
        ("own", "disk.full", "reading:disk@a", None, None),
    ):
        found[name] = desk.open(rule, subject, unit, point)
        desk.now += MINUTE
    do(desk, actions.acknowledge(SYSTEM_READER, [found["acknowledged"]], "a", desk.now))
    do(desk, actions.snooze(SYSTEM_READER, [found["snoozed"]], "a", desk.now, desk.now + HOUR))
    desk.settle(up("wifi.down", "device:ap-1"))
    desk.ripen(5 * MINUTE)
    desk.connection.execute("UPDATE ioc.alert SET severity = 5 WHERE alert_id = %s", (found["waiting"],))
    return found


def test_each_filter_lets_through_what_it_names(desk: Place) -> None:
    found = several(desk)

    def names(**given: Any) -> list[str]:
        numbers = {number: name for name, number in found.items()}
        return [numbers[number] for number in listed(desk, **given)]

    assert names() == ["own", "snoozed", "acknowledged", "waiting"]
    assert names(order=Order.WORST) == ["waiting", "own", "snoozed", "acknowledged"]
    assert names(order=Order.OLDEST) == ["waiting", "acknowledged", "snoozed", "own"]
    assert names(state=State.WAITING) == ["own", "snoozed", "waiting"]
    assert names(state=State.ACKNOWLEDGED) == ["acknowledged"]
    assert names(state=State.CLEARED) == ["cleared"]
    assert names(state=State.ALL) == ["own", "snoozed", "cleared", "acknowledged", "waiting"]
    assert names(severity=(Severity.CRITICAL, Severity.INFO)) == ["waiting"]
    assert names(kind=("synthetic",)) == ["own"]
    assert names(rule=("camera.down", "disk.full")) == ["own", "acknowledged", "waiting"]
    assert names(unit="go-1") == ["snoozed", "waiting"]
    assert names(unit="go") == ["snoozed", "acknowledged", "waiting"]
    assert names(point="p2") == ["snoozed"]
    assert names(subject="device:cam-2") == ["acknowledged"]
    assert names(held=(Held.SNOOZED, Held.FLAPPING)) == ["snoozed"]
    assert names(held=(Held.NOT,)) == ["own", "acknowledged", "waiting"]
    assert names(text="CAM_1") == ["waiting"]
    assert names(text="luật SITE") == ["snoozed"]
    # what means something to a pattern means itself here
    assert names(text="c%m") == names(text="' OR 1=1 --") == names(text="cam.1") == []
    assert names(start="2026-03-02T08:02", end="2026-03-02T08:04") == ["snoozed"]


def test_a_subject_that_joined_finds_its_alert(desk: Place) -> None:
    number = desk.open("site.power", "device:c1", point="p1")
    desk.settle(down("site.power", "device:c2", unit_id=desk.unit("go-1"), point="p1"))
    assert listed(desk, subject="device:c2") == [number]
    assert listed(desk, subject="device:c3") == []


@pytest.mark.parametrize("order", list(Order))
def test_pages_give_every_alert_once_whatever_happens_between_them(desk: Place, order: Order) -> None:
    numbers = [desk.open("camera.down", f"device:c{n}") for n in range(7)]
    desk.connection.execute("UPDATE ioc.alert SET severity = 2 + alert_id % 3")
    seen: list[int] = []
    place = None
    while True:
        got = answer(desk.connection, asking.page(SYSTEM_READER, Filter(), order=order, after=place, limit=3))
        seen += [row.id for row in got.rows]
        desk.now += MINUTE
        if got.next is None:
            break
        place = got.next
    assert sorted(seen) == numbers


def test_only_open_alerts_are_ordered_by_severity(desk: Place) -> None:
    for state in (State.CLEARED, State.ALL):
        with pytest.raises(BadQuestionError, match="Only open alerts"):
            listed(desk, order=Order.WORST, state=state)


@pytest.mark.parametrize("text", ["", " ", "x" * 201])
def test_a_text_to_look_for_has_a_length(desk: Place, text: str) -> None:
    with pytest.raises(BadQuestionError, match="text to look for"):
        listed(desk, text=text)


def test_a_reader_of_one_unit_learns_nothing_of_another_s_alerts(desk: Place) -> None:
    found = several(desk)
    mine = [found["snoozed"], found["waiting"]]
    assert listed(desk, "clerk") == mine
    assert listed(desk, "clerk", state=State.ALL) == [found["snoozed"], found["cleared"], found["waiting"]]
    assert listed(desk, "clerk", subject="device:cam-2") == listed(desk, "clerk", text="cam-2") == []
    with pytest.raises(UnknownUnitError):
        listed(desk, "clerk", unit="go-2")
    with pytest.raises(UnknownUnitError):
        listed(desk, "nobody")
    said = set()
    for number in (found["acknowledged"], found["own"], 4711, -1, 2**70):
        with pytest.raises(UnknownAlertError) as refused:
            answer(desk.connection, detail.one("clerk", number))
        said.add(str(refused.value))
    assert len(said) == 1
    for whole in ("head", "chief", "planner", SYSTEM_READER):
        assert found["own"] in listed(desk, whole)
    of_clerk = answer(desk.connection, asking.counts("clerk", None))
    assert set(of_clerk.units) == {"go-1"}
    states = answer(desk.connection, asking.rules("clerk"))
    assert states.units == {"go-1"}
    assert {rule.code: rule.open for rule in states.rules} == {
        "camera.down": 1,
        "site.power": 1,
        "wifi.down": 0,
        "disk.full": 0,
    }
    about = {entry.about for entry in answer(desk.connection, audit.trail("clerk")).entries}
    assert about == {f"alert:{found['snoozed']}"}


def test_an_alert_of_the_whole_district_is_not_for_readers_of_one_unit(desk: Place) -> None:
    rule = a_rule("queue.long", group_by=Grouping.DISTRICT)
    desk.book = bring_in(desk.connection, (rule,))
    number = desk.open("queue.long", "device:kiosk-1", point="p1")
    desk.settle(down("queue.long", "device:kiosk-2", unit_id=desk.unit("go-2")))
    assert (desk.alert(number)["unit_id"], desk.alert(number)["point"]) == (None, None)
    assert listed(desk, "clerk") == []
    found = answer(desk.connection, detail.one("head", number))
    assert {member.unit for member in found.members} == {"go-1", "go-2"}


def test_counts_tell_what_waits_what_is_held_and_what_somebody_took(desk: Place) -> None:
    several(desk)
    found = answer(desk.connection, asking.counts(SYSTEM_READER, None))
    count = asking.Count
    assert found.severities == {
        Severity.CRITICAL: count(waiting=1),
        Severity.MAJOR: count(waiting=1, held=1, acknowledged=1),
    }
    assert found.units["go-1"] == {Severity.CRITICAL: count(waiting=1), Severity.MAJOR: count(held=1)}
    assert set(found.units) == {"go-1", "go-2", None}
    assert set(answer(desk.connection, asking.counts(SYSTEM_READER, "go-2")).units) == {"go-2"}


def test_one_alert_with_its_members_events_steps_and_messages(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1", point="p1")
    sent = desk.connection.execute(
        "INSERT INTO ioc.alert_message (key, kind, severity, person, channel, state, not_before, ended_at, error)"
        " VALUES ('k1', 'alert', 4, 'truc-1', 'email', 'sent', %(now)s, %(now)s, NULL),"
        " ('k2', 'alert', 4, 'truc-2', 'sms', 'failed', %(now)s, %(now)s, 'HTTP 500') RETURNING message_id",
        {"now": desk.now},
    ).fetchall()
    desk.connection.cursor().executemany(
        "INSERT INTO ioc.alert_message_alert (message_id, alert_id) VALUES (%s, %s)",
        [(message, number) for (message,) in sent],
    )
    wanted = windows.Wanted(name="Bảo trì", start="2026-03-02T08:00", hours=1.0, units=("go-1",))
    do(desk, windows.create(SYSTEM_READER, wanted, "chief", desk.now))
    found = answer(desk.connection, detail.one("clerk", number))
    assert (found.row.held, found.maintenance) == ([Held.MAINTENANCE], "Bảo trì")
    assert [member.subject for member in found.members] == ["device:c1"]
    assert [event.kind for event in found.events] == ["opened", "maintenance_began"]
    assert [(step.kind, step.state, step.due_at) for step in found.steps] == [
        ("escalate", "waiting", desk.now)
    ]
    assert [(message.person, message.state, message.error) for message in found.messages] == [
        ("truc-2", "failed", "HTTP 500"),
        ("truc-1", "sent", None),
    ]
    assert found.told == ["truc-1"]


def test_events_go_on_in_pages(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    for n in range(5):
        do(desk, actions.comment(SYSTEM_READER, [number], "a", desk.now, f"{n}"))
    seen: list[str] = []
    place = None
    while True:
        got, place, _ = answer(desk.connection, detail.events(SYSTEM_READER, number, after=place, limit=2))
        seen += [event.detail.get("comment", event.kind) for event in got]
        if place is None:
            break
    assert seen == ["opened", "0", "1", "2", "3", "4"]


def test_the_trail_tells_who_did_what_and_goes_on_in_pages(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    do(desk, actions.acknowledge(SYSTEM_READER, [number], "truc-1", desk.now, via="telegram"))
    desk.now += MINUTE
    wanted = windows.Wanted(name="Bảo trì", start="2026-03-02T08:00", hours=1.0)
    made = do(desk, windows.create(SYSTEM_READER, wanted, "chief", desk.now)).window.id
    desk.now += MINUTE
    do(desk, windows.withdraw(SYSTEM_READER, made, "head", desk.now))
    desk.connection.execute(
        "INSERT INTO ioc.duty_change (kind, person, starts_at, ends_at, made_at, made_by)"
        " VALUES ('leave', 'truc-1', %(now)s, %(now)s + interval '1 day', %(now)s + interval '1 minute', 'head')",
        {"now": desk.now},
    )
    found = answer(desk.connection, audit.trail(SYSTEM_READER)).entries
    assert [(entry.what, entry.actor, entry.about) for entry in found] == [
        ("duty.leave", "head", "duty:1"),
        ("maintenance.withdrawn", "head", f"maintenance:{made}"),
        ("maintenance.made", "chief", f"maintenance:{made}"),
        ("alert.acknowledged", "truc-1", f"alert:{number}"),
    ]
    assert found[3].detail == {"rule": "camera.down", "subject": "device:c1", "via": "telegram"}

    def whats(**given: Any) -> list[str]:
        return [entry.what for entry in answer(desk.connection, audit.trail(SYSTEM_READER, **given)).entries]

    assert whats(actor="head") == ["duty.leave", "maintenance.withdrawn"]
    assert whats(start="2026-03-02T08:01", end="2026-03-02T08:02") == ["maintenance.made"]
    assert set(whats(platform=True)) - set(whats()) == {
        "alert.opened",
        "alert.maintenance_began",
        "alert.maintenance_ended",
    }
    seen: list[str] = []
    place = None
    while True:
        got = answer(desk.connection, audit.trail(SYSTEM_READER, platform=True, after=place, limit=2))
        seen += [f"{entry.what} {entry.id}" for entry in got.entries]
        place = got.next
        if place is None:
            break
    assert len(seen) == len(set(seen)) == 7
    assert answer(desk.connection, maintenance.covered([number], desk.now)) == {}
