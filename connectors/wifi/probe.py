"""One probe of an access point or a controller: SNMP and ping side by side, and the facts that follow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from connectors.wifi.agent import Agent, SilentAgentError
from connectors.wifi.ping import Ping, ping
from connectors.wifi.reading import Reading, read
from ioc.events import Status, WifiProbed, WifiSample, event_id

SOURCE: Final = "urn:ioc:probe:wifi"


@dataclass(frozen=True)
class Place:
    """Whose device it is and where it stands."""

    device: str
    unit: str
    point: str | None = None


@dataclass(frozen=True)
class WifiTarget:
    """An access point or controller to probe."""

    place: Place
    host: str
    port: int = 161
    community: str = "public"
    ping: str = "icmp"
    interval_s: float = 60.0
    timeout_s: float = 1.5
    """Wait for each of three SNMP tries, in seconds."""
    source: str = SOURCE
    """CloudEvents source of its samples, part of their ids."""
    access_points: dict[str, Place] = field(default_factory=dict)
    """For a controller: serial number → place; others get ``<device>:<serial>`` at the controller's place."""

    def __repr__(self) -> str:
        return f"WifiTarget({self.place.device!r}, {self.host!r}, {self.port})"


async def probe(target: WifiTarget, *, at: datetime | None = None) -> list[WifiProbed]:
    """Probe once; never raises for what the network does.

    Down is only said when ping *and* data fail. Data missing while the host lives, or while nobody can tell, is
    unknown, with the reason.

    :param at: the sample's time; now when absent.
    """
    moment = at or datetime.now(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    pinging = asyncio.create_task(ping(target.host, target.ping))
    try:
        agent = Agent(target.host, target.port, target.community, target.timeout_s)
        vendor, readings = await read(agent)
    except (SilentAgentError, OSError, ValueError) as error:
        pinged = await pinging
        status, reason = judge_silence(error, pinged)
        sample = _sample(target, target.place, status, pinged, reason=reason)
        places = [target.place, *target.access_points.values()]
        if len(places) > 1:
            return [
                _event(target, place, moment, _sample(target, place, status, pinged, reason=reason))
                for place in places
            ]
        return [_event(target, target.place, moment, sample)]
    pinged = await pinging
    return [_reading_event(target, reading, vendor, pinged, agent.rtt_ms, moment) for reading in readings]


def judge_silence(error: Exception, pinged: Ping) -> tuple[Status, str]:
    """Decide what a missing answer means, from what ping says."""
    reason = error.reason if isinstance(error, SilentAgentError) else f"SNMP failed: {type(error).__name__}"
    if isinstance(error, SilentAgentError) and error.host_lives:
        return Status.UNKNOWN, f"{reason}, the host is there"
    if pinged.alive is None:
        return Status.UNKNOWN, f"{reason}, and this machine can't ping it"
    if pinged.alive:
        return Status.UNKNOWN, f"{reason}, ping answers"
    return Status.DOWN, f"{reason}, ping fails too"


def _reading_event(
    target: WifiTarget,
    reading: Reading,
    vendor: str | None,
    pinged: Ping,
    snmp_rtt_ms: float | None,
    moment: datetime,
) -> WifiProbed:
    place = target.place
    if reading.key:
        default = Place(f"{target.place.device}:{reading.key}"[:50], target.place.unit, target.place.point)
        place = target.access_points.get(reading.key, default)
    reason = None if vendor else "its vendor is not in the table: interfaces only"
    status = Status.OK
    if reading.up is False:
        status, reason = Status.DOWN, "its controller reports it down"
    sample = _sample(target, place, status, pinged, reason=reason, reading=reading, snmp_rtt_ms=snmp_rtt_ms)
    return _event(target, place, moment, sample)


def _sample(
    target: WifiTarget,
    place: Place,
    status: Status,
    pinged: Ping,
    *,
    reason: str | None = None,
    reading: Reading | None = None,
    snmp_rtt_ms: float | None = None,
) -> WifiSample:
    rtt_ms = pinged.rtt_ms if pinged.rtt_ms is not None else snmp_rtt_ms
    return WifiSample(
        unit=place.unit,
        point=place.point,
        status=status,
        reason=reason,
        clients=reading.clients if reading else None,
        radios=reading.radios if reading else (),
        interfaces=reading.interfaces if reading else (),
        model=reading.model if reading else None,
        firmware=reading.firmware if reading else None,
        rtt_ms=None if rtt_ms is None else round(rtt_ms, 3),
        loss=pinged.loss,
        interval_s=target.interval_s,
    )


def _event(target: WifiTarget, place: Place, moment: datetime, sample: WifiSample) -> WifiProbed:
    return WifiProbed(
        specversion="1.0",
        id=event_id(target.source, place.device, "ioc.wifi.probed.v1", moment),
        source=target.source,
        subject=place.device,
        time=moment,
        data=sample,
    )
