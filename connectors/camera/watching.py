"""Watches one stream, in a process of its own (:mod:`connectors.camera.forks`): a decoder that hangs can be killed.

Nothing but :class:`~connectors.camera.seen.Seen` leaves this process; a picture only as a file, when told to.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from connectors.camera import scene
from connectors.camera.evidence import write_picture
from connectors.camera.limits import BLURRED_DETAIL, QUIET_CHANGE, QUIET_S
from connectors.camera.pictures import Luma, black, change, detail, thin
from connectors.camera.seen import Keep, Order, Seen, stall_limit_s

_ANALYSED_PER_SECOND: Final = 8.0
"""Pictures looked at per second, beside every key frame; all are decoded and counted."""
_MOST_STAMPS: Final = 10_000
_MOST_GAPS: Final = 1_000
_TICK_S: Final = 0.05
_KEEP_WAIT_S: Final = 5.0
"""How long the picture of the last window is held back for whoever decides about it."""
_MOST_BROKEN: Final = 100
"""Undecodable packets in a row after which a stream that showed something is given up."""

Say = Callable[[Seen], None]
Hear = Callable[[float], Keep | None]
"""Waits so many seconds for a word; None when none came. Raises EOFError when nobody listens any more."""


class Watcher:
    """Watches as ordered and says what it saw, window by window. :meth:`run` ends the process.

    :param say: hands a window over.
    :param hear: what is to be done with the last picture.
    """

    def __init__(self, order: Order, say: Say, hear: Hear) -> None:
        self._order = order
        self._say = say
        self._hear = hear
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._last_packet: float | None = None
        self._first_frame: float | None = None
        self._last_frame: float | None = None
        self._interval_s: float | None = None
        self._gap_told = False
        self._previous: Luma | None = None
        self._previous_key: Luma | None = None
        self._next_look = 0.0
        self._changed_at = 0.0
        self._moved_at = 0.0
        self._picture: Any = None
        self._open_window(0.0)

    def _open_window(self, at: float) -> None:
        self._seen = Seen(began_s=at, first_frame_s=self._first_frame, last_frame_s=self._last_frame)
        self._arrivals: list[float] = []
        self._stamps: list[float] = []
        self._gaps: list[float] = []
        self._scene: scene.Description | None = None
        self._described = 0

    def run(self) -> None:
        """Watch until the order is fulfilled, then end the process, whatever the decoder is doing."""
        threading.Thread(target=self._guard, daemon=True).start()
        try:
            self._watch()
        except Exception as error:
            # The text of a decoder's error holds the URL with its password: only the kind goes on.
            self._finish(type(error).__name__)
        else:
            self._finish("EOFError" if self._first_frame is None else None)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _finish(self, error: str | None = None) -> None:
        """The stream ended by itself."""
        with self._lock:
            self._close_window(error, early=self._first_frame is not None)
            self._leave()

    def _leave(self) -> None:
        with suppress(EOFError, OSError, ValueError):
            if self._order.keeps and (word := self._hear(_KEEP_WAIT_S)) is not None:
                self._keep(word)
        os._exit(0)

    def _keep(self, word: Keep) -> None:
        if self._order.keeps and word.path is not None and self._picture is not None:
            write_picture(self._picture, Path(word.path))

    def _guard(self) -> None:
        """Closes windows on time even while the decoder waits for the network."""
        try:
            self._keep_time()
        except (EOFError, OSError):
            os._exit(0)

    def _keep_time(self) -> None:
        order = self._order
        while True:
            if order.endless and (word := self._hear(_TICK_S)) is not None:
                with self._lock:
                    self._keep(word)
            with self._lock:
                now = self._now()
                if self._first_frame is None:
                    over = now >= order.first_frame_s
                elif not order.endless:
                    over = now >= self._first_frame + order.watch_s and not self._looks_longer(now)
                else:
                    over = now >= self._seen.began_s + order.watch_s or self._stall_begins(now)
                if over:
                    self._close_window(None, early=False)
                    if not order.endless or self._first_frame is None:
                        self._leave()
            if not order.endless:
                time.sleep(_TICK_S)

    def _looks_longer(self, now: float) -> bool:
        """Whether a second key frame is worth waiting for: all is alike, and pictures between prove nothing."""
        seen, first, last = self._seen, self._first_frame or now, self._last_packet or now
        return (
            now < first + self._order.watch_s + self._order.longer_s
            and seen.keyframes < 2
            and seen.black < seen.analysed
            and (seen.detail or 0.0) >= BLURRED_DETAIL
            and now - max(self._moved_at, first) >= max(QUIET_S, self._order.watch_s / 2)
            and now - last <= stall_limit_s(self._interval_s)
        )

    def _stall_begins(self, now: float) -> bool:
        if self._last_packet is None or self._interval_s is None or self._gap_told:
            return False
        return now - self._last_packet > stall_limit_s(self._interval_s)

    def _close_window(self, error: str | None, *, early: bool) -> None:
        seen, now = self._seen, self._now()
        seen.ended_s, seen.error, seen.ended_early = now, error, early
        if self._last_frame is not None and self._first_frame is not None:
            seen.unchanged_s = max(self._last_frame - max(self._changed_at, self._first_frame), 0.0)
        if self._first_frame is not None:
            seen.began_s = max(seen.began_s, self._first_frame)
        times = self._stamps if len(self._stamps) > 1 else self._arrivals
        steps = sorted(b - a for a, b in itertools.pairwise(times) if b > a)
        if steps:
            self._interval_s = steps[len(steps) // 2]
            seen.fps = len(steps) / sum(steps)
        seen.interval_s = self._interval_s
        limit = stall_limit_s(self._interval_s)
        seen.stalls = sum(gap > limit for gap in self._gaps)
        seen.longest_gap_s = max(self._gaps, default=0.0)
        if self._last_packet is not None and not early:
            lasting = now - self._last_packet
            seen.longest_gap_s = max(seen.longest_gap_s, lasting)
            if lasting > limit and not self._gap_told:
                seen.stalls += 1
                self._gap_told = True
        if self._scene is not None:
            seen.scene = scene.pack(self._scene / self._described)
        self._say(seen)
        self._open_window(now)

    def _watch(self) -> None:
        order = self._order
        # 0.1 s of analysis: enough for the frame rate; FFmpeg's own default takes seconds of every probe.
        options = {"rtsp_transport": "tcp", "analyzeduration": "100000"}
        if order.url.startswith("rtsps:"):
            options["tls_verify"] = "1" if order.tls_verify else "0"
            if order.ca_file is not None:
                options["ca_file"] = order.ca_file
        patience_s = order.first_frame_s + (order.watch_s if not order.endless else 0.0)
        with av.open(order.url, options=options, timeout=(order.first_frame_s, patience_s)) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                self._finish("no video stream")
                return
            stream.thread_type = "SLICE"
            broken = 0
            for packet in container.demux(stream):
                with self._lock:
                    self._packet(self._now(), packet.size)
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    broken += 1
                    with self._lock:
                        self._seen.broken += 1
                    if broken >= _MOST_BROKEN:
                        raise
                    continue
                for frame in frames:
                    broken = 0
                    self._frame(frame)

    def _packet(self, at: float, size: int) -> None:
        if self._last_packet is not None and self._first_frame is not None:
            gap = at - self._last_packet
            if self._gap_told:
                self._gap_told = False
            elif len(self._gaps) < _MOST_GAPS:
                self._gaps.append(gap)
            else:
                self._gaps[0] = max(self._gaps[0], gap)
        if size:
            self._last_packet = at
            self._seen.packets += 1
            self._seen.octets += size

    def _frame(self, frame: Any) -> None:
        at = self._now()
        key = bool(frame.key_frame)
        luma = thin(_luma(frame)) if key or at >= self._next_look else None
        described = scene.describe(luma) if luma is not None and key and self._order.scene else None
        with self._lock:
            seen = self._seen
            seen.frames += 1
            seen.last_frame_s = self._last_frame = at
            if self._first_frame is None:
                seen.first_frame_s = self._first_frame = at
                seen.began_s = at
            if len(self._arrivals) < _MOST_STAMPS:
                self._arrivals.append(at)
                if frame.time is not None:
                    self._stamps.append(float(frame.time))
            if self._order.keeps:
                self._picture = frame
            if luma is not None:
                self._next_look = at + 1 / _ANALYSED_PER_SECOND
                self._look(luma, key, at)
            if described is not None:
                self._scene = described if self._scene is None else self._scene + described
                self._described += 1

    def _look(self, luma: Luma, key: bool, at: float) -> None:
        seen = self._seen
        seen.analysed += 1
        seen.black += black(luma)
        seen.detail = max(seen.detail or 0.0, detail(luma))
        if self._previous is not None:
            changed = change(self._previous, luma)
            seen.largest_change = max(seen.largest_change or 0.0, changed)
            if changed:
                self._changed_at = at
            if changed >= QUIET_CHANGE:
                self._moved_at = at
        self._previous = luma
        if key:
            seen.keyframes += 1
            if self._previous_key is not None:
                changed = change(self._previous_key, luma)
                least = seen.smallest_key_change
                seen.smallest_key_change = changed if least is None else min(least, changed)
            self._previous_key = luma


def _luma(frame: Any) -> Luma:
    """Brightness of a decoded picture as rows and columns."""
    if not frame.format.name.startswith(("yuv", "nv12", "gray")) or frame.format.components[0].bits != 8:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]
