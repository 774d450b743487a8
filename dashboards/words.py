"""Words that several boards share, in both languages, and how states look: a sign, a word and a colour each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from dashboards.model import Language
from ioc.kpi.definition import Kpi, Window
from ioc.pages.alerts.words import SEVERITIES as _SEVERITIES
from ioc.pages.words import Phrase


class Mark(NamedTuple):
    """How a state is shown: never by its colour alone."""

    sign: str
    word: Phrase
    colour: str


#: How a figure stands to its target.
STATUSES: Final[Mapping[str, Mark]] = {
    "met": Mark("✓", Phrase("đạt", "met"), "green"),
    "near": Mark("▲", Phrase("sát ngưỡng", "near"), "orange"),
    "missed": Mark("✗", Phrase("không đạt", "missed"), "red"),
    "unknown": Mark("?", Phrase("chưa có dữ liệu", "not known"), "text"),
}
#: From the best to the worst: one that is not known may be missed.
STATUSES_BY_WORTH: Final = ("met", "unknown", "near", "missed")
#: States of devices, by number.
STATES: Final[Mapping[int, Mark]] = {
    0: Mark("?", Phrase("không rõ", "unknown"), "#8e8e8e"),
    1: Mark("✓", Phrase("tốt", "OK"), "green"),
    2: Mark("▲", Phrase("kém", "degraded"), "orange"),
    3: Mark("✗", Phrase("hỏng", "down"), "red"),
    4: Mark("⚒", Phrase("bảo trì", "maintenance"), "blue"),
}
_COLOURS: Final = {5: "dark-red", 4: "red", 3: "orange", 2: "yellow", 1: "blue"}
#: Severities of alerts, by number; signs and words are those of the pages and of messages.
SEVERITIES: Final[Mapping[int, Mark]] = {
    int(severity): Mark(sign, word, _COLOURS[severity]) for severity, (sign, word) in _SEVERITIES.items()
}
MEETS: Final = Phrase("mục tiêu", "target")
SERIES_TARGET: Final = Phrase("Mục tiêu", "Target")
NO_VALUE: Final = Phrase("chưa có dữ liệu", "not known")
UNIT: Final = Phrase("Đơn vị", "Unit")
BUCKET: Final = Phrase("Chia theo", "By")
OTHER: Final = Phrase("So với đơn vị", "Against unit")
BEFORE: Final = Phrase("So với kỳ trước đó", "Against earlier by")
AS_OF: Final = Phrase("Theo những gì đã biết lúc", "As known at")
AS_OF_HELP: Final = Phrase(
    "Để trống là hiện nay; hoặc 2026-11-24, 2026-11-24T08:00 (giờ của đơn vị).",
    "Empty is now; or 2026-11-24, 2026-11-24T08:00 (the unit's clock).",
)
BOARDS: Final = Phrase("Các bảng", "Boards")
OTHER_LANGUAGE: Final = Phrase("English", "Tiếng Việt")
OPERATIONS: Final = Phrase("Phòng điều hành", "Operations room")
ALERT_MARKS: Final = Phrase("Cảnh báo từ mức nghiêm trọng", "Alerts, major and critical")
DAY_MARKS: Final = Phrase("Ngày nghỉ, ngày làm bù", "Holidays and make-up days")
HOW: Final = Phrase("Cách tính", "How it is computed")
TARGETS_ARE_DATA: Final = Phrase(
    "Màu và chữ theo mục tiêu đang có hiệu lực (targets.csv của gói dữ liệu huyện).",
    "Colour and word follow the target in force (targets.csv of the district pack).",
)

#: What a tile looks back on, whatever time a board shows.
WINDOWS: Final[Mapping[Window, Phrase]] = {
    Window.NOW: Phrase("Số của lúc này.", "The figure of this moment."),
    Window.TODAY: Phrase("Số từ đầu ngày hôm nay.", "The figure of today so far."),
    Window.HOUR: Phrase("Số của một giờ qua.", "The figure of the last hour."),
    Window.FIVE_MINUTES: Phrase("Số của năm phút qua.", "The figure of the last five minutes."),
    Window.THIRTY_DAYS: Phrase("Số của 30 ngày qua.", "The figure of the last 30 days."),
    Window.MONTH: Phrase("Số của tháng này đến nay.", "The figure of this month so far."),
}

_MEASURES_VI: Final[Mapping[str, str]] = {"working days": "ngày làm việc", "times": "lần", "points": "điểm"}


def name_of(kpi: Kpi, language: Language) -> str:
    """Name of an indicator."""
    return kpi.name_vi if language is Language.VI else kpi.name_en


def formula_of(kpi: Kpi, language: Language) -> str:
    """How an indicator is computed, in words, with its id and version."""
    formula = kpi.formula_vi if language is Language.VI else kpi.formula_en
    return f"{HOW.said(language)}: {formula} `{kpi.id}` v{kpi.version}"


def unit_of(kpi: Kpi, language: Language) -> str:
    """Grafana's unit of an indicator's values, from the catalogue's unit of measure."""
    measure = kpi.unit_of_measure
    match measure:
        case "share":
            return "percentunit"
        case "s" | "ms":
            return measure
        case "octets":
            return "decbytes"
        case "working days" | "times" | "points":
            return f"suffix:{_MEASURES_VI[measure] if language is Language.VI else measure}"
        case _:
            return "locale"  # what is counted: whole numbers with the reader's own marks


def decimals_of(kpi: Kpi) -> int | None:
    """Places behind the point of an indicator's values; None leaves it to Grafana, where the unit scales by itself."""
    match kpi.unit_of_measure:
        case "share" | "s" | "ms" | "working days" | "times":
            return 1
        case "points":
            return 2
        case "clients":
            return 1  # means over time
        case "octets":
            return None
        case _:
            return 0
