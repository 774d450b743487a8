"""Lengths of time as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts.durations import duration_text, read_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("3m", timedelta(minutes=3)),
        ("48h", timedelta(hours=48)),
        ("2d", timedelta(days=2)),
        ("1h30m", timedelta(minutes=90)),
        ("0s", timedelta(0)),
        ("0.5s", timedelta(milliseconds=500)),
    ],
)
def test_a_length_is_read(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "3", "m", "3 minutes", "-3m", "3m2h", "1e3s", "٣m", "3M", "1.5h", "9999999d"]
)
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        read_duration(text)


@given(st.integers(0, 10**9))
def test_a_length_that_is_written_is_read_back(seconds: int) -> None:
    assert read_duration(duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


def test_the_greatest_units_that_fit_are_written() -> None:
    assert [duration_text(timedelta(seconds=s)) for s in (0, 90, 7200, 129600)] == [
        "0s",
        "1m30s",
        "2h",
        "1d12h",
    ]
