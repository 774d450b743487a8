"""One probe of an access point or a controller: SNMP and ping side by side, and the facts that follow."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from connectors.shared.snmp.agent import Agent, Memory, SilentAgentError
from connectors.shared.snmp.login import Credentials
from connectors.wifi.ping import Ping, ping
from connectors.wifi.reading import Reading, read
from connectors.wifi.traffic import Meter, Traffic
from ioc.events import Status, WifiProbed, WifiSample, event_id

SOURCE: Final = "urn:ioc:probe:wifi"
_NAMING_S: Final = 5.0


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
    credentials: Credentials = "public"
    """A v2c community, or a v3 user."""
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


class History:
    """What is kept of a device from one probe to the next: what its agent has, and its counters."""

    def __init__(self, interval_s: float) -> None:
        self.memory = Memory()
        self.meter = Meter(interval_s)


async def probe(
    target: WifiTarget, *, at: datetime | None = None, history: History | None = None
) -> list[WifiProbed]:
    """Probe once; never raises for what the network does.

    Down is only said when ping *and* data fail. Data missing while the host lives, or while nobody can tell, is
    unknown, with the reason.

    :param at: the sample's time; now when absent.
    :param history: of this target; traffic is known from the second probe with it on.
    """
    moment = at or datetime.now(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    history = history or History(target.interval_s)
    pinging = asyncio.create_task(ping(target.host, target.ping))
    try:
        address = await _address(target.host)
        agent = Agent(address, target.port, target.credentials, target.timeout_s, history.memory)
        vendor, readings = await read(agent)
    except (SilentAgentError, OSError, ValueError) as error:
        pinged = await pinging
        status, reason = judge_silence(error, pinged)
        places = [target.place, *target.access_points.values()]
        return [
            _event(target, place, moment, _sample(target, place, status, pinged, reason=reason))
            for place in places
        ]
    except asyncio.CancelledError:
        pinging.cancel()
        raise
    read_at = time.monotonic()
    pinged = await pinging
    return [
        _reading_event(
            target,
            reading,
            vendor,
            pinged,
            agent.rtt_ms,
            moment,
            history.meter.read(reading, read_at, agent.uptime_ticks),
        )
        for reading in readings
    ]


def judge_silence(error: Exception, pinged: Ping) -> tuple[Status, str]:
    """Decide what a missing answer means, from what ping says."""
    if isinstance(error, SilentAgentError):
        reason = error.reason
    else:
        reason = (
            "its name leads to no address"
            if isinstance(error, socket.gaierror)
            else "its address can't be used"
        )
    if isinstance(error, SilentAgentError) and error.host_lives:
        return Status.UNKNOWN, f"{reason}, the host is there"
    if pinged.alive is None:
        return Status.UNKNOWN, f"{reason}, and this machine can't ping it"
    if pinged.alive:
        return Status.UNKNOWN, f"{reason}, ping answers"
    return Status.DOWN, f"{reason}, ping fails too"


async def _address(host: str) -> str:
    """The host's address; the SNMP library takes no names."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_NAMING_S):
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return str(found[0][4][0])


def _reading_event(
    target: WifiTarget,
    reading: Reading,
    vendor: str | None,
    pinged: Ping,
    snmp_rtt_ms: float | None,
    moment: datetime,
    traffic: Traffic,
) -> WifiProbed:
    place = target.place
    if reading.key:
        default = Place(f"{target.place.device}:{reading.key}"[:50], target.place.unit, target.place.point)
        place = target.access_points.get(reading.key, default)
    reason = None if vendor else "its vendor is not in the table: model and interfaces only"
    status = Status.OK
    if reading.up is False:
        status, reason = Status.DOWN, "its controller reports it down"
    sample = _sample(
        target,
        place,
        status,
        pinged,
        reason=reason,
        reading=reading,
        snmp_rtt_ms=snmp_rtt_ms,
        traffic=traffic,
    )
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
    traffic: Traffic | None = None,
) -> WifiSample:
    rtt_ms = pinged.rtt_ms if pinged.rtt_ms is not None else snmp_rtt_ms
    reading = reading or Reading()
    traffic = traffic or Traffic()
    return WifiSample(
        unit=place.unit,
        point=place.point,
        status=status,
        reason=reason,
        clients=reading.clients,
        radios=reading.radios,
        interfaces=traffic.interfaces,
        model=reading.model,
        firmware=reading.firmware,
        rtt_ms=None if rtt_ms is None else round(rtt_ms, 3),
        loss=pinged.loss,
        rx_bytes=traffic.rx_bytes,
        tx_bytes=traffic.tx_bytes,
        traffic_s=traffic.span_s,
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
