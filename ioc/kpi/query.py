"""Asks the database's KPI functions. Every surface comes through here or calls them itself; none has its own SQL.

The steps of an answer are written once, as generators that say what to ask next; :func:`answer` and
:func:`answer_async` drive them over either kind of connection, in one read-only snapshot.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from ioc.errors import UnavailableError
from ioc.kpi import targets
from ioc.kpi.catalogue import CATALOGUE, find
from ioc.kpi.definition import Kpi
from ioc.kpi.errors import (
    BadQuestionError,
    KpiError,
    TooManyPointsError,
    TooSlowError,
    UnknownUnitError,
)
from ioc.kpi.question import Areas, Asked, Question, read
from ioc.kpi.steps import Asking, Steps, run, run_async
from ioc.kpi.targets import NO_TARGETS, Target, Targets

#: Longest time that one question may keep the database busy, in seconds.
QUESTION_TIMEOUT_S: Final = 10.0
#: The platform's own processes and the command line read as this reader: every unit.
SYSTEM_READER: Final = "system"

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_ZONE = "SELECT ioc.unit_zone(%s, %s), now()"
_SERIES = (
    "SELECT time, dim, value, numerator, denominator FROM ioc.kpi_series(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_SERIES_AREAS = (
    "SELECT time, dim, value, numerator, denominator, estimated, reason"
    " FROM ioc.kpi_series_areas(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_PROVENANCE = "SELECT ioc.kpi_provenance(%s, %s, %s, %s, %s, %s, %s)"
_AREAS = "SELECT ioc.kpi_areas(%s, %s, %s, %s)"
_CURRENT = "SELECT kpi, unit, since, value, numerator, denominator FROM ioc.kpi_current(%s, %s, %s)"
_CURRENT_AREAS = (
    "SELECT kpi, unit, since, value, numerator, denominator, estimated, reason"
    " FROM ioc.kpi_current_areas(%s, %s, %s)"
)

_T = TypeVar("_T")


class Point(NamedTuple):
    """One figure of a series: of the bucket that begins at ``time``, for one value of the dimension asked for."""

    time: datetime
    dim: str | None
    value: float | None
    numerator: float | None
    denominator: float | None
    estimated: bool = False
    """Whether a share of a whole unit's figures is in it; only of re-mapped areas."""
    reason: str | None = None
    """Why there is no figure, where re-mapping is the reason: a word of :data:`REASONS`."""


class Current(NamedTuple):
    """The newest figure of one indicator for one unit; its window begins at ``since``."""

    kpi: str
    unit: str | None
    since: datetime
    value: float | None
    numerator: float | None
    denominator: float | None
    estimated: bool = False
    reason: str | None = None


