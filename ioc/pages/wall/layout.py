"""Where points stand on the schematic map: near where they are, never over one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

WIDTH: Final = 1000.0
HEIGHT: Final = 500.0
CARD_WIDTH: Final = 250.0
CARD_HEIGHT: Final = 106.0
_GAP: Final = 10.0
_SMALLER: Final = 0.9
_STEPS: Final = 50
_PUSHES: Final = 300
#: Degrees; points that are nearer to one another than this are not drawn apart.
_LEAST_SPAN: Final = 0.01
_BY_RANK: Final = 0.6


@dataclass(frozen=True, slots=True)
class Placed:
    """Where cards stand.

    :param scale: size of the cards: 1 while there is room.
    :param corners: left and top of each, in the order that was asked.
    """

    scale: float
    corners: tuple[tuple[float, float], ...]


def place(positions: Sequence[tuple[float, float] | None]) -> Placed:
    """Place a card for each point.

    A point goes as near to its place as there is room, those that are known first; the others fill what is left, from
    the top. Where all do not fit the cards are made smaller.

    :param positions: latitude and longitude of each, None where they are not known.
    """
    wanted = _wanted(positions)
    scale = 1.0
    while True:
        tried = [_try(wanted, order, scale) for order in _orders(wanted)]
        placed = [attempt for attempt in tried if attempt is not None]
        if placed:
            return Placed(scale, min(placed, key=lambda attempt: attempt[0])[1])
        scale *= _SMALLER


def _orders(wanted: Sequence[tuple[float, float] | None]) -> list[list[int]]:
    """Several orders to place them in: whoever comes first stands where he is, so the best of them is taken."""
    known = [(index, share) for index, share in enumerate(wanted) if share is not None]
    rest = [index for index, share in enumerate(wanted) if share is None]
    return [
        [
            index
            for index, _ in sorted(
                known, key=lambda entry: (across * entry[1][0] + down * entry[1][1], entry[0])
            )
        ]
        + rest
        for across, down in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))
    ]


def _wanted(positions: Sequence[tuple[float, float] | None]) -> list[tuple[float, float] | None]:
    """Centres as shares of the map: 0, 0 is the north-western corner."""
    known = [position for position in positions if position is not None]
    if not known:
        return [None for _ in positions]
    across = _spread([position[1] for position in known])
    down = _spread([-position[0] for position in known])
    return [None if position is None else (across[position[1]], down[-position[0]]) for position in positions]


def _spread(values: Sequence[float]) -> dict[float, float]:
    """Each value as a share, half by where it lies and half by its rank, so that a crowd has room."""
    ordered = sorted(set(values))
    span = max(ordered[-1] - ordered[0], _LEAST_SPAN)
    ranks = max(len(ordered) - 1, 1)
    return {
        value: _BY_RANK * rank / ranks + (1 - _BY_RANK) * (value - ordered[0]) / span
        for rank, value in enumerate(ordered)
    }


def _apart(
    wanted: Sequence[tuple[float, float] | None], wide: float, tall: float, free_x: float, free_y: float
) -> list[list[float] | None]:
    """Corners after those that overlap have pushed one another away, each to its own side, for a while."""
    corners = [None if share is None else [share[0] * free_x, share[1] * free_y] for share in wanted]
    known = [corner for corner in corners if corner is not None]
    for _ in range(_PUSHES):
        for one, other in combinations(known, 2):
            across, down = other[0] - one[0], other[1] - one[1]
            over = (wide - abs(across), tall - abs(down))
            if min(over) <= 0:
                continue
            axis = 0 if over[0] / wide < over[1] / tall else 1
            push = over[axis] / 4 * (1 if (across, down)[axis] >= 0 else -1)
            for corner, by in ((one, -push), (other, push)):
                corner[axis] = min(max(corner[axis] + by, 0.0), (free_x, free_y)[axis])
    return corners


def _try(
    wanted: Sequence[tuple[float, float] | None], order: Sequence[int], scale: float
) -> tuple[float, tuple[tuple[float, float], ...]] | None:
    """How far from their places they came to stand, squared and summed, and where; None: there is no room."""
    wide, tall = CARD_WIDTH * scale, CARD_HEIGHT * scale
    free_x, free_y = WIDTH - wide, HEIGHT - tall
    grid = [
        (free_x * column / _STEPS, free_y * row / _STEPS)
        for row in range(_STEPS + 1)
        for column in range(_STEPS + 1)
    ]
    found: dict[int, tuple[float, float]] = {}
    away = 0.0
    apart = _apart(wanted, wide + _GAP * scale, tall + _GAP * scale, free_x, free_y)
    for index in order:
        place_of = apart[index]
        if place_of is None:
            corner = grid[0] if grid else None
        else:
            x, y = place_of
            corner = min(grid, key=lambda at: (at[0] - x) ** 2 + (at[1] - y) ** 2, default=None)
            away += 0 if corner is None else (corner[0] - x) ** 2 + (corner[1] - y) ** 2
        if corner is None:
            return None
        found[index] = corner
        grid = [
            at
            for at in grid
            if abs(at[0] - corner[0]) >= wide + _GAP * scale or abs(at[1] - corner[1]) >= tall + _GAP * scale
        ]
    return away, tuple(found[index] for index in range(len(order)))
