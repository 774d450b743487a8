"""Which open dossiers will miss their date at today's pace.

A life table over the time to the date: among the dossiers of the last half year, how many ended in each step of
nearness to their date, over the time that they spent at that nearness. From it follows the chance that one which is
open today is still open when its date has passed. Offices work towards dates, so nearness tells more than age does.

Each procedure has a table of its own, drawn to that of its field, that to the one of dossiers with a term as long, and
that to its unit's: with few cases it is the wider one's. What is still open counts too, so that slow dossiers are not
missing from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ioc.forecast.clock import Times, WorkClock

#: Worked days that the table looks back on.
MEMORY_DAYS: Final = 130
#: Fewer ends than this of a unit, and nothing is said.
LEAST_ENDS: Final = 30
#: Ends' worth of the wider group that stand beside a group's own, in each step of age.
_DRAWN: Final = 5.0
#: Steps of nearness, in working days past the date.
_AFTER: Final = "0.25 0.5 1 1.5 2 3 4 5 6 8 10 12 15 18 22 27 33 40 50 60 75 90 120 160 250 1e6"
_HALF: Final = np.array([float(edge) for edge in _AFTER.split()])
_EDGES: Final = np.concatenate((-_HALF[::-1], [0.0], _HALF))
#: Terms from receipt to date that are of one kind, in working days: up to each of these.
_TERMS: Final = np.array([0.5, 1.5, 3.5, 5.5, 7.5, 10.5, 15.5, 20.5, 30.5, 45.5, 60.5, 90.5])
_STEPS: Final = len(_EDGES) - 1


class Reason(StrEnum):
    """Why a dossier is said to miss its date."""

    OVERDUE = "overdue"
    """Its date has passed."""
    SLOW = "slow"
    """Too few dossiers like it that were open at its age ended within the time that is left."""
    QUEUE = "queue"
    """At today's pace its turn, by due date, comes later."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Dossiers as arrays of equal length.

    :param received, ended, late_from: seconds since 1970; NaN where unknown, not ended, or without a date.
    :param unit, field, procedure: numbers that stand for names.
    """

    received: Times
    ended: Times
    late_from: Times
    unit: NDArray[np.int64]
    field: NDArray[np.int64]
    procedure: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.received)

    def pick(self, which: NDArray[np.bool_]) -> Cases:
        """Those for which ``which`` holds."""
        return Cases(
            self.received[which],
            self.ended[which],
            self.late_from[which],
            self.unit[which],
            self.field[which],
            self.procedure[which],
        )

    def known_at(self, moment: float) -> Cases:
        """Those received by a moment, with the ends that had come by it."""
        seen = self.pick(self.received <= moment)
        ended = np.where(seen.ended <= moment, seen.ended, np.nan)
        return Cases(seen.received, ended, seen.late_from, seen.unit, seen.field, seen.procedure)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of each open dossier, as arrays; NaN where the unit has too little history.

    :param chance: that it is open when its date has passed; NaN without a date, too. 1 where it has.
    :param left_low, left, left_high: working days until it ends: one of ten, half, nine of ten end by then.
    :param turn: place among its unit's open dossiers by due date, from 1; those without a date come last.
    """

    cases: Cases
    chance: Times
    left_low: Times
    left: Times
    left_high: Times
    turn: NDArray[np.int64]


def outlook(cases: Cases, now: float, clock: WorkClock) -> Outlook:
    """Return what is to be expected of the dossiers that are open at ``now``.

    :param cases: what is known at ``now``: the open ones, and at least those that ended within the table's memory.
    """
    open_ = cases.pick(np.isnan(cases.ended))
    rates = _rates(cases, open_, now, clock)
    today = clock.worked(np.array([now]))[0]
    dated = ~np.isnan(open_.late_from)
    past = today - clock.worked(np.where(dated, open_.late_from, now))
    hazard = (rates * _time_in_steps(past, np.maximum(past, 0.0))).sum(axis=1)
    chance = np.where(open_.late_from <= now, 1.0, np.exp(-hazard))
    low, half, high = (_until(rates, past, part) for part in (0.1, 0.5, 0.9))
    chance, low, half, high = (np.where(dated, found, np.nan) for found in (chance, low, half, high))
    return Outlook(open_, chance, low, half, high, _turns(open_))


