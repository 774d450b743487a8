"""Series of several indicators and units at once: as answers for one document, and as a table for exports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from ioc.history.columns import Column, Kind
from ioc.history.table import Statement, Table
from ioc.kpi import targets
from ioc.kpi.catalogue import find
from ioc.kpi.errors import BadQuestionError, TooManyPointsError
from ioc.kpi.query import REASONS, Answer, Point, Steps, ask, clock, series_statement
from ioc.kpi.question import Asked, Question, read
from ioc.kpi.targets import Targets, judge

#: Most points in one document; an export gives more.
MOST_POINTS: Final = 50_000
#: Most series in one question.
MOST_SERIES: Final = 1_000


def check(kpi_ids: Sequence[str], units: Sequence[str | None], asked: Asked) -> None:
    """Refuse what needs no database to be refused.

    :raises KpiError: there is no such indicator, or there are too many series.
    """
    for kpi_id in kpi_ids:
        find(kpi_id)
    if not kpi_ids:
        raise BadQuestionError("No indicator is named.", remedy="Name at least one; ioc kpi list shows all.")
    if len(kpi_ids) * len(units) > MOST_SERIES:
        raise BadQuestionError(
            f"{len(kpi_ids)} indicators of {len(units)} units are more than {MOST_SERIES} series.",
            remedy="Ask for fewer indicators or units at once.",
        )
    if asked.unit is not None:
        raise ValueError("units of a question about several are named apart")


def answers(
    reader: str, kpi_ids: Sequence[str], units: Sequence[str | None], asked: Asked
) -> Steps[list[Answer]]:
    """Steps to the series of each indicator for each unit; without a unit (None) of the reader's whole scope.

    :raises KpiError: one of them can't be answered, or all together have more than :data:`MOST_POINTS` points.
    """
    check(kpi_ids, units, asked)
    found: list[Answer] = []
    points = 0
    for kpi_id in kpi_ids:
        for unit in units:
            answer = yield from ask(reader, kpi_id, replace(asked, unit=unit))
            points += len(answer.points)
            if points > MOST_POINTS:
                raise TooManyPointsError(
                    f"The series have more than {MOST_POINTS} points together.",
                    remedy="Ask for a shorter range, a wider bucket or fewer series, or export them.",
                )
            found.append(answer)
    return found


def questions(
    reader: str, kpi_ids: Sequence[str], units: Sequence[str | None], asked: Asked
) -> Steps[list[tuple[Question, ZoneInfo]]]:
    """Steps to the questions, read and checked, each with its unit's time zone; nothing is computed yet.

    :raises KpiError: one of them makes no sense, or there is no such unit.
    """
    check(kpi_ids, units, asked)
    found: list[tuple[Question, ZoneInfo]] = []
    for unit in units:
        zone, now = yield from clock(reader, unit)
        found += [
            (read(find(kpi_id), replace(asked, unit=unit), zone=zone, now=now), zone) for kpi_id in kpi_ids
        ]
    return found


def table(reader: str, kpi_ids: Sequence[str], units: Sequence[str | None], asked: Asked) -> Steps[Table]:
    """Steps to the table of all series, one after the other."""
    found = yield from questions(reader, kpi_ids, units, asked)
    judged = list(units)
    if asked.by == "unit":
        rows = yield (
            "SELECT DISTINCT s.code FROM unnest(%s::text[]) u (code) CROSS JOIN LATERAL ioc.unit_scope(%s, u.code) s",
            (judged, reader),
        )
        judged = [code for (code,) in rows]
    in_force = yield from targets.ask(reader, kpi_ids, judged)
    name = kpi_ids[0] if len(kpi_ids) == 1 else "series"
    first, zone = found[0]
    shells = [
        Answer(question, zone, (), {"scope": question.unit}, None, in_force) for question, zone in found
    ]
    # units of several zones: the first one's is that of the file
    return Table(name, columns_of(first, in_force), [_statement(reader, shell) for shell in shells], zone)


def columns_of(question: Question, in_force: Targets) -> tuple[Column, ...]:
    """Return the columns of a table of series that were asked like this one."""
    return (
        Column("kpi", Kind.TEXT),
        Column("version", Kind.INTEGER),
        Column("unit", Kind.TEXT),
        Column("bucket", Kind.TEXT),
        Column("time", Kind.MOMENT),
        *((Column(question.by, Kind.TEXT),) if question.by is not None else ()),
        Column("value", Kind.NUMBER),
        Column("numerator", Kind.NUMBER),
        Column("denominator", Kind.NUMBER),
        *((Column("target", Kind.NUMBER), Column("status", Kind.TEXT)) if in_force.by_kpi else ()),
        *((Column("estimated", Kind.FLAG), Column("reason", Kind.TEXT)) if question.is_remapped else ()),
    )


def answers_table(found: Sequence[Answer]) -> tuple[tuple[Column, ...], list[tuple[object, ...]]]:
    """Return the same table of answers that are at hand."""
    in_force = Targets({key: held for answer in found for key, held in answer.targets.by_kpi.items()})
    rows = [
        row
        for answer in found
        for row in _rows(replace(answer, targets=in_force), answer.unit, answer.points)
    ]
    return columns_of(found[0].question, in_force), rows


def _statement(reader: str, shell: Answer) -> Statement:
    text, parameters = series_statement(reader, shell.question)
    return Statement(
        text,
        parameters,
        lambda batch: _rows(shell, shell.question.unit, (Point(*row) for row in batch)),
    )


def _rows(answer: Answer, unit: str | None, points: Iterable[Point]) -> list[tuple[object, ...]]:
    question = answer.question
    head = (question.kpi.id, question.kpi.version, unit, question.bucket)
    found: list[tuple[object, ...]] = []
    for point in points:
        by = () if question.by is None else (point.dim,)
        beside: tuple[object, ...] = ()
        if answer.targets.by_kpi:
            target = answer.target_of(point)
            beside = (
                (None, None)
                if target is None
                else (target.value, judge(question.kpi, target, point.value).value)
            )
        if question.is_remapped:
            beside = (*beside, point.estimated, point.reason and REASONS[point.reason])
        found.append((*head, point.time, *by, point.value, point.numerator, point.denominator, *beside))
    return found