#: Why a figure of a re-mapped area is null, by the word that the database gives.
REASONS: Final = {
    "share": "A part of a unit counts here, and no part can be taken of this indicator.",
    "composition": "The area's composition changes within the bucket; ask by day.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A series with what stands behind it."""

    question: Question
    zone: ZoneInfo
    points: tuple[Point, ...]
    provenance: dict[str, Any]
    areas: dict[str, Any] | None = None
    """How the area is made up, of re-mapped answers; see ``ioc.kpi_areas``."""
    targets: Targets = NO_TARGETS

    @property
    def unit(self) -> str | None:
        """Unit that the figures are of; none when they are of every unit there is."""
        found = self.provenance["scope"]
        return None if found is None else str(found)

    def target_of(self, point: Point) -> Target | None:
        """The target that a point is held against: its unit's at its time; None where the point is only a part."""
        question = self.question
        parts = {*question.where, question.by} - {None}
        if question.by == "unit":
            parts.discard("unit")
        unit = point.dim if question.by == "unit" else question.unit
        target = self.targets.at(question.kpi.id, unit, point.time)
        return target if target is not None and parts <= {target.each} else None


def ask(reader: str, kpi_id: str, asked: Asked) -> Steps[Answer]:
    """Steps to the series that was asked for in texts.

    :raises KpiError: there is no such indicator or unit, or the question makes no sense.
    """
    kpi = find(kpi_id)
    zone, now = yield from clock(reader, asked.unit)
    question = read(kpi, asked, zone=zone, now=now)
    points = yield from series(reader, question)
    span = (question.start, question.end)
    ((provenance,),) = yield (
        _PROVENANCE,
        (reader, kpi.id, question.unit, *span, question.as_of, question.is_remapped),
    )
    areas = None
    if question.is_remapped:
        ((areas,),) = yield _AREAS, (reader, question.unit, *span)
    in_force = yield from targets.ask(reader, [kpi.id], _judged_units(question, points))
    return Answer(question, zone, points, provenance, areas, in_force)


def clock(reader: str, unit: str | None) -> Steps[tuple[ZoneInfo, datetime]]:
    """Steps to the zone in which a unit's days are counted, and the moment of the snapshot.

    :raises KpiError: there is no such unit, or the reader may not see it.
    """
    ((zone, now),) = yield _ZONE, (reader, unit)
    return ZoneInfo(zone), now


def series(reader: str, question: Question) -> Steps[tuple[Point, ...]]:
    """Steps to the bare points of a question that is read already."""
    rows = yield series_statement(reader, question)
    return tuple(Point(*row) for row in rows)


def current(
    reader: str,
    kpi_ids: Sequence[str] | None = None,
    units: Sequence[str] | None = None,
    areas: Areas = Areas.AS_WAS,
) -> Steps[tuple[Current, ...]]:
    """Steps to the newest figures, of all indicators and of the reader's whole scope unless some are named."""
    wanted = list(CATALOGUE) if kpi_ids is None else [find(kpi_id).id for kpi_id in kpi_ids]
    statement = _CURRENT_AREAS if areas is Areas.REMAPPED else _CURRENT
    rows = yield statement, (reader, wanted, None if units is None else list(units))
    found = [Current(*row) for row in rows]
    if areas is Areas.REMAPPED:
        places = {unit: place for place, unit in enumerate(units or (None,))}
        turns = {kpi_id: turn for turn, kpi_id in enumerate(wanted)}
        found.sort(key=lambda figure: (places[figure.unit], turns[figure.kpi]))
    return tuple(found)


def _judged_units(question: Question, points: Sequence[Point]) -> list[str | None]:
    """Units whose targets the points are held against; none where a point is of a part that no target is for."""
    if question.by == "unit":
        return list(dict.fromkeys(point.dim for point in points if point.dim is not None))
    return [question.unit]


def series_statement(reader: str, question: Question) -> tuple[str, tuple[object, ...]]:
    """Return the statement that gives the points of a question, and its parameters."""
    return (_SERIES_AREAS if question.is_remapped else _SERIES), (
        reader,
        question.kpi.id,
        question.unit,
        question.start,
        question.end,
        question.bucket,
        question.by,
        Jsonb({dimension: list(values) for dimension, values in question.where.items()}),
        question.as_of,
    )


def answer(
    connection: psycopg.Connection[Any], steps: Steps[_T], *, timeout_s: float = QUESTION_TIMEOUT_S
) -> _T:
    """Drive the steps over a connection, in one read-only snapshot.

    :param timeout_s: of all steps together.
    :raises KpiError: the question can't be answered as it was put, or takes longer than ``timeout_s``.
    :raises UnavailableError: the database does not answer.
    """
    with _translated(), connection.transaction():
        limit = _Limit(timeout_s)
        connection.execute(_SNAPSHOT)
        connection.execute(limit.statement())
        try:
            statement, parameters = next(steps)
            while True:
                rows = connection.execute(statement.encode(), parameters).fetchall()
                statement, parameters = steps.send(rows)
                if limit.worn:
                    connection.execute(limit.statement())
        except StopIteration as done:
            found: _T = done.value
            return found


async def answer_async(
    connection: psycopg.AsyncConnection[Any], steps: Steps[_T], *, timeout_s: float = QUESTION_TIMEOUT_S
) -> _T:
    """The same over an asynchronous connection."""
    async with _translated_async(), connection.transaction():
        limit = _Limit(timeout_s)
        await connection.execute(_SNAPSHOT)
        await connection.execute(limit.statement())
        try:
            statement, parameters = next(steps)
            while True:
                rows = await (await connection.execute(statement.encode(), parameters)).fetchall()
                statement, parameters = steps.send(rows)
                if limit.worn:
                    await connection.execute(limit.statement())
        except StopIteration as done:
            found: _T = done.value
            return found


def change(connection: psycopg.Connection[Any], steps: Steps[_T]) -> _T:
    """Drive steps that may write, in one transaction.

    :raises KpiError: what is asked makes no sense.
    :raises UnavailableError: the database does not answer.
    """
    with _translated(), connection.transaction():
        return run(connection, steps)


async def change_async(connection: psycopg.AsyncConnection[Any], steps: Steps[_T]) -> _T:
    """The same over an asynchronous connection."""
    async with _translated_async(), connection.transaction():
        return await run_async(connection, steps)


def sample_platform(connection: psycopg.Connection[Any]) -> int:
    """Keep the platform's own gauges of this minute, for their history; the evaluator calls this each minute.

    :returns: how many figures were kept; a second call in the same minute keeps none.
    """
    return connection.execute(
        "INSERT INTO ioc.platform_sample (time, kpi, topic, value)"
        " SELECT date_trunc('minute', now()), kpi, topic, value FROM ioc.platform_now() ON CONFLICT DO NOTHING"
    ).rowcount


class _Limit:
    """What is left of a time limit; the database is told again when a tenth of it is used up."""

    def __init__(self, timeout_s: float) -> None:
        self._until = time.monotonic() + timeout_s
        self._told = timeout_s
        self._timeout_s = timeout_s

    @property
    def left_s(self) -> float:
        return self._until - time.monotonic()

    @property
    def worn(self) -> bool:
        return self._told - self.left_s > self._timeout_s / 10

    def statement(self) -> sql.Composed:
        """Return the statement that tells it.

        :raises TooSlowError: nothing is left.
        """
        self._told = self.left_s
        if self._told <= 0:
            raise _too_slow()
        return sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(max(1, int(self._told * 1000))))


