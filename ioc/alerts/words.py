"""Rules in words, Vietnamese and English: for lists and reviews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ioc.alerts.durations import duration_text
from ioc.alerts.model import (
    AbsenceCondition,
    Condition,
    DeviceCondition,
    DossierCondition,
    Hours,
    KpiCondition,
    ReadingCondition,
    Rule,
    SiteCondition,
)
from ioc.alerts.readings import READINGS

#: Language → word → what people read.
_WORDS: Final = {
    "vi": {
        "camera": "camera",
        "wifi": "wifi",
        "kiosk": "máy lấy số",
        "down": "mất",
        "degraded": "kém",
        "ok": "tốt",
        "frozen": "đứng hình",
        "stalled": "nghẽn luồng",
        "saturated": "quá tải",
        "due_soon": "hồ sơ sắp đến hạn",
        "overdue": "hồ sơ quá hạn",
        "late_without_apology": "hồ sơ trễ chưa xin lỗi",
        "device": "thiết bị",
        "connector": "bộ kết nối",
        "topic": "chủ đề",
        "process": "tiến trình",
        "tickets": "phiếu lấy số",
        "or": " hoặc ",
        "reason": "lý do",
        "clients": "số máy",
        "from": "từ",
        "under": "dưới",
        "target": "không đạt mục tiêu",
        "least": "từ",
        "each": "từng đơn vị",
        "silent": "im lặng",
        "longer": "quá",
        "own": "quá hạn riêng",
        "site": "mọi thiết bị của điểm mất, từ {kinds} loại",
        "synthetic": "gửi thử",
        "for": "trong",
        "working": "giờ làm việc",
    },
    "en": {
        "camera": "camera",
        "wifi": "access point",
        "kiosk": "kiosk",
        "down": "down",
        "degraded": "degraded",
        "ok": "ok",
        "frozen": "frozen",
        "stalled": "stalled",
        "saturated": "saturated",
        "due_soon": "dossier about to be overdue",
        "overdue": "dossier overdue",
        "late_without_apology": "dossier late without an apology",
        "device": "device",
        "connector": "connector",
        "topic": "topic",
        "process": "process",
        "tickets": "tickets",
        "or": " or ",
        "reason": "reason",
        "clients": "clients",
        "from": "from",
        "under": "under",
        "target": "misses its target",
        "least": "of at least",
        "each": "each unit",
        "silent": "silent",
        "longer": "for longer than",
        "own": "beyond its own limit",
        "site": "all devices of a point away, of {kinds} kinds or more",
        "synthetic": "sent on purpose",
        "for": "for",
        "working": "working hours",
    },
}
LANGUAGES: Final = tuple(_WORDS)


def condition_words(condition: Condition, language: str = "vi") -> str:
    """A condition in words."""
    said = _WORDS[language]
    if isinstance(condition, DeviceCondition):
        return _device(condition, said)
    if isinstance(condition, DossierCondition):
        after = f" {said['from']} {duration_text(condition.after)}" if condition.after else ""
        before = f" {said['under']} {duration_text(condition.before)}" if condition.before else ""
        return said[condition.situation] + after + before
    if isinstance(condition, KpiCondition):
        return _kpi(condition, said)
    if isinstance(condition, AbsenceCondition):
        what = said.get(condition.name, condition.name) or said[condition.of]
        longer = (
            said["own"] if condition.longer is None else f"{said['longer']} {duration_text(condition.longer)}"
        )
        return f"{what} {said['silent']} {longer}"
    if isinstance(condition, SiteCondition):
        return said["site"].format(kinds=condition.kinds)
    if isinstance(condition, ReadingCondition):
        return f"{condition.reading}{_limits(condition, READINGS[condition.reading].unit)}"
    return said["synthetic"]


def rule_words(rule: Rule, language: str = "vi") -> str:
    """When a rule's alert is raised, in words."""
    said = _WORDS[language]
    held = f", {said['for']} {duration_text(rule.holds_for)}" if rule.holds_for else ""
    return condition_words(rule.condition, language) + held + _hours(rule, said)


def _hours(rule: Rule, said: Mapping[str, str]) -> str:
    if rule.during is not None:
        days = "" if rule.during.days == ("daily",) else f" {'+'.join(rule.during.days)}"
        return f" ({rule.during.start:%H:%M}–{rule.during.end:%H:%M}{days})"
    return f" ({said['working']})" if rule.hours is Hours.WORKING else ""


def _device(condition: DeviceCondition, said: dict[str, str]) -> str:
    parts = [
        said["or"].join(said[state] for state in condition.states),
        said[condition.flag] if condition.flag else "",
        f"{said['reason']} “{condition.reason}”" if condition.reason else "",
        "" if condition.clients_at_most is None else f"{said['clients']} ≤ {condition.clients_at_most}",
    ]
    return f"{said[condition.device]} {', '.join(filter(None, parts))}"


def _kpi(condition: KpiCondition, said: dict[str, str]) -> str:
    limit = f" {said['target']}" if condition.target else _limits(condition)
    least = "" if condition.least is None else f", {said['least']} {condition.least:g}"
    units = f", {', '.join(condition.units)}" if condition.units else ""
    each = f", {said['each']}" if condition.each else ""
    return condition.kpi + limit + least + units + each


def _limits(condition: KpiCondition | ReadingCondition, unit: str = "") -> str:
    sign, limit = (">", condition.above) if condition.above is not None else ("<", condition.below)
    back = "" if condition.clear is None else f" (→ {condition.clear:g})"
    measured = f" {unit}" if unit and unit != "share" else ""
    return f" {sign} {limit:g}{back}{measured}"
