"""What a report is about: a local day, a week from Monday on, or a calendar month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ioc.kpi.errors import BadQuestionError


class Kind(StrEnum):
    """Lengths of a report."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days; ``last`` is included."""

    kind: Kind
    first: date
    last: date

    @classmethod
    def around(cls, kind: Kind, day: date) -> Period:
        """The period of this kind that a day lies in.

        :raises BadQuestionError: the day lies outside the years 1900 to 2200.
        """
        if not 1900 <= day.year < 2200:
            raise BadQuestionError(
                f"{day.isoformat()} is not between the years 1900 and 2200.",
                remedy="Give a day of the district's own history.",
            )
        if kind is Kind.DAY:
            return cls(kind, day, day)
        if kind is Kind.WEEK:
            first = day - timedelta(days=day.weekday())
            return cls(kind, first, first + timedelta(days=6))
        first = day.replace(day=1)
        return cls(kind, first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))

    @classmethod
    def newest_whole(cls, kind: Kind, today: date) -> Period:
        """The newest period that had ended when ``today`` began."""
        return cls.around(kind, cls.around(kind, today).first - timedelta(days=1))

    @property
    def before(self) -> Period:
        """The one before, of the same kind."""
        return Period.around(self.kind, self.first - timedelta(days=1))

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment, and the first one after it."""
        return (
            datetime.combine(self.first, time(), zone),
            datetime.combine(self.last + timedelta(days=1), time(), zone),
        )
