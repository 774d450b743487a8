"""Short H.264 clips that the simulated cameras play over and over: encoded once, then only sent."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias

import av
import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 320, 240, 8
SECONDS: Final = 4
#: In the stalled clip nothing comes for this long, in seconds.
_GAP_S: Final = 6.0
_MILLISECOND: Final = Fraction(1, 1000)


def _scene() -> Picture:
    """A hall of blocks: sharp edges at little cost in bytes."""
    source = np.random.default_rng(7)
    coarse = source.integers(40, 210, (HEIGHT // 20, WIDTH // 20, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((20, 20, 1), dtype=np.uint8))


def _moving(scene: Picture, number: int) -> Picture:
    return np.roll(scene, 5 * number, axis=1)


def _frozen(scene: Picture, _number: int) -> Picture:
    return scene


def _black(scene: Picture, _number: int) -> Picture:
    return np.full_like(scene, 2)


#: Name of a clip → what its n-th picture is.
CLIPS: Final[dict[str, Callable[[Picture, int], Picture]]] = {
    "good": _moving,
    "frozen": _frozen,
    "black": _black,
    "stalled": _moving,
}


def make_clips(folder: Path) -> dict[str, Path]:
    """Encode each clip that is not in the folder yet; returns name → file. Takes about a second."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: folder / f"clip-{name}.mp4" for name in CLIPS}
    for name, path in found.items():
        if not path.exists():
            part = path.with_suffix(".part")
            _encode(part, CLIPS[name], gap_s=_GAP_S if name == "stalled" else 0.0)
            part.replace(path)
    return found


def _encode(path: Path, draw: Callable[[Picture, int], Picture], gap_s: float) -> None:
    scene = _scene()
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(FPS), "bf": "0"}
        stream.time_base = stream.codec_context.time_base = _MILLISECOND
        for number in range(SECONDS * FPS):
            frame = av.VideoFrame.from_ndarray(draw(scene, number), format="rgb24")
            at_s = number / FPS + (gap_s if number >= SECONDS * FPS // 2 else 0.0)
            frame.pts, frame.time_base = int(at_s * 1000), _MILLISECOND
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
