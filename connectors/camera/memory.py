"""What is remembered of a camera between two probes, and what of it survives a restart."""

from __future__ import annotations

import hashlib
import math
import operator
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from connectors.shared.snmp.agent import Memory as SnmpMemory
from ioc.events import Status

DIRECTIONS: Final = 4
SIZE: Final = 1_728
"""Bytes of a description of a scene, made and measured in :mod:`connectors.camera.scene`."""
MOVED_BELOW: Final = 0.4
"""Likeness below which a scene is another one."""
STEADY_ABOVE: Final = 0.6
"""Likeness that pictures of one scene must have among themselves. Noise in the dark has none: it is no other scene."""
_LEARNED: Final = 3
_PERSISTS: Final = 3
"""So many probes in a row must see the same other scene: a lorry before the lens drives on."""
_MOST_TRIES: Final = 20
_FOLLOWS: Final = 0.05
"""Share of the newest picture in the reference: it follows seasons and new furniture."""


def likeness(first: bytes, second: bytes) -> float | None:
    """How alike two descriptions are: their correlation, each direction by itself, -1 to 1; None when one is flat."""
    product = square_first = square_second = 0.0
    for direction in range(DIRECTIONS):
        one, other = first[direction::DIRECTIONS], second[direction::DIRECTIONS]
        mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
        product += _dot(one, other) - len(one) * mean_one * mean_other
        square_first += _dot(one, one) - len(one) * mean_one**2
        square_second += _dot(other, other) - len(other) * mean_other**2
    return (
        product / math.sqrt(square_first * square_second) if min(square_first, square_second) > 1e-6 else None
    )


def _dot(first: bytes, second: bytes) -> int:
    return sum(map(operator.mul, first, second))


def _mix(old: bytes, new: bytes, share: float) -> bytes:
    return bytes(round(a + (b - a) * share) for a, b in zip(old, new, strict=True))


def file_name(device: str) -> str:
    """A name for a device's files: readable, safe, and unlike for unlike devices."""
    digest = hashlib.blake2b(device.encode(), digest_size=6).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9-]+', '_', device)[:40]}-{digest}"


class Scene(msgspec.Struct):
    """The scene that a camera is expected to show: numbers about edges, never a picture."""

    address: str
    """Digest of stream and version: another stream is another scene."""
    learned: int = 0
    tries: int = 0
    reference: bytes = b""
    other: bytes = b""
    """The newest scene that was another one."""
    seen_other: int = 0
    """Probes in a row that saw it."""

    @property
    def usable(self) -> bool:
        """Whether what was read from a file can be compared with."""
        return all(len(part) in (0, SIZE) for part in (self.reference, self.other)) and (
            len(self.reference) == SIZE or self.learned == 0
        )

    def take(self, now: bytes | None) -> bool | None:
        """Whether the camera was moved; None while that can't be told.

        :param now: what a probe saw; None when it could not tell.
        """
        moved = True if self.seen_other >= _PERSISTS else None
        if now is None or len(now) != SIZE:
            return moved
        if self.learned < _LEARNED:
            self._learn(now)
            return None
        alike = likeness(self.reference, now)
        if alike is None:
            return moved
        if alike >= MOVED_BELOW:
            self.seen_other, self.other = 0, b""
            if alike >= STEADY_ABOVE:
                self.reference = _mix(self.reference, now, _FOLLOWS)
            return False
        if moved is None:
            steady = (likeness(self.other, now) if self.other else None) or 0.0
            self.seen_other = self.seen_other + 1 if steady >= STEADY_ABOVE else 1
            self.other = now
        return True if self.seen_other >= _PERSISTS else None

    def _learn(self, now: bytes) -> None:
        if self.tries >= _MOST_TRIES:
            return  # it changes too much, or shows too little, to be told apart
        self.tries += 1
        alike = likeness(self.reference, now) if self.learned else None
        if alike is not None and alike >= STEADY_ABOVE:
            self.learned += 1
            self.reference = _mix(self.reference, now, 1 / self.learned)
        elif likeness(now, now) is not None:
            self.learned, self.reference = 1, now


@dataclass
class Memory:
    """One camera.

    :param folder: of all cameras' scenes; None keeps nothing beyond this process.
    :param stream: its address with whatever makes its scene another one; only a digest of it is kept.
    """

    device: str
    folder: Path | None = None
    stream: str = ""
    last_frame: datetime | None = None
    kept_status: Status | None = None
    """Verdict of which a picture was kept last."""
    model: str | None = None
    firmware: str | None = None
    onvif_quiet_until: float = 0.0
    onvif_refused: bool = False
    snmp: SnmpMemory | None = None
    _scene: Scene | None = field(default=None, init=False)
    _stored: bytes = field(default=b"", init=False)

    def aged(self, age_s: float | None, now: datetime) -> float | None:
        """Age of the last picture: the one just seen, else the one remembered; in seconds."""
        if age_s is not None:
            self.last_frame = datetime.fromtimestamp(now.timestamp() - age_s, UTC)
            return age_s
        if self.last_frame is None:
            return None
        return max(round((now - self.last_frame).total_seconds(), 3), 0.0)

    def moved(self, now: bytes | None) -> bool | None:
        """Compare with the scene remembered, and remember; see :meth:`Scene.take`."""
        scene = self._load()
        found = scene.take(now)
        self._store(scene)
        return found

    @property
    def path(self) -> Path | None:
        """Where the scene is kept."""
        return None if self.folder is None else self.folder / f"{file_name(self.device)}.scene"

    def _load(self) -> Scene:
        if self._scene is None:
            address = hashlib.blake2b(self.stream.encode(), digest_size=12).hexdigest()
            self._scene = Scene(address)
            with suppress(OSError, msgspec.DecodeError):
                if self.path is not None and self.path.stat().st_size < 16_384:
                    self._stored = self.path.read_bytes()
                    found = msgspec.json.decode(self._stored, type=Scene)
                    if found.address == address and found.usable:
                        self._scene = found
        return self._scene

    def _store(self, scene: Scene) -> None:
        data = msgspec.json.encode(scene)
        path = self.path
        if path is None or data == self._stored:
            return
        with suppress(OSError):  # a full disk must not stop the probing
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
                output.write(data)
            part.replace(path)
            self._stored = data

    def onvif_may_be_asked(self) -> bool:
        """Whether a camera without ONVIF has been left alone long enough."""
        return time.monotonic() >= self.onvif_quiet_until
