"""Working time of public offices: which days and hours count, and how far apart two moments are in them.

Holidays come from the ``holidays`` package; rows of a pack's calendar override them, make-up working days
included. All arithmetic is on local wall-clock time of one zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

#: Longest look ahead for a working day; a calendar without any is a mistake, not a wait.
_HORIZON_DAYS: Final = 400


@lru_cache(maxsize=256)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar as JSON, without its zone."""

    hours: tuple[tuple[time, time], ...]
    weekdays: tuple[int, ...]
    holidays_of: str | None
    overrides: dict[date, bool]


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
    #: Working days by year, counted when first asked for.
    _years: dict[int, list[int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def to_json(self) -> str:
        """The calendar without its zone; equal calendars give equal texts."""
        weekdays, overrides = tuple(sorted(self.weekdays)), dict(sorted(self.overrides.items()))
        return msgspec.json.encode(_Written(self.hours, weekdays, self.holidays_of, overrides)).decode()

    @classmethod
    def from_json(cls, text: str, time_zone: str) -> WorkCalendar:
        """Inverse of :meth:`to_json`, in a zone.

        :raises msgspec.ValidationError: when the text is no calendar.
        """
        read = msgspec.json.decode(text, type=_Written)
        return cls(time_zone, read.hours, frozenset(read.weekdays), read.holidays_of, read.overrides)

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
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        whole_days = self.working_days(first.date(), last.date())
        return whole_days * self.day_length - self._worked_by(first) + self._worked_by(last)

    def working_days(self, first: date, last: date) -> int:
        """Working days from ``first``, counted, to ``last``, not counted; ``last`` is not before ``first``."""
        inside = self._days_before(last.year)[_place(last)] - self._days_before(first.year)[_place(first)]
        return inside + sum(self._days_before(year)[-1] for year in range(first.year, last.year))

    def _days_before(self, year: int) -> list[int]:
        """Working days of a year before each of its days, and at the end all of them."""
        found = self._years.get(year)
        if found is None:
            new_year = date(year, 1, 1)
            length = _place(date(year, 12, 31)) + 1
            worked = [self.is_working_day(new_year + timedelta(days=n)) for n in range(length)]
            found = self._years[year] = list(accumulate(worked, initial=0))
        return found

    def _worked_by(self, local: datetime) -> timedelta:
        """Working time of a local moment's day until that moment."""
        if not self.is_working_day(local.date()):
            return timedelta()
        clock = local.time()
        return sum((_span(start, min(end, clock)) for start, end in self.hours if start < clock), timedelta())


def _place(day: date) -> int:
    """Days of a day's year before it."""
    return day.timetuple().tm_yday - 1


def _span(start: time, end: time) -> timedelta:
    anchor = date(2000, 1, 1)
    return datetime.combine(anchor, end) - datetime.combine(anchor, start)
