"""H.264 clips that an RTSP server plays: a camera that works, and ones that don't."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

FPS = 10
_MS = Fraction(1, 1000)


def scene() -> Any:
    """A picture with soft shapes and sharp detail."""
    rows, columns = np.mgrid[0:240, 0:320]
    picture = 110 + 40 * np.sin(columns / 20) + 40 * np.cos(rows / 15)
    picture[40:200:8, 60:260:8] = 220
    return picture


def street(turn: int = 0) -> Any:
    """House fronts and a kerb, seen by a camera turned by so many points."""
    draw = np.random.default_rng(11)
    wide = np.full((240, 640), 120.0)
    for _ in range(60):
        top, left = draw.integers(0, 200), draw.integers(0, 600)
        wide[top : top + draw.integers(10, 60), left : left + draw.integers(10, 70)] = draw.integers(30, 220)
    wide[180:184] = 200
    return wide[:, 100 + turn : 420 + turn]


def make(path: Path, kind: str, seconds: float = 4.0, gap_s: float = 8.0, key_s: float = 1.0) -> None:
    """Write a clip, with a key frame every ``key_s`` seconds.

    :param kind: ``good`` moves, ``still`` has only a sensor's noise, ``frozen`` repeats one picture, ``black``,
        ``blurred`` has no detail, ``stall`` shows nothing for ``gap_s`` seconds after its first second, ``street`` and
        ``turned`` are one camera before and after it was turned, ``dusk`` is it in little light.
    """
    noise = np.random.default_rng(5)
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        between = str(round(key_s * FPS))
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": between, "bf": "0", "qp": "26"}
        if key_s > 1:
            stream.options["qp"] = "38"  # hard: between key frames a live still scene repeats itself too
        stream.time_base = stream.codec_context.time_base = _MS
        for number in range(int(seconds * FPS)):
            picture = scene()
            if kind in ("good", "stall"):
                picture = np.roll(picture, 5 * number, axis=1)
            elif kind in ("street", "turned", "dusk"):
                picture = street(90 if kind == "turned" else 0) * (0.4 if kind == "dusk" else 1.0)
                picture = picture + noise.normal(0, 1.5, picture.shape)
            elif kind == "still":
                picture = picture + noise.normal(0, 1.5, picture.shape)
            elif kind == "black":
                picture = np.full_like(picture, 3)
            elif kind == "blurred":
                picture = np.full_like(picture, 90 + number)
            grey = np.clip(picture, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.stack([grey] * 3, axis=-1), format="rgb24")
            at = number / FPS + (gap_s if kind == "stall" and number >= FPS else 0.0)
            frame.pts, frame.time_base = int(at * 1000), _MS
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def make_sound(path: Path) -> None:
    """Write a clip with sound and no picture."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\1" * 16_000)
