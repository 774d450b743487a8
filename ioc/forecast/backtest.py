"""Forecasts held against what came: made again at moments of the past with what was known by then.

What had happened by a moment counts as known at it, and of due dates the first one. (What was *recorded* by then would
be stricter, but says nothing of a history that was imported in one go.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ioc.district.worktime import WorkCalendar
from ioc.errors import UsageError
from ioc.forecast import clearing as model
from ioc.forecast.backtest_surges import SurgeTest, surge_test
from ioc.forecast.clock import Times, WorkClock
from ioc.forecast.misses import Cases, outlook
from ioc.forecast.query import LIKELY, calendar_from, daily_ends, to_cases, worked_days
from ioc.kpi.query import Steps

#: Most dossiers that are looked back on.
MOST: Final = 400_000
_LEAST_DAYS: Final = 60
_CALENDAR = "SELECT time_zone, working_time, clock FROM ioc.forecast_calendar(%s, %s)"
_HISTORY = "SELECT NULL, unit, field, procedure, received_at, ended_at, late_from FROM ioc.forecast_history(%s, %s, %s)"


def _silent(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class ClearingTest:
    """Errors in working days, over ``origins`` at which the outcome is known; ``open_end`` more have none yet.

    ``inside``: share of outcomes within the interval that should hold four of five. ``width``: median of its width.
    ``last_week``, ``all_time``: the same error with the pace of the last five days, and of all days until then.
    """

    origins: int
    open_end: int
    error: float
    bias: float
    inside: float
    width: float
    typical: float
    last_week: float
    all_time: float


@dataclass(frozen=True, slots=True)
class Rule:
    """How well a rule tells which dossiers miss their date. ``brier``: mean squared error of its chance."""

    name: str
    named: int
    right: int
    missed: int
    brier: float

    @property
    def precision(self) -> float | None:
        """Share of those named that missed."""
        return self.right / self.named if self.named else None

    @property
    def recall(self) -> float | None:
        """Share of those that missed that were named."""
        return self.right / self.missed if self.missed else None


@dataclass(frozen=True, slots=True)
class Bin:
    """Dossiers whose chance lay between two values: how many, the mean of it, the share that missed."""

    low: float
    high: float
    judged: int
    chance: float
    share: float


@dataclass(frozen=True, slots=True)
class MissTest:
    """Each dossier open and not overdue at an origin is judged once there, and again at the next."""

    origins: int
    judged: int
    dossiers: int
    unknown: int
    rules: tuple[Rule, ...]
    calibration: tuple[Bin, ...]
    inside: float
    """Share of ends within the interval of the expected moment, that should hold four of five."""
    off: float
    """Median distance of an end from the expected moment, in working days."""


@dataclass(frozen=True, slots=True)
class Report:
    """All three, over one history. A part is None where the history is too short for it."""

    unit: str | None
    dossiers: int
    first: date
    last: date
    clearing: ClearingTest | None
    misses: MissTest | None
    surge: SurgeTest | None


def backtest(
    reader: str, unit: str | None, *, every_days: int = 5, tell: Callable[[str], None] = _silent
) -> Steps[Report]:
    """Steps to the back-test on the database's own history.

    :param every_days: worked days between two origins.
    :raises UsageError: there is no history, or more than :data:`MOST` dossiers.
    """
    ((zone, working_time, now),) = yield _CALENDAR, (reader, unit)
    calendar = calendar_from(zone, working_time)
    tell("reading the history")
    rows = yield _HISTORY, (reader, unit, MOST)
    if len(rows) > MOST:
        raise UsageError(
            f"There are more than {MOST:,} dossiers.",
            remedy="Name a unit with --unit: one at a time is held in memory.",
        )
    if not rows:
        raise UsageError(
            "There are no dossiers to look back on.", remedy="Import a history, or name another unit."
        )
    cases, _ = to_cases(rows)
    ended = cases.ended[~np.isnan(cases.ended)]
    first = datetime.fromtimestamp(float(cases.received.min()), UTC)
    # Until the newest fact: what came of later due dates is not known yet.
    newest = max(float(cases.received.max()), float(ended.max()) if len(ended) else 0.0)
    last = min(datetime.fromtimestamp(newest, UTC), now)
    clock = WorkClock(calendar, first, last + timedelta(days=800))
    days = _worked(calendar, first, last)
    origins = [_start(day, calendar) for day in days[_LEAST_DAYS::every_days]]
    tell(f"{len(origins)} origins")
    surge = yield from surge_test(reader, unit, days, calendar, cases, every_days, tell)
    return Report(
        unit,
        len(cases),
        first.astimezone(calendar.zone).date(),
        last.astimezone(calendar.zone).date(),
        clearing_test(cases, origins, calendar, clock),
        miss_test(cases, origins, clock, last),
        surge,
    )


def _worked(calendar: WorkCalendar, first: datetime, last: datetime) -> list[date]:
    day, end = first.astimezone(calendar.zone).date(), last.astimezone(calendar.zone).date()
    return [
        found
        for n in range((end - day).days + 1)
        if calendar.is_working_day(found := day + timedelta(days=n))
    ]


def _start(day: date, calendar: WorkCalendar) -> datetime:
    return datetime.combine(day, time(), calendar.zone)


def clearing_test(
    cases: Cases, origins: Sequence[datetime], calendar: WorkCalendar, clock: WorkClock
) -> ClearingTest | None:
    """Work off what is open at each origin, and count when as many dossiers had in truth been ended."""
    ends = np.sort(cases.ended[~np.isnan(cases.ended)])
    worked_ends = clock.worked(ends)
    ended_on: dict[date, int] = {}
    for at in ends:
        day = datetime.fromtimestamp(float(at), calendar.zone).date()
        ended_on[day] = ended_on.get(day, 0) + 1
    began = datetime.fromtimestamp(float(cases.received.min()), calendar.zone).date()
    rows: list[tuple[float, ...]] = []
    open_end = 0
    for origin in origins:
        now = origin.timestamp()
        open_now = int((cases.received <= now).sum()) - int(np.searchsorted(ends, now, side="right"))
        days = worked_days(calendar, origin.date(), model.BLOCKS * model.BLOCK_DAYS)
        known = {day: n for day, n in ended_on.items() if day < origin.date()}
        daily = daily_ends(known, days, began)
        found = model.clearing(open_now, model.pace(daily))
        if found is None or open_now == 0:
            continue
        place = int(np.searchsorted(ends, now, side="right")) + open_now - 1
        if place >= len(ends):
            open_end += 1
            continue
        today = clock.worked(np.array([now]))[0]
        actual = float(worked_ends[place] - today)
        week = sum(daily[-model.BLOCK_DAYS :]) / model.BLOCK_DAYS
        passed = float(today - clock.worked(cases.received.min(keepdims=True))[0])
        ever = float(np.searchsorted(ends, now, side="right")) / passed
        high = np.inf if found.high is None else found.high
        rows.append(
            (
                found.days,
                found.low,
                high,
                actual,
                open_now / max(week, 1 / model.BLOCK_DAYS),
                open_now / max(ever, 1e-9),
            )
        )
    if not rows:
        return None
    point, low, high_, actual_, week_, ever_ = (np.array(column) for column in zip(*rows, strict=True))
    return ClearingTest(
        origins=len(rows),
        open_end=open_end,
        error=float(np.abs(point - actual_).mean()),
        bias=float((point - actual_).mean()),
        inside=float(((low <= actual_) & (actual_ <= high_)).mean()),
        width=float(np.median(high_ - low)),
        typical=float(np.median(actual_)),
        last_week=float(np.abs(week_ - actual_).mean()),
        all_time=float(np.abs(ever_ - actual_).mean()),
    )


def miss_test(cases: Cases, origins: Sequence[datetime], clock: WorkClock, last: datetime) -> MissTest | None:
    """Judge what is open and not overdue at each origin, where its date is over by the history's end."""
    chance: list[Times] = []
    missed: list[Times] = []
    near: list[Times] = []
    usual: list[Times] = []
    queue: list[Times] = []
    who: list[Times] = []
    inside: list[NDArray[np.bool_]] = []
    off: list[Times] = []
    end = clock.worked(np.array([last.timestamp()]))[0]
    unknown = 0
    used = 0
    numbers = np.arange(len(cases), dtype=np.float64)
    for origin in origins:
        now = origin.timestamp()
        received = cases.received <= now
        known = cases.known_at(now)
        seen = outlook(known, now, clock)
        still = np.isnan(known.ended)
        late_from = seen.cases.late_from
        judged = (late_from > now) & (late_from <= last.timestamp())
        unknown += int((judged & np.isnan(seen.chance)).sum())
        judged &= ~np.isnan(seen.chance)
        if not judged.any():
            continue
        used += 1
        truth = cases.ended[received][still][judged]
        dates = late_from[judged]
        over = known.pick(~np.isnan(known.ended) & ~np.isnan(known.late_from))
        rate = float((over.ended >= over.late_from).mean()) if len(over) else 0.5
        chance.append(seen.chance[judged])
        missed.append((np.isnan(truth) | (truth >= dates)).astype(np.float64))
        near.append((dates <= now + 86_400.0 + 3_600.0).astype(np.float64))
        usual.append(np.full(len(dates), rate))
        turn_at = seen.turn / _paces(known, origin, clock.calendar)[seen.cases.unit]
        today = clock.worked(np.array([now]))[0]
        queue.append((today + turn_at[judged] > clock.worked(dates)).astype(np.float64))
        who.append(numbers[received][still][judged])
        # what has not ended yet lies somewhere beyond the history's end
        left = np.where(np.isnan(truth), end, clock.worked(np.where(np.isnan(truth), now, truth)))
        left -= today
        certain = ~np.isnan(truth) | (left > seen.left_high[judged])
        low, high = seen.left_low[judged], seen.left_high[judged]
        inside.append(((low <= left) & (left <= high))[certain])
        off.append(np.abs(seen.left[judged] - left)[~np.isnan(truth)])
    if not chance:
        return None
    ours, truth_, near_, usual_, queue_ = (
        np.concatenate(parts) for parts in (chance, missed, near, usual, queue)
    )
    return MissTest(
        origins=used,
        judged=len(ours),
        dossiers=len(np.unique(np.concatenate(who))),
        unknown=unknown,
        rules=(
            _rule("life table, chance at least one half", ours, truth_),
            _rule("its date is today (due within 24 hours)", near_, truth_),
            _rule("the share that was late so far, for all", usual_, truth_),
            _rule("its turn by date, at today's pace, comes after its date", queue_, truth_),
        ),
        calibration=tuple(_bins(ours, truth_)),
        inside=float(np.concatenate(inside).mean()),
        off=float(np.median(np.concatenate(off))),
    )


