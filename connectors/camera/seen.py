"""What a watcher is told and what it tells: the only things that pass between the decoder's process and ours."""

from __future__ import annotations

from typing import Final

import msgspec

_SHORTEST_STALL_S: Final = 2.0


class Order(msgspec.Struct, frozen=True):
    """What to watch. Holds the password: it travels through a socket only."""

    url: str
    first_frame_s: float
    """Longest wait for the first decoded picture, from the start."""
    watch_s: float
    """Length of a window, from the first picture on."""
    endless: bool = False
    """Window after window until the stream ends or the watcher is stopped; else one window."""
    longer_s: float = 0.0
    """How much longer it may take when only a second key frame can tell whether the picture is frozen; not of endless
    orders."""
    scene: bool = False
    """Describe where the edges of the key frames lie, to tell whether the camera was moved."""
    keeps: bool = False
    """The last picture of a window is held back, in case it is to be kept as evidence."""
    tls_verify: bool = True
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"Order(first_frame_s={self.first_frame_s}, watch_s={self.watch_s}, endless={self.endless})"


class Keep(msgspec.Struct, frozen=True):
    """Said to a watcher after a window: write the picture there, or leave when there is no path."""

    path: str | None = None


class Seen(msgspec.Struct):
    """What was seen in one window. Times are seconds since the watcher began to connect."""

    frames: int = 0
    packets: int = 0
    octets: int = 0
    first_frame_s: float | None = None
    """When the stream's first picture was decoded, in this window or before."""
    last_frame_s: float | None = None
    began_s: float = 0.0
    ended_s: float = 0.0
    longest_gap_s: float = 0.0
    """Longest time without a packet that ended in the window or lasts at its end."""
    stalls: int = 0
    """Gaps that became stalls in the window; see :func:`stall_limit_s`."""
    fps: float | None = None
    interval_s: float | None = None
    analysed: int = 0
    largest_change: float | None = None
    """Largest change between two analysed pictures."""
    keyframes: int = 0
    smallest_key_change: float | None = None
    """Smallest change between a key frame and the one before it."""
    unchanged_s: float = 0.0
    """How long, up to the last picture, every analysed one was exactly the one before."""
    black: int = 0
    detail: float | None = None
    """Highest detail of any analysed picture."""
    scene: bytes | None = None
    """Mean of the key frames' descriptions, see :mod:`connectors.camera.scene`."""
    broken: int = 0
    """Packets that could not be decoded."""
    error: str | None = None
    ended_early: bool = False
    """The stream ended before its time."""

    @property
    def observed_s(self) -> float:
        """Length of the window, in seconds."""
        return max(self.ended_s - self.began_s, 0.0)


def stall_limit_s(interval_s: float | None) -> float:
    """Gap without packets beyond which a stream has stalled: max(2 × frame interval, 2 s)."""
    return max(2 * (interval_s or 0.0), _SHORTEST_STALL_S)
