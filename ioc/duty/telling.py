"""The words of notices about duty and of the shift log's own lines: Vietnamese and English, people by their codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.duty.handover import HandOver
from ioc.duty.model import Roster
from ioc.duty.warning import DutyWarning

_LISTED: Final = 20
_NOBODY_VI: Final = "không có ai"
_NOBODY_EN: Final = "nobody"
_SUBJECTS: Final[dict[str, tuple[str, str]]] = {
    "arrives": ("Nhận ca trực", "Your duty begins"),
    "leaves": ("Giao ca trực", "Your duty ends"),
    "stands_down": ("Không phải nhận ca", "You need not take over"),
    "stays_on": ("Chưa giao ca", "You do not hand over yet"),
}


def hand_over_content(roster: Roster, over: HandOver, role: str) -> dict[str, Any]:
    """What one person is told of a hand-over.

    :param role: ``arrives``, ``leaves``, or ``stands_down`` for whoever was told to come and need
        not, ``stays_on`` for whoever was told to go and does not.
    """
    zone = roster.zone
    vi, en = _SUBJECTS[role]
    at = _moment(over.at, zone)
    lines_vi = [f"{roster.name_vi}, {over.layer}: {at}."]
    lines_en = [f"{roster.name_en}, {over.layer}: {at}."]
    if role in ("stands_down", "stays_on"):
        lines_vi.append("Lịch trực đã thay đổi: thông báo giao nhận ca trước đây không còn hiệu lực.")
        lines_en.append("The roster was changed: what you were told before holds no more.")
    else:
        until = None if over.until is None else _moment(over.until, zone)
        for vi_word, en_word, people in (
            ("Giao ca", "Leaves", over.leaving),
            ("Nhận ca", "Arrives", over.arriving),
        ):
            lines_vi.append(f"{vi_word}: {_codes(people) or _NOBODY_VI}.")
            lines_en.append(f"{en_word}: {_codes(people) or _NOBODY_EN}.")
        if over.staying:
            lines_vi.append(f"Cùng trực: {_codes(over.staying)}.")
            lines_en.append(f"Stays: {_codes(over.staying)}.")
        if role == "arrives" and until is not None:
            lines_vi.append(f"Ca trực đến {until}.")
            lines_en.append(f"Until {until}.")
    return {
        "subject_vi": f"{vi}: {roster.name_vi}, {at}",
        "subject_en": f"{en}: {roster.name_en}, {at}",
        "lines_vi": lines_vi,
        "lines_en": lines_en,
        "role": role,
        "roster": roster.code,
        "roster_vi": roster.name_vi,
        "roster_en": roster.name_en,
        "time_zone": roster.time_zone,
        "layer": over.layer,
        "at": over.at.isoformat(),
        "until": None if over.until is None else over.until.isoformat(),
        "leaving": list(over.leaving),
        "arriving": list(over.arriving),
        "staying": list(over.staying),
    }


def gap_content(roster: Roster, gaps: Sequence[DutyWarning], now: datetime) -> dict[str, Any]:
    """What those on duty are told of times that lack people: the first of them, and how many there are."""
    zone = roster.zone
    shown = sorted(gaps, key=lambda gap: gap.start)[:_LISTED]
    lines: dict[str, list[str]] = {
        language: [
            f"{_moment(gap.start, zone)} – {_moment(gap.end, zone)}: {gap.text(language, named=False)}"
            for gap in shown
        ]
        for language in ("vi", "en")
    }
    if len(gaps) > len(shown):
        lines["vi"].append(f"… và {len(gaps) - len(shown)} lần nữa.")
        lines["en"].append(f"… and {len(gaps) - len(shown)} more.")
    first = _moment(max(shown[0].start, now), zone)
    return {
        "subject_vi": f"Lịch trực thiếu người: {roster.name_vi}, từ {first}",
        "subject_en": f"Duty lacks people: {roster.name_en}, from {first}",
        "lines_vi": lines["vi"],
        "lines_en": lines["en"],
        "roster": roster.code,
        "roster_vi": roster.name_vi,
        "roster_en": roster.name_en,
        "time_zone": roster.time_zone,
        "gaps": [
            {
                "kind": gap.kind.value,
                "layer": gap.layer,
                "shift": gap.shift,
                "from": gap.start.isoformat(),
                "to": gap.end.isoformat(),
                "here": gap.here,
                "needs": gap.needs,
            }
            for gap in shown
        ],
        "total": len(gaps),
    }


def log_line(roster: Roster, over: HandOver) -> str:
    """The line that a hand-over leaves in the shift log."""
    until = "" if over.until is None else f", đến / until {_moment(over.until, roster.zone)}"
    return (
        f"Giao ca / hand-over {over.layer}: {_codes(over.leaving) or '—'} → {_codes(over.arriving) or '—'}"
        f"{' (+ ' + _codes(over.staying) + ')' if over.staying else ''}{until}"
    )


def _codes(people: Sequence[str]) -> str:
    return ", ".join(people)


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M %d/%m/%Y}"
