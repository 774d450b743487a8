"""Temporary schedules: what they replace, what is refused, what may come after them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ioc.duty import Change, ChangeKind, Person, Plan, compute, watch
from ioc.duty.changing import checked, swap
from ioc.duty.errors import ConflictError, DutyError
from ioc.duty.model import FixedShift
from ioc.duty.temporary import read_shifts, schedule
from ioc.duty.timeline import counts
from ioc.errors import InputError
from tests.unit.duty.plans import DAY, change, local, plan, rotation

MON, TUE, WED, THU = (local(f"2026-03-0{n}T07:00") for n in (2, 3, 4, 5))
NOON = local("2026-03-03T12:00")
HOUR = timedelta(hours=1)


def _shift(people: str, start: datetime, end: datetime, layer: str = "main", needs: int = 1) -> FixedShift:
    return FixedShift(layer, tuple(people.split("+")), start, end, needs)


def _with(found: Plan, *shifts: FixedShift, **more: object) -> Plan:
    made, _ = checked(found, schedule(found.rosters[0], shifts, **more))  # type: ignore[arg-type]
    return replace(found, changes=(*found.changes, made))


def _stints(found: Plan) -> list[tuple[object, ...]]:
    line = compute(found, found.rosters[0], MON, THU)
    return [(stint.person, stint.start, stint.end) for stint in line.stints]


def test_it_takes_the_place_of_every_rotation_for_its_time_and_cuts_the_shifts_at_its_edges() -> None:
    found = _with(plan(), _shift("dung", NOON, NOON + 6 * HOUR), end=WED)
    assert _stints(found) == [
        ("an", MON, TUE),
        ("binh", TUE, NOON),
        ("dung", NOON, NOON + 6 * HOUR),
        ("chi", WED, THU),
    ]
    gaps = [(w.kind.value, w.start, w.end) for w in watch(found, found.rosters[0], MON, THU)]
    assert gaps == [("gap", NOON + 6 * HOUR, WED)]


def test_of_one_layer_it_leaves_the_others_alone() -> None:
    two = plan(rotation("an"), rotation("binh", layer="leader"))
    found = _with(two, _shift("chi+dung", TUE, WED), layer="main")
    assert [span.on for span in compute(found, found.rosters[0], MON, WED).spans] == [
        (("main", ("an",)), ("leader", ("binh",))),
        (("main", ("chi", "dung")), ("leader", ("binh",))),
    ]
    every = _with(two, _shift("chi", TUE, WED))
    assert compute(every, every.rosters[0], TUE, WED).spans[0].on == (("main", ("chi",)), ("leader", ()))


def test_what_it_lacks_is_told_when_it_is_made() -> None:
    _, notes = checked(
        plan(), schedule(plan().rosters[0], (_shift("an", MON, TUE, needs=2), _shift("an", WED, THU)))
    )
    assert notes == (
        "r/main/temporary: The shift has 1 of 2 people, 2026-03-02 07:00 to 2026-03-03 07:00.",
        "r: Nobody is on duty, 2026-03-03 07:00 to 2026-03-04 07:00.",
    )


@pytest.mark.parametrize("held", [("add", "dung", None), ("replace", "binh", "dung"), ("remove", "an", None)])
def test_a_change_that_is_there_is_in_its_way(held: tuple[str, str, str | None]) -> None:
    found = plan(changes=(replace(change(held[0], held[1], TUE, WED, held[2]), id=4),))
    with pytest.raises(ConflictError, match=r"There is another change at that time \(4: ") as caught:
        _with(found, _shift("chi", MON, THU))
    assert "Withdraw that one first" in caught.value.remedy
    _with(found, _shift("chi", WED, THU))


def test_two_of_one_layer_at_a_time_are_refused_and_beside_one_another_are_not() -> None:
    one = _with(plan(), _shift("dung", TUE, WED))
    with pytest.raises(ConflictError, match="temporary schedule of 1 shifts in r/main"):
        _with(one, _shift("an", NOON, THU))
    both = _with(one, _shift("an", WED, THU))
    assert [stint[0] for stint in _stints(both)] == ["an", "dung", "an"]


def test_overrides_and_swaps_made_afterwards_act_on_its_shifts() -> None:
    fixed = _with(plan(), _shift("dung", TUE, WED), _shift("chi", WED, THU))
    stand_in, notes = checked(fixed, change("replace", "dung", TUE, WED, "an"))
    assert notes == ()
    replaced = replace(fixed, changes=(*fixed.changes, stand_in))
    assert [stint[0] for stint in _stints(replaced)] == ["an", "chi"]
    exchanged = swap(fixed, fixed.rosters[0], None, ("dung", NOON), ("chi", WED + HOUR))
    swapped = replace(fixed, changes=(*fixed.changes, checked(fixed, exchanged)[0]))
    assert [stint[0] for stint in _stints(swapped)] == ["an", "chi", "dung"]
    span = (MON, THU)
    assert counts(swapped, fixed.rosters[0], *span) == counts(fixed, fixed.rosters[0], *span)


def test_leave_comes_first_in_it_too() -> None:
    away = plan(changes=(replace(change("leave", "dung", MON, WED), id=3),))
    with pytest.raises(ConflictError, match=r"dung is on leave then \(3: leave of dung"):
        _with(away, _shift("dung", TUE, WED))
    fixed = _with(plan(), _shift("dung", TUE, WED))
    leave, notes = checked(fixed, change("leave", "dung", NOON, WED))
    assert notes[0].startswith("dung was to stand in then (temporary schedule of 1 shifts")
    found = replace(fixed, changes=(*fixed.changes, leave))
    assert ("dung", TUE, NOON) in _stints(found)


@pytest.mark.parametrize(
    ("shifts", "words"),
    [
        ((_shift("ghost", TUE, WED),), "There is no person 'ghost'"),
        ((_shift("young", TUE, WED),), "is among the people from 2026-06-01"),
        ((_shift("an", TUE, WED, layer="x"),), "shift 1: r has no layer 'x'"),
        ((_shift("an+an", TUE, WED),), "shift 1 names somebody twice"),
        ((_shift("an", TUE, NOON), _shift("an", NOON - HOUR, WED)), "an is in two shifts of main at 2026-03-03 11:00"),
        ((_shift("an", TUE, WED), _shift("an", WED, WED)), "ends before it begins"),
        ((_shift("an", TUE, TUE + 401 * DAY),), "more than 400"),
        ((), "needs shifts"),
    ],
)  # fmt: skip
def test_one_that_makes_no_sense_is_refused(shifts: tuple[FixedShift, ...], words: str) -> None:
    people = (Person("an", "An"), Person("young", "Y", valid_from=date(2026, 6, 1)))
    with pytest.raises(DutyError) as caught:
        _with(plan(people=people), *shifts)
    assert words in caught.value.message


def test_one_that_is_withdrawn_half_way_was_in_force_until_then() -> None:
    fixed = _with(plan(), _shift("dung", MON, TUE), _shift("chi", TUE, THU))
    gone = replace(fixed.changes[0], withdrawn_at=NOON, withdrawn_by="x", held_until=NOON)
    left = gone.in_force()
    assert left is not None
    assert _stints(replace(fixed, changes=(left,))) == [
        ("dung", MON, TUE),
        ("chi", TUE, NOON),
        ("binh", NOON, WED),
        ("chi", WED, THU),
    ]


def test_a_file_of_shifts_is_read_and_every_mistake_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "tet.csv"
    file.write_text(
        "people,from,to,needs\nan + binh,2026-03-02T07:00,2026-03-03T07:00,2\nchi,2026-03-03T07:00,2026-03-04,\n"
    )
    roster = plan().rosters[0]
    assert read_shifts(file, roster) == (
        _shift("an+binh", MON, TUE, needs=2),
        _shift("chi", TUE, local("2026-03-04")),
    )
    file.write_text("people,from,to,layer\nan,soon,2026-03-03,\n,2026-03-02,2026-03-03,no layer!\n")
    with pytest.raises(InputError) as caught:
        read_shifts(file, roster)
    for words in ("tet.csv:2: 'soon' of from", "tet.csv:3: people is empty", "tet.csv:3: layer 'no layer!'"):
        assert words in str(caught.value)
    two = plan(rotation("an"), rotation("binh", layer="leader")).rosters[0]
    file.write_text("people,from,to\nan,2026-03-02,2026-03-03\n")
    with pytest.raises(InputError, match="several layers"):
        read_shifts(file, two)
    assert read_shifts(file, two, "leader")[0].layer == "leader"


def test_half_a_swap_that_was_withdrawn_between_its_shifts_stays() -> None:
    made = swap(plan(), plan().rosters[0], None, ("an", MON), ("chi", WED))
    for until, people in (
        (TUE, ["chi", "binh", "chi"]),
        (NOON, ["chi", "binh", "chi"]),
        (MON, ["an", "binh", "chi"]),
    ):
        gone = replace(made, withdrawn_at=until, withdrawn_by="x", held_until=until).in_force()
        found = plan(changes=() if gone is None else (gone,))
        assert [stint[0] for stint in _stints(found)] == people
    assert Change(ChangeKind.LEAVE, "an", MON, TUE, withdrawn_at=MON).in_force() is None
