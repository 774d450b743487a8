"""Overrides, swaps and leave: what they do, what is refused and how that is explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ioc.duty import Change, ChangeKind, Person, Plan, compute, hand_overs, watch
from ioc.duty.changing import checked, swap
from ioc.duty.errors import ConflictError, DutyError
from ioc.duty.model import Cover
from ioc.duty.timeline import counts
from tests.unit.duty.plans import DAY, change, local, plan, rotation

MON, TUE, WED = (local(f"2026-03-0{n}T07:00") for n in (2, 3, 4))


def _people(found: Plan, start: str = "2026-03-02T07:00", days: int = 3) -> list[tuple[str, ...]]:
    low = local(start)
    return [span.people for span in compute(found, found.rosters[0], low, low + days * DAY).spans]


def test_somebody_is_added() -> None:
    hour = timedelta(hours=1)
    found = plan(changes=(change("add", "dung", MON + hour, MON + 2 * hour),))
    assert _people(found) == [("an",), ("an", "dung"), ("an",), ("binh",), ("chi",)]


def test_somebody_is_removed_and_leaves_a_gap_that_is_told() -> None:
    found = plan(changes=(change("remove", "binh", MON, WED + DAY),))
    assert _people(found) == [("an",), (), ("chi",)]
    warnings = watch(found, found.rosters[0], MON, WED + DAY)
    assert [(w.kind.value, w.start, w.end) for w in warnings] == [("gap", TUE, WED), ("thin", TUE, WED)]
    assert warnings[0].text("vi") == "r: Không có ai trực."
    assert warnings[1].text("en") == "r/main/day: The shift has 0 of 1 people."


def test_somebody_takes_another_ones_place_only_where_that_one_would_be() -> None:
    found = plan(changes=(change("replace", "binh", MON, WED + DAY, "dung"),))
    assert _people(found) == [("an",), ("dung",), ("chi",)]


def test_half_a_shift_can_be_taken_over() -> None:
    noon = local("2026-03-03T12:00")
    found = plan(changes=(change("replace", "binh", noon, WED, "dung"),))
    line = compute(found, found.rosters[0], MON, WED)
    assert [(s.person, s.start, s.end) for s in line.stints] == [
        ("an", MON, TUE),
        ("binh", TUE, noon),
        ("dung", noon, WED),
    ]


def test_leave_comes_before_everything() -> None:
    stand_in = change("replace", "binh", TUE, WED, "dung")
    found = plan(changes=(stand_in, change("leave", "dung", MON, WED + DAY)))
    assert _people(found) == [("an",), (), ("chi",)]


def test_a_change_that_was_withdrawn_does_nothing() -> None:
    gone = replace(change("remove", "binh", MON, WED), withdrawn_at=MON, withdrawn_by="x")
    assert _people(plan(changes=(gone,))) == [("an",), ("binh",), ("chi",)]


def test_a_person_unknown_to_the_pack_is_told_and_never_called() -> None:
    found = plan(rotation("an; nobody"), changes=(change("add", "ghost", TUE, WED),))
    assert _people(found, days=2) == [("an",), ()]
    missing = [w for w in watch(found, found.rosters[0], MON, WED) if w.kind.value == "missing"]
    assert {(w.person, w.start, w.end) for w in missing} == {("nobody", TUE, WED), ("ghost", TUE, WED)}


def test_two_shifts_are_exchanged_whole() -> None:
    before = plan()
    made = swap(before, before.rosters[0], None, ("an", MON + DAY / 2), ("chi", WED + DAY / 3))
    assert (made.start, made.end, made.other_start, made.other_end) == (MON, TUE, WED, WED + DAY)
    after = replace(before, changes=(checked(before, made)[0],))
    assert _people(after) == [("chi",), ("binh",), ("an",)]
    span = (local("2026-03-01"), local("2026-04-01"))
    assert counts(after, after.rosters[0], *span) == counts(before, before.rosters[0], *span)


def test_a_swap_names_the_shifts_that_a_person_has() -> None:
    found = plan()
    with pytest.raises(DutyError) as caught:
        swap(found, found.rosters[0], None, ("an", TUE), ("chi", WED))
    assert caught.value.message == "an has no shift by rotation at 2026-03-03 07:00."
    assert "main/day 2026-03-05 07:00 to 2026-03-06 07:00" in caught.value.remedy


def test_nothing_can_be_swapped_with_a_shift_that_one_is_in() -> None:
    found = plan(rotation("an+binh; binh+chi"))
    with pytest.raises(DutyError, match="binh is on duty already in the shift"):
        swap(found, found.rosters[0], None, ("an", MON), ("binh", TUE))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("add", "dung", None), ("add", "dung", None)),
        (("add", "dung", None), ("remove", "dung", None)),
        (("remove", "binh", None), ("replace", "binh", "dung")),
        (("replace", "binh", "dung"), ("replace", "dung", "chi")),
        (("replace", "binh", "dung"), ("add", "dung", None)),
    ],
)
def test_one_person_in_two_changes_at_a_time_is_explained(
    first: tuple[str, str, str | None], second: tuple[str, str, str | None]
) -> None:
    held = replace(change(first[0], first[1], MON, WED, first[2]), id=7)
    found = plan(changes=(held,))
    with pytest.raises(ConflictError, match=r"is in another change at that time \(7: .*2026-03-02 07:00"):
        checked(found, change(second[0], second[1], TUE, WED + DAY, second[2]))
    checked(found, change(second[0], second[1], WED, WED + DAY, second[2]))  # beside it, nothing contradicts
    gone = replace(found, changes=(replace(held, withdrawn_at=MON, withdrawn_by="x"),))
    checked(gone, change(second[0], second[1], TUE, WED + DAY, second[2]))


def test_whoever_is_on_leave_can_not_stand_in() -> None:
    found = plan(changes=(replace(change("leave", "dung", MON, WED), id=3),))
    with pytest.raises(ConflictError, match=r"dung is on leave then \(3: leave of dung"):
        checked(found, change("replace", "binh", TUE, WED, "dung"))
    with pytest.raises(ConflictError, match="already"):
        checked(found, change("leave", "dung", TUE, WED + DAY))


def test_leave_of_somebody_who_stands_in_is_stored_and_told() -> None:
    found = plan(changes=(change("replace", "binh", TUE, WED, "dung"),))
    _, notes = checked(found, change("leave", "dung", MON, WED))
    assert notes == (
        (
            "dung was to stand in then (dung in place of binh in r/main, 2026-03-03 07:00 to 2026-03-04 07:00):"
            " leave comes first."
        ),
    )


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (change("add", "dung", TUE, TUE), "is not after the start"),
        (change("add", "nobody", MON, TUE), "There is no person 'nobody'"),
        (change("replace", "an", MON, TUE, "an"), "can't take the place of"),
        (change("replace", "an", MON, TUE), "needs a second person"),
        (change("add", "an", MON, MON + 500 * DAY), "more than 400"),
        (Change(ChangeKind.ADD, "an", MON, TUE, roster="x"), "no roster 'x'"),
        (Change(ChangeKind.ADD, "an", MON, TUE, roster="r", layer="x"), "no layer 'x'"),
        (Change(ChangeKind.ADD, "an", MON, TUE, roster="r"), "several layers"),
        (change("add", "young", MON, TUE), "is among the people from 2026-06-01 to"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(wanted: Change, words: str) -> None:
    people = (Person("an", "An"), Person("dung", "Dũng"), Person("young", "Y", valid_from=date(2026, 6, 1)))
    found = plan(rotation("an"), rotation("dung", layer="leader"), people=people)
    with pytest.raises(DutyError) as caught:
        checked(found, wanted)
    assert words in caught.value.message


def test_a_change_that_changes_nothing_says_so() -> None:
    found = plan()
    assert checked(found, change("remove", "dung", MON, TUE))[1] == (
        "dung has no shift by rotation then: nothing changes for them.",
    )
    assert checked(found, change("add", "an", MON, TUE))[1] == (
        "an is on duty by rotation all that time already.",
    )


def test_gaps_are_looked_for_only_when_somebody_has_to_be_there() -> None:
    day = rotation("an", days="mon", hours="08:00 16:00")
    week = (local("2026-03-02"), local("2026-03-04"))
    working = plan(day, cover=Cover.WORKING)
    assert [(w.start, w.end) for w in watch(working, working.rosters[0], *week)] == [
        (local("2026-03-02T07:00"), local("2026-03-02T08:00")),
        (local("2026-03-02T16:00"), local("2026-03-02T17:00")),
        (local("2026-03-03T07:00"), local("2026-03-03T11:30")),
        (local("2026-03-03T13:30"), local("2026-03-03T17:00")),
    ]
    nothing = plan(day, cover=Cover.NONE)
    assert watch(nothing, nothing.rosters[0], *week) == []


def test_a_shift_that_is_filled_by_hand_is_told_until_it_is() -> None:
    empty = plan(rotation("", needs=2))
    roster = empty.rosters[0]
    assert [(w.kind.value, w.here) for w in watch(empty, roster, MON, TUE)] == [("gap", 0), ("thin", 0)]
    one = replace(empty, changes=(change("add", "an", MON, TUE),))
    assert [(w.kind.value, w.here, w.needs) for w in watch(one, roster, MON, TUE)] == [("thin", 1, 2)]
    two = replace(one, changes=(*one.changes, change("add", "chi", MON, TUE)))
    assert watch(two, roster, MON, TUE) == []


def test_hand_overs_say_who_leaves_comes_and_stays() -> None:
    found = plan(rotation("an+dung; binh+dung"))
    overs = hand_overs(compute(found, found.rosters[0], MON, MON + 3 * DAY))
    assert [(o.at, o.leaving, o.arriving, o.staying, o.until) for o in overs] == [
        (TUE, ("an",), ("binh",), ("dung",), WED),
        (WED, ("binh",), ("an",), ("dung",), None),
    ]
