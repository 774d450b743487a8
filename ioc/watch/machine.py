"""Readings of the machine that a process runs on: its disks and its clock."""

from __future__ import annotations

import ctypes
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ioc.settings import Settings
from ioc.watch.reading import Connection, Reading

#: Folders of the state folder that may lie on disks of their own.
_FOLDERS: Final = ("spool", "postgres", "kafka")
_ROUNDS: Final = 3
#: Of ``adjtimex(2)``: the kernel's clock is not synchronised; its offset is in nanoseconds.
_STA_UNSYNC: Final = 0x0040
_STA_NANO: Final = 0x2000


def disks(settings: Settings) -> list[Reading]:
    """Free share of the state folder's disk, and of each other disk that a folder below it lies on."""
    host = socket.gethostname()
    return [
        Reading("disk.free_share", f"{host}/{name}", *_free(path))
        for name, path in _places(settings.state_dir, settings.backup_path)
    ]


def _places(state: Path, backups: Path) -> Iterator[tuple[str, Path]]:
    seen: set[int] = set()
    folders = [("state", state), *((name, state / name) for name in _FOLDERS), ("backups", backups)]
    for name, path in folders:
        try:
            device = path.stat().st_dev
        except OSError:
            # a folder that is not there yet lies on the disk above it; the state folder itself is told as unknown
            if name != "state":
                continue
            device = -1
        if device not in seen:
            seen.add(device)
            yield name, path


def _free(path: Path) -> tuple[float | None, dict[str, object]]:
    try:
        found = os.statvfs(path)
    except OSError as error:
        return None, {"folder": str(path), "state": error.strerror or "unreadable"}
    reachable = found.f_blocks - found.f_bfree + found.f_bavail
    if reachable <= 0:
        return None, {"folder": str(path), "state": "a disk without blocks"}
    return found.f_bavail / reachable, {
        "folder": str(path),
        "free_bytes": found.f_bavail * found.f_frsize,
        "size_bytes": reachable * found.f_frsize,
    }


def against_database(connection: Connection) -> Reading:
    """This machine's clock against the database's, halfway of the quickest of three questions."""
    best: tuple[float, float] | None = None
    for _ in range(_ROUNDS):
        began, mark = datetime.now(UTC), time.perf_counter()
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        took = time.perf_counter() - mark
        if row is not None and (best is None or took < best[0]):
            best = took, (began - row[0]).total_seconds() + took / 2
    instance = f"{socket.gethostname()}/database"
    if best is None:
        return Reading("clock.offset_s", instance, None, {"state": "no answer"})
    took, ahead = best
    return Reading(
        "clock.offset_s",
        instance,
        abs(ahead),
        {"ahead_s": round(ahead, 6), "uncertain_s": round(took / 2, 6)},
    )


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux on 64 bits."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_s", ctypes.c_long),
        ("time_us", ctypes.c_long),
        ("tick", ctypes.c_long),
        # what follows is not read; the kernel writes it
        ("rest", ctypes.c_long * 32),
    )


def against_time_servers() -> Reading:
    """What the kernel knows of its clock, which whoever synchronises it told: unknown while nobody does."""
    instance = f"{socket.gethostname()}/time servers"
    told = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    except (OSError, AttributeError):
        return Reading("clock.offset_s", instance, None, {"state": "the system does not tell"})
    if state < 0:
        return Reading("clock.offset_s", instance, None, {"state": os.strerror(ctypes.get_errno())})
    return Reading("clock.offset_s", instance, *read_timex(told.status, told.offset, told.maxerror))


def read_timex(status: int, offset: int, maxerror_us: int) -> tuple[float | None, dict[str, object]]:
    """What the kernel's words mean, see ``adjtimex(2)``.

    :param status: ``STA_`` bits.
    :param offset: still to be corrected, in microseconds, or nanoseconds where the status says so.
    :param maxerror_us: the most that the clock may be off, as far as the kernel knows.
    :returns: value and detail of ``clock.offset_s``.
    """
    if status & _STA_UNSYNC:
        return None, {"state": "not synchronised"}
    per_s = 1e9 if status & _STA_NANO else 1e6
    return abs(offset) / per_s, {"ahead_s": -offset / per_s, "at_most_s": maxerror_us / 1e6}
