"""A view of alerts in an address, and what the page says of alerts and actions."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerts.model import Kind, Severity
from ioc.alerts.ordering import Action, Order
from ioc.alerts.states import State
from ioc.pages.alerts import words
from ioc.pages.alerts.acting import order_of
from ioc.pages.alerts.view import View

_TEXT = st.none() | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=150
).map(str.strip).filter(bool)


@given(
    st.builds(
        View,
        state=st.sampled_from(State),
        severity=st.none() | st.sampled_from(Severity),
        kind=st.none() | st.sampled_from(Kind),
        unit=_TEXT,
        rule=_TEXT,
        text=_TEXT,
        alert=st.none() | st.integers(1, 2**63 - 1),
    )
)
def test_an_address_says_the_whole_view(view: View) -> None:
    assert View.read(dict(parse_qsl(view.address.removeprefix("?")))) == view


@pytest.mark.parametrize(
    "given_",
    [
        {"state": "gone", "severity": "worse", "kind": "?", "alert": "-1"},
        {"unit": " \x00 ", "text": "\x00", "alert": "99999999999999999999"},
        {"alert": "٣"},
    ],
)
def test_what_cannot_be_read_is_left_out(given_: dict[str, str]) -> None:
    assert View.read(given_) == View()


def test_a_dialog_s_fields_become_an_order() -> None:
    assert order_of(Action.SNOOZE, {"minutes": "60", "other": " 25 "}) == Order(minutes=25.0)
    assert order_of(Action.SNOOZE, {"minutes": "60", "other": "", "comment": "x"}) == Order(
        minutes=60.0, comment="x"
    )
    assert order_of(Action.SNOOZE, {"minutes": "1e9"}) == Order(minutes=0.0)
    assert order_of(Action.ASSIGN, {"to": ""}) == Order(to=None)
    assert order_of(Action.CLOSE, {"reason": "x"}) == Order(reason="x")


def test_every_severity_state_kind_and_action_has_words() -> None:
    assert set(words.SEVERITIES) == set(Severity)
    assert len({sign for sign, _ in words.SEVERITIES.values()}) == len(Severity)
    assert set(words.STATES) == set(State)
    assert set(words.KINDS) == set(Kind)
    assert set(words.ACTIONS) == set(words.DONE) == set(Action)
