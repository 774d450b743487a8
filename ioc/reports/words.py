# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""The words of a report in both languages, and figures as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ioc.kpi.definition import Kpi
from ioc.reports.period import Kind, Period


class Language(StrEnum):
    """Languages of a report."""

    VI = "vi"
    EN = "en"


_VI: Final[Mapping[str, str]] = {
    "title.day": "Báo cáo ngày",
    "title.week": "Báo cáo tuần",
    "title.month": "Báo cáo tháng",
    "made": "Lập lúc {at}. Số liệu của kỳ theo những gì đã biết tại thời điểm lập; hồ sơ trễ và dự báo là của thời điểm lập.",
    "unfinished": "Kỳ này chưa kết thúc: số liệu tính đến lúc lập.",
    "figures": "Tình hình chung và thay đổi so với kỳ trước",
    "indicator": "Chỉ tiêu",
    "value": "Kỳ này",
    "before": "Kỳ trước",
    "change": "Thay đổi",
    "target": "Mục tiêu",
    "status": "Đánh giá",
    "met": "đạt",
    "near": "sát ngưỡng",
    "missed": "không đạt",
    "unknown": "chưa có dữ liệu",
    "none": "–",
    "units": "Đơn vị chưa đạt mục tiêu",
    "unit": "Đơn vị",
    "units.none": "Mọi đơn vị có số liệu đều đạt mục tiêu ({count} lượt đánh giá).",
    "units.unknown": "Chưa có số liệu nào của đơn vị để đối chiếu với mục tiêu.",
    "late": "Hồ sơ quá hạn chưa có thư xin lỗi",
    "late.none": "Không có hồ sơ quá hạn nào thiếu thư xin lỗi.",
    "late.unknown": "Chưa có dữ liệu hồ sơ.",
    "late.count": "Có {count} hồ sơ; liệt kê {shown} hồ sơ quá hạn lâu nhất.",
    "code": "Mã hồ sơ",
    "procedure": "Thủ tục",
    "due": "Hẹn trả",
    "days": "Số ngày quá hạn",
    "promised": "Hẹn lại",
    "outages": "Mất kết nối và sự cố thiết bị (từ 15 phút)",
    "outages.none": "Không có thiết bị nào ngừng hoạt động từ 15 phút trở lên.",
    "outages.unknown": "Chưa có dữ liệu thiết bị trong kỳ này.",
    "outages.count": "Có {count} lần; liệt kê {shown} lần dài nhất.",
    "device": "Thiết bị",
    "point": "Điểm tiếp nhận",
    "from": "Từ lúc",
    "length": "Kéo dài",
    "reason": "Lý do",
    "lasts": "{length}, chưa khắc phục",
    "kind.1": "Camera",
    "kind.2": "Wifi",
    "kind.3": "Ki-ốt",
    "outlook": "Dự báo",
    "surge": "{subject} tại {unit}: {observed} so với mức thường gặp {expected}, cao bất thường từ {since}.",
    "surge.dossiers": "Hồ sơ tiếp nhận",
    "surge.tickets": "Phiếu xếp hàng",
    "surge.none": "Lượng hồ sơ và lượt khách không cao bất thường.",
    "surge.unknown": "Chưa đủ lịch sử để biết lượng hồ sơ và lượt khách có cao bất thường không.",
    "clearing": "Với nhịp hiện nay, hồ sơ đang giải quyết sẽ xong vào khoảng",
    "open": "Đang giải quyết",
    "cleared": "Xong khoảng",
    "between": "Khả năng trong khoảng",
    "likely": "Sẽ trễ hẹn",
    "overdue": "Đã quá hạn",
    "unknown.pace": "chưa đủ dữ liệu",
    "pressing": "Hồ sơ có nguy cơ trễ hẹn cần xử lý trước",
    "pressing.none": "Không có hồ sơ nào chưa quá hạn được dự báo trễ hẹn.",
    "chance": "Khả năng trễ",
    "expected": "Dự kiến xong",
    "sheet.figures": "Tình hình chung",
    "sheet.units": "Chưa đạt mục tiêu",
    "sheet.late": "Quá hạn chưa xin lỗi",
    "sheet.outages": "Sự cố thiết bị",
    "sheet.outlook": "Dự báo",
    "sheet.pressing": "Nguy cơ trễ hẹn",
    "page": "Trang",
    "nothing": "Không có",
}
_EN: Final[Mapping[str, str]] = {
    "title.day": "Daily report",
    "title.week": "Weekly report",
    "title.month": "Monthly report",
    "made": "Made at {at}. Figures of the period are as known then; late dossiers and forecasts are those of that moment.",
    "unfinished": "The period has not ended: figures run to that moment.",
    "figures": "What changed against the period before",
    "indicator": "Indicator",
    "value": "This period",
    "before": "Before",
    "change": "Change",
    "target": "Target",
    "status": "Verdict",
    "met": "met",
    "near": "near",
    "missed": "missed",
    "unknown": "not known",
    "none": "–",
    "units": "Units that miss a target",
    "unit": "Unit",
    "units.none": "Every unit with figures meets its targets ({count} held against one).",
    "units.unknown": "No unit has figures to hold against a target.",
    "late": "Overdue dossiers without a letter of apology",
    "late.none": "No overdue dossier lacks a letter of apology.",
    "late.unknown": "No dossier has been heard of.",
    "late.count": "{count} dossiers; the {shown} that are overdue longest are listed.",
    "code": "Dossier",
    "procedure": "Procedure",
    "due": "Due",
    "days": "Days overdue",
    "promised": "New promise",
    "outages": "Outages of devices (15 minutes or longer)",
    "outages.none": "No device was down for 15 minutes or longer.",
    "outages.unknown": "Nothing is known of any device in this period.",
    "outages.count": "{count} outages; the {shown} longest are listed.",
    "device": "Device",
    "point": "Reception point",
    "from": "From",
    "length": "Length",
    "reason": "Reason",
    "lasts": "{length}, still down",
    "kind.1": "Camera",
    "kind.2": "Wifi",
    "kind.3": "Kiosk",
    "outlook": "Looking ahead",
    "surge": "{subject} at {unit}: {observed} against the usual {expected}, unusually many since {since}.",
    "surge.dossiers": "Dossiers received",
    "surge.tickets": "Queue tickets",
    "surge.none": "Arrivals of dossiers and visitors are not unusual.",
    "surge.unknown": "There is too little history to tell whether arrivals are unusual.",
    "clearing": "At today's pace open dossiers will be worked off about",
    "open": "Open",
    "cleared": "Worked off about",
    "between": "Probably between",
    "likely": "Will miss their date",
    "overdue": "Overdue already",
    "unknown.pace": "too little is known",
    "pressing": "Dossiers at risk, most pressing first",
    "pressing.none": "No dossier that is not overdue is expected to miss its date.",
    "chance": "Chance of missing",
    "expected": "Expected",
    "sheet.figures": "Indicators",
    "sheet.units": "Targets missed",
    "sheet.late": "Overdue, no apology",
    "sheet.outages": "Outages",
    "sheet.outlook": "Looking ahead",
    "sheet.pressing": "At risk",
    "page": "Page",
    "nothing": "None",
}
WORDS: Final[Mapping[Language, Mapping[str, str]]] = {Language.VI: _VI, Language.EN: _EN}


