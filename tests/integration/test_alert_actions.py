"""What people do about alerts, on a real database with a clock that the test moves."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import psycopg
import pytest

from ioc.alerts import actions
from ioc.alerts.errors import AlertError, UnknownAlertError
from ioc.alerts.looking.forgetting import forget
from ioc.kpi.query import SYSTEM_READER, Steps, change
from ioc.settings import Settings
from tests.integration.alert_place import ACK_FOR, Place
from tests.integration.alerting import MINUTE, down, up

SECOND = timedelta(seconds=1)


def act(desk: Place, steps: Steps[list[actions.Acted]]) -> list[tuple[bool, str]]:
    return [(one.changed, one.note) for one in change(desk.connection, steps)]


def lapse(desk: Place, passed: timedelta) -> actions.Lapsed:
    desk.now += passed
    return change(desk.connection, actions.lapse(desk.now))


def states(desk: Place, number: int) -> list[tuple[str, str, datetime]]:
    return [(kind, state, due) for kind, state, due in desk.steps(number)]


def test_an_acknowledgement_stops_the_calling_and_says_who_when_and_from_where(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    desk.connection.execute(
        "INSERT INTO ioc.alert_step (alert_id, kind, due_at) VALUES (%s, 'remind', %s)",
        (number, desk.now + MINUTE),
    )
    desk.now += MINUTE
    done = act(
        desk, actions.acknowledge("clerk", [number], "truc-1", desk.now, " đang xem\n", via="telegram")
    )
    assert done == [(True, "")]
    alert = desk.alert(number)
    assert (alert["acknowledged_by"], alert["acknowledged_at"]) == ("truc-1", desk.now)
    assert (alert["ack_expires_at"], alert["cleared_at"]) == (desk.now + ACK_FOR, None)
    assert {state for _, state, _ in states(desk, number)} == {"cancelled"}
    assert desk.told(number)[-1] == ("acknowledged", "truc-1", {"via": "telegram", "comment": "đang xem"})


def test_the_second_to_acknowledge_is_told_of_the_first(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    act(desk, actions.acknowledge(SYSTEM_READER, [number], "a", desk.now))
    (told,) = act(desk, actions.acknowledge(SYSTEM_READER, [number], "b", desk.now + MINUTE))
    assert told == (False, "a acknowledged it at 2026-03-02T01:00:00Z already.")
    assert desk.events(number) == ["opened", "acknowledged"]


def test_of_twenty_people_at_once_one_acknowledges_and_nineteen_are_told(
    desk: Place, ready: Settings
) -> None:
    numbers = [desk.open("camera.down", f"device:c{n}") for n in range(5)]
    gate = threading.Barrier(20)

    def press(person: int) -> list[actions.Acted]:
        with psycopg.connect(ready.database_dsn, autocommit=True) as own:
            gate.wait(60)
            order = numbers if person % 2 else numbers[::-1]
            return change(own, actions.acknowledge(SYSTEM_READER, order, f"p{person}", desk.now))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(press, range(20)))
    for number in numbers:
        assert desk.events(number) == ["opened", "acknowledged"]
        assert sum(one.changed for answer in answers for one in answer if one.alert_id == number) == 1
        who = desk.alert(number)["acknowledged_by"]
        others = [
            one.note for answer in answers for one in answer if one.alert_id == number and not one.changed
        ]
        assert all(note.startswith(f"{who} acknowledged it at ") for note in others)


def test_acknowledged_and_cleared_are_independent(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    act(desk, actions.acknowledge(SYSTEM_READER, [number], "a", desk.now))
    assert desk.settle(up("camera.down", "device:c1")).cleared == (number,)
    assert desk.alert(number)["acknowledged_by"] == "a"
    other = desk.open("camera.down", "device:c2")
    desk.settle(up("camera.down", "device:c2"))
    (told,) = act(desk, actions.acknowledge(SYSTEM_READER, [other], "b", desk.now))
    assert told == (True, "It cleared at 2026-03-02T01:00:00Z.")
    assert desk.alert(other)["ack_expires_at"] is None
    # who was called is still told that it is over
    assert ("resolved", "waiting", desk.now) in states(desk, other)
    assert lapse(desk, ACK_FOR) == actions.Lapsed()


def test_an_acknowledgement_lapses_and_calling_begins_anew(desk: Place) -> None:
    number, other = desk.open("camera.down", "device:c1"), desk.open("site.power", "device:w1")
    act(desk, actions.acknowledge(SYSTEM_READER, [number, other], "a", desk.now))
    assert lapse(desk, ACK_FOR - SECOND) == actions.Lapsed()
    assert lapse(desk, SECOND) == actions.Lapsed(acknowledgements=(number,))
    assert lapse(desk, SECOND) == actions.Lapsed()
    alert = desk.alert(number)
    assert (alert["acknowledged_at"], alert["acknowledged_by"], alert["ack_expires_at"]) == (None, None, None)
    assert desk.told(number)[-1][:2] == ("ack_lapsed", "system")
    runs = desk.connection.execute(
        "SELECT run, round, step, state FROM ioc.alert_step WHERE alert_id = %s ORDER BY run", (number,)
    ).fetchall()
    assert runs == [(0, 0, 0, "cancelled"), (1, 0, 0, "waiting")]


def test_an_acknowledgement_can_be_taken_back(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    assert act(desk, actions.unacknowledge(SYSTEM_READER, [number], "a", desk.now)) == [
        (False, "It is not acknowledged.")
    ]
    act(desk, actions.acknowledge(SYSTEM_READER, [number], "a", desk.now))
    assert act(desk, actions.unacknowledge(SYSTEM_READER, [number], "a", desk.now, "nhầm")) == [(True, "")]
    assert [state for _, state, _ in states(desk, number)] == ["cancelled", "waiting"]
    assert desk.events(number) == ["opened", "acknowledged", "unacknowledged"]


def test_an_alert_that_nobody_is_called_for_gets_no_steps_from_a_lapse_either(desk: Place) -> None:
    number = desk.open("wifi.down", "device:w1")
    act(desk, actions.acknowledge(SYSTEM_READER, [number], "a", desk.now))
    act(desk, actions.unacknowledge(SYSTEM_READER, [number], "a", desk.now))
    assert states(desk, number) == []


def test_an_alert_is_given_to_a_person_of_the_pack_or_to_oneself(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    assert act(desk, actions.assign("clerk", [number], "clerk", desk.now, "truc-1")) == [(True, "")]
    assert act(desk, actions.assign("clerk", [number], "clerk", desk.now, "truc-1")) == [
        (False, "It is given to truc-1 already.")
    ]
    act(desk, actions.assign("clerk", [number], "clerk", desk.now, "clerk"))
    with pytest.raises(AlertError, match="There is no person 'nobody'"):
        act(desk, actions.assign("clerk", [number], "clerk", desk.now, "nobody"))
    act(desk, actions.assign("clerk", [number], "clerk", desk.now, None))
    assert desk.alert(number)["assigned_to"] is None
    assert [detail for kind, _, detail in desk.told(number) if kind == "assigned"] == [
        {"to": "truc-1", "from": None},
        {"to": "clerk", "from": "truc-1"},
        {"to": None, "from": "clerk"},
    ]


def test_a_snooze_ends_by_itself_or_by_hand_and_wakes_what_it_held(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    until = desk.now + 30 * MINUTE
    assert act(desk, actions.snooze(SYSTEM_READER, [number], "a", desk.now, until)) == [(True, "")]
    assert act(desk, actions.snooze(SYSTEM_READER, [number], "a", desk.now, until)) == [
        (False, "It is snoozed until then already.")
    ]
    desk.connection.execute(
        'UPDATE ioc.alert_step SET due_at = %s, detail = \'{"held": "snoozed"}\' WHERE alert_id = %s',
        (until, number),
    )
    assert lapse(desk, 30 * MINUTE - SECOND) == actions.Lapsed()
    assert act(desk, actions.unsnooze(SYSTEM_READER, [number], "a", desk.now)) == [(True, "")]
    assert states(desk, number) == [("escalate", "waiting", desk.now)]
    act(desk, actions.snooze(SYSTEM_READER, [number], "a", desk.now, desk.now + MINUTE))
    assert lapse(desk, MINUTE) == actions.Lapsed(snoozes=(number,))
    assert desk.alert(number)["snoozed_until"] is None
    assert desk.events(number) == ["opened", "snoozed", "unsnoozed", "snoozed", "snooze_ended"]


@pytest.mark.parametrize("days", [-1, 0, 32])
def test_a_snooze_ends_ahead_and_not_too_far(desk: Place, days: int) -> None:
    number = desk.open("camera.down", "device:c1")
    with pytest.raises(AlertError, match="end of the snooze"):
        act(desk, actions.snooze(SYSTEM_READER, [number], "a", desk.now, desk.now + timedelta(days=days)))
    assert desk.events(number) == ["opened"]


def test_an_alert_closed_by_hand_stays_closed_until_its_condition_was_away_once(desk: Place) -> None:
    number = desk.open("wifi.down", "device:w1")
    assert act(desk, actions.close(SYSTEM_READER, [number], "a", desk.now, "đã thay")) == [(True, "")]
    assert desk.told(number)[-1] == ("closed", "a", {"reason": "đã thay"})
    assert not desk.settle(down("wifi.down", "device:w1")).opened
    desk.now += MINUTE
    # away, but not for the rule's five minutes
    desk.settle(up("wifi.down", "device:w1", desk.now))
    desk.now += MINUTE
    assert not desk.settle(down("wifi.down", "device:w1", desk.now)).opened
    desk.settle(up("wifi.down", "device:w1", desk.now))
    assert desk.ripen(5 * MINUTE).cleared == ()
    (later,) = desk.settle(down("wifi.down", "device:w1", desk.now)).opened
    assert later != number
    assert desk.events(number) == ["opened", "closed"]


def test_what_was_closed_by_hand_is_not_forgotten_while_its_condition_goes_on(desk: Place) -> None:
    number, other = desk.open("camera.down", "device:c1"), desk.open("camera.down", "device:c2")
    act(desk, actions.close(SYSTEM_READER, [number, other], "a", desk.now, "biết rồi"))
    desk.settle(up("camera.down", "device:c2"))
    desk.now += timedelta(days=400)
    change(desk.connection, forget(desk.now, timedelta(days=365)))
    rows = desk.connection.execute("SELECT alert_id FROM ioc.alert").fetchall()
    assert rows == [(number,)]
    assert not desk.settle(down("camera.down", "device:c1")).opened
    desk.settle(up("camera.down", "device:c1"))
    change(desk.connection, forget(desk.now, timedelta(days=365)))
    assert desk.connection.execute("SELECT count(*) FROM ioc.alert").fetchone() == (0,)


def test_closing_tells_those_who_were_called_and_calls_nobody_more(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    act(desk, actions.close(SYSTEM_READER, [number], "a", desk.now, "thử"))
    assert {(kind, state) for kind, state, _ in states(desk, number)} == {
        ("escalate", "cancelled"),
        ("resolved", "waiting"),
    }
    assert act(desk, actions.close(SYSTEM_READER, [number], "b", desk.now, "thử")) == [
        (False, "It cleared at 2026-03-02T01:00:00Z.")
    ]


def test_a_new_subject_under_the_key_of_an_alert_closed_by_hand_opens_another(desk: Place) -> None:
    number = desk.open("site.power", "device:c1", point="p1")
    act(desk, actions.close(SYSTEM_READER, [number], "a", desk.now, "biết rồi"))
    other = desk.open("site.power", "device:c2", point="p1")
    assert (other != number, desk.alert(other)["members"]) == (True, 1)
    desk.settle(up("site.power", "device:c1"))
    assert desk.alert(other)["cleared_at"] is None


def test_who_may_not_know_of_an_alert_is_told_that_there_is_none(desk: Place) -> None:
    mine, theirs, own = (
        desk.open("camera.down", "device:c1"),
        desk.open("camera.down", "device:c2", "go-2"),
        desk.open("disk.full", "reading:disk@a", None),
    )
    for number in (theirs, own, 4711):
        with pytest.raises(UnknownAlertError, match=f"There is no alert {number}"):
            act(desk, actions.acknowledge("clerk", [mine, number], "clerk", desk.now))
    # all of them or none
    assert desk.alert(mine)["acknowledged_at"] is None
    act(desk, actions.acknowledge("head", [mine, theirs, own], "head", desk.now))


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([], "No alert is named"),
        ([-1], "-1 can't be an alert's number"),
        ([2**63], "can't be an alert's number"),
        (range(1, 1_000_001), "1000000 alerts are named, more than 1000"),
    ],
)
def test_what_can_not_be_numbers_of_alerts_is_refused(desk: Place, ids: list[int], said: str) -> None:
    with pytest.raises(AlertError, match=said):
        act(desk, actions.acknowledge(SYSTEM_READER, ids, "a", desk.now))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n", "The comment is empty"),
        ("x" * 2001, "2001 characters"),
        ("a\x00b", r"U\+0000, at 2"),
        ("a\x1b[31m", r"U\+001B"),
        ("\ud800", r"U\+D800"),
        ("exe\u202egpj", r"U\+202E"),
    ],
)
def test_what_can_not_be_shown_is_no_comment(desk: Place, text: str, said: str) -> None:
    number = desk.open("camera.down", "device:c1")
    with pytest.raises(AlertError, match=said):
        act(desk, actions.comment(SYSTEM_READER, [number], "a", desk.now, text))
    assert desk.events(number) == ["opened"]


def test_each_comment_is_one_more(desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    for _ in range(2):
        act(desk, actions.comment(SYSTEM_READER, [number], "a", desk.now, "'; DROP TABLE ioc.alert; --"))
    assert desk.events(number) == ["opened", "commented", "commented"]
