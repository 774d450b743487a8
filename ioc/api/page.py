"""``/plain``: the district's figures now, for any browser and a poor connection. No script, nothing from outside."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ioc.api.database import Shared
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.errors import IocError
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.definition import Kpi
from ioc.kpi.errors import UnknownUnitError
from ioc.kpi.query import Current, current

router = APIRouter()
_REFRESH_S: Final = 10
_VIETNAMESE_MARKS: Final = str.maketrans(",.", ".,")

_WORDS: Final = {
    "vi": {
        "title": "Trung tâm điều hành thông minh",
        "none": "chưa có dữ liệu",
        "indicator": "Chỉ số",
        "value": "Giá trị",
        "window": "Kỳ",
        "at": "Cập nhật lúc",
        "other": "English",
        "no_district": "Chưa có dữ liệu đơn vị: hãy nạp gói dữ liệu của huyện (ioc district apply).",
        "api": "Tài liệu API",
        "now": "hiện tại",
        "today": "hôm nay",
        "1h": "60 phút qua",
        "5min": "5 phút qua",
        "30d": "30 ngày qua",
        "month": "tháng này",
        "points": "điểm",
        "times": "lần",
        "known": "điểm đã biết",
        "dossiers": "hồ sơ",
        "cameras": "camera",
        "tickets": "phiếu",
        "access points": "điểm",
        "octets": "byte",
        "ms": "ms",
        "working days": "ngày làm việc",
        "clients": "máy",
        "records": "bản ghi",
        "s": "giây",
        "min": "phút",
        "h": "giờ",
        "d": "ngày",
        "of": "trên",
    },
    "en": {
        "title": "Intelligent Operations Center",
        "none": "no data yet",
        "indicator": "Indicator",
        "value": "Value",
        "window": "Window",
        "at": "As of",
        "other": "Tiếng Việt",
        "no_district": "There is no district yet: apply a district pack (ioc district apply).",
        "api": "API reference",
        "now": "now",
        "today": "today",
        "1h": "last 60 minutes",
        "5min": "last 5 minutes",
        "30d": "last 30 days",
        "month": "this month",
        "points": "points",
        "times": "times",
        "known": "points known",
        "dossiers": "dossiers",
        "cameras": "cameras",
        "tickets": "tickets",
        "access points": "access points",
        "octets": "bytes",
        "ms": "ms",
        "working days": "working days",
        "clients": "clients",
        "records": "records",
        "s": "s",
        "min": "min",
        "h": "hours",
        "d": "days",
        "of": "of",
    },
}

STYLE: Final = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.5rem .75rem;border-bottom:1px solid #8886;vertical-align:top}
td.value{font-size:1.35rem;font-variant-numeric:tabular-nums;white-space:nowrap}
small{opacity:.75;display:block;font-size:.85rem}
.none{opacity:.7;font-style:italic;font-size:1rem}
header,footer{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;flex-wrap:wrap}
"""

#: A page that needs no script and nothing from elsewhere says so, and the browser holds it to that.
PLAIN_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


@router.get("/plain", response_class=HTMLResponse, include_in_schema=False)
async def index(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    lang: Annotated[str, Query(pattern="^(vi|en)$")] = "vi",
) -> HTMLResponse:
    shared: Shared = request.app.state.shared

    async def compute() -> tuple[tuple[Current, ...], str, dict[str, str]]:
        figures = await database.answer(current(reader))
        ((zone, vi, en),) = await database.rows(
            "SELECT ioc.unit_zone(%(reader)s, NULL), u.name_vi, u.name_en"
            " FROM ioc.unit_start(%(reader)s, NULL) AS s (code) LEFT JOIN ioc.unit u ON u.code = s.code",
            {"reader": reader},
        )
        return figures, zone, {"vi": vi or "", "en": en or ""}

    words = _WORDS[lang]
    status = 200
    try:
        figures, zone, names = await shared.get(("page", reader), compute)
    except UnknownUnitError:
        body, place = f"<p class=none>{escape(words['no_district'])}</p>", ""
        zone = "Asia/Ho_Chi_Minh"
    except IocError as error:
        status = 503
        body, place = f"<p class=none>{escape(str(error))}</p>", ""
        zone = "Asia/Ho_Chi_Minh"
    else:
        body, place = _table(figures, lang), names[lang]
    now = datetime.now(ZoneInfo(zone))
    return HTMLResponse(
        _page(lang, place, body, now),
        status_code=status,
        headers=PLAIN_HEADERS,
    )


