"""Where a picture stops being a good one; apart from the arithmetic, so that a verdict needs no numpy."""

from __future__ import annotations

from typing import Final

BLACK_MEAN: Final = 24.0
"""Mean brightness below which a picture is black (limited range: black is 16, white 235)."""
BLACK_SPREAD: Final = 6.0
BLURRED_DETAIL: Final = 2.0
"""Variance of the Laplacian below which a picture has no detail: a covered or fogged lens."""
FROZEN_KEY_CHANGE: Final = 0.05
"""Mean change between two key frames below which they show the same picture. Only key frames are compared: an encoder
repeats the background between them, of a live scene too. *Measured* with x264 on a still scene: with sensor noise
(sigma 1.5) 0.77 and more, repeated picture 0.00 once the rate control has settled."""
FROZEN_CHANGE: Final = 4.0
"""A change between any two pictures above this is no trace of encoding the same one again."""
QUIET_CHANGE: Final = 0.1
"""Changes below this, from one picture to the next, are worth a longer look: is there a second key frame?"""
QUIET_S: Final = 1.0
LONGER_S: Final = 8.0
"""How much longer a stream is watched whose pictures are alike and which has shown one key frame only."""
UNCHANGED_S: Final = 10.0
"""Without a second key frame, so long must every picture be exactly the one before. *Measured* with x264, x265 and
MPEG-4: a shorter time is often reached by a live still scene that is compressed hard, since the encoder leaves the
sensor's noise out; then only key frames tell."""
