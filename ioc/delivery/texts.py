"""What messages say: Vietnamese first, then English. Pure: the same facts give the same text.

No name, address or number of a person is in a text; people on duty appear by their codes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts.model import Severity
from ioc.delivery.channels.interface import Item
from ioc.delivery.facts import Facts
from ioc.delivery.fitting import SHORT, fit, one_line
from ioc.reports.words import Language, at, day, number

_MOST_LISTED: Final = 30
_MOST_TOLD: Final = 12
_LONGEST_NAME: Final = 200
_LONGEST_RUNBOOK: Final = 600
_LONGEST_SUBJECT: Final = 180
VI, EN = Language.VI, Language.EN
_BETWEEN: Final = "\n\n— English —\n"

SEVERITIES: Final[dict[Language, dict[Severity, str]]] = {
    VI: {
        Severity.CRITICAL: "KHẨN CẤP",
        Severity.MAJOR: "NGHIÊM TRỌNG",
        Severity.MINOR: "CẦN XỬ LÝ",
        Severity.WARNING: "CẢNH BÁO",
        Severity.INFO: "THÔNG TIN",
    },
    EN: {severity: severity.name for severity in Severity},
}
_WORDS: Final[dict[Language, dict[str, str]]] = {
    VI: {
        "reminder": "NHẮC LẠI",
        "resolved": "ĐÃ HẾT",
        "synthetic": "KIỂM TRA ĐƯỜNG BÁO",
        "test": "TIN THỬ",
        "place": "Nơi",
        "subject": "Đối tượng",
        "joined": "và {n} đối tượng khác",
        "since": "Từ lúc",
        "cleared": "Hết lúc",
        "value": "Giá trị",
        "do": "Cần làm",
        "told": "Cũng đã báo",
        "taken": "Đã xác nhận",
        "bundle": "{n} cảnh báo",
        "bundle.resolved": "{n} cảnh báo đã hết",
        "more": "… và {n} cảnh báo nữa",
        "test.body": "Đây là tin thử của IOC: kênh này hoạt động. Không cần làm gì.",
        "synthetic.body": "IOC tự gửi tin này để biết cảnh báo có đến nơi. Không cần làm gì.",
        "kind.device": "thiết bị",
        "kind.dossier": "hồ sơ",
        "kind.point": "điểm tiếp nhận",
        "kind.kpi": "chỉ tiêu",
        "kind.connector": "kết nối",
        "kind.topic": "luồng dữ liệu",
        "kind.process": "tiến trình",
        "kind.reading": "số đo máy chủ",
        "kind.synthetic": "tin kiểm tra",
    },
    EN: {
        "reminder": "REMINDER",
        "resolved": "RESOLVED",
        "synthetic": "DELIVERY CHECK",
        "test": "TEST",
        "place": "Where",
        "subject": "Subject",
        "joined": "and {n} more",
        "since": "Since",
        "cleared": "Until",
        "value": "Value",
        "do": "What to do",
        "told": "Also told",
        "taken": "Acknowledged",
        "bundle": "{n} alerts",
        "bundle.resolved": "{n} alerts resolved",
        "more": "… and {n} more alerts",
        "test.body": "This is a test message of the IOC: the channel works. Nothing is to be done.",
        "synthetic.body": "The IOC sent this to see whether alerts arrive. Nothing is to be done.",
        "kind.device": "device",
        "kind.dossier": "dossier",
        "kind.point": "reception point",
        "kind.kpi": "indicator",
        "kind.connector": "connector",
        "kind.topic": "data stream",
        "kind.process": "process",
        "kind.reading": "server reading",
        "kind.synthetic": "check",
    },
}
_MEASURES: Final[dict[str, dict[Language, str]]] = {
    "ms": {VI: "ms", EN: "ms"},
    "octets": {VI: "byte", EN: "octets"},
    "working days": {VI: "ngày làm việc", EN: "working days"},
    "dossiers": {VI: "hồ sơ", EN: "dossiers"},
    "tickets": {VI: "phiếu", EN: "tickets"},
    "clients": {VI: "máy", EN: "clients"},
    "records": {VI: "bản ghi", EN: "records"},
    "points": {VI: "điểm", EN: "points"},
    "times": {VI: "lần", EN: "times"},
    "cameras": {VI: "camera", EN: "cameras"},
    "access points": {VI: "điểm phát", EN: "access points"},
}


@dataclass(frozen=True)
class Text:
    """What a message says.

    :param subject: one line.
    :param body: the whole, in both languages, without links.
    :param short: in Vietnamese, at most :data:`SHORT` UTF-16 units.
    """

    subject: str
    body: str
    short: str


class Notice(msgspec.Struct, frozen=True):
    """What a message says that is of no alert; kept as ``ioc.alert_message.content``, with more beside it."""

    subject_vi: str
    subject_en: str
    lines_vi: list[str]
    lines_en: list[str]


# -- of alerts ------------------------------------------------------------------------------------------


def alert_text(
    kind: str, facts: Sequence[Facts], *, zone: ZoneInfo, total: int = 0, told: Sequence[str] = ()
) -> Text:
    """Say what there is to say of one alert, or of many.

    :param kind: ``alert``, ``reminder``, ``resolved`` or ``synthetic``.
    :param facts: worst first; more than the first thirty are not read.
    :param total: how many they are in all, where ``facts`` are only the first.
    :param told: codes of people who were told too.
    """
    total = max(total, len(facts))
    if not facts:
        return _of_nothing(kind)
    if total == 1:
        parts = [_single(kind, facts[0], zone, told, language) for language in (VI, EN)]
        short = _short_single(kind, facts[0], zone)
    else:
        parts = [_many(kind, facts, zone, told, total, language) for language in (VI, EN)]
        short = f"{parts[0][0]}: " + "; ".join(one_line(f.name_vi, 60) for f in facts[:3])
    subject, body = _both(parts)
    return Text(subject, body, fit(short, SHORT))


def _of_nothing(kind: str) -> Text:
    """A test, or a message whose alerts are gone."""
    said = "test" if kind != "synthetic" else kind
    parts = [
        (f"[{_WORDS[lang][said]}] IOC", f"[{_WORDS[lang][said]}] IOC\n{_WORDS[lang][said + '.body']}")
        for lang in (VI, EN)
    ]
    subject, body = _both(parts)
    return Text(subject, body, fit(parts[0][1].replace("\n", " "), SHORT))


def trial_text() -> Text:
    """What a test message says."""
    return _of_nothing("test")


def _both(parts: Sequence[tuple[str, str]]) -> tuple[str, str]:
    subject = one_line(parts[0][0], _LONGEST_SUBJECT)
    return subject, _BETWEEN.join(body for _, body in parts)


def halves(text: Text) -> tuple[str, str]:
    """The Vietnamese and the English half of a body."""
    vi, _, en = text.body.partition(_BETWEEN)
    return vi, en


def heading(kind: str, facts: Facts, language: Language) -> str:
    """Severity, what it is, and where, in one line."""
    words = _WORDS[language]
    mark = SEVERITIES[language][facts.severity]
    if kind in ("reminder", "resolved", "synthetic"):
        mark = f"{words[kind]}: {mark}"
    where = place(facts, language)
    return f"[{mark}] {name(facts, language)}" + (f" – {where}" if where else "")


def name(facts: Facts, language: Language) -> str:
    """What the rule is called."""
    return one_line(facts.name_vi if language is VI else facts.name_en, _LONGEST_NAME)


def place(facts: Facts, language: Language) -> str:
    """Point and unit, as far as they are known."""
    found = (facts.point_vi, facts.unit_vi) if language is VI else (facts.point_en, facts.unit_en)
    return ", ".join(dict.fromkeys(one_line(part, _LONGEST_NAME) for part in found if part))


def subject_of(facts: Facts, language: Language) -> str:
    """Which device, dossier or other thing it is about."""
    words = _WORDS[language]
    kind, _, code = facts.subject.partition(":")
    code = one_line(code, _LONGEST_NAME)
    found = f"{words.get('kind.' + kind, kind)} {code}".strip()
    if facts.device and facts.device != code:
        found += f" ({one_line(facts.device, _LONGEST_NAME)})"
    if facts.joined > 1:
        found += " " + words["joined"].format(n=number(facts.joined - 1, language))
    return found


def value_of(facts: Facts, language: Language) -> str | None:
    """The value with its unit of measure; None when there is none."""
    if facts.value is None:
        return None
    value, measure = facts.value, facts.measure
    if measure == "share":
        return f"{number(value * 100, language, 1)} %"
    if measure == "s":
        return _age(value, language)
    text = number(value, language, 0 if value == round(value) else 2)
    unit = "" if measure is None else _MEASURES.get(measure, {}).get(language, measure)
    return f"{text} {unit}".strip()


def details(facts: Facts, zone: ZoneInfo, language: Language) -> list[tuple[str, str]]:
    """Label and content of each line below the heading."""
    words = _WORDS[language]
    runbook = facts.runbook_vi if language is VI else facts.runbook_en
    cleared = None if facts.cleared_at is None else at(facts.cleared_at, zone, language)
    taken = None
    if facts.acknowledged_by is not None:
        when = "" if facts.acknowledged_at is None else f", {at(facts.acknowledged_at, zone, language)}"
        taken = one_line(facts.acknowledged_by, _LONGEST_NAME) + when
    found = (
        ("place", place(facts, language)),
        ("subject", subject_of(facts, language)),
        ("since", at(facts.since, zone, language)),
        ("cleared", cleared),
        ("value", value_of(facts, language)),
        ("taken", taken),
        ("do", one_line(runbook, _LONGEST_RUNBOOK) if facts.cleared_at is None else None),
    )
    return [(words[label], text) for label, text in found if text]


def _single(
    kind: str, facts: Facts, zone: ZoneInfo, told: Sequence[str], language: Language
) -> tuple[str, str]:
    head = heading(kind, facts, language)
    lines = [head, *(f"{label}: {text}" for label, text in details(facts, zone, language))]
    if kind == "synthetic":
        lines.append(_WORDS[language]["synthetic.body"])
    lines.extend(_told(told, language))
    return head, "\n".join(lines)


def _many(
    kind: str, facts: Sequence[Facts], zone: ZoneInfo, told: Sequence[str], total: int, language: Language
) -> tuple[str, str]:
    words = _WORDS[language]
    counted = number(total, language)
    worst = SEVERITIES[language][max(found.severity for found in facts)]
    mark = f"{words['reminder']}: {worst}" if kind == "reminder" else worst
    head = (
        words["bundle.resolved"].format(n=counted)
        if kind == "resolved"
        else f"[{mark}] {words['bundle'].format(n=counted)}"
    )
    lines = [head]
    if total == len(facts):
        each = Counter(found.severity for found in facts)
        lines.append(
            " · ".join(f"{SEVERITIES[language][s].lower()}: {each[s]}" for s in sorted(each, reverse=True))
        )
    for found in facts[:_MOST_LISTED]:
        where = place(found, language) or subject_of(found, language)
        lines.append(
            f"• [{SEVERITIES[language][found.severity]}] {name(found, language)} – {where},"
            f" {at(found.since, zone, language)}"
        )
    if total > min(len(facts), _MOST_LISTED):
        lines.append(words["more"].format(n=number(total - min(len(facts), _MOST_LISTED), language)))
    lines.extend(_told(told, language))
    return head, "\n".join(lines)


def _told(told: Sequence[str], language: Language) -> list[str]:
    if not told:
        return []
    shown = ", ".join(one_line(code, 60) for code in told[:_MOST_TOLD])
    rest = f", +{len(told) - _MOST_TOLD}" if len(told) > _MOST_TOLD else ""
    return [f"{_WORDS[language]['told']}: {shown}{rest}"]


def _short_single(kind: str, facts: Facts, zone: ZoneInfo) -> str:
    return f"{heading(kind, facts, VI)}, {facts.since.astimezone(zone):%H:%M %d/%m}"


def _age(seconds: float, language: Language) -> str:
    for size, vi, en in ((86_400, "ngày", "d"), (3_600, "giờ", "h"), (60, "phút", "min")):
        if seconds >= 2 * size:
            return f"{number(seconds / size, language)} {vi if language is VI else en}"
    return f"{number(seconds, language)} {'giây' if language is VI else 's'}"


# -- of no alert ----------------------------------------------------------------------------------------


def notice_text(notice: Notice) -> Text:
    """Say a notice."""
    parts = [
        (subject, "\n".join([one_line(subject, 300), *(one_line(line, 1000) for line in lines)]))
        for subject, lines in (
            (notice.subject_vi, notice.lines_vi),
            (notice.subject_en, notice.lines_en),
        )
    ]
    subject, body = _both(parts)
    short = ". ".join(line.rstrip(".") for line in (notice.subject_vi, *notice.lines_vi)) + "."
    return Text(subject, body, fit(short, SHORT))


def content_text(content: Mapping[str, Any]) -> Text | None:
    """Say what a message's content says; None when it is no notice."""
    try:
        return notice_text(msgspec.convert(content, type=Notice))
    except msgspec.ValidationError:
        return None


