"""One probe of a camera: up the ladder, isolated and bounded in time."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from connectors.camera import onvif, verdict, watchers
from connectors.camera.address import Address
from connectors.camera.describe import Tls, describe
from connectors.camera.evidence import Evidence
from connectors.camera.limits import LONGER_S
from connectors.camera.memory import Memory
from connectors.camera.seen import Order, Seen
from connectors.camera.units import SnmpAddress, UnitReading, read_unit
from connectors.camera.verdict import CLOCK_LIMIT_S, Verdict
from connectors.camera.watchers import Lost, Watchers
from connectors.shared.snmp.agent import Memory as SnmpMemory
from ioc.events import CameraProbed, CameraSample, Status, event_id

SOURCE: Final = "urn:ioc:probe:camera"
_START_S: Final = 60.0
"""Allowance for a watcher's start on a busy machine, and for one that has to be stopped."""
_ONVIF_REST_S: Final = 3600.0
"""A camera that has no ONVIF where it is looked for unasked is left alone for this long."""


@dataclass(frozen=True)
class CameraTarget:
    """A camera to probe."""

    device: str
    unit: str
    address: Address = field(repr=False)
    point: str | None = None
    interval_s: float = 60.0
    connect_s: float = 5.0
    """Longest wait for the connection, for DESCRIBE, and for ONVIF, each in seconds."""
    first_frame_s: float = 10.0
    """Longest wait for the first decoded picture, in seconds."""
    watch_s: float = 4.0
    """How long the pictures are watched, in seconds; a stall is only seen when this is over two."""
    source: str = SOURCE
    """CloudEvents source of its samples, part of their ids."""
    tls: Tls = field(default_factory=Tls)
    onvif: onvif.Service | None = None
    """Where its clock is asked for; None asks nobody."""
    onvif_sure: bool = False
    """It is known to speak ONVIF: no answer is worth telling."""
    clock_limit_s: float = CLOCK_LIMIT_S
    """Offset from which its clock is wrong, in seconds."""
    snmp: SnmpAddress | None = None
    scene: bool = False
    """Compare the scene with the one remembered."""
    evidence: Evidence | None = field(default=None, repr=False)
    """Where a picture is kept when the verdict changes; None keeps none."""

    @property
    def longest_s(self) -> float:
        """A probe never takes longer than this, once it has its turn."""
        return 3 * self.connect_s + self.first_frame_s + self.watch_s + LONGER_S + _START_S

    def order(self, *, endless: bool = False) -> Order:
        """What a watcher is told."""
        return Order(
            self.address.full,
            self.first_frame_s,
            self.watch_s,
            endless=endless,
            longer_s=0.0 if endless else LONGER_S,
            scene=self.scene,
            keeps=self.evidence is not None,
            tls_verify=self.tls.verify,
            ca_file=self.tls.bundle,
        )

    def memory(self, folder: Path | None = None, version: float = 1.0) -> Memory:
        """A fresh memory of this camera.

        :param folder: where scenes are kept.
        :param version: another number forgets the scene.
        """
        return Memory(self.device, folder, f"{self.address.plain} {version:g}")


@dataclass(frozen=True)
class Aside:
    """What a camera tells beside its pictures."""

    clock: onvif.Answered = field(default_factory=onvif.Answered)
    unit: UnitReading = field(default_factory=UnitReading)


async def probe(
    target: CameraTarget,
    *,
    at: datetime | None = None,
    memory: Memory | None = None,
    pool: Watchers | None = None,
) -> CameraProbed:
    """Probe once; never raises for what the camera or the network does.

    :param at: the sample's time; now when absent.
    :param memory: what is known of the camera from before, and what is learned now.
    :param pool: who watches; this process's own watchers when absent.
    """
    memory = memory or target.memory()
    moment = _milliseconds(at or datetime.now(UTC))
    beside = asyncio.create_task(aside(target, memory))
    try:
        found = verdict.before_pictures(await describe(target.address, target.connect_s, target.tls))
        if found is None:
            found = await _pictures(target, memory, moment, pool or watchers.shared())
        told = await beside
    finally:
        beside.cancel()
    return sample(target, memory, conclude(target, found, told), told, moment)


