"""What a pack said in its time stays so, also where a roster is edited while somebody is on duty."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.alerts.model import Target
from ioc.district.worktime import WorkCalendar
from ioc.duty import Person, Plan, compute, hand_overs, watch
from ioc.duty.calling import whom
from ioc.duty.changing import swap
from ioc.duty.model import Cover, Edition
from tests.unit.duty.plans import DAY, change, local, plan, recount, rotation

MON, TUE, WED, THU = (local(f"2026-03-0{n}T07:00") for n in (2, 3, 4, 5))
NOON = local("2026-03-03T12:00")


def then(*plans: Plan, at: tuple[datetime, ...]) -> Plan:
    """The last plan, with those before it until each of these moments."""
    begins = (MON - 100 * DAY, *at)
    earlier = tuple(
        Edition(since, one.rosters, one.people, one.calendar)
        for since, one in zip(begins, plans[:-1], strict=False)
    )
    return replace(plans[-1], since=begins[-1], earlier=earlier)


def _stints(found: Plan, start: datetime = MON, end: datetime = THU) -> list[tuple[str, datetime, datetime]]:
    roster = found.roster("r")
    assert roster is not None
    return [(s.person, s.start, s.end) for s in compute(found, roster, start, end).stints]


def test_the_past_is_of_the_pack_of_its_time_and_the_future_of_the_newest() -> None:
    found = then(plan(rotation("an; binh; chi")), plan(rotation("dung")), at=(WED,))
    assert _stints(found) == [("an", MON, TUE), ("binh", TUE, WED), ("dung", WED, THU)]
    assert whom(found, (Target(roster="r"),), MON).people == ("an",)


def test_a_roster_edited_while_somebody_is_on_duty_hands_over_at_that_moment() -> None:
    found = then(plan(rotation("an; binh; chi")), plan(rotation("dung")), at=(NOON,))
    assert _stints(found) == [("an", MON, TUE), ("binh", TUE, NOON), ("dung", NOON, THU)]
    overs = hand_overs(compute(found, found.rosters[0], MON, THU))
    assert [(over.at, over.leaving, over.arriving) for over in overs] == [
        (TUE, ("an",), ("binh",)),
        (NOON, ("binh",), ("dung",)),
    ]


def test_an_edition_that_changes_nothing_for_a_shift_leaves_it_whole() -> None:
    same = plan(rotation("an; binh; chi"))
    found = then(same, replace(same, people={**same.people, "em": Person("em", "Em")}), at=(NOON,))
    assert _stints(found) == _stints(same)
    line = compute(found, found.rosters[0], NOON + timedelta(hours=1), WED)
    assert [(shift.start, shift.end) for shift in line.shifts] == [(TUE, WED)]
    made = swap(found, found.rosters[0], None, ("binh", NOON), ("chi", WED))
    assert (made.start, made.end) == (TUE, WED)


def test_somebody_who_was_taken_out_of_the_pack_was_on_duty_all_the_same() -> None:
    fewer = plan(rotation("binh; chi; dung"), people=tuple(Person(c, c) for c in ("binh", "chi", "dung")))
    found = then(plan(rotation("an")), fewer, at=(TUE,))
    assert _stints(found, MON, WED) == [("an", MON, TUE), ("chi", TUE, WED)]
    assert watch(found, found.rosters[0], MON, WED) == []
    assert found.person("an") is not None
    assert found.people.get("an") is None


def test_a_layer_and_a_roster_that_are_gone_are_in_their_past() -> None:
    two = plan(rotation("an"), rotation("binh", layer="leader"))
    found = then(two, plan(rotation("an")), at=(TUE,))
    assert [span.on for span in compute(found, found.rosters[0], MON, WED).spans] == [
        (("main", ("an",)), ("leader", ("binh",))),
        (("main", ("an",)), ("leader", ())),
    ]
    gone = then(two, replace(two, rosters=()), at=(TUE,))
    assert _stints(gone, MON, WED) == [("an", MON, TUE), ("binh", MON, TUE)]
    assert [roster.code for roster in gone.rosters_in(MON, TUE)] == ["r"]
    assert gone.rosters_in(TUE, WED) == ()
    assert whom(gone, (Target(roster="r"),), TUE).absent[0].why == "unknown_roster"


def test_holidays_of_the_past_stay_what_the_calendar_of_the_time_said() -> None:
    worked = plan(rotation("an", days="working"), rotation("binh", code="off", days="off"), cover=Cover.NONE)
    closed = replace(worked, calendar=WorkCalendar("Asia/Ho_Chi_Minh", overrides={date(2026, 3, 2): False}))
    assert _stints(closed, MON, TUE) == [("binh", MON, TUE)]
    assert _stints(then(worked, closed, at=(WED,)), MON, TUE) == [("an", MON, TUE)]


def test_changes_hold_whatever_the_edition() -> None:
    stand_in = change("replace", "binh", TUE, WED, "dung")
    first, second = plan(rotation("an; binh")), plan(rotation("an; binh; chi"), changes=(stand_in,))
    found = then(first, second, at=(NOON,))
    assert _stints(found) == [("an", MON, TUE), ("dung", TUE, WED), ("chi", WED, THU)]


_kinds = st.sampled_from(["add", "remove", "leave"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["an; binh", "chi", "dung+an; binh; chi", ""]), min_size=2, max_size=4),
    st.lists(st.integers(1, 95), min_size=3, max_size=3, unique=True).map(sorted),
    st.lists(st.tuples(_kinds, st.integers(0, 90), st.integers(1, 20)), max_size=3),
    st.lists(st.integers(0, 96 * 60 - 1), min_size=15, max_size=15),
)
def test_every_instant_is_covered_once_and_as_its_edition_says(
    turns: list[str], cuts: list[int], wanted: list[tuple[str, int, int]], minutes: list[int]
) -> None:
    hour = timedelta(hours=1)
    changes = tuple(
        change(kind, "an", MON + start * hour, MON + (start + length) * hour)
        for kind, start, length in wanted
    )
    plans = [plan(rotation(people), changes=changes) for people in turns]
    at = tuple(MON + cut * hour for cut in cuts[: len(plans) - 1])
    found = then(*plans, at=at)
    end = MON + 96 * hour
    line = compute(found, found.rosters[0], MON, end)
    assert line.spans[0].start == MON
    assert line.spans[-1].end == end
    assert all(a.end == b.start and a.on != b.on for a, b in pairwise(line.spans)), "no hole, no overlap"
    for moment in (MON + timedelta(minutes=minute) for minute in minutes):
        held = plans[sum(begin <= moment for begin in at)]
        assert {layer: set(people) for layer, people in line.at(moment).on} == recount(held, moment), moment
