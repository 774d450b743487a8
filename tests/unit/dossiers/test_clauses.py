"""Each clause of how dossiers count: status groups, pauses, supplements, letters, withdrawal, second codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.district.worktime import WorkCalendar
from ioc.dossiers.ledger import Measure, contributions
from ioc.dossiers.reducer import Dossier, Fact, Group, group_of, reduce
from ioc.events import (
    DossierApology,
    DossierMerge,
    DossierProgress,
    DossierRecord,
    DossierSupplement,
)

START = datetime(2026, 3, 2, 1, tzinfo=UTC)  # 8 o'clock in Vietnam, a Monday
CALENDAR = WorkCalendar(holidays_of=None)


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def fact(days: float, data: object) -> Fact:
    return Fact(at(days), "", f"{days}-{data}", at(days), data)  # type: ignore[arg-type]


def received(**more: object) -> Fact:
    return fact(0, DossierRecord(unit="u", received_at=START, status=2, due_at=at(3), **more))  # type: ignore[arg-type]


def step(days: float, status: int | None = None, **more: object) -> Fact:
    return fact(days, DossierProgress(unit="u", status=status, **more))  # type: ignore[arg-type]


def stands(dossier: Dossier, measure: Measure, days: float) -> int:
    found = contributions(dossier, lambda _: CALENDAR)
    return sum(n for (_, m, when, _), n in found.items() if m is measure and when <= at(days))


GAUGES = (Measure.OPEN, Measure.OVERDUE, Measure.PAUSED, Measure.LATE_WITHOUT_APOLOGY)


@pytest.mark.parametrize(
    ("status", "group", "gauges"),
    [  # ten days after the due date, in this status since the second day: open, overdue, paused, without apology
        (0, Group.OTHER, (1, 1, 0, 1)),
        (1, Group.NEVER_ACCEPTED, (0, 0, 0, 0)),
        (2, Group.ACTIVE, (1, 1, 0, 1)),
        (3, Group.NEVER_ACCEPTED, (0, 0, 0, 0)),
        (4, Group.ACTIVE, (1, 1, 0, 1)),
        (5, Group.SUPPLEMENT, (1, 0, 0, 0)),
        (6, Group.PAUSED, (1, 0, 1, 0)),
        (7, Group.WITHDRAWN, (0, 0, 0, 0)),
        (8, Group.PAUSED, (1, 0, 1, 0)),
        (9, Group.DONE, (0, 0, 0, 0)),
        (10, Group.DONE, (0, 0, 0, 0)),
        (11, Group.OTHER, (1, 1, 0, 1)),
        (-7, Group.OTHER, (1, 1, 0, 1)),
    ],
)
def test_every_status_has_its_group_and_its_effect(
    status: int, group: Group, gauges: tuple[int, ...]
) -> None:
    dossier = reduce([received(), step(1, status)])
    assert group_of(status) is group
    assert tuple(stands(dossier, measure, 13) for measure in GAUGES) == gauges
    assert stands(dossier, Measure.RECEIVED, 13) == (group is not Group.NEVER_ACCEPTED)
    assert stands(dossier, Measure.COMPLETED, 13) == (group is Group.DONE)
    assert stands(dossier, Measure.WITHDRAWN, 13) == (group is Group.WITHDRAWN)


def test_pause_and_resume_stop_and_start_being_overdue_and_the_end_is_judged_by_the_date() -> None:
    dossier = reduce([received(), step(1, 6), step(8, 4), step(9, 8), step(11, 4), step(12, 9)])
    overdue = [stands(dossier, Measure.OVERDUE, day) for day in (2, 5, 8.5, 10, 11.5, 13)]
    paused = [stands(dossier, Measure.PAUSED, day) for day in (0.5, 2, 5, 8.5, 10, 11.5, 13)]
    assert (overdue, paused) == ([0, 0, 1, 0, 1, 0], [0, 1, 1, 0, 1, 0, 0])
    assert stands(dossier, Measure.LATE, 13) == 1


def test_each_supplement_moves_the_due_date_and_the_first_one_is_kept() -> None:
    known = [
        received(),
        fact(2, DossierSupplement(unit="u", received=False)),
        fact(9, DossierSupplement(unit="u", received=True, old_due_at=at(3), new_due_at=at(12))),
        fact(11, DossierSupplement(unit="u", received=False)),
        fact(20, DossierSupplement(unit="u", received=True, old_due_at=at(12), new_due_at=at(22))),
        step(21, 9),
    ]
    dossier = reduce(known)
    assert (dossier.original_due_at, dossier.due_at) == (at(3), at(22))
    assert [stands(dossier, Measure.OVERDUE, day) for day in (5, 10, 15, 20.5)] == [0, 0, 0, 0]
    assert stands(dossier, Measure.ON_TIME, 30) == 1


def test_a_letter_moves_no_due_date_and_covers_until_its_promise_ends() -> None:
    known = [received(), fact(6, DossierApology(unit="u", old_due_at=at(3), new_due_at=at(8)))]
    dossier = reduce(known)
    assert dossier.due_at == at(3)
    assert [stands(dossier, Measure.OVERDUE, day) for day in (5, 7, 10)] == [1, 1, 1]
    assert [stands(dossier, Measure.LATE_WITHOUT_APOLOGY, day) for day in (5, 7, 10)] == [1, 0, 1]
    assert stands(reduce([*known, step(11, 9)]), Measure.LATE, 12) == 1


def test_withdrawn_is_on_time_whenever_it_happens_and_ends_being_overdue() -> None:
    dossier = reduce([received(), step(9, 7)])
    assert [stands(dossier, Measure.OVERDUE, day) for day in (5, 10)] == [1, 0]
    assert [stands(dossier, m, 10) for m in (Measure.WITHDRAWN, Measure.LATE, Measure.COMPLETED)] == [1, 0, 0]


def test_several_codes_are_one_dossier() -> None:
    own = reduce([received(aliases=("portal-1", "old-2"))])
    second = reduce([received(), fact(1, DossierMerge(unit="u", into="first"))])
    assert own.aliases == {"portal-1", "old-2"}
    assert stands(own, Measure.RECEIVED, 2) + stands(second, Measure.RECEIVED, 2) == 1
    again = reduce(
        [received(), fact(1, DossierMerge(unit="u", into="first")), fact(2, DossierMerge(unit="u"))]
    )
    assert stands(again, Measure.RECEIVED, 3) == 1


def test_who_has_a_dossier_is_what_the_last_step_says_and_nothing_of_the_one_before() -> None:
    known = [received(), step(1, step="land", role="clerk", handler="h1")]
    dossier = reduce(known)
    assert (dossier.step, dossier.role, dossier.handler) == ("land", "clerk", "h1")
    assert reduce([*known, step(2, 4)]).handler == "h1", "a status alone moves it to nobody"
    moved = reduce([*known, step(2, step="tax")])
    assert (moved.step, moved.role, moved.handler) == ("tax", None, None)


@pytest.mark.parametrize(
    ("more", "due"),
    [
        ({}, None),
        ({"fee_vnd": 0}, False),
        ({"fee_vnd": 5}, True),
        ({"payable_online": True}, True),
        ({"paid_online": True}, True),
        ({"paid_online": False}, None),
        ({"fee_vnd": 0, "paid_online": True}, True),
    ],
)
def test_whether_something_is_to_be_paid(more: dict[str, object], due: bool | None) -> None:
    assert reduce([received(**more)]).fee_due is due
