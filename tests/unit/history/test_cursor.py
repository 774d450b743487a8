"""Cursors come back as they were given, or are refused with words; nothing else happens."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ioc.history import cursor
from ioc.history.cursor import BadCursorError
from ioc.history.dossiers import Place

_PLACE = Place(datetime(2026, 3, 2, 3, 4, 5, 678901, tzinfo=UTC), 42)


@given(
    st.builds(
        Place,
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.integers(min_value=0, max_value=2**63 - 1),
    ),
    st.dictionaries(st.text(), st.none() | st.text() | st.lists(st.text())),
)
def test_a_cursor_comes_back_as_it_was_given(place: Place, question: dict[str, object]) -> None:
    assert cursor.read(cursor.write(place, question), Place, question) == place


def test_a_cursor_of_another_question_is_refused() -> None:
    given_for = cursor.write(_PLACE, {"unit": "go-1"})
    with pytest.raises(BadCursorError, match="other filters"):
        cursor.read(given_for, Place, {"unit": "go-2"})


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@example("")
@example("é")
@example("A" * 100_000)
@example(base64.urlsafe_b64encode(b"[" * 700).decode())
@example(base64.urlsafe_b64encode(json.dumps(["x", [None, 1, 2]]).encode()).decode())
@example(base64.urlsafe_b64encode(json.dumps(["x", ["yesterday", 1]]).encode()).decode())
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursorError):
        cursor.read(text, Place, {})


def test_a_cursor_whose_end_was_cut_off_is_refused() -> None:
    whole = cursor.write(_PLACE, {})
    for length in range(len(whole)):
        with pytest.raises(BadCursorError):
            cursor.read(whole[:length], Place, {})
