"""How long to rest after a fault: longer with each in a row, and never in step with others."""

from __future__ import annotations

import random


def rest_s(faults: int, *, first_s: float, longest_s: float, least: float = 0.5) -> float:
    """Seconds to wait before the next try.

    A random time below a bound that doubles with each fault in a row, so that many who lost the same host don't come
    back to it together.

    :param faults: in a row, the newest one included.
    :param first_s: bound after the first one.
    :param longest_s: largest bound.
    :param least: share of the bound that is waited at least, 0 to 1.
    """
    bound = min(longest_s, first_s * 2.0 ** min(max(faults, 1) - 1, 40))
    return random.uniform(bound * least, bound)  # noqa: S311 - spreads callers, guards nothing
