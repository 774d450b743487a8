"""De-identified counts: a partition of dossiers into groups, none of which is small.

A table of counts with small cells blanked out can be undone by subtracting: a total less what is shown, a quarter
less its months, a unit less its children, today's answer less yesterday's. Here nothing is ever computed but sums over
one fixed partition. Each dossier is in exactly one group, each group holds at least ``smallest`` dossiers, and every
answer is a sum of whole groups, so that whatever is subtracted from whatever gives sums of whole groups again.

The partition is made from the top down: unit, procedure, channel, outcome. At each level the children that are too
small are hidden together as *others*. Where that would tell something about one of them, larger ones are hidden with
them, in an order that does not depend on the counts, until every size that a small child may have fits what is shown
(see :func:`_hide`; a test goes through all tables of some sizes and finds no small cell that can be told).
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

#: Dimensions in the order in which they are given up: the last one first.
DIMENSIONS: Final = ("unit", "procedure", "channel", "outcome")
#: Below this a group of two could be told from its sum.
LEAST_SMALLEST: Final = 3

#: A value of each dimension; None is "without a value".
Cell: TypeAlias = tuple[str | None, ...]


class Group(NamedTuple):
    """Dossiers that are counted together: those with these values of the first dimensions, less what is shown apart.

    ``values`` shorter than :data:`DIMENSIONS`: the remaining ones are whatever is not shown by another group below the
    same values.
    """

    values: Cell
    dossiers: int


def partition(counts: Mapping[Cell, int], smallest: int, key: bytes) -> list[Group]:
    """Return the groups; none at all where there are fewer than ``smallest`` dossiers in the whole.

    :param counts: how many dossiers have these values of all dimensions; zeros are left out.
    :param smallest: size of the smallest group that may be shown, at least :data:`LEAST_SMALLEST`.
    :param key: secret that orders what is hidden beside small ones; the same key gives the same partition.
    """
    if smallest < LEAST_SMALLEST:
        raise ValueError(f"groups of fewer than {LEAST_SMALLEST} can be told from their sum")
    cells = {cell: count for cell, count in counts.items() if count}
    if sum(cells.values()) < smallest:
        return []
    found: list[Group] = []
    _split((), cells, smallest, key, found)
    return sorted(found, key=lambda group: [(value is None, value or "") for value in group.values])


def _split(prefix: Cell, cells: Mapping[Cell, int], smallest: int, key: bytes, found: list[Group]) -> None:
    depth = len(prefix)
    children: dict[str | None, dict[Cell, int]] = defaultdict(dict)
    for cell, count in cells.items():
        children[cell[depth]][cell] = count
    totals = {value: sum(below.values()) for value, below in children.items()}
    hidden = _hide(prefix, totals, smallest, key)
    if hidden:
        found.append(Group(prefix, sum(totals[value] for value in hidden)))
    for value, below in children.items():
        if value in hidden:
            continue
        if depth + 1 == len(next(iter(below))):
            found.append(Group((*prefix, value), totals[value]))
        else:
            _split((*prefix, value), below, smallest, key, found)


def _hide(prefix: Cell, totals: Mapping[str | None, int], smallest: int, key: bytes) -> set[str | None]:
    """Return the children that are hidden together.

    All below ``smallest``; and larger ones one by one until those hidden are together at least ``smallest`` for each
    larger one and once more. Then, whatever a small one among them holds between 1 and ``smallest`` less one, the
    larger ones may hold the rest, and would have been taken in the same way. Small ones that all are as large as a
    small one can be would be told by their sum alone: they too are given a larger one.
    """
    small = [value for value, total in totals.items() if total < smallest]
    if not small:
        return set()
    hidden = set(small)
    together = sum(totals[value] for value in small)
    told = together == len(small) * (smallest - 1)
    larger = sorted(
        (value for value in totals if value not in hidden), key=lambda value: _order(key, prefix, value)
    )
    taken = 0
    while larger and (together < (taken + 1) * smallest or (told and not taken)):
        value = larger.pop(0)
        hidden.add(value)
        together += totals[value]
        taken += 1
    return hidden


def _order(key: bytes, prefix: Cell, value: str | None) -> bytes:
    text = "\x1f".join("\x00" if part is None else part for part in (*prefix, value))
    return hmac.digest(key, text.encode(), hashlib.sha256)
