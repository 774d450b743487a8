"""Periods by name, relative to now: today, last-week, last-90-days. Calendar periods are those of the unit's zone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ioc.kpi.errors import BadQuestionError

#: What people may ask for, as they read it; N is a whole number.
NAMES: Final = (
    "today",
    "yesterday",
    "this-week",
    "last-week",
    "this-month",
    "last-month",
    "this-quarter",
    "last-quarter",
    "this-year",
    "last-year",
    "last-N-days",
    "last-N-months",
)
_COUNTED = re.compile(r"last-([1-9]\d{0,3})-(days|months)")
_MOST_MONTHS: Final = 1200


def bounds(name: str, *, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return start (included) and end (not included) of a period.

    A period that is not over ends with its calendar end, so that it is the same question all day long. Weeks begin on
    Monday. ``last-N-days`` and ``last-N-months`` end with the current day or month, not included.

    :raises BadQuestionError: there is no such period.
    """
    today = now.astimezone(zone).date()
    try:
        first, last = _dates(name, today)
    except OverflowError:
        raise BadQuestionError(f"The period {name!r} begins before the calendar does.") from None
    return datetime.combine(first, time(), tzinfo=zone), datetime.combine(last, time(), tzinfo=zone)


def _dates(name: str, today: date) -> tuple[date, date]:
    counted = _COUNTED.fullmatch(name)
    if counted is not None:
        count = int(counted[1])
        if counted[2] == "days":
            return today - timedelta(days=count), today
        if count <= _MOST_MONTHS:
            return _month(today, -count), _month(today, 0)
    monday = today - timedelta(days=today.weekday())
    quarter = -((today.month - 1) % 3)
    year = 1 - today.month
    known = {
        "today": (today, today + timedelta(days=1)),
        "yesterday": (today - timedelta(days=1), today),
        "this-week": (monday, monday + timedelta(days=7)),
        "last-week": (monday - timedelta(days=7), monday),
        "this-month": (_month(today, 0), _month(today, 1)),
        "last-month": (_month(today, -1), _month(today, 0)),
        "this-quarter": (_month(today, quarter), _month(today, quarter + 3)),
        "last-quarter": (_month(today, quarter - 3), _month(today, quarter)),
        "this-year": (_month(today, year), _month(today, year + 12)),
        "last-year": (_month(today, year - 12), _month(today, year)),
    }
    if name not in known:
        raise BadQuestionError(f"There is no period {name!r}.", remedy=f"Periods are {', '.join(NAMES)}.")
    return known[name]


def _month(day: date, ahead: int) -> date:
    """First day of the month that is ``ahead`` months from the day's."""
    year, month = divmod(day.year * 12 + day.month - 1 + ahead, 12)
    return date(year, month + 1, 1)
