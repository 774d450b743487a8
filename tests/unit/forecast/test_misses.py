"""The life table: by hand, and what must hold for any dossiers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.district.worktime import WorkCalendar
from ioc.forecast.clock import WorkClock
from ioc.forecast.misses import Cases, Outlook, outlook

# One working day is a day: the figures can be done by hand.
_ALWAYS = WorkCalendar(
    time_zone="UTC",
    hours=((datetime(2026, 1, 1, 0).time(), datetime(2026, 1, 1, 23, 59, 59, 999999).time()),),  # noqa: DTZ001
    weekdays=frozenset(range(1, 8)),
    holidays_of=None,
)
_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_CLOCK = WorkClock(_ALWAYS, datetime(2025, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))


class Case(NamedTuple):
    """Days before now: received, ended (None: open); days from now to the date's end (None: no date)."""

    received: float
    ended: float | None = None
    due: float | None = None
    unit: int = 0
    field: int = 0
    procedure: int = 0


def _cases(rows: list[Case]) -> Cases:
    def at(days: float | None) -> float:
        return np.nan if days is None else (_NOW + timedelta(days=days)).timestamp()

    return Cases(
        np.array([at(-row.received) for row in rows]),
        np.array([at(None if row.ended is None else -row.ended) for row in rows]),
        np.array([at(row.due) for row in rows]),
        np.array([row.unit for row in rows], dtype=np.int64),
        np.array([row.field for row in rows], dtype=np.int64),
        np.array([row.procedure for row in rows], dtype=np.int64),
    )


def _look(rows: list[Case]) -> Outlook:
    return outlook(_cases(rows), _NOW.timestamp(), _CLOCK)


def _ended(count: int, took: float, term: float, **more: int) -> list[Case]:
    """One a day, each ended after ``took`` days of a term of ``term``."""
    return [Case(received=n + took, ended=n, due=term - took - n, **more) for n in range(count)]


def test_a_table_by_hand() -> None:
    """Forty dossiers, each ended three days before its date: who is nearer than that by now will hardly be missed."""
    found = _look([*_ended(40, 7, 10), Case(received=2, due=8)])
    assert found.chance[0] < 0.25
    # to be ended five days from now
    assert found.left[0] == pytest.approx(5, abs=1)
    assert found.left_low[0] < found.left[0] < found.left_high[0]
    late = _look([*_ended(40, 7, 5), Case(received=2, due=3)])
    assert late.chance[0] > 0.6
    assert late.left[0] == pytest.approx(5, abs=1.5)


def test_the_chance_is_the_tables_arithmetic() -> None:
    """All forty ended within one step, from four days to three days before their date."""
    found = _look([*_ended(40, 7, 10), Case(received=6, due=4)])
    mean = 40 / (40 * 7 + 6)
    in_step = (40 + 1) / (40 * 1.0 + 1 / mean)
    # drawn thrice to the same figures: term, field and procedure hold the same cases
    for _ in range(3):
        in_step = (40 + 5) / (40 + 5 / in_step)
    # in the three days that follow nobody was seen: the unit's mean speaks
    assert found.chance[0] == pytest.approx(np.exp(-in_step - 3 * mean), rel=1e-3)


def test_a_slow_procedure_has_a_table_of_its_own() -> None:
    quick, slow = _ended(60, 2, 5, procedure=1), _ended(60, 30, 5, procedure=2)
    found = _look([*quick, *slow, Case(received=1, due=4, procedure=1), Case(received=1, due=4, procedure=2)])
    assert found.chance[0] < 0.5 < found.chance[1]


def test_a_new_procedure_has_its_fields_table() -> None:
    slow = [case for kind in range(4) for case in _ended(30, 30, 5, field=1, procedure=kind)]
    quick = _ended(60, 2, 5, field=2, procedure=9)
    new = [Case(received=1, due=4, field=1, procedure=99), Case(received=1, due=4, field=2, procedure=98)]
    found = _look([*slow, *quick, *new])
    assert found.chance[1] < 0.5 < found.chance[0]


def test_a_longer_term_has_a_table_of_its_own() -> None:
    """Of those with thirty days most are done ten days before their date, of those with ten none."""
    short, long = _ended(60, 12, 10), _ended(60, 20, 30)
    found = _look([*short, *long, Case(received=5, due=5), Case(received=16, due=14)])
    assert found.chance[1] < 0.4 < 0.6 < found.chance[0]


def test_what_is_overdue_has_missed_and_what_has_no_date_can_not() -> None:
    found = _look([Case(received=9, due=-1), Case(received=9, due=0), Case(received=9)])
    assert found.chance[:2].tolist() == [1, 1]
    assert np.isnan(found.chance[2])


def test_a_unit_without_history_is_unknown() -> None:
    found = _look(
        [
            *_ended(40, 7, 10),
            *[Case(received=9, ended=1, due=2, unit=1)] * 29,
            Case(received=2, due=3),
            Case(received=2, due=3, unit=1),
        ]
    )
    assert not np.isnan(found.chance[0])
    assert np.isnan(found.chance[1])
    assert np.isnan(found.left[1])


def test_nothing_at_all_is_nothing() -> None:
    found = outlook(_cases([]), _NOW.timestamp(), _CLOCK)
    assert len(found.chance) == 0


def test_turns_go_by_date_within_a_unit() -> None:
    found = _look(
        [
            Case(received=1, due=9),
            Case(received=5),
            Case(received=1, due=2),
            Case(received=3, due=2),
            Case(received=1, due=1, unit=1),
        ]
    )
    assert found.turn.tolist() == [3, 4, 2, 1, 1]


_CASE = st.builds(
    Case,
    received=st.floats(10, 300),
    ended=st.none() | st.floats(0, 9),
    due=st.none() | st.floats(-5, 60),
    unit=st.integers(0, 1),
    field=st.integers(0, 2),
    procedure=st.integers(0, 3),
)


@given(rows=st.lists(_CASE, min_size=60, max_size=90), data=st.data())
@settings(deadline=None, max_examples=40)
def test_the_order_of_dossiers_is_of_no_account(rows: list[Case], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    one, two = _look(rows), _look([rows[n] for n in order])
    open_before = [n for n, row in enumerate(rows) if row.ended is None]
    open_after = [n for n in order if rows[n].ended is None]
    places = [open_after.index(n) for n in open_before]
    for name in ("chance", "left_low", "left", "left_high"):
        assert getattr(one, name) == pytest.approx(getattr(two, name)[places], nan_ok=True), name


@given(rows=st.lists(_CASE, min_size=60, max_size=90), due=st.floats(0.1, 40), later=st.floats(0.1, 40))
@settings(deadline=None, max_examples=40)
def test_a_later_date_is_never_missed_more_often(rows: list[Case], due: float, later: float) -> None:
    found = _look([*rows, Case(received=20, due=due), Case(received=20, due=due + later)])
    near, far = found.chance[-2:]
    assert np.isnan(near) == np.isnan(far)
    assert np.isnan(near) or 0 <= far <= near <= 1