def _page(lang: str, place: str, body: str, now: datetime) -> str:
    words = _WORDS[lang]
    other = "en" if lang == "vi" else "vi"
    title = f"{place} · {words['title']}" if place else words["title"]
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="{_REFRESH_S}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>{escape(title)}</h1><a href="?lang={other}" lang="{other}">{words["other"]}</a></header>'
        f"<main>{body}</main>"
        f"<footer><span>{words['at']} {now:%H:%M:%S %d/%m/%Y}</span>"
        f'<a href="/docs">{words["api"]}</a></footer></body></html>'
    )


def _table(figures: tuple[Current, ...], lang: str) -> str:
    words = _WORDS[lang]
    rows = "".join(_row(figure, CATALOGUE[figure.kpi], lang) for figure in figures)
    return (
        f"<table><thead><tr><th>{words['indicator']}</th><th>{words['value']}</th><th>{words['window']}</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _row(figure: Current, kpi: Kpi, lang: str) -> str:
    words = _WORDS[lang]
    name, formula = (kpi.name_vi, kpi.formula_vi) if lang == "vi" else (kpi.name_en, kpi.formula_en)
    value = (
        f'<span class="none">{words["none"]}</span>'
        if figure.value is None
        else _with_small_print(_shown(figure, kpi, lang))
    )
    if figure.value is None and kpi.unit_of_measure == "points" and figure.numerator is not None:
        # a part of the whole is known: not the value, and worth telling
        part, most = (_number(number or 0, 1, lang) for number in (figure.numerator, figure.denominator))
        value += f"<small>{escape(part)} {words['of']} {escape(most)} {words['known']}</small>"
    window = words[kpi.current_window.value]
    return (
        f'<tr id="{escape(kpi.id)}"><td title="{escape(formula)}">{escape(name)}<small>{escape(kpi.id)}</small></td>'
        f'<td class="value">{value}</td><td>{window}</td></tr>'
    )


def _with_small_print(text: str) -> str:
    first, _, rest = text.partition("\n")
    return escape(first) + (f"<small>{escape(rest)}</small>" if rest else "")


def _shown(figure: Current, kpi: Kpi, lang: str) -> str:
    words = _WORDS[lang]
    value: Any = figure.value
    if kpi.unit_of_measure == "share":
        text = f"{_number(value * 100, 1, lang)} %"
        if kpi.subject == "dossier" and figure.denominator:
            above, below = figure.numerator or 0, figure.denominator
            text += f"\n{_number(above, 0, lang)} {words['of']} {_number(below, 0, lang)}"
        return text
    if kpi.unit_of_measure == "s":
        return _age(value, words)
    decimals = 0 if float(value).is_integer() else 1
    return f"{_number(value, decimals, lang)} {words[kpi.unit_of_measure]}"


def _number(value: float, decimals: int, lang: str) -> str:
    """A number as people of the language write it: Vietnamese has a decimal comma and groups with points."""
    text = f"{value:,.{decimals}f}"
    return text.translate(_VIETNAMESE_MARKS) if lang == "vi" else text


def _age(seconds: float, words: dict[str, str]) -> str:
    """Seconds up to two minutes; then minutes, hours, days, which are easier to grasp."""
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {words[name]}"
    return f"{seconds:.0f} {words['s']}"
