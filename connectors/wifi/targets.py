"""Access points and controllers to poll, from a target file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec

from connectors.shared import targets
from connectors.shared.runner import Job, Outcome
from connectors.shared.snmp.login import Login
from connectors.wifi import ping
from connectors.wifi.probe import SOURCE, History, Place, WifiTarget, probe
from ioc.events import Code, Interval, Source, Status


class PlaceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an access point of a controller stands."""

    device: Code
    unit: Code
    point: Code | None = None


class WifiEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[target]]`` of a wifi file."""

    device: Code
    unit: Code
    host: str
    point: Code | None = None
    port: int = 161
    community: str = "public"
    login: Login | None = None
    """A user of SNMP v3, instead of the community."""
    ping: str = "icmp"
    interval_s: Interval = 60.0
    timeout_s: Interval = 1.5
    source: Source = SOURCE
    access_points: dict[str, PlaceEntry] = {}

    def __repr__(self) -> str:
        return f"WifiEntry({self.device!r})"


async def _poll(target: WifiTarget, history: History) -> Outcome:
    events = await probe(target, history=history)
    failing = [event.data for event in events if event.data.status in (Status.DOWN, Status.UNKNOWN)]
    return Outcome(list(events), not failing, failing[0].reason if failing else None)


def job(entry: WifiEntry) -> Job:
    """What polls one access point or controller.

    :raises UsageError: when its way to ping is not known.
    """
    ping.check(entry.ping)
    target = WifiTarget(
        place=Place(entry.device, entry.unit, entry.point),
        host=entry.host,
        port=entry.port,
        credentials=entry.login or entry.community,
        ping=entry.ping,
        interval_s=entry.interval_s,
        timeout_s=entry.timeout_s,
        source=entry.source,
        access_points={
            serial: Place(place.device, place.unit, place.point)
            for serial, place in entry.access_points.items()
        },
    )
    longest_s = 12 * entry.timeout_s + 10
    return Job(
        entry.device,
        entry.interval_s,
        longest_s,
        hash(msgspec.json.encode(entry)),
        partial(_poll, target, History(entry.interval_s)),
    )


def jobs(path: Path) -> list[Job]:
    """Read a wifi file into polling jobs.

    :raises InputError: naming what can't be used.
    """
    return [job(entry) for entry in targets.load(path, WifiEntry)]
