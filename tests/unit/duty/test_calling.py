"""Whom a policy's step calls, and the reasons where nobody is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ioc.alerts.model import Target
from ioc.duty import Person
from ioc.duty.calling import Absent, Roll, Why, whom
from tests.unit.duty.plans import DAY, change, local, plan, rotation

MON, TUE = local("2026-03-02T07:00"), local("2026-03-03T07:00")
ROSTER = Target(roster="r")


def test_layers_are_called_in_their_order_and_everybody_once() -> None:
    found = plan(rotation("dung+an"), rotation("an; binh", layer="leader"))
    both = whom(found, (ROSTER, Target(person="chi"), Target(channel="siren"), Target(person="an")), MON)
    assert (both.people, both.channels, both.absent) == (("dung", "an", "chi"), ("siren",), ())
    assert whom(found, (Target(roster="r", layer="leader"),), TUE).people == ("binh",)


def test_at_the_instant_of_a_hand_over_the_next_one_is_called() -> None:
    found = plan()
    for moment, person in ((TUE - timedelta(microseconds=1), "an"), (TUE, "binh")):
        assert whom(found, (ROSTER,), moment).people == (person,)


@pytest.mark.parametrize(
    ("made", "why", "person"),
    [
        (change("leave", "an", MON, TUE), Why.LEAVE, "an"),
        (change("remove", "an", MON, TUE), Why.REMOVED, "an"),
        (change("replace", "an", MON, TUE, "ghost"), Why.UNKNOWN_PERSON, "ghost"),
        (change("replace", "an", MON, TUE, "young"), Why.NOT_VALID, "young"),
    ],
)
def test_a_place_that_a_change_left_empty_says_why(made: object, why: Why, person: str) -> None:
    from ioc.duty import Change

    assert isinstance(made, Change)
    people = (Person("an", "An"), Person("binh", "B"), Person("young", "Y", valid_from=date(2026, 6, 1)))
    found = plan(rotation("an; binh"), changes=(made,), people=people)
    called = whom(found, (ROSTER,), MON)
    assert called.nobody
    assert called.absent == (Absent(why, "r", "main", person),)
    assert whom(found, (ROSTER,), TUE).people == ("binh",)
    undone = replace(found, changes=(replace(made, withdrawn_at=MON, withdrawn_by="x"),))
    assert whom(undone, (ROSTER,), MON).people == ("an",)


def test_a_gap_an_empty_shift_and_what_is_not_there_are_told_apart() -> None:
    day = plan(rotation("an", hours="08:00 17:00"), rotation("", layer="leader"))
    night = whom(day, (ROSTER,), local("2026-03-02T20:00"))
    assert night.absent == (Absent(Why.GAP, "r", "main"), Absent(Why.EMPTY, "r", "leader"))
    assert [one.text("vi") for one in night.absent] == [
        "r/main: không có ca trực",
        "r/leader: ca trực chưa phân công ai",
    ]
    targets = (Target(roster="x"), Target(roster="r", layer="x"), Target(person="x"))
    assert [one.why for one in whom(day, targets, MON).absent] == [
        Why.UNKNOWN_ROSTER,
        Why.UNKNOWN_LAYER,
        Why.UNKNOWN_PERSON,
    ]


def test_an_empty_layer_is_told_and_the_others_are_called() -> None:
    found = plan(rotation("an"), rotation("binh", layer="leader"), changes=(change("leave", "an", MON, TUE),))
    called = whom(found, (ROSTER,), MON)
    assert called.people == ("binh",)
    assert called.absent == (Absent(Why.LEAVE, "r", "main", "an"),)


def test_a_person_who_is_named_and_on_leave_is_not_called() -> None:
    found = plan(changes=(change("leave", "dung", MON, TUE),))
    assert whom(found, (Target(person="dung"),), MON).absent == (Absent(Why.LEAVE, person="dung"),)
    assert whom(found, (Target(person="dung"),), TUE).people == ("dung",)


def test_a_roll_answers_as_the_plan_does_for_every_hour_of_its_time() -> None:
    found = plan(rotation("an; binh; chi", hours="22:00 06:00"), rotation("dung", layer="leader"))
    roll = Roll(found, MON, MON + 3 * DAY)
    for hour in range(72):
        at = MON + timedelta(hours=hour)
        assert roll.whom((ROSTER,), at) == whom(found, (ROSTER,), at), at
    with pytest.raises(ValueError, match="outside the roll"):
        roll.whom((ROSTER,), MON + 3 * DAY)
