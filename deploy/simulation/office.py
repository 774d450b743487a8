"""Where the hands of the office clock stand: real working hours by day, a virtual working day outside them.

Facts always carry the real time. Outside working hours only the *office clock* is turned: it runs through working
days, one after another, from the close of the last real one, with the lunch break cut to a quarter of an hour, so
that someone who starts the platform at night finds it at work. Due dates keep to the real calendar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from ioc.district.worktime import WorkCalendar

_OPENS: Final = 7 * 60
_CLOSES: Final = 17 * 60
_LUNCH: Final = (11 * 60 + 30, 13 * 60 + 30)
_SHORT_LUNCH_MIN: Final = 15
#: Minutes that one virtual working day takes.
VIRTUAL_DAY_MIN: Final = (_LUNCH[0] - _OPENS) + _SHORT_LUNCH_MIN + (_CLOSES - _LUNCH[1])

#: Arrivals relative to one another over the office day: (minute of day, height), linear in between.
_WAVES: Final = (
    (420, 0.5),
    (450, 1.6),
    (510, 2.0),
    (570, 1.6),
    (630, 1.0),
    (675, 0.4),
    (690, 0.1),
    (795, 0.1),
    (810, 1.0),
    (855, 1.6),
    (915, 1.2),
    (975, 0.6),
    (1010, 0.15),
    (1020, 0.0),
)
#: Area under the waves, in minutes: an intensity of 1/this a minute makes one arrival a day.
_AREA: Final = sum((right[0] - left[0]) * (left[1] + right[1]) / 2 for left, right in pairwise(_WAVES))
_WEEKDAY: Final = (1.35, 1.05, 0.92, 0.9, 0.88)


def wave(minute: float) -> float:
    """Share of a day's arrivals that comes within this minute of an office day."""
    for (left, low), (right, high) in pairwise(_WAVES):
        if left <= minute < right:
            return (low + (high - low) * (minute - left) / (right - left)) / _AREA
    return 0.0


@dataclass(frozen=True)
class Hands:
    """What the office clock shows at a real moment."""

    minute: float
    """Minute of the office day, 420 (07:00) to 1020 (17:00)."""
    virtual: bool


@dataclass
class OfficeClock:
    """The office clock of one district.

    :param calendar: real working days and the zone.
    :param night_from: virtual days are played from this moment on; None plays none.
    """

    calendar: WorkCalendar
    night_from: datetime | None = None
    _closings: dict[date, datetime] = field(default_factory=dict, repr=False)

    def hands(self, moment: datetime) -> Hands | None:
        """Where the hands stand at an aware moment; None while no office works, really or virtually."""
        local = moment.astimezone(self.calendar.zone)
        minute = local.hour * 60 + local.minute + local.second / 60
        if _OPENS <= minute < _CLOSES and self.calendar.is_working_day(local.date()):
            return Hands(minute, virtual=False)
        if self.night_from is None or moment < self.night_from:
            return None
        return Hands(self._virtual_minute(local), virtual=True)

    def closed_since(self, moment: datetime) -> datetime:
        """Close of the last real working day before a moment outside working hours."""
        local = moment.astimezone(self.calendar.zone)
        day = local.date()
        if self.calendar.is_working_day(day) and local.hour * 60 + local.minute >= _CLOSES:
            return _at(day, _CLOSES, self.calendar)
        if day not in self._closings:
            if len(self._closings) > 64:
                self._closings.clear()
            self._closings[day] = _at(self.calendar.previous_working_day(day), _CLOSES, self.calendar)
        return self._closings[day]

    def _virtual_minute(self, local: datetime) -> float:
        passed = (local - self.closed_since(local)).total_seconds() / 60 % VIRTUAL_DAY_MIN
        morning = _LUNCH[0] - _OPENS
        if passed < morning:
            return _OPENS + passed
        if passed < morning + _SHORT_LUNCH_MIN:
            return _LUNCH[0] + (passed - morning) * (_LUNCH[1] - _LUNCH[0]) / _SHORT_LUNCH_MIN
        return _LUNCH[1] + passed - morning - _SHORT_LUNCH_MIN

    def intensity(self, moment: datetime) -> float:
        """Share of an average day's arrivals that comes within the minute that begins here."""
        hands = self.hands(moment)
        if hands is None:
            return 0.0
        day = moment.astimezone(self.calendar.zone).date()
        weekday = day.toordinal() % 5 if hands.virtual else min(day.weekday(), 4)
        return wave(hands.minute) * _WEEKDAY[weekday]

    def into_the_night(self, moment: datetime) -> datetime | None:
        """Where work planned for a real working hour falls when the staff of the virtual day does it before.

        The hours of a working day are spread over the time off before it. None when that lies before the first
        virtual day, or when ``moment`` is no working hour.
        """
        local = moment.astimezone(self.calendar.zone)
        minute = local.hour * 60 + local.minute + local.second / 60
        if self.night_from is None or not (_OPENS <= minute <= _CLOSES):
            return None
        opens = _at(local.date(), _OPENS, self.calendar)
        closed = _at(self.calendar.previous_working_day(local.date()), _CLOSES, self.calendar)
        found = closed + (opens - closed) * ((minute - _OPENS) / (_CLOSES - _OPENS))
        return found if found >= self.night_from else None


def _at(day: date, minute: int, calendar: WorkCalendar) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=calendar.zone) + timedelta(minutes=minute)
