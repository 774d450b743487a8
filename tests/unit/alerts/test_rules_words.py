"""Rules in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ioc.alerts.model import (
    AbsenceCondition,
    Condition,
    DeviceCondition,
    DossierCondition,
    Hours,
    Kind,
    KpiCondition,
    ReadingCondition,
    Rule,
    Severity,
    SiteCondition,
    SyntheticCondition,
)
from ioc.alerts.words import condition_words, rule_words


@pytest.mark.parametrize(
    ("condition", "vi", "en"),
    [
        (
            DeviceCondition("camera", states=("down", "degraded"), reason="clock:"),
            "camera mất hoặc kém, lý do “clock:”",
            "camera down or degraded, reason “clock:”",
        ),
        (
            DossierCondition("overdue", timedelta(days=1), timedelta(days=2)),
            "hồ sơ quá hạn từ 1d dưới 2d",
            "dossier overdue from 1d under 2d",
        ),
        (
            KpiCondition("queue.waiting", above=40, clear=25, least=3, units=("go-dau",), each=True),
            "queue.waiting > 40 (→ 25), từ 3, go-dau, từng đơn vị",
            "queue.waiting > 40 (→ 25), of at least 3, go-dau, each unit",
        ),
        (
            KpiCondition("dossier.on_time_rate", target=True),
            "dossier.on_time_rate không đạt mục tiêu",
            "dossier.on_time_rate misses its target",
        ),
        (
            AbsenceCondition("device", "wifi"),
            "wifi im lặng quá hạn riêng",
            "access point silent beyond its own limit",
        ),
        (
            AbsenceCondition("topic", "ioc.wifi", timedelta(minutes=15)),
            "ioc.wifi im lặng quá 15m",
            "ioc.wifi silent for longer than 15m",
        ),
        (
            SiteCondition(2),
            "mọi thiết bị của điểm mất, từ 2 loại",
            "all devices of a point away, of 2 kinds or more",
        ),
        (ReadingCondition("clock.offset_s", above=2), "clock.offset_s > 2 s", "clock.offset_s > 2 s"),
        (SyntheticCondition(), "gửi thử", "sent on purpose"),
    ],
)
def test_a_condition_is_said_in_both_languages(condition: Condition, vi: str, en: str) -> None:
    assert condition_words(condition) == vi
    assert condition_words(condition, "en") == en


def test_a_rule_says_how_long_and_when() -> None:
    rule = Rule("r", "R", "R", Severity.INFO, Kind.SITE, SiteCondition(), "…", holds_for=timedelta(minutes=3))
    assert rule_words(rule, "en") == "all devices of a point away, of 2 kinds or more, for 3m"
    assert rule_words(replace(rule, hours=Hours.WORKING)).endswith(", trong 3m (giờ làm việc)")