#: Lengths below this, a tenth of a minute, are written in seconds: "0,0 min" would say that there is none.
_IN_SECONDS: Final = 6.0


def number(value: float, language: Language, decimals: int = 0) -> str:
    """Write a number with the language's own marks: 1.234,5 in Vietnamese, 1,234.5 in English."""
    text = f"{value:,.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,")) if language is Language.VI else text


def figure(kpi: Kpi, value: float | None, language: Language, *, signed: bool = False) -> str:
    """Write a figure in its unit of measure; unknown is a dash and never a zero."""
    if value is None:
        return WORDS[language]["none"]
    sign = "+" if signed and value > 0 else ""
    unit = kpi.unit_of_measure
    if unit == "share":
        points = (signed and language is Language.VI and " điểm %") or (signed and " pp") or " %"
        return f"{sign}{number(value * 100, language, 1)}{points}"
    if unit == "s":
        if not signed and value < _IN_SECONDS:
            return f"{number(value, language, 1)} {'giây' if language is Language.VI else 's'}"
        return f"{sign}{number(value / 60, language, 1)} {'phút' if language is Language.VI else 'min'}"
    if unit == "working days":
        return f"{sign}{number(value, language, 1)} {'ngày làm việc' if language is Language.VI else 'working days'}"
    return f"{sign}{number(value, language, 0 if value == round(value) else 1)}"


def as_shown(kpi: Kpi, value: float) -> float:
    """A figure rounded as it is written, so that two of them and their difference agree on paper."""
    if kpi.unit_of_measure == "share":
        return round(value, 3)
    return round(value / 60, 1) * 60 if kpi.unit_of_measure == "s" else round(value, 1)


def day(moment: date, language: Language) -> str:
    """Write a day: 24/11/2026, or 2026-11-24 in English."""
    return moment.strftime("%d/%m/%Y" if language is Language.VI else "%Y-%m-%d")


def at(moment: datetime, zone: ZoneInfo, language: Language) -> str:
    """Write a moment on the clock of the unit."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M} {day(local.date(), language)}"


def length(span: timedelta, language: Language) -> str:
    """Write a length of time in its two largest units."""
    minutes = int(span.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    names = ("ngày", "giờ", "phút") if language is Language.VI else ("d", "h", "min")
    parts = [f"{n} {name}" for n, name in zip((days, hours, minutes), names, strict=True) if n]
    return " ".join(parts[:2]) or f"0 {names[2]}"


def title(period: Period, language: Language) -> str:
    """Say which report it is: its kind and its days."""
    head = WORDS[language][f"title.{period.kind}"]
    if period.kind is Kind.DAY:
        return f"{head} {day(period.first, language)}"
    if period.kind is Kind.MONTH:
        return f"{head} {period.first.strftime('%m/%Y' if language is Language.VI else '%Y-%m')}"
    return f"{head} {day(period.first, language)} – {day(period.last, language)}"