def digest(
    today: date, zone: ZoneInfo, *, opened: int, cleared: int, still_open: Sequence[Facts], total: int
) -> Notice:
    """The daily digest.

    :param opened: how many alerts were opened since the digest before; ``cleared`` likewise.
    :param still_open: the first of those that are open now, worst first; ``total``: how many they are.
    """
    shown = still_open[:_MOST_LISTED]

    def lines(language: Language) -> list[str]:
        words = _WORDS[language]
        n = [number(count, language) for count in (opened, cleared, total)]
        first = (
            f"24 giờ qua: {n[0]} cảnh báo mới, {n[1]} đã hết, {n[2]} đang mở."
            if language is VI
            else f"Last 24 hours: {n[0]} new alerts, {n[1]} resolved, {n[2]} open."
        )
        each = [
            f"• {heading('alert', f, language)}, {at(f.since, zone, language)}"
            + (f" ({words['taken'].lower()}: {f.acknowledged_by})" if f.acknowledged_by else "")
            for f in shown
        ]
        rest = [words["more"].format(n=number(total - len(shown), language))] if total > len(shown) else []
        return [first, *each, *rest]

    return Notice(
        f"IOC: tổng hợp cảnh báo {day(today, VI)}",
        f"IOC: alerts, digest of {day(today, EN)}",
        lines(VI),
        lines(EN),
    )


# -- into messages --------------------------------------------------------------------------------------


def items_of(facts: Sequence[Facts], most: int = 100) -> tuple[Item, ...]:
    """The alerts as data, for channels that carry it; the first ``most`` of them."""
    return tuple(
        Item(
            alert_id=found.alert_id,
            rule=found.rule,
            severity=found.severity,
            subject=found.subject,
            unit=found.unit,
            point=found.point,
            since=found.since.isoformat(),
            value=found.value,
            cleared=found.cleared_at is not None,
        )
        for found in facts[:most]
    )
