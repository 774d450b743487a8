"""Sets of instants as sorted, disjoint, half-open intervals. Intervals that touch are joined."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

#: From the first instant, included, to the last, not included.
Interval: TypeAlias = tuple[datetime, datetime]


def union(parts: Iterable[Interval]) -> list[Interval]:
    """Every instant of any part; empty and turned parts hold none."""
    found: list[Interval] = []
    for start, end in sorted(part for part in parts if part[0] < part[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def intersection(left: Iterable[Interval], right: Iterable[Interval]) -> list[Interval]:
    """Every instant of both."""
    others = union(right)
    return union((max(a, c), min(b, d)) for a, b in union(left) for c, d in others)


def difference(left: Iterable[Interval], right: Iterable[Interval]) -> list[Interval]:
    """Every instant of the first that is not in the second."""
    taken = union(right)
    found = []
    for start, end in union(left):
        at = start
        for low, high in taken:
            if high <= at:
                continue
            if low >= end:
                break
            found.append((at, low))
            at = high
        found.append((at, end))
    return union(found)
