"""Working time as a number that grows while offices are open, for whole arrays of moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ioc.district.worktime import WorkCalendar

#: Moments as seconds since 1970, or working days since the clock's first day; NaN where there is none.
Times: TypeAlias = NDArray[np.float64]

#: A moment that lies further from the others than this is taken to lie there: a year mistyped must cost nothing.
_MOST_YEARS: Final = 30


class WorkClock:
    """Counts working days of a calendar from ``first`` on; constant while offices are closed.

    :param first: earliest moment that matters; earlier ones read 0.
    :param last: latest one; later ones read the end.
    """

    def __init__(self, calendar: WorkCalendar, first: datetime, last: datetime) -> None:
        self.calendar = calendar
        begin = max(first, last - timedelta(days=366 * _MOST_YEARS)).astimezone(calendar.zone).date()
        end = last.astimezone(calendar.zone).date() + timedelta(days=1)
        lows: list[float] = []
        highs: list[float] = []
        for day in _days(begin, end):
            if calendar.is_working_day(day):
                for opens, closes in calendar.hours:
                    lows.append(datetime.combine(day, opens, calendar.zone).timestamp())
                    highs.append(datetime.combine(day, closes, calendar.zone).timestamp())
        self._lows = np.array(lows or [0.0])
        spans = np.array(highs or [0.0]) - self._lows
        length = calendar.day_length.total_seconds()
        self._at_high = np.cumsum(spans) / length
        self._at_low = self._at_high - spans / length
        self._length = length
        self._edges = np.ravel(np.column_stack((self._lows, self._lows + spans)))
        self._counts = np.ravel(np.column_stack((self._at_low, self._at_high)))

    def worked(self, moments: Times) -> Times:
        """Working days that had passed at each moment."""
        return np.asarray(np.interp(moments, self._edges, self._counts), dtype=np.float64)

    def moments(self, worked: Times) -> Times:
        """The first moment at which so many working days have passed; NaN beyond the clock's end."""
        place = np.searchsorted(self._at_high, worked, side="left")
        inside = np.minimum(place, len(self._lows) - 1)
        found = self._lows[inside] + (worked - self._at_low[inside]) * self._length
        return np.where(np.isfinite(worked) & (place < len(self._lows)), found, np.nan)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def to_moment(seconds: float) -> datetime | None:
    """The moment of a number of seconds since 1970; None for NaN."""
    return None if np.isnan(seconds) else datetime.fromtimestamp(seconds, UTC)


def to_times(moments: list[datetime | None]) -> Times:
    """Seconds since 1970 of each moment; NaN for None."""
    return np.array([np.nan if at is None else at.timestamp() for at in moments], dtype=np.float64)
