"""What is one thing is called the same on the wall, on the pages, on boards, on a phone and in messages."""

from __future__ import annotations

from dashboards import words as boards
from ioc.alerts.model import Severity
from ioc.api import my_duty
from ioc.delivery import texts
from ioc.pages.alerts.words import SEVERITIES
from ioc.pages.parts.state import STATES
from ioc.pages.wall import words as wall
from ioc.reports.words import Language


def test_a_severity_has_one_sign_and_one_word() -> None:
    assert list(SEVERITIES) == sorted(Severity, reverse=True)
    assert len({sign for sign, _ in SEVERITIES.values()}) == len(SEVERITIES)
    for severity, (sign, word) in SEVERITIES.items():
        for language in Language:
            assert texts.SEVERITIES[language][severity] == word.said(language).upper()
            assert boards.SEVERITIES[severity].word.said(language) == word.said(language)
        assert my_duty.SIGNS[severity] == sign == boards.SEVERITIES[severity].sign


def test_a_device_s_state_has_one_word() -> None:
    assert {mark.word.vi for mark in boards.STATES.values()} == {word.vi.lower() for word in STATES.values()}
    for state, word in STATES.items():
        assert wall.STATES[state][1].vi == word.vi.lower()
