"""Whether a camera still looks where it looked: where the edges of the picture lie, and which way they run.

A picture is cut into 24 × 18 cells; each keeps how strong its edges are in 4 directions, measured against the cells
around it. That is 1,728 numbers, in which nobody can be recognised, and which light hardly touches: it makes edges
stronger or weaker, but leaves them where they are.

*Measured* on nine photographs (a library's test pictures) and two drawn house fronts, 320 × 240, as the correlation of
two descriptions: with noise, light ×0.12 to ×1.6, gamma 0.5 and 2, a hard shadow, and a person that fills a fifth of
the picture, 0.65 or more; with a crowd over its lower half 0.50 or more. Turned by a tenth of the picture's width 0.27
or less, another scene 0.11 or less; noise alone 0.04. A turn below a twentieth of the width is not noticed.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from connectors.camera.pictures import Luma

ROWS: Final = 18
COLUMNS: Final = 24
DIRECTIONS: Final = 4
SIZE: Final = ROWS * COLUMNS * DIRECTIONS
"""Length of a packed description, in bytes."""

Description: TypeAlias = npt.NDArray[np.float64]
"""Rows × columns × directions."""

_SMALLEST: Final = 2 * COLUMNS
"""Rows and columns below which a picture has no cells to speak of."""
_WEAKEST: Final = 1.0
_AROUND: Final = 3
"""Cells on each side against which a cell is measured."""
_FLOOR: Final = 0.05
_FULL_SCALE: Final = 4.0
"""What the largest packed number stands for; more is cut."""


def describe(luma: Luma) -> Description | None:
    """Where the edges of a picture lie and which way they run; None for a picture that is too small or flat."""
    if min(luma.shape) < _SMALLEST:
        return None
    grey = luma.astype(np.float64)
    grey = (grey[:-2] + 2 * grey[1:-1] + grey[2:]) / 4
    grey = (grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]) / 4
    across = (grey[1:-1, 2:] - grey[1:-1, :-2]) / 2
    down = (grey[2:, 1:-1] - grey[:-2, 1:-1]) / 2
    strength = np.hypot(across, down)
    # relative to the picture itself: a dim picture has weak edges everywhere
    limit = max(_WEAKEST, 0.5 * float(np.percentile(strength, 75)))
    strength = np.where(strength > limit, strength, 0.0)
    direction = (np.arctan2(down, across) % np.pi) * (DIRECTIONS / np.pi)
    lower = np.floor(direction).astype(np.int64)
    share = direction - lower
    rows = np.arange(strength.shape[0]) * ROWS // strength.shape[0]
    columns = np.arange(strength.shape[1]) * COLUMNS // strength.shape[1]
    cell = (rows[:, None] * COLUMNS + columns[None, :]) * DIRECTIONS
    found = np.bincount((cell + lower % DIRECTIONS).ravel(), (strength * (1 - share)).ravel(), SIZE)
    found += np.bincount((cell + (lower + 1) % DIRECTIONS).ravel(), (strength * share).ravel(), SIZE)
    if float(found.sum()) <= 0:
        return None
    return _against_neighbours(np.sqrt(found).reshape(ROWS, COLUMNS, DIRECTIONS))


def _against_neighbours(cells: Description) -> Description:
    energy = (cells**2).sum(axis=2)
    padded = np.pad(energy, _AROUND, mode="edge")
    width = 2 * _AROUND + 1
    around = np.zeros_like(energy)
    for top in range(width):
        for left in range(width):
            around += padded[top : top + ROWS, left : left + COLUMNS] / (width * width)
    scaled: Description = cells / np.sqrt(around[:, :, None] + _FLOOR * energy.mean())
    return scaled


def pack(description: Description) -> bytes:
    """Write a description in :data:`SIZE` bytes."""
    whole = np.clip(np.round(description * (255 / _FULL_SCALE)), 0, 255)
    return bytes(whole.astype(np.uint8).tobytes())