async def _pictures(target: CameraTarget, memory: Memory, moment: datetime, pool: Watchers) -> Verdict:
    found: Verdict | None = None

    def decide(seen: Seen) -> str | None:
        nonlocal found
        found = judge(target, memory, seen)
        return evidence_path(target, memory, found.status, moment)

    seen = await pool.watch(target.order(), decide)
    return found or judge(target, memory, seen)


def judge(target: CameraTarget, memory: Memory, seen: Seen | Lost) -> Verdict:
    """The verdict of a window; the scene is compared where the target wants it."""
    moved = None
    if target.scene and isinstance(seen, Seen) and seen.first_frame_s is not None:
        dark = seen.analysed > 0 and seen.black == seen.analysed
        moved = memory.moved(None if dark else seen.scene)
    return verdict.of_pictures(seen, target.first_frame_s, moved)


def evidence_path(target: CameraTarget, memory: Memory, status: Status, moment: datetime) -> str | None:
    """Where the picture of a verdict goes; None unless the target keeps pictures and the verdict is a new one."""
    if target.evidence is None:
        return None
    if status is memory.kept_status:
        target.evidence.prune()
        return None
    with suppress(OSError):
        path = target.evidence.next_path(moment, status.value)
        memory.kept_status = status
        return str(path)
    return None


async def aside(target: CameraTarget, memory: Memory) -> Aside:
    """Ask for the clock and for what the unit is, side by side."""
    clock, unit = await asyncio.gather(_clock(target, memory), _unit(target, memory))
    return Aside(clock, unit)


async def _clock(target: CameraTarget, memory: Memory) -> onvif.Answered:
    if target.onvif is None or not memory.onvif_may_be_asked():
        return onvif.Answered()
    address = target.address
    login = None if address.user is None else onvif.Login(address.user, address.password or "")
    identify = memory.model is None and not memory.onvif_refused
    found = await onvif.ask(target.onvif, login, target.connect_s, target.tls, identify=identify)
    if found.offset_s is None and not target.onvif_sure:
        memory.onvif_quiet_until = time.monotonic() + _ONVIF_REST_S
    memory.onvif_refused = memory.onvif_refused or found.refused
    memory.model, memory.firmware = found.model or memory.model, found.firmware or memory.firmware
    return found


async def _unit(target: CameraTarget, memory: Memory) -> UnitReading:
    if target.snmp is None:
        return UnitReading()
    if memory.snmp is None:
        memory.snmp = SnmpMemory()
    try:
        async with asyncio.timeout(target.first_frame_s):
            return await read_unit(target.snmp, memory.snmp)
    except TimeoutError:
        return UnitReading(reason=f"SNMP: no whole answer within {target.first_frame_s:g} s")


def conclude(target: CameraTarget, found: Verdict, told: Aside) -> Verdict:
    """The whole verdict: pictures, then the clock; a camera that is well may still have something to tell."""
    unknown = told.clock.reason if target.onvif_sure else None
    found = verdict.with_clock(found, told.clock.offset_s, unknown, target.clock_limit_s)
    if found.status is Status.OK and found.reason is None:
        bad = [f"{disk.name} {disk.state or 'failed'}" for disk in told.unit.disks if disk.ok is False]
        note = told.unit.reason or (f"disks: {', '.join(bad)}" if bad else None)
        found = replace(found, reason=note and note[:200])
    return found


def sample(
    target: CameraTarget, memory: Memory, found: Verdict, told: Aside, moment: datetime
) -> CameraProbed:
    """The event of a verdict."""
    observed_s = found.observed_s
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
            last_frame_age_s=memory.aged(found.last_frame_age_s, datetime.now(UTC)),
            fps=found.fps,
            bitrate_kbps=found.bitrate_kbps,
            clock_offset_s=told.clock.offset_s,
            frozen=found.frozen,
            stalled=found.stalled,
            moved=found.moved,
            stalls_per_minute=round(found.stalls * 60 / observed_s, 3) if observed_s else None,
            observed_s=observed_s,
            model=told.unit.model or memory.model,
            firmware=told.unit.firmware or memory.firmware,
            uptime_s=told.unit.uptime_s,
            disks=told.unit.disks,
            interval_s=target.interval_s,
        ),
    )


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
