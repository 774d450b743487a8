"""When a rule's alerts may be raised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from ioc.alerts.machine import Opens, always
from ioc.alerts.model import Hours, Rule, Schedule
from ioc.district.worktime import WorkCalendar
from ioc.duty.clock import instant
from ioc.duty.model import is_among

#: Every word for days names one within a year; holidays are the rarest.
_FURTHEST_DAYS: Final = 400


def of(rule: Rule, calendar: WorkCalendar) -> Opens:
    """The hours of a rule: its own, those of open offices, or all."""
    if rule.during is not None:
        schedule = rule.during
        return lambda moment: _next_of(schedule, calendar, moment)
    if rule.hours is Hours.WORKING:
        return lambda moment: next(calendar.openings(moment))[0].astimezone(UTC)
    return always


def _next_of(schedule: Schedule, calendar: WorkCalendar, moment: datetime) -> datetime:
    """The moment itself where it lies within the hours, else their next begin."""
    # the hours of the day before may not be over yet
    day = moment.astimezone(calendar.zone).date() - timedelta(days=1)
    for _ in range(_FURTHEST_DAYS):
        if is_among(day, schedule.days, calendar):
            begins = instant(day, schedule.start, calendar.zone)
            last = day if schedule.end > schedule.start else day + timedelta(days=1)
            if moment < instant(last, schedule.end, calendar.zone):
                return max(begins, moment)
        day += timedelta(days=1)
    return moment + timedelta(days=_FURTHEST_DAYS)
