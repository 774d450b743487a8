"""Watches a stream for some seconds, in a process of its own: a decoder that hangs in C can then be killed.

Run as ``python -m connectors.camera.watch``; reads one JSON object (:class:`Order`) on standard input, so that the
password stands in no process list, and writes one (:class:`Seen`) on standard output.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from typing import Any, Final

import msgspec

_ANALYSED_PER_SECOND: Final = 8.0
"""Pictures looked at per second, beside every key frame; all are decoded and counted."""
_MOST_STAMPS: Final = 10_000


class Order(msgspec.Struct, frozen=True):
    """What to watch."""

    url: str
    first_frame_s: float
    """Longest wait for the first decoded picture, from the start."""
    watch_s: float
    """How long to watch from the first picture on."""


class Seen(msgspec.Struct):
    """What was seen. Times are seconds since the process began to connect."""

    frames: int = 0
    packets: int = 0
    bytes: int = 0
    first_frame_s: float | None = None
    last_frame_s: float | None = None
    ended_s: float = 0.0
    longest_gap_s: float = 0.0
    """Longest time without a packet between the first picture and the end."""
    fps: float | None = None
    interval_s: float | None = None
    analysed: int = 0
    largest_change: float | None = None
    """Largest change between two analysed pictures."""
    keyframes: int = 0
    smallest_key_change: float | None = None
    """Smallest change between a key frame and the one before it."""
    black: int = 0
    detail: float | None = None
    """Highest detail of any analysed picture."""
    error: str | None = None
    ended_early: bool = False
    """The stream ended before its time."""


class _Watcher:
    def __init__(self, order: Order) -> None:
        self.order = order
        self.seen = Seen()
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.last_packet: float | None = None
        self.arrivals: list[float] = []
        self.stamps: list[float] = []
        self.previous: Any = None
        self.previous_key: Any = None
        self.next_look = 0.0

    def now(self) -> float:
        return time.monotonic() - self.began

    def finish(self, error: str | None = None, *, early: bool = False) -> None:
        """Write what was seen and leave at once, whatever the decoder is doing."""
        with self.lock:
            seen = self.seen
            seen.ended_s = self.now()
            seen.error, seen.ended_early = error, early
            if self.last_packet is not None and not early:
                seen.longest_gap_s = max(seen.longest_gap_s, seen.ended_s - self.last_packet)
            times = self.stamps if len(self.stamps) > 1 else self.arrivals
            steps = sorted(b - a for a, b in itertools.pairwise(times) if b > a)
            if steps:
                seen.interval_s = steps[len(steps) // 2]
                seen.fps = len(steps) / sum(steps)
            os.write(1, msgspec.json.encode(seen))
            os._exit(0)

    def guard(self) -> None:
        """Ends the watch on time even while the decoder waits for the network."""
        while True:
            first = self.seen.first_frame_s
            limit = self.order.first_frame_s if first is None else first + self.order.watch_s
            left = limit - self.now()
            if left <= 0:
                self.finish()
            time.sleep(min(left, 0.05))

    def watch(self) -> None:
        import av

        from connectors.camera.pictures import thin

        # 0.1 s of analysis: enough for the frame rate; FFmpeg's own default takes seconds of every probe.
        options = {"rtsp_transport": "tcp", "analyzeduration": "100000"}
        with av.open(self.order.url, options=options, timeout=(self.order.first_frame_s, None)) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                self.finish("no video stream")
                return
            stream.thread_type = "SLICE"
            for packet in container.demux(stream):
                at = self.now()
                with self.lock:
                    self._packet(at, packet.size)
                for frame in packet.decode():
                    at = self.now()
                    look = frame.key_frame or at >= self.next_look
                    luma = thin(_luma(frame)) if look else None
                    with self.lock:
                        self._frame(at, None if frame.time is None else float(frame.time))
                        if luma is not None:
                            self.next_look = at + 1 / _ANALYSED_PER_SECOND
                            self._look(luma, bool(frame.key_frame))
        self.finish(early=True)

    def _packet(self, at: float, size: int) -> None:
        seen = self.seen
        if self.last_packet is not None and seen.first_frame_s is not None:
            seen.longest_gap_s = max(seen.longest_gap_s, at - self.last_packet)
        if size:
            self.last_packet = at
            seen.packets += 1
            seen.bytes += size

    def _frame(self, at: float, stamp: float | None) -> None:
        seen = self.seen
        seen.frames += 1
        seen.last_frame_s = at
        if seen.first_frame_s is None:
            seen.first_frame_s = at
        if len(self.arrivals) < _MOST_STAMPS:
            self.arrivals.append(at)
            if stamp is not None:
                self.stamps.append(stamp)

    def _look(self, luma: Any, key: bool) -> None:
        from connectors.camera.pictures import black, change, detail

        seen = self.seen
        seen.analysed += 1
        seen.black += black(luma)
        seen.detail = max(seen.detail or 0.0, detail(luma))
        if self.previous is not None:
            seen.largest_change = max(seen.largest_change or 0.0, change(self.previous, luma))
        self.previous = luma
        if key:
            seen.keyframes += 1
            if self.previous_key is not None:
                changed = change(self.previous_key, luma)
                least = seen.smallest_key_change
                seen.smallest_key_change = changed if least is None else min(least, changed)
            self.previous_key = luma


def _luma(frame: Any) -> Any:
    """Brightness of a decoded picture as rows and columns."""
    import numpy as np

    if not frame.format.name.startswith(("yuv", "nv12", "gray")) or frame.format.components[0].bits != 8:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def main() -> None:
    """Entry point of the watching process."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    watcher = _Watcher(order)
    threading.Thread(target=watcher.guard, daemon=True).start()
    try:
        watcher.watch()
    except Exception as error:
        # The text of a decoder's error holds the URL with its password: only the kind goes on.
        watcher.finish(type(error).__name__, early=watcher.seen.frames > 0)


if __name__ == "__main__":
    main()
