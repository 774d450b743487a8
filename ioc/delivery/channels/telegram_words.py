"""What the bot says in Telegram. People appear by code and title: its servers stand abroad."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ioc.delivery.answering import Doing, Found
from ioc.duty.asking import Duty
from ioc.reports.words import Language, at

STRANGER: Final = (
    "Bạn không có trong danh sách trực: gửi /start để lấy mã. / You are not on the roster: send /start."
)
FAILED: Final = "Không thực hiện được. / It could not be done."
HELP: Final = "/duty – ai đang trực / who is on duty\n/start – mã trò chuyện của bạn / your chat's number"


def outcome(found: Found, doing: Doing, person: str, now: datetime, zone: ZoneInfo) -> str:
    """One line on what became of it: who acknowledged, also when that was somebody else."""
    when = at(now, zone, Language.VI)
    if not found.facts:
        return "Tin này không còn cảnh báo nào. / This message is of no alert any more."
    if doing is Doing.SNOOZE:
        if not found.changed:
            return "Không còn gì để hoãn. / Nothing is left to snooze."
        return f"⏰ {person} hoãn 1 giờ, {when} / snoozed for 1 h"
    if found.changed:
        return f"✅ {person} đã xác nhận, {when} / acknowledged"
    others = sorted({fact.acknowledged_by for fact in found.facts if fact.acknowledged_by})
    first = min((fact.acknowledged_at for fact in found.facts if fact.acknowledged_at), default=now)
    return f"✅ {', '.join(others)} đã xác nhận, {at(first, zone, Language.VI)} / acknowledged already"


def on_duty(duty: Duty) -> str:
    """Who is on duty now, by title and code: names stay here."""
    lines = []
    for one in duty.rosters:
        here = one.now.at(duty.at)
        lines.append(f"{one.roster.name_vi} / {one.roster.name_en}")
        for layer in one.roster.layers:
            people = [
                f"{duty.plan.people[code].title} ({code})"
                if code in duty.plan.people and duty.plan.people[code].title
                else code
                for code in here.of(layer)
            ]
            lines.append(f"• {layer}: {', '.join(people) or 'không có ai / nobody'}")
    return "\n".join(lines) or "Chưa có lịch trực. / There is no roster."


def greeting(chat: int, person: str | None) -> str:
    """What /start answers: the chat's number, and to people of the roster how they are known."""
    known = (
        ""
        if person is None
        else f"\nBạn là {person} trong danh sách trực. / You are {person} on the roster.\n{HELP}"
    )
    return (
        f"Mã trò chuyện / chat id: {chat}\n"
        "Gửi mã này cho quản trị IOC để ghi vào people.csv (cột contacts).\n"
        f"Give this number to the IOC's administrator for people.csv (column contacts).{known}"
    )
