"""Given due dates against those of procedures: worked by hand, and counted by procedure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.district.worktime import WorkCalendar
from ioc.dossiers.due_check import Checked, Verdict, check, count, expected_due

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = WorkCalendar(
    overrides={date(2026, 3, 14): True, date(2026, 3, 17): False, date(2026, 3, 18): ((time(7), time(11)),)}
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("received", "working_days", "calendar_days", "due"),
    [
        ("03-02T08:00", 1, None, "03-03"),
        ("03-02T18:00", 1, None, "03-03"),  # after hours: from the next morning, until that day's end
        ("03-06T16:00", 1, None, "03-09"),  # over a weekend
        ("03-13T16:00", 1, None, "03-14"),  # the Saturday is worked
        ("03-16T08:00", 2, None, "03-19"),  # a holiday and a half day between
        ("03-02T08:00", 0.25, None, "03-02"),
        ("03-02T16:30", 0.25, None, "03-03"),
        ("03-02T08:00", None, 7, "03-09"),
        ("03-03T08:00", None, 11, "03-14"),  # a Saturday that is worked
        ("03-03T08:00", None, 4, "03-09"),  # a Saturday that is not: the next working day
        ("03-03T08:00", None, None, None),
    ],
)
def test_a_procedures_time_gives_a_due_date(
    received: str, working_days: float | None, calendar_days: int | None, due: str | None
) -> None:
    found = expected_due(local(received), CALENDAR, working_days, calendar_days)
    assert (None if found is None else found.strftime("%m-%d")) == due


def test_dates_are_compared_by_local_date() -> None:
    expected = local("03-09T08:00")
    for given_at, verdict, days in (
        (local("03-09T23:59"), Verdict.AGREES, 0),
        (local("03-10T00:00"), Verdict.LATER, 1),
        (local("03-06T17:00"), Verdict.EARLIER, -3),
        (None, Verdict.NO_DUE_DATE, None),
    ):
        found = check("c", given_at, expected, ZONE)
        assert (found.verdict, found.days) == (verdict, days)
    assert check("c", expected, None, ZONE).verdict is Verdict.NO_TERM


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "a", "b"]),
            st.none() | st.integers(-9, 9).map(lambda days: local("03-09T08:00") + timedelta(days=days)),
        )
    )
)
def test_every_dossier_is_counted_once_and_the_worst_procedure_comes_first(
    found: list[tuple[str | None, datetime | None]],
) -> None:
    checked = [
        (procedure, check(str(n), given_at, local("03-09T08:00"), ZONE))
        for n, (procedure, given_at) in enumerate(found)
    ]
    counted = count(checked, examples=2)
    assert sum(part.dossiers for part in counted) == len(found)
    disagreeing = [part.disagreeing for part in counted]
    assert disagreeing == sorted(disagreeing, reverse=True)
    for part in counted:
        mine = [one for procedure, one in checked if procedure == part.procedure]
        gaps = [one.days for one in mine if one.days]
        assert (part.most_later, part.most_earlier) == (max([0, *gaps]), -min([0, *gaps]))
        assert len(part.examples) == min(2, len(gaps))
        assert all(isinstance(one, Checked) for one in part.examples)
