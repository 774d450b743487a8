"""What goes wrong and when: outages, faulty cameras, silent access points, surges. A function of seed and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from deploy.simulation.seeds import rng

_BLOCK: Final = timedelta(hours=4)
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What an episode does to its target."""

    OUTAGE = "outage"
    """Power or line of a whole point: everything there is gone."""
    FROZEN = "frozen"
    """A camera sends the same picture over and over."""
    BLACK = "black"
    STALLED = "stalled"
    """A camera's stream stops for seconds at a time."""
    GONE = "gone"
    """A camera's recorder no longer offers its stream."""
    SILENT = "silent"
    """An access point's agent does not answer, though the host is there."""
    SURGE = "surge"
    """Three times as many people at a point."""


#: Which fault wins when two hit one camera.
CAMERA_FAULTS: Final = (Kind.OUTAGE, Kind.GONE, Kind.FROZEN, Kind.BLACK, Kind.STALLED)
SURGE_FACTOR: Final = 3.0

#: In each block of four hours one of each: kind, shortest and longest length in minutes.
_LENGTHS: Final = (
    (Kind.OUTAGE, 12, 22),
    (Kind.FROZEN, 40, 100),
    (Kind.GONE, 20, 60),
    (Kind.BLACK, 15, 40),
    (Kind.STALLED, 10, 25),
    (Kind.SILENT, 10, 30),
    (Kind.SURGE, 30, 45),
)


@dataclass(frozen=True)
class Episode:
    """Something wrong with a point (outage, surge) or a device, from ``start`` up to ``end``."""

    kind: Kind
    target: str
    start: datetime
    end: datetime

    def holds_at(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


class Incidents:
    """Episodes of one district.

    :param seed: equal seeds and places give equal episodes.
    :param points: codes of the reception points.
    :param cameras: codes of the cameras.
    :param access_points: codes of the access points.
    """

    def __init__(self, seed: int, points: list[str], cameras: list[str], access_points: list[str]) -> None:
        self._seed = seed
        self._targets = {
            Kind.OUTAGE: points,
            Kind.SURGE: points,
            Kind.SILENT: access_points,
            **dict.fromkeys((Kind.FROZEN, Kind.GONE, Kind.BLACK, Kind.STALLED), cameras),
        }
        self._block = lru_cache(maxsize=256)(self._draw_block)
        self._day = lru_cache(maxsize=64)(self._draw_day)

    def at(self, moment: datetime) -> Iterator[Episode]:
        """Episodes that hold at an aware moment."""
        block = (moment - _EPOCH) // _BLOCK
        episodes = (*self._block(block - 1), *self._block(block), *self._day(moment.astimezone(UTC).date()))
        return (episode for episode in episodes if episode.holds_at(moment))

    def kinds(self, target: str, moment: datetime) -> set[Kind]:
        """What is wrong with a point or device at a moment."""
        return {episode.kind for episode in self.at(moment) if episode.target == target}

    def _draw_block(self, block: int) -> tuple[Episode, ...]:
        found = []
        for kind, shortest, longest in _LENGTHS:
            source = rng(self._seed, "block", block, kind)
            if not self._targets[kind]:
                continue
            start = _EPOCH + block * _BLOCK + timedelta(minutes=source.uniform(5, 200))
            length = timedelta(minutes=source.uniform(shortest, longest))
            found.append(Episode(kind, source.choice(self._targets[kind]), start, start + length))
        return tuple(found)

    def _draw_day(self, day: date) -> tuple[Episode, ...]:
        """One camera is gone for the whole day: there is always something to repair."""
        cameras = self._targets[Kind.GONE]
        if not cameras:
            return ()
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        camera = rng(self._seed, "day", day).choice(cameras)
        return (Episode(Kind.GONE, camera, start, start + timedelta(days=1)),)
