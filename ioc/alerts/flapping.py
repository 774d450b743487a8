"""Damping of what comes and goes: one decaying number for each key, whatever happened before.

Each opening adds one and time halves the number. A key that opens too often is told once as flapping; after that nobody
is called for it until it stayed as it is for long enough.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

#: In this time a score falls to half.
HALF_LIFE: Final = timedelta(minutes=30)
#: From this score on a key flaps: four openings in a short time.
FLAPS_FROM: Final = 3.5
#: Below this score it is steady again.
STEADY_BELOW: Final = 1.5


def decayed(score: float, passed: timedelta) -> float:
    """What is left of a score."""
    return float(score * 2.0 ** (-max(passed, timedelta(0)) / HALF_LIFE))


def held_until(score: float, now: datetime) -> datetime | None:
    """Until when nobody is called for a key with this score; None where it is called at once.

    :param score: with the opening of ``now`` in it. The opening that makes a key flap is still told.
    """
    if score - 1.0 < FLAPS_FROM:
        return None
    return now + HALF_LIFE * math.log2(score / STEADY_BELOW)
