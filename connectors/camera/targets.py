"""Cameras to poll, from a target file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from connectors.camera import address
from connectors.camera.probe import SOURCE, CameraTarget, probe
from connectors.shared import targets
from connectors.shared.runner import Job, Outcome
from ioc.events import CameraProbed, Code, Interval, Source, Status


class CameraEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[target]]`` of a camera file."""

    device: Code
    unit: Code
    url: str
    point: Code | None = None
    interval_s: Interval = 60.0
    connect_s: Interval = 5.0
    first_frame_s: Interval = 10.0
    watch_s: Interval = 4.0
    source: Source = SOURCE

    def __repr__(self) -> str:
        return f"CameraEntry({self.device!r})"


class _Watch:
    """Remembers when a camera last showed a picture, so that its age is known while it shows none."""

    def __init__(self, target: CameraTarget) -> None:
        self._target = target
        self._last_frame: datetime | None = None

    async def __call__(self) -> Outcome:
        event = await probe(self._target)
        event = self._aged(event)
        data = event.data
        return Outcome([event], data.verdict not in (Status.DOWN, Status.UNKNOWN), data.reason)

    def _aged(self, event: CameraProbed) -> CameraProbed:
        now = datetime.now(UTC)
        age_s = event.data.last_frame_age_s
        if age_s is not None:
            self._last_frame = datetime.fromtimestamp(now.timestamp() - age_s, UTC)
            return event
        if self._last_frame is None:
            return event
        age_s = round((now - self._last_frame).total_seconds(), 3)
        return msgspec.structs.replace(
            event, data=msgspec.structs.replace(event.data, last_frame_age_s=max(age_s, 0.0))
        )


def job(entry: CameraEntry) -> Job:
    """What polls one camera.

    :raises UsageError: when its URL makes no sense.
    """
    target = CameraTarget(
        device=entry.device,
        unit=entry.unit,
        address=address.parse(entry.url),
        point=entry.point,
        interval_s=entry.interval_s,
        connect_s=entry.connect_s,
        first_frame_s=entry.first_frame_s,
        watch_s=entry.watch_s,
        source=entry.source,
    )
    return Job(entry.device, entry.interval_s, target.longest_s, hash(entry), _Watch(target))


def jobs(path: Path) -> list[Job]:
    """Read a camera file into polling jobs.

    :raises InputError: naming what can't be used.
    :raises UsageError: when a camera's URL makes no sense.
    """
    return [job(entry) for entry in targets.load(path, CameraEntry)]
