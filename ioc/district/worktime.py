"""Working time of public offices: which days and hours count, and how far apart two moments are in them.

Holidays come from the ``holidays`` package; rows of a pack's calendar override them, make-up working days and half
days included. Hours may change on a day (summer hours, a free Saturday). All arithmetic is on local wall-clock time of
one zone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

#: Longest look ahead for a working day; a calendar without any is a mistake, not a wait.
_HORIZON_DAYS: Final = 400
_SECOND: Final = timedelta(seconds=1)
_ANCHOR: Final = date(2000, 1, 1)

Hours: TypeAlias = tuple[tuple[time, time], ...]
"""Opening periods of a day, in order, not overlapping; to the second."""


@lru_cache(maxsize=256)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


class Regime(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Weekly working time from a day on.

    :param hours: opening periods of a full working day.
    :param weekdays: ISO numbers of full working weekdays, Monday is 1.
    :param short_days: weekdays with opening periods of their own, such as Saturday mornings.
    """

    valid_from: date
    hours: Hours
    weekdays: tuple[int, ...]
    short_days: dict[int, Hours] = {}

    @property
    def day_length(self) -> timedelta:
        """Working time of a full working day."""
        return _length(self.hours)


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A calendar as JSON, without its zone."""

    hours: Hours
    weekdays: tuple[int, ...]
    holidays_of: str | None
    overrides: dict[date, bool | Hours]
    short_days: dict[int, Hours] = {}
    later: tuple[Regime, ...] = ()


@dataclass(frozen=True)
class WorkCalendar:
    """Working days and hours.

    :param time_zone: IANA name of the zone in which hours and days are meant.
    :param hours: opening periods of a full working day.
    :param weekdays: ISO numbers of full working weekdays, Monday is 1.
    :param holidays_of: country whose public holidays hold (ISO 3166), or None.
    :param overrides: day → whether it is worked, or its own opening periods; the pack's own rows.
    :param short_days: weekday → its own opening periods, such as Saturday mornings.
    :param later: what hours, weekdays and short days become on later days, in order.
    """

    time_zone: str = "Asia/Ho_Chi_Minh"
    hours: Hours = ((time(7), time(11, 30)), (time(13, 30), time(17)))
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    holidays_of: str | None = "VN"
    overrides: Mapping[date, bool | Hours] = field(default_factory=dict, hash=False)
    short_days: Mapping[int, Hours] = field(default_factory=dict, hash=False)
    later: tuple[Regime, ...] = field(default=(), hash=False)
    #: Seconds worked by year, counted when first asked for.
    _years: dict[int, list[int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def to_json(self) -> str:
        """The calendar without its zone; equal calendars give equal texts."""
        written = _Written(
            self.hours,
            tuple(sorted(self.weekdays)),
            self.holidays_of,
            dict(sorted(self.overrides.items())),
            dict(sorted(self.short_days.items())),
            self.later,
        )
        return msgspec.json.encode(written).decode()

    @classmethod
    def from_json(cls, text: str, time_zone: str) -> WorkCalendar:
        """Inverse of :meth:`to_json`, in a zone.

        :raises msgspec.ValidationError: when the text is no calendar.
        """
        read = msgspec.json.decode(text, type=_Written)
        return cls(
            time_zone,
            read.hours,
            frozenset(read.weekdays),
            read.holidays_of,
            read.overrides,
            read.short_days,
            read.later,
        )

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
        """Working time of one full working day (8 hours in the usual calendar), before any change of hours."""
        return _length(self.hours)

    def hours_on(self, day: date) -> Hours:
        """Opening periods of a local day; none when it is not worked."""
        own = self.overrides.get(day)
        regime = self._regime(day)
        full, weekdays, short_days = (
            (self.hours, self.weekdays, self.short_days)
            if regime is None
            else (regime.hours, regime.weekdays, regime.short_days)
        )
        if own is not None:
            return (full if own else ()) if isinstance(own, bool) else own
        if self.holidays_of is not None and day in _public_holidays(self.holidays_of, day.year):
            return ()
        weekday = day.isoweekday()
        return short_days.get(weekday) or (full if weekday in weekdays else ())

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on this local day, a half day included."""
        return bool(self.hours_on(day))

    def is_usually_worked(self, day: date) -> bool:
        """Whether offices work on this weekday, were it no holiday and no exception."""
        regime = self._regime(day) or self
        return day.isoweekday() in regime.weekdays or day.isoweekday() in regime.short_days

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
        return any(start <= local.time() < end for start, end in self.hours_on(local.date()))

    def openings(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening periods from ``moment`` on, the running one cut to begin at it."""
        local = moment.astimezone(self.zone)
        day = local.date()
        while True:
            for start, end in self.hours_on(day):
                begins = datetime.combine(day, start, self.zone)
                ends = datetime.combine(day, end, self.zone)
                if ends > local:
                    yield max(begins, local), ends
            day = self.next_working_day(day)

    def add(self, moment: datetime, working: timedelta) -> datetime:
        """Moment at which ``working`` of working time has passed since ``moment``, in the calendar's zone.

        Intake outside working hours counts from the next opening.

        :raises ValueError: when the calendar has no working day within a year.
        """
        local = moment.astimezone(self.zone)
        opening, closing = next(self.openings(local))
        if working <= closing - opening:
            return opening + working
        wanted = self._worked_by(local) + working
        day = self._day_with(local.date(), wanted)
        left = wanted - self._whole(local.date(), day)
        for start, end in self.hours_on(day):
            length = _span(start, end)
            if left <= length:
                return datetime.combine(day, start, self.zone) + left
            left -= length
        raise AssertionError("the day was chosen for having that much")

    def add_days(self, moment: datetime, days: float) -> datetime:
        """Moment at which so many working days have passed: of the length that a full day has then.

        :raises ValueError: when the calendar has no working day within a year.
        """
        local, left = moment.astimezone(self.zone), days
        for regime in self._changes_after(local.date()):
            length = self._length_on(local.date())
            begins = datetime.combine(regime.valid_from, time(), self.zone)
            inside = self.between(local, begins) / length
            if left <= inside:
                break
            local, left = begins, left - inside
        return self.add(local, self._length_on(local.date()) * left)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``; zero when ``end`` is not after ``start``."""
        if end <= start:
            return timedelta()
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        whole = self._whole(first.date(), last.date())
        return whole - self._worked_by(first) + self._worked_by(last)

    def days_between(self, start: datetime, end: datetime) -> float:
        """Working days from ``start`` to ``end``, parts included: each of the length that a full day has then."""
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        found = 0.0
        for regime in self._changes_after(first.date()):
            begins = datetime.combine(regime.valid_from, time(), self.zone)
            if begins >= last:
                break
            found += self.between(first, begins) / self._length_on(first.date())
            first = begins
        return found + self.between(first, last) / self._length_on(first.date())

    def _regime(self, day: date) -> Regime | None:
        """The later regime that holds on a day; None while the first one does."""
        return next((regime for regime in reversed(self.later) if regime.valid_from <= day), None)

    def _changes_after(self, day: date) -> Iterator[Regime]:
        return (regime for regime in self.later if regime.valid_from > day)

    def _length_on(self, day: date) -> timedelta:
        regime = self._regime(day)
        return self.day_length if regime is None else regime.day_length

    def _whole(self, first: date, last: date) -> timedelta:
        """Working time from the begin of ``first`` to the begin of ``last``, which is not before it."""
        inside = self._before(last.year)[_place(last)] - self._before(first.year)[_place(first)]
        return (inside + sum(self._before(year)[-1] for year in range(first.year, last.year))) * _SECOND

    def _day_with(self, first: date, wanted: timedelta) -> date:
        """The day by whose end ``wanted`` working time has passed since the begin of ``first``."""
        seconds = wanted / _SECOND + self._before(first.year)[_place(first)]
        for year in range(first.year, first.year + _HORIZON_DAYS):
            before = self._before(year)
            if not before[-1]:
                break
            if seconds <= before[-1]:
                return date(year, 1, 1) + timedelta(days=bisect_left(before, seconds) - 1)
            seconds -= before[-1]
        raise ValueError(f"the calendar has no working day near {first}")

    def _before(self, year: int) -> list[int]:
        """Seconds worked in a year before each of its days, and at the end all of them."""
        found = self._years.get(year)
        if found is None:
            new_year = date(year, 1, 1)
            length = _place(date(year, 12, 31)) + 1
            worked = (_length(self.hours_on(new_year + timedelta(days=n))) // _SECOND for n in range(length))
            found = self._years[year] = list(accumulate(worked, initial=0))
        return found

    def _worked_by(self, local: datetime) -> timedelta:
        """Working time of a local moment's day until that moment."""
        clock = local.time()
        hours = self.hours_on(local.date())
        return sum((_span(start, min(end, clock)) for start, end in hours if start < clock), timedelta())


@lru_cache(maxsize=256)
def stored_calendar(time_zone: str, working_time: str | None) -> WorkCalendar:
    """The calendar of a unit in this zone.

    :param working_time: of the district as it is stored; None outside the district: weekdays without holidays.
    """
    if working_time is None:
        return WorkCalendar(time_zone=time_zone, holidays_of=None)
    return WorkCalendar.from_json(working_time, time_zone)


def _place(day: date) -> int:
    """Days of a day's year before it."""
    return day.timetuple().tm_yday - 1


def _length(hours: Hours) -> timedelta:
    return sum((_span(start, end) for start, end in hours), timedelta())


def _span(start: time, end: time) -> timedelta:
    return datetime.combine(_ANCHOR, end) - datetime.combine(_ANCHOR, start)
