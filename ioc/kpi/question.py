"""A question about an indicator: what people type, read in the unit's own time zone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ioc.kpi import periods
from ioc.kpi.catalogue import BUCKETS, Bucket
from ioc.kpi.definition import Kpi
from ioc.kpi.errors import BadQuestionError

#: Dimension to the values that are let through; None stands for "without a value".
Where = Mapping[str, tuple[str | None, ...]]

#: How far back a series reaches when no start is named.
DEFAULT_SPANS: Final[Mapping[str, timedelta]] = {
    Bucket.MINUTE: timedelta(hours=1),
    Bucket.QUARTER: timedelta(days=1),
    Bucket.HOUR: timedelta(days=2),
    Bucket.DAY: timedelta(days=30),
    Bucket.MONTH: timedelta(days=365),
}


class Areas(StrEnum):
    """Of which units a question counts the figures."""

    AS_WAS = "as_was"
    """Each unit's own, as facts were stamped when they happened."""
    REMAPPED = "remapped"
    """Those of today's areas: a unit's figures go on backwards through the units that it came from, by their shares."""


# In an address, the plus sign of an offset arrives as a space.
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d{2}:?\d{2}$)")
_HAS_CLOCK = re.compile(r"\d[T ]\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed, unread: texts as they came."""

    unit: str | None = None
    period: str | None = None
    start: str | None = None
    end: str | None = None
    bucket: str | None = None
    by: str | None = None
    where: tuple[str, ...] = ()
    as_of: str | None = None
    areas: str | None = None

    @property
    def has_fixed_end(self) -> bool:
        """Whether the range ends where the question says, and not with the moment of asking."""
        return self.period is not None or self.end is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that can be put to the database. Moments are aware; ``end`` is not included."""

    kpi: Kpi
    start: datetime
    end: datetime
    bucket: str
    unit: str | None = None
    by: str | None = None
    where: Where = field(default_factory=dict)
    as_of: datetime | None = None
    areas: Areas = Areas.AS_WAS

    @property
    def is_remapped(self) -> bool:
        """Whether the question is about an area of today."""
        return self.areas is Areas.REMAPPED


def read(kpi: Kpi, asked: Asked, *, zone: ZoneInfo, now: datetime) -> Question:
    """Read what was typed.

    :param zone: of the unit that is asked about; times without an offset are in it.
    :param now: the moment that an unnamed end stands for.
    :raises BadQuestionError: naming the part that can't be read or makes no sense.
    """
    bucket = asked.bucket or kpi.default_bucket
    if bucket not in BUCKETS:
        raise BadQuestionError(f"There is no bucket {bucket!r}.", remedy=f"Buckets are {', '.join(BUCKETS)}.")
    end = now if asked.end is None else read_moment(asked.end, zone, what="to")
    if asked.period is not None:
        if asked.start is not None or asked.end is not None:
            raise BadQuestionError(
                f"The period {asked.period!r} is asked for, and a range beside it.",
                remedy="Give either period, or from and to.",
            )
        start, end = periods.bounds(asked.period, zone=zone, now=now)
    elif asked.start is not None:
        start = read_moment(asked.start, zone, what="from")
    else:
        start = _default_start(end, bucket, zone)
    if start >= end:
        shown = (end.astimezone(zone).isoformat(), start.astimezone(zone).isoformat())
        raise BadQuestionError(
            f"The range ends at {shown[0]}, not after its start {shown[1]}.",
            remedy="The start is included, the end is not: give a later end.",
        )
    as_of = None if asked.as_of is None else read_moment(asked.as_of, zone, what="as-of")
    if as_of is not None and as_of > now:
        raise BadQuestionError(
            f"The moment {as_of.astimezone(zone).isoformat()} of as-of is in the future.",
            remedy="Give a moment in the past, or leave it out.",
        )
    if asked.by is not None:
        _check_dimension(kpi, asked.by)
    return Question(
        kpi=kpi,
        unit=asked.unit,
        start=start,
        end=end,
        bucket=bucket,
        by=asked.by,
        where=read_where(kpi, asked.where),
        as_of=as_of,
        areas=read_areas(asked.areas),
    )


def read_areas(text: str | None) -> Areas:
    """Read which areas are meant; without a word, as they were.

    :raises BadQuestionError: there is no such choice.
    """
    if text is None:
        return Areas.AS_WAS
    try:
        return Areas(text)
    except ValueError:
        raise BadQuestionError(
            f"There are no areas {text!r}.",
            remedy="as_was: figures of units as they were at the time; remapped: of today's areas, back through the "
            "units that they came from.",
        ) from None


def read_moment(text: str, zone: ZoneInfo, *, what: str) -> datetime:
    """Read a date (its local midnight) or an ISO 8601 time; without an offset it is in ``zone``.

    :raises BadQuestionError: the text is neither.
    """
    cleaned = text.strip()
    try:
        if not _HAS_CLOCK.search(cleaned):
            return datetime.combine(date.fromisoformat(cleaned), time(), tzinfo=zone)
        moment = datetime.fromisoformat(_LOST_PLUS.sub("+", cleaned))
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        moment.astimezone(ZoneInfo("UTC"))  # the first and last days of the calendar overflow here
    except (ValueError, OverflowError):
        raise BadQuestionError(
            f"{text!r} of {what} is neither a date nor a time.",
            remedy="Write 2026-11-24, 2026-11-24T08:00 or 2026-11-24T08:00:00+07:00.",
        ) from None
    return moment


def read_where(kpi: Kpi, parts: Iterable[str]) -> dict[str, tuple[str | None, ...]]:
    """Read ``DIM=VALUE`` filters; the same dimension twice lets either value through, ``DIM=`` those without one.

    :raises BadQuestionError: a part has no equals sign, or the indicator no such dimension.
    """
    found: dict[str, tuple[str | None, ...]] = {}
    for part in parts:
        dimension, equals, value = part.partition("=")
        if not equals:
            raise BadQuestionError(f"{part!r} is not a filter.", remedy="Write --where channel=online.")
        _check_dimension(kpi, dimension)
        found[dimension] = (*found.get(dimension, ()), value or None)
    return found


def _check_dimension(kpi: Kpi, dimension: str) -> None:
    if dimension not in kpi.dimensions:
        raise BadQuestionError(
            f"{kpi.id} has no dimension {dimension!r}.",
            remedy=f"Its dimensions: {', '.join(kpi.dimensions)}.",
        )


def _default_start(end: datetime, bucket: str, zone: ZoneInfo) -> datetime:
    """Begin with a whole bucket, so that the first point is not a clipped one."""
    try:
        local = (end - DEFAULT_SPANS[bucket]).astimezone(zone)
    except OverflowError:
        raise BadQuestionError(f"The range ends at {end.isoformat()}: nothing lies before.") from None
    if bucket == Bucket.MONTH:
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    if bucket == Bucket.DAY:
        return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if bucket == Bucket.HOUR:
        return local.replace(minute=0, second=0, microsecond=0)
    step = 15 if bucket == Bucket.QUARTER else 1
    return local.replace(minute=local.minute - local.minute % step, second=0, microsecond=0)
