"""Surges looked back on: how often the alarm speaks on a history as it was, how soon it finds one that was made."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import numpy as np

from ioc.district.worktime import WorkCalendar
from ioc.forecast.clock import Times
from ioc.forecast.misses import Cases
from ioc.kpi.query import Steps

_HOURS: Final = tuple(range(8, 18))
_SURGE_DAYS: Final = 5
_SURGE = (
    "SELECT moment, state, since, today_observed, today_expected"
    " FROM ioc.surge_history(%s, %s, 'dossiers', %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Injected:
    """Surges that were made: arrivals of five worked days times ``factor``; shares found in so many worked days."""

    factor: int
    trials: int
    in_one: float
    in_two: float
    in_five: float
    hours: float | None
    """Median of the opening hours until it was found, of those found."""
    peer_in_one: float
    peer_in_five: float


@dataclass(frozen=True, slots=True)
class SurgeTest:
    """Every alarm on the history as it was counts as false.

    ``error``, ``naive_error``: mean absolute error of a day's arrivals, expected here and as on the same weekday a week
    before. ``peer_days``: days on which arrivals were more than twice those of that day.
    """

    days: int
    months: float
    a_day: float
    looks: int
    alarms: int
    alarm_days: int
    peer_days: int
    error: float
    naive_error: float
    injected: tuple[Injected, ...]


def surge_test(
    reader: str,
    unit: str | None,
    days: Sequence[date],
    calendar: WorkCalendar,
    cases: Cases,
    every_days: int,
    tell: Callable[[str], None],
) -> Steps[SurgeTest | None]:
    """Steps to the test; none where no moment of the history has memory enough.

    :param days: the history's worked days.
    :param cases: its dossiers, of which the arrivals are taken.
    :param every_days: worked days between the beginnings of two surges that are made.
    """
    judged: list[tuple[Any, ...]] = []
    tell("surges: every hour")
    for start in range(0, len(days), 60):
        moments = [_hour(day, hour, calendar) for day in days[start : start + 60] for hour in _HOURS]
        judged += yield _SURGE, (reader, unit, moments, [])
    known = [row for row in judged if row[1] in ("surge", "none")]
    if not known:
        return None
    by_day: dict[date, tuple[float, float, bool]] = {}
    for moment, state, _, observed, expected in known:
        day = moment.astimezone(calendar.zone).date()
        before = by_day.get(day, (0.0, 0.0, False))
        by_day[day] = (max(before[0], observed), max(before[1], expected), before[2] or state == "surge")
    arrivals = _by_day(cases.received, calendar)
    alarm_days = sorted(day for day, (_, _, alarm) in by_day.items() if alarm)
    injected = []
    shown = [day for day in days if day in by_day]
    for factor in (2, 3):
        tell(f"surges: times {factor}")
        injected.append(
            (yield from _injected(reader, unit, shown, arrivals, calendar, factor, every_days, alarm_days))
        )
    errors = [abs(len(arrivals.get(day, [])) - expected) for day, (_, expected, _) in by_day.items()]
    naive = [
        abs(len(arrivals.get(day, [])) - len(arrivals.get(day - timedelta(days=7), []))) for day in by_day
    ]
    return SurgeTest(
        days=len(by_day),
        months=(shown[-1] - shown[0]).days / 30.44,
        a_day=float(np.mean([len(arrivals.get(day, [])) for day in by_day])),
        looks=len(known),
        alarms=_episodes(alarm_days, calendar),
        alarm_days=len(alarm_days),
        peer_days=sum(_peer(day, len(arrivals.get(day, [])), arrivals) for day in by_day),
        error=float(np.mean(errors)),
        naive_error=float(np.mean(naive)),
        injected=tuple(injected),
    )


def _peer(day: date, count: int, arrivals: dict[date, list[float]]) -> bool:
    """More than twice the arrivals of the same weekday a week before, and three more."""
    before = len(arrivals.get(day - timedelta(days=7), []))
    return count > 2 * before and count - before >= 3


def _hour(day: date, hour: int, calendar: WorkCalendar) -> datetime:
    return datetime.combine(day, time(hour), calendar.zone)


def _by_day(received: Times, calendar: WorkCalendar) -> dict[date, list[float]]:
    """Seconds since local midnight of each arrival, by local day."""
    found: dict[date, list[float]] = {}
    for at in np.sort(received):
        local = datetime.fromtimestamp(float(at), calendar.zone)
        since = (local.hour * 60 + local.minute) * 60 + local.second
        found.setdefault(local.date(), []).append(float(since))
    return found


def _episodes(days: Sequence[date], calendar: WorkCalendar) -> int:
    """Alarms on neighbouring worked days are one."""
    return sum(
        1
        for place, day in enumerate(days)
        if place == 0 or days[place - 1] != calendar.previous_working_day(day)
    )


def _injected(
    reader: str,
    unit: str | None,
    days: Sequence[date],
    arrivals: dict[date, list[float]],
    calendar: WorkCalendar,
    factor: int,
    every_days: int,
    alarm_days: Sequence[date],
) -> Steps[Injected]:
    """Add the arrivals of earlier days of the same weekday, drawn by a fixed seed, to five worked days in a row."""
    source = random.Random(f"surge {factor}")  # noqa: S311 - which days are copied, no secret
    found: list[tuple[int, float]] = []
    peer: list[int] = []
    trials = 0
    for place in range(0, len(days) - _SURGE_DAYS, every_days):
        stretch = days[place : place + _SURGE_DAYS]
        if any(day in alarm_days for day in stretch):
            continue
        trials += 1
        extra: list[datetime] = []
        added: dict[date, int] = {}
        for day in stretch:
            like = [other for other in days[:place] if other.weekday() == day.weekday()] or [day]
            for _ in range(factor - 1):
                copied = arrivals.get(source.choice(like), [])
                added[day] = added.get(day, 0) + len(copied)
                extra += [
                    datetime.combine(day, time(), calendar.zone) + timedelta(seconds=since)
                    for since in copied
                ]
        moments = [_hour(day, hour, calendar) for day in stretch for hour in _HOURS]
        judged = yield _SURGE, (reader, unit, moments, extra)
        hit = next((at for at, state, *_ in judged if state == "surge"), None)
        if hit is not None:
            which = stretch.index(hit.astimezone(calendar.zone).date()) + 1
            hours = calendar.between(datetime.combine(stretch[0], time(), calendar.zone), hit) / timedelta(
                hours=1
            )
            found.append((which, hours))
        named = [
            n
            for n, day in enumerate(stretch, 1)
            if _peer(day, len(arrivals.get(day, [])) + added.get(day, 0), arrivals)
        ]
        if named:
            peer.append(named[0])
    share = 1.0 / max(trials, 1)
    return Injected(
        factor=factor,
        trials=trials,
        in_one=sum(which <= 1 for which, _ in found) * share,
        in_two=sum(which <= 2 for which, _ in found) * share,
        in_five=len(found) * share,
        hours=float(np.median([hours for _, hours in found])) if found else None,
        peer_in_one=sum(which <= 1 for which in peer) * share,
        peer_in_five=len(peer) * share,
    )
