"""One probe of a camera: up the ladder, isolated and bounded in time."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from connectors.camera import verdict
from connectors.camera.address import Address
from connectors.camera.describe import describe
from connectors.camera.watch import Order, Seen
from ioc.events import CameraProbed, CameraSample, event_id

SOURCE: Final = "urn:ioc:probe:camera"
_START_S: Final = 10.0
"""Allowance for a new Python process on a busy machine."""
_MOST_OUTPUT: Final = 65_536


@dataclass(frozen=True)
class CameraTarget:
    """A camera to probe."""

    device: str
    unit: str
    address: Address = field(repr=False)
    point: str | None = None
    interval_s: float = 60.0
    connect_s: float = 5.0
    """Longest wait for the connection, and again for DESCRIBE, in seconds."""
    first_frame_s: float = 10.0
    """Longest wait for the first decoded picture, in seconds."""
    watch_s: float = 4.0
    """How long the pictures are watched, in seconds; a stall is only seen when this is over two."""
    source: str = SOURCE
    """CloudEvents source of its samples, part of their ids."""

    @property
    def longest_s(self) -> float:
        """A probe never takes longer than this."""
        return 2 * self.connect_s + self.first_frame_s + self.watch_s + _START_S


async def probe(target: CameraTarget, *, at: datetime | None = None) -> CameraProbed:
    """Probe once; never raises for what the camera or the network does.

    :param at: the sample's time; now when absent.
    """
    moment = at or datetime.now(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    found = verdict.before_pictures(await describe(target.address, target.connect_s))
    if found is None:
        order = Order(target.address.full, target.first_frame_s, target.watch_s)
        found = verdict.of_pictures(await _watch(order), target.first_frame_s)
    return CameraProbed(
        specversion="1.0",
        id=event_id(target.source, target.device, "ioc.camera.probed.v1", moment),
        source=target.source,
        subject=target.device,
        time=moment,
        data=CameraSample(
            unit=target.unit,
            point=target.point,
            verdict=found.status,
            rung=found.rung,
            reason=found.reason,
            last_frame_age_s=found.last_frame_age_s,
            fps=found.fps,
            bitrate_kbps=found.bitrate_kbps,
            frozen=found.frozen,
            stalled=found.stalled,
            interval_s=target.interval_s,
        ),
    )


async def _watch(order: Order) -> Seen | None:
    """Run the watcher; None when it had to be killed or said nothing that can be read."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "connectors.camera.watch",
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_MOST_OUTPUT,
    )
    try:
        async with asyncio.timeout(order.first_frame_s + order.watch_s + _START_S):
            output, _ = await child.communicate(msgspec.json.encode(order))
        return msgspec.json.decode(output, type=Seen)
    except (TimeoutError, msgspec.DecodeError, OSError):
        return None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
