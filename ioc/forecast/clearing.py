"""When the dossiers that are open now are worked off at today's pace.

The pace is what was ended in each five worked days of the last forty; a stretch counts up to its own limit, so that a
mass closing or a week without a signature moves it little. From the spread of these sums follows an interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, variance
from typing import Final

BLOCK_DAYS: Final = 5
BLOCKS: Final = 8
LEAST_BLOCKS: Final = 4
#: Half width of an interval that holds four of five outcomes, in standard deviations.
_WIDTH: Final = 1.2816
_LIMIT: Final = 2.5


@dataclass(frozen=True, slots=True)
class Pace:
    """Dossiers ended a worked day.

    :param per_day: the robust mean.
    :param variance: of the number ended in one worked day, as seen in sums of five.
    :param days: worked days that it was taken from.
    """

    per_day: float
    variance: float
    days: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """Working days until as many dossiers are ended as are open now; four of five times between ``low`` and ``high``.

    ``high`` is None where the spread of the pace sets no upper end.
    """

    days: float
    low: float
    high: float | None


def pace(ended: Sequence[int]) -> Pace | None:
    """Return today's pace; None with less than twenty whole worked days.

    :param ended: dossiers ended on each whole worked day, oldest first, none left out, today not among them.
    """
    blocks = min(len(ended) // BLOCK_DAYS, BLOCKS)
    if blocks < LEAST_BLOCKS:
        return None
    newest = ended[len(ended) - blocks * BLOCK_DAYS :]
    sums = [sum(newest[n : n + BLOCK_DAYS]) for n in range(0, len(newest), BLOCK_DAYS)]
    middle = median(sums)
    reach = _LIMIT * max(1.4826 * median(abs(n - middle) for n in sums), math.sqrt(max(middle, 1.0)))
    kept = [min(max(float(n), middle - reach), middle + reach) for n in sums]
    mean = fmean(kept)
    # never less spread than counts have by themselves
    spread = max(variance(kept), mean)
    return Pace(mean / BLOCK_DAYS, spread / BLOCK_DAYS, blocks * BLOCK_DAYS)


def clearing(open_now: float, found: Pace | None) -> Clearing | None:
    """Return when what is open now is worked off; None where the pace is unknown or zero.

    The number ended in n days is about normal with mean c n and variance v (n + 2 n²/m). The last part is the error of
    a mean over m days, twice: for how well it is known, and for how far it will move meanwhile. The interval's ends
    are where this meets the number that is open.
    """
    if found is None or found.per_day <= 0:
        return None
    if open_now <= 0:
        return Clearing(0.0, 0.0, 0.0)
    c, v, m = found.per_day, found.variance, found.days / 2
    z2v = _WIDTH**2 * v
    a = c * c - z2v / m
    b = 2 * open_now * c + z2v
    root = math.sqrt(max(b * b - 4 * a * open_now**2, 0.0))
    low = 2 * open_now**2 / (b + root)
    high = (b + root) / (2 * a) if a > 0 else None
    return Clearing(open_now / c, low, high)
