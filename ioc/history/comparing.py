"""Holding a question against another: the period before, the same one a year earlier, or what was known then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ioc.kpi.catalogue import Bucket
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import Answer, Point
from ioc.kpi.question import Asked, Question

_MINUTES: Final = {Bucket.MINUTE: 1, Bucket.QUARTER: 15, Bucket.HOUR: 60}


class Against(StrEnum):
    """What a question is held against."""

    BEFORE = "before"
    """The period before, as long as the one asked for."""
    YEAR = "year"
    """The same period a year earlier."""
    KNOWN = "known"
    """The same period as it was known at an earlier moment: what was corrected since."""


def other(asked: Asked, question: Question, zone: ZoneInfo, against: Against, known: str | None) -> Asked:
    """Return the question to hold this one against.

    Whole months go back by months, other ranges of a day and more by whole days, so that buckets fall on buckets.

    :param question: ``asked`` as it was read.
    :param known: with :attr:`Against.KNOWN`, the earlier moment as it was typed.
    :raises BadQuestionError: the earlier moment is missing, or nothing lies before the range.
    """
    if against is Against.KNOWN:
        if known is None:
            raise BadQuestionError(
                "No moment is named to compare what was known.", remedy="Give the earlier date or time."
            )
        return replace(asked, as_of=known)
    try:
        start, end = _earlier(question, zone, against)
        return replace(asked, period=None, start=start.isoformat(), end=end.isoformat())
    except (ValueError, OverflowError):
        raise BadQuestionError("Nothing lies before this range.", remedy="Give a later range.") from None


def _earlier(question: Question, zone: ZoneInfo, against: Against) -> tuple[datetime, datetime]:
    start, end = question.start.astimezone(zone), question.end.astimezone(zone)
    if against is Against.YEAR:
        return _months_back(start, 12), _months_back(end, 12)
    if all(edge.day == 1 and edge.time() == time() for edge in (start, end)):
        months = (end.year - start.year) * 12 + end.month - start.month
        return _months_back(start, months), start
    span = end - start
    step = timedelta(days=1)
    if span < step:
        step = timedelta(minutes=_MINUTES.get(Bucket(question.bucket), 1440))
    back = -(-span // step) * step
    return start - back, end - back


def _months_back(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    first = moment.replace(year=year, month=month + 1, day=1)
    # the 29th of February goes back to the 28th
    return first.replace(day=min(moment.day, _days_in(first)))


def _days_in(first: datetime) -> int:
    return ((first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def ends_at(start: datetime, bucket: str, zone: ZoneInfo) -> datetime:
    """Return where the bucket ends that holds ``start``."""
    local = start.astimezone(zone)
    if bucket == Bucket.MONTH:
        return _months_back(local.replace(day=1, hour=0, minute=0, second=0, microsecond=0), -1)
    if bucket == Bucket.DAY:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)
    width = timedelta(minutes=_MINUTES[Bucket(bucket)])
    since = start.astimezone(UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    return start.astimezone(UTC) - since % width + width


@dataclass(frozen=True, slots=True)
class Line:
    """One series of an answer: of one value of the dimension asked for, or of all together."""

    answer: Answer
    dim: str | None
    points: tuple[Point | None, ...]
    """One for each bucket of the answer; None where it has none."""

    @property
    def weight(self) -> float:
        """How much there is in it, to show the largest of many."""
        return sum(
            abs(point.denominator or point.numerator or point.value or 0.0)
            for point in self.points
            if point is not None
        )


def times(answer: Answer) -> tuple[datetime, ...]:
    """The begin of each bucket of an answer."""
    return tuple(sorted({point.time for point in answer.points}))


def lines(answer: Answer) -> list[Line]:
    """Return an answer's series, each by value of the dimension asked for."""
    places = {moment: place for place, moment in enumerate(times(answer))}
    found: dict[str | None, list[Point | None]] = {}
    for point in answer.points:
        row = found.setdefault(point.dim, [None] * len(places))
        row[places[point.time]] = point
    return [Line(answer, dim, tuple(points)) for dim, points in found.items()]