def _turns(open_: Cases) -> NDArray[np.int64]:
    order = np.lexsort((open_.received, open_.late_from, open_.unit))
    units = open_.unit[order]
    starts = np.searchsorted(units, units, side="left")
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order)) - starts + 1
    return turn


def _time_in_steps(low: Times, high: Times) -> NDArray[np.float64]:
    """Time that a stretch of nearness spends in each step: one row a stretch."""
    edges = _EDGES[None, :]
    reached = np.clip(high[:, None], edges[:, :-1], edges[:, 1:]) - np.clip(
        low[:, None], edges[:, :-1], edges[:, 1:]
    )
    return np.maximum(reached, 0.0)


def _until(rates: NDArray[np.float64], past: Times, part: float) -> Times:
    """Working days until ``part`` of those at this nearness have ended."""
    upto = np.concatenate((np.zeros((len(past), 1)), np.cumsum(rates * np.diff(_EDGES), axis=1)), axis=1)
    wanted = (rates * _time_in_steps(np.full_like(past, _EDGES[0]), past)).sum(axis=1) - np.log1p(-part)
    step = np.minimum((upto[:, 1:] < wanted[:, None]).sum(axis=1), _STEPS - 1)
    row = np.arange(len(past))
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = _EDGES[step] + (wanted - upto[row, step]) / rates[row, step]
    return np.asarray(np.maximum(ends - past, 0.0), dtype=np.float64)


def _rates(cases: Cases, open_: Cases, now: float, clock: WorkClock) -> NDArray[np.float64]:
    """Ends a working day in each step of nearness, one row an open dossier."""
    seen = cases.pick(~np.isnan(cases.late_from))
    today = clock.worked(np.array([now]))[0]
    received, date = clock.worked(seen.received), clock.worked(seen.late_from)
    over = ~np.isnan(seen.ended)
    left = np.where(over, clock.worked(np.where(over, seen.ended, now)), today)
    start = np.maximum(received, today - MEMORY_DAYS)
    in_sight = left >= start
    spent = _time_in_steps((start - date)[in_sight], (left - date)[in_sight])
    step = np.clip(np.searchsorted(_EDGES, (left - date)[in_sight], side="left") - 1, 0, _STEPS - 1)
    ended = over[in_sight]

    dates = clock.worked(np.where(np.isnan(open_.late_from), now, open_.late_from))
    terms = np.searchsorted(_TERMS, dates - clock.worked(open_.received))
    groups = [seen.unit, np.searchsorted(_TERMS, date - received), seen.field, seen.procedure]
    asked = [open_.unit, terms, open_.field, open_.procedure]
    rates = np.full((len(open_), _STEPS), np.nan)
    wider: NDArray[np.float64] | None = None
    mine = np.zeros(len(seen), dtype=np.int64)
    theirs = np.zeros(len(open_), dtype=np.int64)
    for name, theirs_name in zip(groups, asked, strict=True):
        mine, theirs, count, parent = _regroup(mine, name, theirs, theirs_name)
        of = mine[in_sight]
        ends = np.zeros((count, _STEPS))
        np.add.at(ends, (of[ended], step[ended]), 1.0)
        time = np.zeros((count, _STEPS))
        np.add.at(time, of, spent)
        if wider is None:
            total, all_time = ends.sum(axis=1), time.sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = (total / all_time)[:, None]
                wider = (ends + 1.0) / (time + 1.0 / mean)
            wider[(total < LEAST_ENDS) | (all_time <= 0)] = np.nan
        else:
            before = wider[parent]
            wider = (ends + _DRAWN) / (time + _DRAWN / before)
        rates = wider[theirs]
    return rates


def _regroup(
    mine: NDArray[np.int64],
    names: NDArray[np.int64],
    theirs: NDArray[np.int64],
    their_names: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, NDArray[np.int64]]:
    """Split groups further by a name: new numbers of both sides, how many there are, and each one's former group."""
    pairs = np.concatenate((np.column_stack((mine, names)), np.column_stack((theirs, their_names))))
    found, numbers = np.unique(pairs, axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    return numbers[: len(mine)], numbers[len(mine) :], len(found), found[:, 0]
