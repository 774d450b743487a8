"""A picture kept as evidence: small, owner-only, few, and not for long. Written only where the pack says so."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

_WIDEST: Final = 480
_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{3}Z-[a-z]+\.jpg")


def write_picture(frame: Any, path: Path) -> None:
    """Write a decoded picture as a small JPEG, readable by its owner only. Runs in the watcher's process.

    :param frame: PyAV's video frame.
    :raises OSError: when the folder is gone or full.
    """
    from fractions import Fraction

    import av

    scale = min(1.0, _WIDEST / max(frame.width, 1))
    width, height = (max(2, int(side * scale) // 2 * 2) for side in (frame.width, frame.height))
    small = frame.reformat(width=width, height=height, format="yuvj420p")
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    small.pts = None
    data = b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])
    part = path.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as output:
        output.write(data)
    part.replace(path)


class Evidence:
    """The pictures of one camera.

    :param folder: holds nothing else.
    :param most: pictures kept; older ones are deleted.
    :param longest_s: age at which a picture is deleted, in seconds.
    """

    def __init__(self, folder: Path, *, most: int = 20, longest_s: float = 7 * 86_400.0) -> None:
        self._folder = folder
        self._most = most
        self._longest_s = longest_s

    def next_path(self, moment: datetime, status: str) -> Path:
        """Where the next picture goes; makes room for it.

        :param moment: of the sample.
        :param status: the verdict, part of the name.
        :raises OSError: when the folder can't be made.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.prune(self._most - 1)
        stamp = moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.") + f"{moment.microsecond // 1000:03d}Z"
        return self._folder / f"{stamp}-{status}.jpg"

    def prune(self, most: int | None = None) -> None:
        """Delete what is too old or too much."""
        limit = self._most if most is None else most
        with suppress(OSError):
            kept = sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
            oldest = time.time() - self._longest_s
            surplus = kept[: max(0, len(kept) - limit)]
            for path in kept:
                with suppress(OSError):
                    if path in surplus or path.stat().st_mtime < oldest:
                        path.unlink()
            for part in self._folder.glob("*.part"):
                with suppress(OSError):
                    if part.stat().st_mtime < time.time() - 60:
                        part.unlink()