def _too_slow() -> TooSlowError:
    return TooSlowError(
        "The question took the database too long.", remedy="Ask for a shorter range or a wider bucket."
    )


_BY_STATE: Final[dict[str, type[KpiError]]] = {
    "IOC01": UnknownUnitError,
    "IOC03": BadQuestionError,
    "IOC04": TooManyPointsError,
}


def translate(error: psycopg.Error) -> KpiError | UnavailableError | None:
    """Return the error of the platform that a database error stands for, if it stands for one."""
    if isinstance(error, errors.QueryCanceled):
        return _too_slow()
    known = _BY_STATE.get(error.sqlstate or "")
    if known is not None:
        return known(error.diag.message_primary or "", remedy=error.diag.message_hint or "")
    if isinstance(error, errors.UntranslatableCharacter) or (
        isinstance(error, psycopg.DataError) and error.sqlstate is None
    ):
        return BadQuestionError(
            "The question holds a character that no text may hold.",
            remedy="Leave out characters that can't be printed, such as NUL.",
        )
    if isinstance(error, errors.UndefinedFunction | errors.InvalidSchemaName | errors.UndefinedTable):
        return UnavailableError("The database is not prepared.", remedy="Run: ioc prepare")
    if isinstance(error, psycopg.OperationalError):
        return UnavailableError(
            "The database does not answer.", remedy="Run ioc status, and ioc doctor when it is not up."
        )
    return None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        found = translate(error)
        if found is None:
            raise
        raise found from error


@asynccontextmanager
async def _translated_async() -> AsyncIterator[None]:
    with _translated():
        yield


__all__ = [
    "QUESTION_TIMEOUT_S",
    "REASONS",
    "SYSTEM_READER",
    "Answer",
    "Areas",
    "Asking",
    "Current",
    "Kpi",
    "Point",
    "Steps",
    "answer",
    "answer_async",
    "ask",
    "change",
    "change_async",
    "current",
    "sample_platform",
    "series",
    "series_statement",
    "translate",
]
