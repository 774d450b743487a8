"""Cameras to poll, from a target file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import msgspec

from connectors.camera import address, onvif
from connectors.camera.continuous import follow
from connectors.camera.describe import Tls
from connectors.camera.evidence import Evidence
from connectors.camera.memory import Memory, file_name
from connectors.camera.probe import SOURCE, CameraTarget, probe
from connectors.camera.units import SnmpAddress
from connectors.shared import targets
from connectors.shared.runner import Job, Outcome
from connectors.shared.snmp.login import parse_secret
from ioc import settings
from ioc.errors import UsageError
from ioc.events import CameraProbed, Code, Interval, Source, Status

Days = Annotated[float, msgspec.Meta(gt=0, le=366)]


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
    continuous: bool = False
    """Watch the stream all the time instead of opening it each interval."""
    scene: bool = True
    """Tell when the camera looks elsewhere than it did; off for cameras that are steered."""
    scene_version: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 1.0
    """Another number forgets the scene remembered: the camera was turned on purpose."""
    evidence: bool = False
    """Keep a picture when the verdict changes."""
    evidence_most: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    evidence_days: Days = 7.0
    tls_verify: bool = True
    tls_ca_file: str | None = None
    onvif: str = "auto"
    clock_limit_s: Interval = 20.0
    snmp: str | None = None
    snmp_secret: str = "public"  # noqa: S105 - the community of devices that nobody set up
    """Community of v2c, or the JSON of a v3 user."""

    def __repr__(self) -> str:
        return f"CameraEntry({self.device!r})"


class _Camera:
    """One camera of a poller, with what is remembered of it."""

    def __init__(self, target: CameraTarget, memory: Memory) -> None:
        self._target = target
        self._memory = memory

    async def __call__(self) -> Outcome:
        return _outcome(await probe(self._target, memory=self._memory))

    async def stream(self) -> AsyncGenerator[Outcome, None]:
        async with aclosing(follow(self._target, self._memory)) as events:
            async for event in events:
                yield _outcome(event)


def _outcome(event: CameraProbed) -> Outcome:
    return Outcome([event], event.data.verdict not in (Status.DOWN, Status.UNKNOWN), event.data.reason)


def target_of(entry: CameraEntry, state: Path) -> CameraTarget:
    """What is probed, and how; nothing is read, made or taken away.

    :param state: folder in which pictures would be kept.
    :raises UsageError: when its URL, ONVIF or SNMP address makes no sense.
    :raises InputError: when its SNMP secret can't be used.
    """
    place = address.parse(entry.url)
    return CameraTarget(
        device=entry.device,
        unit=entry.unit,
        address=place,
        point=entry.point,
        interval_s=entry.interval_s,
        connect_s=entry.connect_s,
        first_frame_s=entry.first_frame_s,
        watch_s=entry.watch_s,
        source=entry.source,
        tls=Tls(entry.tls_verify, entry.tls_ca_file),
        onvif=onvif.service_of(place.host, entry.onvif),
        onvif_sure=entry.onvif not in ("auto", "none"),
        clock_limit_s=entry.clock_limit_s,
        snmp=None if entry.snmp is None else snmp_address(entry.snmp, entry.snmp_secret, place.host),
        scene=entry.scene,
        evidence=_pictures(entry, state) if entry.evidence else None,
    )


def _pictures(entry: CameraEntry, state: Path) -> Evidence:
    return Evidence(
        state / "evidence" / file_name(entry.device),
        most=entry.evidence_most,
        longest_s=entry.evidence_days * 86_400,
    )


def job(entry: CameraEntry) -> Job:
    """What polls one camera.

    :raises UsageError: when its URL, ONVIF or SNMP address makes no sense.
    :raises InputError: when its SNMP secret can't be used.
    """
    state = settings.load().state_dir / "cameras"
    target = target_of(entry, state)
    if not entry.evidence:
        _pictures(entry, state).prune(0)  # kept while the pack said so, which it does no more
    camera = _Camera(target, target.memory(state / "scenes" if entry.scene else None, entry.scene_version))
    return Job(
        entry.device,
        entry.interval_s,
        target.longest_s,
        hash(entry),
        camera,
        stream=camera.stream if entry.continuous else None,
    )


def snmp_address(text: str, secret: str, host: str) -> SnmpAddress:
    """Where a camera's SNMP agent is.

    :param text: ``host[:port]``, or a port of the stream's host.
    :param secret: a community, or the JSON of a v3 user.
    :raises UsageError: when it makes no sense.
    :raises InputError: when the secret can't be used.
    """
    if text.isdecimal():
        text = f":{text}"
    name, colon, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    if colon and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise UsageError("The camera's SNMP port makes no sense.", remedy="Write host[:port], or a port.")
    return SnmpAddress(name or host, int(port) if colon else 161, parse_secret(secret))


def jobs(path: Path) -> list[Job]:
    """Read a camera file into polling jobs.

    :raises InputError: naming what can't be used.
    :raises UsageError: when a camera's URL makes no sense.
    """
    return [job(entry) for entry in targets.load(path, CameraEntry)]
