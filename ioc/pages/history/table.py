"""The table of an answer: the figures of the chart, with what each is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ioc.history.comparing import Against, ends_at
from ioc.kpi.definition import Kpi
from ioc.kpi.query import Point
from ioc.kpi.targets import judge
from ioc.pages.history import words
from ioc.pages.history.answer import Found, Shown
from ioc.pages.history.chart import label
from ioc.pages.parts.grid import Cell
from ioc.pages.visit import Visit
from ioc.pages.wall.words import VERDICTS
from ioc.reports.words import as_shown, figure, number

#: Most cells of a table; a file has all.
MOST_CELLS: Final = 3_000
_CSS: Final = {"met": "num ok", "near": "num warn", "missed": "num bad", "unknown": "num unknown"}
Table = tuple[list[Cell], list[list[Cell]]]


def detailed(visit: Visit, found: Found, names: Sequence[str], unfinished: datetime | None) -> Table:
    """A row for each point of few series: every figure in a column of its own."""
    say = visit.say
    single = len(found.shown) == 1
    targets = any(one.answer.targets.by_kpi for one in found.shown)
    head = [Cell(say(words.TIME))] if single else [Cell(say(words.SERIES)), Cell(say(words.TIME))]
    split = single and found.shown[0].answer.question.by is not None
    head.append(Cell(say(words.VALUE), names[0] if split else "", css="num"))
    head += [Cell(say(phrase), css="num") for phrase in (words.NUMERATOR, words.DENOMINATOR)]
    if targets:
        head += [Cell(say(words.TARGET), css="num")]
    if found.against is not None:
        head += [Cell(_against(visit, found.against), css="num"), Cell(say(words.DIFFERENCE), css="num")]
    rows: list[list[Cell]] = []
    for one, name in zip(found.shown, names, strict=True):
        kpi = one.answer.question.kpi
        for place, (moment, point) in enumerate(zip(one.times, one.line.points, strict=True)):
            if moment > found.moment:
                continue
            when = Cell(
                label(moment, one.answer.question.bucket, visit), _note(visit, moment, unfinished), css="when"
            )
            row = [when] if single else [Cell(name), when]
            row += [
                _figure(visit, kpi, point),
                _plain(visit, point and point.numerator),
                _plain(visit, point and point.denominator),
            ]
            if targets:
                row.append(_target(visit, one, point))
            if found.against is not None:
                before = one.before[place] if one.before else None
                row += [_figure(visit, kpi, before), _difference(visit, kpi, point, before)]
            rows.append(row)
    return head, rows


def side_by_side(visit: Visit, found: Found, names: Sequence[str], unfinished: datetime | None) -> Table:
    """A row for each moment and a column for each series; what a figure is made of is below it."""
    head = [Cell(visit.say(words.TIME)), *(Cell(name, css="num") for name in names)]
    bucket = found.shown[0].answer.question.bucket
    moments = sorted({moment for one in found.shown for moment in one.times if moment <= found.moment})
    places = [{moment: place for place, moment in enumerate(one.times)} for one in found.shown]
    rows = []
    for moment in moments:
        row = [Cell(label(moment, bucket, visit), _note(visit, moment, unfinished), css="when")]
        for one, where in zip(found.shown, places, strict=True):
            place = where.get(moment)
            point = None if place is None else one.line.points[place]
            before = None if place is None or one.before is None else one.before[place]
            row.append(_combined(visit, found.against, one, point, before))
        rows.append(row)
    return head, rows


def corrections(visit: Visit, found: Found, names: Sequence[str], known: datetime) -> Table:
    """The figures of what was over at ``known`` that differ from what was known then."""
    say = visit.say
    head = [
        Cell(say(words.TIME)),
        Cell(say(words.SERIES)),
        Cell(say(words.THEN), css="num"),
        Cell(say(words.VALUE), css="num"),
        Cell(say(words.DIFFERENCE), css="num"),
    ]
    rows = []
    for one, name in zip(found.shown, names, strict=True):
        question = one.answer.question
        kpi = question.kpi
        for place, (moment, point) in enumerate(zip(one.times, one.line.points, strict=True)):
            before = one.before[place] if one.before else None
            over = ends_at(moment, question.bucket, one.answer.zone) <= known
            if not over or (point and point.value) == (before and before.value):
                continue
            rows.append(
                [
                    Cell(label(moment, question.bucket, visit), css="when"),
                    Cell(name),
                    _figure(visit, kpi, before),
                    _figure(visit, kpi, point),
                    _difference(visit, kpi, point, before),
                ]
            )
    return head, rows


def _against(visit: Visit, against: Against) -> str:
    return visit.say(words.THEN) if against is Against.KNOWN else visit.say(words.AGAINST[against])


def _figure(visit: Visit, kpi: Kpi, point: Point | None) -> Cell:
    value = point and point.value
    bare = "" if value is None else repr(value)
    if value is None:
        why = words.REASON.get(point.reason) if point is not None and point.reason else None
        return Cell(
            "–", visit.say(why) if why else "", css="num unknown", value=bare, title=visit.say(words.UNKNOWN)
        )
    note = visit.say(words.ESTIMATED) if point is not None and point.estimated else ""
    return Cell(figure(kpi, value, visit.language), note, css="num", value=bare)


def _plain(visit: Visit, value: float | None) -> Cell:
    return Cell(bare_number(visit, value), css="num", value="" if value is None else repr(value))


def bare_number(visit: Visit, value: float | None) -> str:
    """A figure without its unit of measure; unknown is a dash."""
    if value is None:
        return "–"
    return number(value, visit.language, 0 if value.is_integer() else 1)


def _target(visit: Visit, one: Shown, point: Point | None) -> Cell:
    target = None if point is None else one.answer.target_of(point)
    if target is None:
        return Cell("")
    kpi = one.answer.question.kpi
    verdict = judge(kpi, target, point and point.value)
    sign, word = VERDICTS[verdict]
    return Cell(
        f"{'>' if target.strict else ''} {figure(kpi, target.value, visit.language)}".strip(),
        f"{sign} {visit.say(word)}",
        css=_CSS[verdict],
    )


def _difference(visit: Visit, kpi: Kpi, point: Point | None, before: Point | None) -> Cell:
    if point is None or before is None or point.value is None or before.value is None:
        return Cell("–", css="num")
    change = as_shown(kpi, point.value) - as_shown(kpi, before.value)
    return Cell(figure(kpi, as_shown(kpi, change), visit.language, signed=True), css="num")


def _combined(
    visit: Visit, against: Against | None, one: Shown, point: Point | None, before: Point | None
) -> Cell:
    kpi = one.answer.question.kpi
    cell = _figure(visit, kpi, point)
    notes = [cell.note] if cell.note else []
    css = cell.css
    if point is not None and point.denominator is not None:
        notes.append(f"{bare_number(visit, point.numerator)} / {bare_number(visit, point.denominator)}")
    judged = _target(visit, one, point)
    if judged.note and point is not None and point.value is not None:
        notes.append(judged.note)
        css = judged.css
    if against is not None:
        told = figure(kpi, before and before.value, visit.language)
        change = _difference(visit, kpi, point, before).text
        notes.append(f"{_against(visit, against)}: {told}" + (f" ({change})" if change != "–" else ""))
    return Cell(cell.text, " · ".join(notes), css=css, value=cell.value, title=cell.title)


def _note(visit: Visit, moment: datetime, unfinished: datetime | None) -> str:
    return visit.say(words.UNFINISHED) if moment == unfinished else ""
