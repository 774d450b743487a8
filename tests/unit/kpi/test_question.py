"""What people type is read in the unit's time zone, or refused with words that help."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi import BUCKETS, find
from ioc.kpi.errors import BadQuestionError, UnknownKpiError
from ioc.kpi.question import Asked, read, read_moment, read_where

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_NOW = datetime(2026, 11, 24, 10, 17, 42, tzinfo=_ZONE)
_OPEN = find("dossier.open")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24", datetime(2026, 11, 23, 17, tzinfo=UTC)),
        ("2026-11-24T08:00", datetime(2026, 11, 24, 1, tzinfo=UTC)),
        ("2026-11-24 08:00:30", datetime(2026, 11, 24, 1, 0, 30, tzinfo=UTC)),
        ("2026-11-24T08:00:00Z", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("2026-11-24T08:00:00+01:00", datetime(2026, 11, 24, 7, tzinfo=UTC)),
        ("2026-11-24T08:00:00 01:00", datetime(2026, 11, 24, 7, tzinfo=UTC)),
        (" 2026-11-24T08:00:00.250-02:30 ", datetime(2026, 11, 24, 10, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert read_moment(text, _ZONE, what="from") == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "24/11/2026", "2026-13-01", "2026-11-24T25:00", "0001-01-01T00:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadQuestionError, match="neither a date nor a time"):
        read_moment(text, _ZONE, what="from")


@pytest.mark.parametrize(
    ("bucket", "start"),
    [
        ("1min", datetime(2026, 11, 24, 9, 17, tzinfo=_ZONE)),
        ("15min", datetime(2026, 11, 23, 10, 15, tzinfo=_ZONE)),
        ("1h", datetime(2026, 11, 22, 10, tzinfo=_ZONE)),
        (None, datetime(2026, 10, 25, tzinfo=_ZONE)),
        ("1mo", datetime(2025, 11, 1, tzinfo=_ZONE)),
    ],
)
def test_without_a_range_it_ends_now_and_begins_with_a_whole_bucket(
    bucket: str | None, start: datetime
) -> None:
    question = read(_OPEN, Asked(bucket=bucket), zone=_ZONE, now=_NOW)
    assert (question.start, question.end, question.bucket) == (start, _NOW, bucket or "1d")


@given(end=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), bucket=st.sampled_from(BUCKETS))  # noqa: DTZ001
def test_a_default_start_is_always_before_its_end(end: datetime, bucket: str) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    question = read(_OPEN, Asked(end=end.isoformat(), bucket=bucket), zone=zone, now=_NOW)
    assert question.start < question.end
    assert question.end - question.start < timedelta(days=400)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(bucket="1w"), "no bucket '1w'"),
        (Asked(start="2026-11-02", end="2026-11-01"), "not after its start"),
        (Asked(start="2026-11-02", end="2026-11-02"), "not after its start"),
        (Asked(start="2027-01-01"), "not after its start"),
        (Asked(as_of="2027-01-01"), "in the future"),
        (Asked(by="device"), "no dimension 'device'"),
        (Asked(where=("device=c1",)), "no dimension 'device'"),
        (Asked(where=("channel",)), "not a filter"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Asked, words: str) -> None:
    with pytest.raises(BadQuestionError, match=words) as refused:
        read(_OPEN, asked, zone=_ZONE, now=_NOW)
    assert refused.value.exit_code == 2
    assert refused.value.remedy


def test_filters() -> None:
    parts = ["channel=online", "channel=post", "field=a=b", "procedure="]
    assert read_where(_OPEN, parts) == {
        "channel": ("online", "post"),
        "field": ("a=b",),
        "procedure": (None,),
    }


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("dossier.on_time", "dossier.on_time_rate"),
        ("overdue", "dossier.overdue"),
        ("camera.availabilty", "camera.availability"),
    ],
)
def test_an_unknown_indicator_names_those_near_it(typed: str, near: str) -> None:
    with pytest.raises(UnknownKpiError) as refused:
        find(typed)
    assert near in refused.value.remedy


def test_an_indicator_like_none_names_where_all_are_listed() -> None:
    with pytest.raises(UnknownKpiError, match="ioc kpi list"):
        find("zzzzzz")
