"""Periods by name are calendar periods of the unit's own zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi import find
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.periods import NAMES, bounds
from ioc.kpi.question import Asked, read

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
#: A Wednesday in Vietnam, still Tuesday in UTC.
_NOW = datetime(2026, 2, 3, 18, 30, tzinfo=UTC)
_EXAMPLES = [name.replace("-N-", "-7-") for name in NAMES]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-02-04", "2026-02-05"),
        ("yesterday", "2026-02-03", "2026-02-04"),
        ("this-week", "2026-02-02", "2026-02-09"),
        ("last-week", "2026-01-26", "2026-02-02"),
        ("this-month", "2026-02-01", "2026-03-01"),
        ("last-month", "2026-01-01", "2026-02-01"),
        ("this-quarter", "2026-01-01", "2026-04-01"),
        ("last-quarter", "2025-10-01", "2026-01-01"),
        ("this-year", "2026-01-01", "2027-01-01"),
        ("last-year", "2025-01-01", "2026-01-01"),
        ("last-7-days", "2026-01-28", "2026-02-04"),
        ("last-14-months", "2024-12-01", "2026-02-01"),
    ],
)
def test_periods(name: str, first: str, last: str) -> None:
    start, end = bounds(name, zone=_ZONE, now=_NOW)
    assert (start.isoformat(), end.isoformat()) == (f"{first}T00:00:00+07:00", f"{last}T00:00:00+07:00")


@pytest.mark.parametrize(
    "name", ["", "last-0-days", "last-99999-days", "next-week", "last-N-days", "last--1-days", "LAST-WEEK"]
)
def test_what_is_no_period_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(BadQuestionError) as told:
        bounds(name, zone=_ZONE, now=_NOW)
    assert "last-month" in told.value.remedy


def test_a_period_before_the_calendar_is_refused() -> None:
    with pytest.raises(BadQuestionError, match="before the calendar"):
        bounds("last-9999-days", zone=_ZONE, now=datetime(20, 1, 1, tzinfo=UTC))


@given(
    st.sampled_from(_EXAMPLES),
    st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2150, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([_ZONE, ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/Sao_Paulo")]),
)
def test_a_period_holds_now_or_ends_by_it(name: str, now: datetime, zone: ZoneInfo) -> None:
    start, end = bounds(name, zone=zone, now=now)
    assert start.astimezone(UTC) < end.astimezone(UTC)
    if name.startswith(("this-", "today")):
        assert start.astimezone(UTC) - timedelta(hours=1) <= now < end.astimezone(UTC)
    else:
        assert end.astimezone(UTC) <= now + timedelta(hours=1)


def test_a_period_beside_a_range_is_a_contradiction() -> None:
    kpi = find("dossier.open")
    with pytest.raises(BadQuestionError, match="a range beside it"):
        read(kpi, Asked(period="today", start="2026-01-01"), zone=_ZONE, now=_NOW)
    question = read(kpi, Asked(period="last-month"), zone=_ZONE, now=_NOW)
    assert (question.start.month, question.end.month) == (1, 2)
