"""What a simulation remembers between runs, so that a restart goes on where the last one ended."""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ioc.errors import UnavailableError


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Memory of one simulation. Another seed, rate or number of points is another simulation."""

    seed: int
    rate: float
    points: int | None
    started: datetime
    """First start: virtual days are played from shortly before it on."""
    told_until: datetime | None = None
    """Facts before this were handed to the connectors."""
    devices_told: bool = False
    """The devices' samples of the hours before the first start were sent."""

    def same_as(self, other: State) -> bool:
        return (self.seed, self.rate, self.points) == (other.seed, other.rate, other.points)


def load(path: Path, wanted: State) -> State:
    """Return what was remembered of the wanted simulation, or ``wanted`` itself when it is a new one."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return wanted
    # a clock that went back would leave the simulation waiting for its own past
    ahead = found.told_until is not None and found.told_until > datetime.now(UTC)
    return found if found.same_as(wanted) and not ahead else wanted


def save(path: Path, state: State) -> None:
    """Remember, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(state))
    part.replace(path)


class Lock:
    """Held while a simulation runs on a state folder: two would answer for one another's devices.

    :raises UnavailableError: another one runs.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise UnavailableError(
                f"A simulation runs on {path.parent} already.",
                remedy="Stop it, or name another IOC_STATE_DIR.",
            ) from None

    def release(self) -> None:
        os.close(self._descriptor)