def _paces(known: Cases, origin: datetime, calendar: WorkCalendar) -> Times:
    """Dossiers that each unit ends a worked day, by its number; NaN where that is unknown or none."""
    days = worked_days(calendar, origin.date(), model.BLOCKS * model.BLOCK_DAYS)
    found = np.full(int(known.unit.max()) + 1, np.nan)
    for unit in np.unique(known.unit):
        mine = known.pick(known.unit == unit)
        ended: dict[date, int] = {}
        for at in mine.ended[mine.ended >= _start(days[0], calendar).timestamp()]:
            day = datetime.fromtimestamp(float(at), calendar.zone).date()
            ended[day] = ended.get(day, 0) + 1
        began = datetime.fromtimestamp(float(mine.received.min()), calendar.zone).date()
        pace = model.pace(daily_ends({d: n for d, n in ended.items() if d < origin.date()}, days, began))
        if pace is not None and pace.per_day > 0:
            found[unit] = pace.per_day
    return found


def _rule(name: str, chance: Times, missed: Times) -> Rule:
    named = chance >= LIKELY
    return Rule(
        name,
        int(named.sum()),
        int(missed[named].sum()),
        int(missed.sum()),
        float(((chance - missed) ** 2).mean()),
    )


def _bins(chance: Times, missed: Times) -> list[Bin]:
    edges = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
    found = []
    for low, high in pairwise(edges):
        inside = (chance >= low) & ((chance < high) | (high == 1.0))
        if inside.any():
            found.append(
                Bin(low, high, int(inside.sum()), float(chance[inside].mean()), float(missed[inside].mean()))
            )
    return found


__all__ = ["MOST", "Report", "backtest", "clearing_test", "miss_test"]
