"""A queue on disk: what is in it outlives a kill and a power cut, in order, until it was acknowledged.

Segment files hold frames (:mod:`connectors.shared.frames`) one after another. A frame cut short at the end of the
newest segment was never promised to anybody: it is cut off. A stretch that is damaged is set aside in ``aside/`` and
counted, and reading goes on behind it. A cursor file says what was acknowledged; after a power cut it may lag behind,
which sends a stretch again, never less.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import structlog

from connectors.shared import frames
from connectors.shared.checkpoint import sync_folder, write_durably
from connectors.shared.cursor import Cursor
from connectors.shared.frames import MOST_MESSAGE_BYTES, Frame, Message, Short
from ioc.errors import InputError, UnavailableError, UsageError

_SEGMENT: Final = re.compile(r"(\d{20})\.seg")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
_MOST_ASIDE_BYTES: Final = 16 * 1024 * 1024
_WINDOW_BYTES: Final = 256 * 1024

log = structlog.get_logger(__name__)


class SpoolFullError(UnavailableError):
    """There is no room for these events, neither on disk nor in memory: none of them was taken."""


class Kept(NamedTuple):
    """A message in the spool, and where it stands."""

    message: Message
    number: int
    put_at: float
    """Seconds since 1970."""
    segment: int
    start: int
    end: int


@dataclass(slots=True)
class _Segment:
    first: int
    path: Path
    size: int


class Spool:
    """Messages on disk, first in, first out. One thread may append while another peeks and acknowledges.

    :param folder: made when missing; it and its files are for their owner's eyes only.
    :param most_bytes: most bytes of all segments together; beyond them :meth:`append` refuses.
    :param least_free_bytes: bytes that stay free on the disk, whatever ``most_bytes`` says.
    :param segment_bytes: a segment that has grown to this is followed by a new one.
    :param owner_wait_s: how long to wait for a former owner that is just ending.
    :raises UsageError: when the folder's name is not a plain small one.
    :raises UnavailableError: when another process owns the folder, or it can't be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int,
        least_free_bytes: int = 0,
        segment_bytes: int = 16 * 1024 * 1024,
        owner_wait_s: float = 5.0,
    ) -> None:
        if not _NAME.fullmatch(folder.name):
            raise UsageError(
                f"A spool can't be named {folder.name!r}.",
                remedy="Use 1 to 50 small letters, digits, '.', '_' and '-', beginning with a letter or digit.",
            )
        self.folder = folder
        self._most = most_bytes
        self._least_free = least_free_bytes
        self._segment_bytes = max(1, min(segment_bytes, most_bytes // 8))
        self._writing = threading.Lock()
        self._state = threading.Lock()
        self._segments: list[_Segment] = []
        #: Where in the first segment the oldest message begins.
        self._offset = 0
        #: Numbers: of the oldest message; of the next one to be safe on disk; of the next one to be written.
        self._acknowledged = self._put = self._next = 1
        self._writer: int | None = None
        self._reader: tuple[int, int] | None = None
        #: A segment that is not written any more, because a write to it failed.
        self._retired: int | None = None
        self._damaged: set[tuple[int, int]] = set()
        self._set_aside = self._cut_bytes = 0
        self._free = (float("-inf"), 0)
        try:
            (folder / "aside").mkdir(parents=True, exist_ok=True, mode=0o700)
            for private in (folder.parent, folder):
                private.chmod(0o700)
            self._lock = _own(folder, owner_wait_s)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._cursor = Cursor(folder / "cursor")
            self._open()
        except OSError as error:
            os.close(self._lock)
            raise self._unusable(error) from error

    # -- what is in it ------------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """Messages not yet acknowledged."""
        with self._state:
            return self._put - self._acknowledged

    @property
    def pending_bytes(self) -> int:
        """Their bytes on disk."""
        with self._state:
            return self._disk_bytes() - self._offset

    @property
    def disk_bytes(self) -> int:
        """Bytes of all segments, with acknowledged messages that still share a segment with others."""
        with self._state:
            return self._disk_bytes()

    @property
    def set_aside(self) -> int:
        """Damaged stretches, and messages that Kafka never takes, put aside since the start."""
        return self._set_aside

    @property
    def cut_bytes(self) -> int:
        """Bytes of a half-written frame that was cut off at the start."""
        return self._cut_bytes

    @property
    def oldest_at(self) -> float | None:
        """When the oldest message was put here, in seconds since 1970; None when there is none.

        :raises UnavailableError: when the disk can't be read.
        """
        first = self.peek(1, 1)
        return first[0].put_at if first else None

    def refusal(self, size: int) -> str | None:
        """Why messages of so many bytes (:attr:`Message.size`) have no room now; None when they have."""
        with self._state:
            taken = self._disk_bytes()
        if taken + size > self._most:
            return f"The spool {self.folder} is full: {taken:,} of {self._most:,} bytes are taken."
        if self._free_bytes() - size < self._least_free:
            return f"The disk of the spool {self.folder} has less than {self._least_free:,} bytes left."
        return None

    # -- in -----------------------------------------------------------------------------------------------

    def append(self, messages: Sequence[Message]) -> None:
        """Put messages at the end: once this returns, they outlive a power cut.

        :raises SpoolFullError: when there is no room for all of them; none was taken.
        :raises UnavailableError: when the disk failed; none is promised.
        :raises InputError: when one is larger than :data:`MOST_MESSAGE_BYTES`; none was taken.
        """
        size = sum(message.size for message in messages)
        if any(message.size > MOST_MESSAGE_BYTES for message in messages):
            raise InputError(f"A message is larger than {MOST_MESSAGE_BYTES:,} bytes.")
        put_us = time.time_ns() // 1000
        with self._writing:
            if why := self.refusal(size):
                raise SpoolFullError(why, remedy="See that Kafka answers, or raise IOC_SPOOL_BYTES.")
            segment = None
            try:
                segment, writer = self._active()
                first, self._next = self._next, self._next + len(messages)
                data = [frames.encode(m, number, put_us) for number, m in enumerate(messages, start=first)]
                _write(writer, b"".join(data))
                os.fdatasync(writer)
            except OSError as error:
                if segment is not None:
                    self._retire(segment)
                raise self._unusable(error) from error
            with self._state:
                segment.size += size
                self._put = self._next

    # -- out ----------------------------------------------------------------------------------------------

    def peek(self, most_bytes: int, most: int) -> list[Kept]:
        """Return the oldest messages in order without taking them; at least one, when there is one.

        :param most_bytes: about as many bytes.
        :param most: at most as many messages.
        :raises UnavailableError: when the disk can't be read.
        """
        found: list[Kept] = []
        with self._state:
            place, offset, left = 0, self._offset, most_bytes
            while place < len(self._segments) and len(found) < most and (left > 0 or not found):
                segment = self._segments[place]
                if offset >= segment.size:
                    place, offset = place + 1, 0
                    continue
                try:
                    taken, offset = self._read(segment, offset, max(1, left), most - len(found))
                except OSError as error:
                    raise self._unusable(error) from error
                found += taken
                left -= sum(kept.end - kept.start for kept in taken)
            if not found and self._segments:
                # nothing but damaged bytes was left, and those are put aside
                self._pass(self._segments[-1].first, self._segments[-1].size, self._put)
        return found

    def acknowledge(self, kept: Kept) -> None:
        """This message and all before it have arrived: forget them.

        :raises UnavailableError: when the disk failed; they may be sent again then.
        """
        try:
            with self._state:
                self._pass(kept.segment, kept.end, kept.number + 1)
            self._drop_emptied()
        except OSError as error:
            raise self._unusable(error) from error

    def refuse(self, kept: Kept, reason: str) -> None:
        """The oldest message will never arrive: put it aside, and pass it by."""
        with self._state:
            self._put_aside(next(s for s in self._segments if s.first == kept.segment), *kept[-2:], reason)
        self.acknowledge(kept)

    def close(self) -> None:
        """Let go of the folder; what is in it stays."""
        with self._writing, self._state:
            self._close_files()
            self._cursor.close()
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- opening ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        segments = [
            _Segment(int(match[1]), path, path.stat().st_size)
            for path in sorted(self.folder.iterdir())
            if (match := _SEGMENT.fullmatch(path.name))
        ]
        self._acknowledged, current, self._offset = self._cursor.load()
        while segments and segments[0].first < current:
            segments.pop(0).path.unlink()
        self._segments = segments
        if not segments or segments[0].first != current or self._offset > segments[0].size:
            self._offset = 0
            if segments:
                self._acknowledged = segments[0].first
        self._next = self._acknowledged
        if segments:
            self._next = max(self._next, segments[-1].first)
            self._cut_tail(segments[-1], self._offset if len(segments) == 1 else 0)
        self._put = self._next

    def _cut_tail(self, last: _Segment, offset: int) -> None:
        """Find the end of the last whole frame, and cut off what was being written when the owner died."""
        while offset < last.size:
            taken, after = self._read(last, offset, _WINDOW_BYTES, 10_000, tail=True)
            if taken:
                self._next = max(self._next, taken[-1].number + 1)
            if after == offset:
                break
            offset = after
        if offset < last.size:
            self._cut_bytes = last.size - offset
            log.warning("spool.cut", spool=self.folder.name, bytes=self._cut_bytes)
            os.truncate(last.path, offset)
            last.size = offset

    # -- parts: the caller holds the lock of state -----------------------------------------------------------

    def _disk_bytes(self) -> int:
        return sum(segment.size for segment in self._segments)

    def _read(
        self, segment: _Segment, offset: int, most_bytes: int, most: int, *, tail: bool = False
    ) -> tuple[list[Kept], int]:
        """Frames from an offset on, and the offset after them; damaged stretches are put aside.

        :param tail: leave a frame that is cut short at the segment's end to the caller.
        """
        found: list[Kept] = []
        window = max(most_bytes, _WINDOW_BYTES)
        data = self._bytes(segment, offset, window)
        at = 0
        while at < len(data) and len(found) < most and (at < most_bytes or not found):
            last = offset + len(data) >= segment.size
            piece = frames.read(data, at, last=last)
            if isinstance(piece, Frame):
                message, number, put_us, start, at = piece
                place = segment.first, offset + start, offset + at
                found.append(Kept(message, number, put_us / 1e6, *place))
            elif isinstance(piece, Short):
                if last and not tail:
                    self._put_aside(segment, offset + at, segment.size, "cut short")
                    at = len(data)
                elif last or at > 0:
                    break
                else:
                    more = self._bytes(segment, offset, piece.need)
                    if len(more) <= len(data):  # somebody cut the file
                        self._put_aside(segment, offset, segment.size, "missing")
                        return found, segment.size
                    data = more
            else:
                self._put_aside(segment, offset + piece.start, offset + piece.end, "damaged")
                at = piece.end
        if not data:  # somebody cut the file
            self._put_aside(segment, offset, segment.size, "missing")
            return found, segment.size
        return found, offset + at

    def _bytes(self, segment: _Segment, offset: int, size: int) -> bytes:
        if self._reader is None or self._reader[0] != segment.first:
            if self._reader is not None:
                os.close(self._reader[1])
                self._reader = None
            self._reader = (segment.first, os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC))
        return os.pread(self._reader[1], min(size, segment.size - offset), offset)

    def _put_aside(self, segment: _Segment, start: int, end: int, reason: str) -> None:
        if (segment.first, start) in self._damaged:
            return
        self._damaged.add((segment.first, start))
        self._set_aside += 1
        log.error("spool.set-aside", spool=self.folder.name, bytes=end - start, reason=reason)
        folder = self.folder / "aside"
        with suppress(OSError):  # it is counted and told; a full disk must not stop what comes behind it
            kept = sum(entry.stat().st_size for entry in os.scandir(folder))
            if kept + end - start <= _MOST_ASIDE_BYTES:
                write_durably(
                    folder / f"{segment.first:020d}-{start}.bin", self._bytes(segment, start, end - start)
                )

    def _pass(self, current: int, offset: int, acknowledged: int) -> None:
        """Move the cursor, then remove the segments behind it."""
        behind = [segment for segment in self._segments if segment.first < current]
        self._segments = self._segments[len(behind) :]
        self._offset = offset
        self._acknowledged = acknowledged
        while len(self._segments) > 1 and self._offset >= self._segments[0].size:
            behind.append(self._segments.pop(0))
            self._offset = 0
        if self._offset >= self._disk_bytes():
            self._acknowledged = self._put
        current = self._segments[0].first if self._segments else current
        self._cursor.store(self._acknowledged, current, self._offset)
        for segment in behind:
            segment.path.unlink(missing_ok=True)
        if behind:
            self._damaged = {place for place in self._damaged if place[0] >= current}

    def _drop_emptied(self) -> None:
        """Leave nothing on disk of what was acknowledged, unless something is just being written."""
        if not self._writing.acquire(blocking=False):
            return
        try:
            with self._state:
                if self._segments and self._offset >= self._disk_bytes():
                    self._close_files()
                    for segment in self._segments:
                        segment.path.unlink(missing_ok=True)
                    self._segments, self._offset = [], 0
        finally:
            self._writing.release()

    def _close_files(self) -> None:
        for descriptor in (self._writer, self._reader[1] if self._reader else None):
            if descriptor is not None:
                os.close(descriptor)
        self._writer = self._reader = None

    # -- writing: the caller holds the lock of writing --------------------------------------------------------

    def _active(self) -> tuple[_Segment, int]:
        """The segment to write to, and its descriptor."""
        with self._state:
            last = self._segments[-1] if self._segments else None
            if last is not None and last.size < self._segment_bytes and last.first != self._retired:
                if self._writer is None:
                    self._writer = os.open(last.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
                return last, self._writer
            if self._writer is not None:
                os.close(self._writer)
                self._writer = None
            segment = _Segment(self._next, self.folder / f"{self._next:020d}.seg", 0)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._writer = os.open(segment.path, flags, 0o600)
            self._segments.append(segment)
        sync_folder(self.folder)
        return segment, self._writer

    def _retire(self, segment: _Segment) -> None:
        """A write failed: nobody knows what the disk has of it, so nothing more goes into this file."""
        with self._state:
            if self._writer is not None:
                os.close(self._writer)
                self._writer = None
            self._retired = segment.first
            with suppress(OSError):
                if segment.size:
                    os.truncate(segment.path, segment.size)
                else:
                    segment.path.unlink(missing_ok=True)
            if not segment.size:
                self._segments.remove(segment)

    def _free_bytes(self) -> int:
        at, free = self._free
        now = time.monotonic()
        if now - at > 0.2:
            found = os.statvfs(self.folder)
            free = found.f_bavail * found.f_frsize
            self._free = (now, free)
        return free

    def _unusable(self, error: OSError) -> UnavailableError:
        why = error.strerror or str(error)
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            return SpoolFullError(
                f"The disk has no room for the spool {self.folder}: {why}.",
                remedy="See that Kafka answers, or free space.",
            )
        return UnavailableError(
            f"The spool {self.folder} can't be used: {why}.",
            remedy="Look at the folder's owner and the disk.",
        )


def _own(folder: Path, wait_s: float) -> int:
    """Lock the folder for this process; returns the descriptor that holds the lock.

    :raises UnavailableError: when another holds it for longer than ``wait_s``.
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(lock)
                raise UnavailableError(
                    f"Another process uses the spool {folder}.",
                    remedy="One process at a time runs under this name: stop the other one.",
                ) from None
            time.sleep(0.05)
        else:
            return lock


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
