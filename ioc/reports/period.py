"""What a report is about: a local day, a week from Monday on, or a calendar month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


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
        """The period of this kind that a day lies in."""
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
