"""A report as sections of lines and tables in words: what the PDF and the workbook both show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.definition import Kpi
from ioc.reports.words import WORDS, Language, as_shown, at, day, figure, length, number, title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ioc.reports.content import Content, Name, Outage

#: Columns that hold words; the others hold figures and stand to the right.
LEFT: Final = "left"
RIGHT: Final = "right"


class Figure(msgspec.Struct, frozen=True):
    """A figure: as it is written, and as a workbook reckons with it."""

    text: str
    number: float | None = None
    pattern: str = "#,##0"
    """How a workbook shows the number."""


Cell: TypeAlias = str | Figure


class Grid(msgspec.Struct, frozen=True):
    """A table: heads, how its columns stand, rows, and widths as shares."""

    heads: tuple[str, ...]
    aligned: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]


class Section(msgspec.Struct, frozen=True):
    """A part of the report under one heading."""

    name: str
    heading: str
    lines: tuple[str, ...] = ()
    grid: Grid | None = None


class Pages(msgspec.Struct, frozen=True):
    """All of it."""

    language: str
    title: str
    unit: str
    made: str
    page: str
    sections: tuple[Section, ...]


def lay_out(content: Content, language: Language) -> Pages:
    """Put a report into words."""
    words = WORDS[language]
    return Pages(
        language=language.value,
        title=title(content.period, language),
        unit=content.name_of(None, language),
        made=words["made"].format(at=at(content.made_at, content.zone, language))
        + ("" if content.ended else f" {words['unfinished']}"),
        page=words["page"],
        sections=(
            _figures(content, language),
            _units(content, language),
            _late(content, language),
            _outages(content, language),
            _outlook(content, language),
            _pressing(content, language),
        ),
    )


def _figures(content: Content, language: Language) -> Section:
    words = WORDS[language]
    rows = []
    for found in content.figures:
        kpi = CATALOGUE[found.kpi]
        change = (
            None
            if found.value is None or found.before is None
            else as_shown(kpi, found.value) - as_shown(kpi, found.before)
        )
        rows.append(
            (
                _name(found.kpi, language),
                _cell(kpi, found.value, language),
                _cell(kpi, found.before, language),
                _cell(kpi, change, language, signed=True),
                _cell(kpi, found.target, language),
                "" if found.status is None else words[found.status.value],
            )
        )
    heads = tuple(words[head] for head in ("indicator", "value", "before", "change", "target", "status"))
    grid = Grid(heads, (LEFT, RIGHT, RIGHT, RIGHT, RIGHT, LEFT), tuple(rows), (4.2, 2.2, 2.2, 2.2, 1.6, 1.7))
    return Section("figures", words["figures"], grid=grid)


def _name(kpi: str, language: Language) -> str:
    return CATALOGUE[kpi].name_en if language is Language.EN else CATALOGUE[kpi].name_vi


def _called(code: str | None, names: Mapping[str, Name], language: Language) -> str:
    """What goes by a code; the code itself where nothing names it."""
    if code is None or (name := names.get(code)) is None:
        return code or ""
    return (name.en or name.vi) if language is Language.EN else name.vi


def _device(outage: Outage, language: Language) -> str:
    """A device with its kind, which many names begin with already."""
    kind, name = WORDS[language][f"kind.{outage.kind}"], outage.name or outage.code
    return name if name.casefold().startswith(kind.casefold()) else f"{kind} {name}"


def _count(value: int, language: Language) -> Figure:
    return Figure(number(value, language), value)


def _cell(kpi: Kpi, value: float | None, language: Language, *, signed: bool = False) -> Figure:
    """A figure of an indicator; seconds are shown in minutes on paper and in the workbook alike."""
    shown = value / 60 if value is not None and kpi.unit_of_measure == "s" else value
    pattern = "0.0%" if kpi.unit_of_measure == "share" else "#,##0.0"
    if kpi.unit_of_measure not in ("share", "s", "working days"):
        pattern = "#,##0.##"
    return Figure(figure(kpi, value, language, signed=signed), shown, pattern)


def _units(content: Content, language: Language) -> Section:
    words = WORDS[language]
    if not content.missed:
        line = words["units.none" if content.judged else "units.unknown"].format(count=content.judged)
        return Section("units", words["units"], (line,))
    rows = tuple(
        (
            content.name_of(missed.unit, language),
            _name(missed.kpi, language),
            _cell(CATALOGUE[missed.kpi], missed.value, language),
            _cell(CATALOGUE[missed.kpi], missed.target, language),
            words[missed.status.value],
        )
        for missed in content.missed
    )
    heads = tuple(words[head] for head in ("unit", "indicator", "value", "target", "status"))
    return Section(
        "units", words["units"], grid=Grid(heads, (LEFT, LEFT, RIGHT, RIGHT, LEFT), rows, (3, 4, 2, 1.6, 1.7))
    )


def _late(content: Content, language: Language) -> Section:
    words = WORDS[language]
    if content.late_in_all is None or not content.late:
        known = content.late_in_all is not None
        return Section("late", words["late"], (words["late.none" if known else "late.unknown"],))
    today = content.made_at.astimezone(content.zone).date()
    rows = tuple(
        (
            late.code,
            content.name_of(late.unit, language),
            _called(late.procedure, content.procedures, language),
            day(late.due_at.astimezone(content.zone).date(), language),
            _count((today - late.due_at.astimezone(content.zone).date()).days, language),
            ""
            if late.promised_at is None
            else day(late.promised_at.astimezone(content.zone).date(), language),
        )
        for late in content.late
    )
    heads = tuple(words[head] for head in ("code", "unit", "procedure", "due", "days", "promised"))
    line = words["late.count"].format(count=number(content.late_in_all, language), shown=len(rows))
    grid = Grid(heads, (LEFT, LEFT, LEFT, LEFT, RIGHT, LEFT), rows, (3.2, 2.6, 2.2, 1.7, 1.5, 1.7))
    return Section("late", words["late"], (line,), grid)


def _outages(content: Content, language: Language) -> Section:
    words = WORDS[language]
    if not content.outages:
        return Section(
            "outages",
            words["outages"],
            (words["outages.none" if content.devices_heard else "outages.unknown"],),
        )
    rows = []
    for outage in content.outages:
        lasted = length((outage.ended or content.made_at) - outage.started, language)
        rows.append(
            (
                _device(outage, language),
                _called(outage.point, content.points, language),
                content.name_of(outage.unit, language),
                at(outage.started, content.zone, language),
                lasted if outage.ended else words["lasts"].format(length=lasted),
                outage.reason or "",
            )
        )
    heads = tuple(words[head] for head in ("device", "point", "unit", "from", "length", "reason"))
    line = words["outages.count"].format(count=number(content.outages_in_all, language), shown=len(rows))
    grid = Grid(heads, (LEFT,) * 6, tuple(rows), (2.8, 2.4, 2.2, 2, 2, 2.4))
    return Section("outages", words["outages"], (line,), grid)


def _outlook(content: Content, language: Language) -> Section:
    words = WORDS[language]
    surges = [surge for surge in content.surges if surge.state == "surge"]
    lines = [
        words["surge"].format(
            subject=words.get(f"surge.{surge.subject}", surge.subject),
            unit=content.name_of(surge.unit, language),
            observed=number(surge.observed or 0, language),
            expected=number(surge.expected or 0, language, 1),
            since=_moment(surge.since, content, language),
        )
        for surge in surges
    ]
    if not surges:
        known = any(surge.state != "unknown" for surge in content.surges)
        lines.append(words["surge.none" if known else "surge.unknown"])
    misses = {found.unit: found for found in content.misses}
    rows = []
    for found in content.clearing:
        miss = misses.get(found.unit)
        rows.append(
            (
                content.name_of(found.unit, language),
                _count(found.open, language),
                _moment(found.at, content, language, words["unknown.pace"]),
                ""
                if found.low is None or found.high is None
                else f"{_moment(found.low, content, language)} – {_moment(found.high, content, language)}",
                words["none"] if miss is None else _count(miss.overdue, language),
                words["none"] if miss is None else _count(miss.likely, language),
            )
        )
    heads = tuple(words[head] for head in ("unit", "open", "cleared", "between", "overdue", "likely"))
    grid = Grid(heads, (LEFT, RIGHT, LEFT, LEFT, RIGHT, RIGHT), tuple(rows), (3, 1.6, 2, 3.4, 1.6, 1.6))
    return Section("outlook", words["outlook"], tuple(lines), grid if rows else None)


def _pressing(content: Content, language: Language) -> Section:
    words = WORDS[language]
    today = content.made_at.astimezone(content.zone).date()
    coming = [miss for miss in content.pressing if miss.due + timedelta(days=1) > today]
    if not coming:
        return Section("pressing", words["pressing"], (words["pressing.none"],))
    rows = tuple(
        (
            miss.code,
            content.name_of(miss.unit, language),
            _called(miss.procedure, content.procedures, language),
            day(miss.due, language),
            Figure(f"{number(miss.chance * 100, language)} %", miss.chance, "0%"),
            _moment(miss.expected, content, language, words["unknown.pace"]),
        )
        for miss in coming
    )
    heads = tuple(words[head] for head in ("code", "unit", "procedure", "due", "chance", "expected"))
    grid = Grid(heads, (LEFT, LEFT, LEFT, LEFT, RIGHT, LEFT), rows, (3.2, 2.6, 2.2, 1.7, 1.5, 2))
    return Section("pressing", words["pressing"], grid=grid)


def _moment(moment: datetime | None, content: Content, language: Language, unknown: str = "") -> str:
    return unknown if moment is None else day(moment.astimezone(content.zone).date(), language)
