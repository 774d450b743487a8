"""Whatever the roster and its changes: the timeline equals a recount minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.duty import Change, ChangeKind, Plan, compute, hand_overs
from ioc.duty.changing import checked, swap
from ioc.duty.errors import DutyError
from ioc.duty.intervals import difference, intersection, union
from ioc.duty.model import Advance, FixedShift
from ioc.duty.timeline import counts
from tests.unit.duty.plans import CHICAGO, DAY, FOUR, change, plan, recount, rotation

#: A week that holds the end of summer time in Chicago, and one with its beginning.
_AUTUMN, _SPRING = datetime(2017, 11, 2, tzinfo=UTC), datetime(2017, 3, 9, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_hours = st.sampled_from(
    ["07:00 07:00", "08:00 17:00", "22:00 06:00", "01:30 02:30", "02:30 01:30", "00:00 00:00"]
)
_groups = st.lists(
    st.lists(st.sampled_from(FOUR), min_size=1, max_size=2, unique=True).map("+".join), min_size=1, max_size=3
).map(";".join)


@st.composite
def _rotations(draw: st.DrawFn, layer: str, code: str) -> Any:
    return rotation(
        draw(_groups),
        layer=layer,
        code=code,
        days=draw(st.sampled_from(["daily", "working", "off", "mon+wed+sun", "weekends+holidays"])),
        hours=draw(_hours),
        turn=draw(st.sampled_from([1, 2, 7])),
        advance=draw(st.sampled_from(Advance)),
        start=draw(st.sampled_from(["2017-02-25", "2017-03-11", "2017-11-04"])),
        end=draw(st.sampled_from([None, "2017-11-06"])),
    )


@st.composite
def _changes(draw: st.DrawFn, begin: datetime) -> Change:
    kind = draw(st.sampled_from(["add", "remove", "replace", "leave"]))
    start = begin + draw(st.integers(-12, 60)) * timedelta(hours=1)
    end = start + draw(st.integers(1, 40)) * timedelta(hours=1)
    person = draw(st.sampled_from(FOUR))
    other = draw(st.sampled_from([code for code in FOUR if code != person])) if kind == "replace" else None
    found = change(kind, person, start, end, other)
    return found if kind == "leave" else replace(found, layer=draw(st.sampled_from(["main", "leader"])))


@st.composite
def _schedules(draw: st.DrawFn, begin: datetime) -> Change:
    layer = draw(st.sampled_from([None, "main", "leader"]))
    hours = sorted(draw(st.lists(st.integers(-12, 90), min_size=2, max_size=6, unique=True)))
    shifts = tuple(
        FixedShift(
            layer or draw(st.sampled_from(["main", "leader"])),
            tuple(draw(st.lists(st.sampled_from(FOUR), min_size=1, max_size=2, unique=True))),
            begin + low * timedelta(hours=1),
            begin + high * timedelta(hours=1),
        )
        for low, high in pairwise(hours)
        if draw(st.booleans())
    )
    start, end = (begin + hour * timedelta(hours=1) for hour in (hours[0], hours[-1]))
    return Change(ChangeKind.TEMPORARY, "", start, end, roster="r", layer=layer, shifts=shifts)


@st.composite
def _plans(draw: st.DrawFn) -> tuple[Plan, datetime]:
    begin = draw(st.sampled_from([_AUTUMN, _SPRING])) + draw(st.integers(0, 30)) * timedelta(hours=1)
    rows = [draw(_rotations("main", "a")), draw(_rotations("leader", "b"))]
    if draw(st.booleans()):
        rows.append(draw(_rotations("main", "c")))
    found = plan(*rows, zone=draw(st.sampled_from([CHICAGO, "Asia/Ho_Chi_Minh"])))
    for wanted in draw(st.lists(_schedules(begin), max_size=2)):
        try:
            found = replace(found, changes=(*found.changes, checked(found, wanted)[0]))
        except DutyError:
            continue
    for wanted in draw(st.lists(_changes(begin), max_size=5)):
        try:
            found = replace(found, changes=(*found.changes, checked(found, wanted)[0]))
        except DutyError:
            continue
    return found, begin


@settings(max_examples=40, deadline=None)
@given(_plans(), st.data())
def test_every_minute_has_the_people_that_a_recount_gives(
    drawn: tuple[Plan, datetime], data: st.DataObject
) -> None:
    found, begin = drawn
    end = begin + timedelta(days=4)
    line = compute(found, found.rosters[0], begin, end)
    assert line.spans[0].start == begin
    assert line.spans[-1].end == end
    assert all(a.end == b.start and a.on != b.on for a, b in pairwise(line.spans)), "no hole, no overlap"
    edges = {edge for span in line.spans for edge in (span.start, span.end - _MINUTE)}
    minutes = data.draw(st.lists(st.integers(0, 4 * 1440 - 1), min_size=10, max_size=10))
    for moment in (*edges, *(begin + minute * _MINUTE for minute in minutes)):
        span = line.at(moment)
        assert {layer: set(people) for layer, people in span.on} == recount(found, moment), moment


@settings(max_examples=60, deadline=None)
@given(_plans(), st.randoms(use_true_random=False))
def test_the_order_of_changes_does_not_matter(drawn: tuple[Plan, datetime], random: Any) -> None:
    found, begin = drawn
    shuffled = list(found.changes)
    random.shuffle(shuffled)
    spans = [
        [
            (s.start, s.end, {k: frozenset(v) for k, v in s.on})
            for s in compute(p, p.rosters[0], begin, begin + 4 * DAY).spans
        ]
        for p in (found, replace(found, changes=tuple(shuffled)))
    ]
    assert spans[0] == spans[1]


@settings(max_examples=60, deadline=None)
@given(_plans(), st.integers(1, 95))
def test_a_time_cut_in_two_says_the_same_as_the_whole(drawn: tuple[Plan, datetime], cut: int) -> None:
    found, begin = drawn
    roster, middle, end = found.rosters[0], begin + cut * timedelta(hours=1), begin + 4 * DAY
    whole = compute(found, roster, begin, end)
    for low, high in ((begin, middle), (middle, end)):
        for span in compute(found, roster, low, high).spans:
            assert whole.at(span.start).on == span.on
            assert whole.at(span.end - _MINUTE).on == span.on


@settings(max_examples=60, deadline=None)
@given(_plans())
def test_hand_overs_lead_from_the_first_people_to_the_last(drawn: tuple[Plan, datetime]) -> None:
    found, begin = drawn
    line = compute(found, found.rosters[0], begin, begin + 4 * DAY)
    for layer in line.roster.layers:
        here = set(line.spans[0].of(layer))
        for over in (over for over in hand_overs(line) if over.layer == layer):
            assert here == {*over.leaving, *over.staying}
            here = {*over.arriving, *over.staying}
            assert set(line.at(over.at).of(layer)) == here
        assert here == set(line.spans[-1].of(layer))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([CHICAGO, "Asia/Ho_Chi_Minh"]),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=6),
    st.sampled_from(["07:00 07:00", "22:00 06:00"]),
)
def test_swaps_leave_everybody_as_many_shifts(zone: str, pairs: list[tuple[int, int]], hours: str) -> None:
    first = plan(rotation("an; binh; chi; dung", hours=hours, start="2017-10-30"), zone=zone)
    roster = first.rosters[0]
    begin = datetime(2017, 10, 31, tzinfo=UTC)
    span = (begin, begin + 14 * DAY)
    from ioc.duty.shifts import shifts

    held = [shift for shift in shifts(roster, first.calendar, *span) if shift.start >= begin]
    found = first
    for mine, yours in ((held[a], held[b]) for a, b in pairs):
        try:
            wanted = swap(found, roster, None, (mine.people[0], mine.start), (yours.people[0], yours.start))
            found = replace(found, changes=(*found.changes, checked(found, wanted)[0]))
        except DutyError:
            continue
        line = compute(found, roster, *span)
        assert line.at(mine.start).people == yours.people
        assert line.at(yours.start).people == mine.people
    assert counts(found, roster, *span) == counts(first, roster, *span)


_intervals = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(
        lambda pair: (begin_at(pair[0]), begin_at(pair[1]))
    ),
    max_size=6,
)


def begin_at(hour: int) -> datetime:
    """An hour of a fixed time."""
    return _AUTUMN + hour * timedelta(hours=1)


@given(_intervals, _intervals)
def test_intervals_are_sets_of_instants(left: list[Any], right: list[Any]) -> None:
    def inside(parts: list[Any], hour: int) -> bool:
        return any(low <= begin_at(hour) < high for low, high in parts)

    for hour in range(31):
        a, b = inside(left, hour), inside(right, hour)
        assert inside(union([*left, *right]), hour) == (a or b)
        assert inside(intersection(left, right), hour) == (a and b)
        assert inside(difference(left, right), hour) == (a and not b)
    assert all(x[1] < y[0] for x, y in pairwise(union([*left, *right]))), "sorted, disjoint, joined"
