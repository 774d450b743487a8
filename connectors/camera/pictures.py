"""What can be told from the pictures themselves: black, without detail, or always the same one."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from connectors.camera.limits import BLACK_MEAN, BLACK_SPREAD

Luma: TypeAlias = npt.NDArray[np.uint8]
"""Brightness of a picture, thinned out (not averaged: that would hide the sensor's noise)."""

_MOST_POINTS: Final = 320


def thin(luma: Luma) -> Luma:
    """Keep every n-th row and column, so that the longer side has 320 points at most."""
    step = max(1, -(-max(luma.shape) // _MOST_POINTS))
    return np.ascontiguousarray(luma[::step, ::step])


def black(luma: Luma) -> bool:
    """Whether the picture is dark everywhere."""
    return bool(luma.mean() < BLACK_MEAN and luma.std() < BLACK_SPREAD)


def detail(luma: Luma) -> float:
    """Variance of the Laplacian: how much sharp structure there is."""
    grey = luma.astype(np.int16)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return float(laplacian.var())


def change(before: Luma, after: Luma) -> float:
    """Mean absolute change of brightness between two pictures; infinite when their sizes differ."""
    if before.shape != after.shape:
        return float("inf")
    return float(np.abs(before.astype(np.int16) - after.astype(np.int16)).mean())
