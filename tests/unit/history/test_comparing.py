"""What a question is held against: ranges that go back by months or days, and buckets that end."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ioc.history.comparing import Against, ends_at, lines, other
from ioc.kpi.catalogue import find
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import Answer, Point
from ioc.kpi.question import Asked, read

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_NOW = datetime(2026, 11, 25, 3, 30, tzinfo=UTC)


def _against(against: Against, **asked: str) -> tuple[str, str]:
    wanted = Asked(**asked)  # type: ignore[arg-type]
    question = read(find("dossier.received"), wanted, zone=_ZONE, now=_NOW)
    found = other(wanted, question, _ZONE, against, None)
    assert found.period is None
    assert found.start is not None
    assert found.end is not None
    return found.start[:16], found.end[:16]


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        ({"period": "this-month"}, ("2026-10-01T00:00", "2026-11-01T00:00")),
        ({"period": "last-quarter"}, ("2026-04-01T00:00", "2026-07-01T00:00")),
        ({"period": "this-year"}, ("2025-01-01T00:00", "2026-01-01T00:00")),
        ({"period": "last-week"}, ("2026-11-09T00:00", "2026-11-16T00:00")),
        ({"period": "today"}, ("2026-11-24T00:00", "2026-11-25T00:00")),
        ({"start": "2026-11-20", "bucket": "1h"}, ("2026-11-14T00:00", "2026-11-19T10:30")),
        (
            {"start": "2026-11-25T08:00", "end": "2026-11-25T11:00", "bucket": "1h"},
            ("2026-11-25T05:00", "2026-11-25T08:00"),
        ),
    ],
)
def test_the_period_before(asked: dict[str, str], before: tuple[str, str]) -> None:
    assert _against(Against.BEFORE, **asked) == before


def test_a_year_earlier_knows_leap_days() -> None:
    assert _against(Against.YEAR, start="2024-02-29", end="2024-03-02") == (
        "2023-02-28T00:00",
        "2023-03-02T00:00",
    )


def test_before_the_calendar_nothing_lies() -> None:
    with pytest.raises(BadQuestionError, match="Nothing lies before"):
        _against(Against.YEAR, start="0001-03-01", end="0001-04-01")


def test_what_was_known_needs_its_moment() -> None:
    wanted = Asked(period="today")
    question = read(find("dossier.received"), wanted, zone=_ZONE, now=_NOW)
    with pytest.raises(BadQuestionError, match="No moment"):
        other(wanted, question, _ZONE, Against.KNOWN, None)
    assert other(wanted, question, _ZONE, Against.KNOWN, "2026-11-01").as_of == "2026-11-01"


@pytest.mark.parametrize(
    ("bucket", "end"),
    [
        ("1min", "2026-11-25T10:31"),
        ("15min", "2026-11-25T10:45"),
        ("1h", "2026-11-25T11:00"),
        ("1d", "2026-11-26T00:00"),
        ("1mo", "2026-12-01T00:00"),
    ],
)
def test_a_bucket_ends_on_the_clock_of_the_unit(bucket: str, end: str) -> None:
    assert ends_at(_NOW, bucket, _ZONE).astimezone(_ZONE).isoformat()[:16] == end


def test_series_of_an_answer_have_gaps_where_a_value_is_missing() -> None:
    first, second = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    question = read(find("dossier.received"), Asked(period="this-month", by="channel"), zone=_ZONE, now=_NOW)
    points = (
        Point(first, "online", 2.0, 2.0, None),
        Point(second, "online", 3.0, 3.0, None),
        Point(second, None, 1.0, 1.0, None),
    )
    found = lines(Answer(question, _ZONE, points, {}))
    assert [(line.dim, [point and point.value for point in line.points]) for line in found] == [
        ("online", [2.0, 3.0]),
        (None, [None, 1.0]),
    ]
    assert [line.weight for line in found] == [5.0, 1.0]
