"""Working time of public offices: which days and hours count, and how far apart two moments are in them.

Holidays come from the ``holidays`` package; rows of a pack's calendar override them, make-up working days
included. All arithmetic is on local wall-clock time of one zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

#: Longest look ahead for a working day; a calendar without any is a mistake, not a wait.
_HORIZON_DAYS: Final = 400


@lru_cache(maxsize=256)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


@dataclass(frozen=True)
class WorkCalendar:
    """Working days and hours.

    :param time_zone: IANA name of the zone in which hours and days are meant.
    :param hours: opening periods of a working day, in order, not overlapping.
    :param weekdays: ISO numbers of working weekdays, Monday is 1.
    :param holidays_of: country whose public holidays hold (ISO 3166), or None.
    :param overrides: day → whether it is worked; the pack's own rows.
    """

    time_zone: str = "Asia/Ho_Chi_Minh"
    hours: tuple[tuple[time, time], ...] = ((time(7), time(11, 30)), (time(13, 30), time(17)))
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    holidays_of: str | None = "VN"
    overrides: Mapping[date, bool] = field(default_factory=dict, hash=False)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def opens(self) -> time:
        return self.hours[0][0]

    @property
    def closes(self) -> time:
        return self.hours[-1][1]

    @property
    def day_length(self) -> timedelta:
        """Working time of one working day (8 hours in the usual calendar)."""
        return sum((_span(start, end) for start, end in self.hours), timedelta())

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on this local day."""
        found = self.overrides.get(day)
        if found is not None:
            return found
        if day.isoweekday() not in self.weekdays:
            return False
        return self.holidays_of is None or day not in _public_holidays(self.holidays_of, day.year)

    def next_working_day(self, day: date) -> date:
        """First working day after ``day``.

        :raises ValueError: when the calendar has none within a year.
        """
        return self._step(day, 1)

    def previous_working_day(self, day: date) -> date:
        """Last working day before ``day``.

        :raises ValueError: when the calendar has none within a year.
        """
        return self._step(day, -1)

    def _step(self, day: date, direction: int) -> date:
        for distance in range(1, _HORIZON_DAYS):
            found = day + timedelta(days=direction * distance)
            if self.is_working_day(found):
                return found
        raise ValueError(f"the calendar has no working day near {day}")

    def is_open(self, moment: datetime) -> bool:
        """Whether offices are open at an aware moment, breaks excluded."""
        local = moment.astimezone(self.zone)
        return self.is_working_day(local.date()) and any(
            start <= local.time() < end for start, end in self.hours
        )

    def openings(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening periods from ``moment`` on, the running one cut to begin at it."""
        local = moment.astimezone(self.zone)
        day = local.date()
        if not self.is_working_day(day):
            day = self.next_working_day(day)
        while True:
            for start, end in self.hours:
                begins = datetime.combine(day, start, self.zone)
                ends = datetime.combine(day, end, self.zone)
                if ends > local:
                    yield max(begins, local), ends
            day = self.next_working_day(day)

    def add(self, moment: datetime, working: timedelta) -> datetime:
        """Moment at which ``working`` of working time has passed since ``moment``, in the calendar's zone.

        Intake outside working hours counts from the next opening.
        """
        left = working
        for start, end in self.openings(moment):
            if left <= end - start:
                return start + left
            left -= end - start
        raise AssertionError("openings never end")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``; zero when ``end`` is not after ``start``."""
        if end <= start:
            return timedelta()
        total = timedelta()
        for opens, closes in self.openings(start):
            if opens >= end:
                break
            total += min(closes, end.astimezone(self.zone)) - opens
        return total


def _span(start: time, end: time) -> timedelta:
    anchor = date(2000, 1, 1)
    return datetime.combine(anchor, end) - datetime.combine(anchor, start)
