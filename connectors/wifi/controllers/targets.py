"""Controllers to ask over HTTP, from a target file; their calls a minute are added up before the first one."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from connectors.shared import targets
from connectors.shared.budget import CallBudget
from connectors.shared.runner import Job, Outcome
from connectors.shared.snmp.interfaces import Port
from connectors.wifi.controllers import unifi
from connectors.wifi.controllers.api import Api, ControllerError
from connectors.wifi.controllers.found import Found, mac_key
from connectors.wifi.controllers.openwisp import OpenWisp
from connectors.wifi.controllers.unifi import Unifi
from connectors.wifi.probe import Place
from connectors.wifi.reading import Reading
from connectors.wifi.targets import PlaceEntry
from connectors.wifi.traffic import Meter, Traffic
from ioc.district.secrets import read_secret
from ioc.errors import InputError
from ioc.events import Code, Interval, Source, Status, WifiProbed, WifiSample, event_id

SOURCE: Final = "urn:ioc:controller:wifi"
_AIR: Final = "clients"


class ControllerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[target]]`` of a controllers file."""

    device: Code
    unit: Code
    kind: Literal["unifi", "openwisp"]
    url: str
    """``https://host[:port]``"""
    secret: str
    """Reference (``env:NAME``, ``file:PATH``) to a token (OpenWISP), or to ``user:password`` or an API key (UniFi)."""
    point: Code | None = None
    site: str = "default"
    """UniFi: the site. OpenWISP: the organization's slug; ``default`` stands for all."""
    devices: int = 50
    """OpenWISP: access points expected; each is a call."""
    calls_a_minute: float = 60.0
    """What the host allows, all its targets together; the least one given for a host counts."""
    ca: str | None = None
    """PEM file to trust, from this file's folder on."""
    interval_s: Interval = 60.0
    timeout_s: Interval = 20.0
    source: Source = SOURCE
    access_points: dict[str, PlaceEntry] = {}
    """Serial number or own MAC address → place; the others are called ``<device>:<key>``."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.casefold()

    @property
    def calls(self) -> int:
        """Calls of one round."""
        return unifi.CALLS if self.kind == "unifi" else 1 + self.devices // 100 + self.devices

    def __repr__(self) -> str:
        return f"ControllerEntry({self.device!r}, {self.kind})"


class Controllers:
    """The controllers of a file, with the budget of each host."""

    def __init__(self) -> None:
        self._budgets: dict[tuple[str, float], CallBudget] = {}

    def jobs(self, path: Path) -> list[Job]:
        """Read a controllers file into jobs.

        :raises InputError: naming what can't be used, or a host that would be called more often than it allows; no
            secret is repeated.
        """
        return self.of(targets.load(path, ControllerEntry), path.parent)

    def of(self, entries: Sequence[ControllerEntry], folder: Path) -> list[Job]:
        """Make jobs of entries.

        :param folder: from which the paths of secrets and certificates count.
        :raises InputError: as :meth:`jobs`.
        """
        by_host: dict[str, list[ControllerEntry]] = defaultdict(list)
        for entry in entries:
            parts = urlsplit(entry.url)
            if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query:
                raise InputError(
                    f"The url of {entry.device} can't be used.",
                    remedy="Write https://host[:port], without a login.",
                )
            by_host[entry.host].append(entry)
        budgets = {host: self._budget(host, those) for host, those in by_host.items()}
        return [self._job(entry, folder, budgets[entry.host]) for entry in entries]

    def _budget(self, host: str, entries: list[ControllerEntry]) -> CallBudget:
        allowed = min(entry.calls_a_minute for entry in entries)
        wanted = sum(entry.calls * 60 / entry.interval_s for entry in entries)
        if wanted > allowed:
            raise InputError(
                f"{host} would be called {wanted:.0f} times a minute, {allowed:g} are allowed.",
                remedy="Raise interval_s of its targets, or calls_a_minute when its operator agrees.",
            )
        return self._budgets.setdefault((host, allowed), CallBudget(max(allowed, 1.0), 60.0))

    def _job(self, entry: ControllerEntry, folder: Path, budget: CallBudget) -> Job:
        secret = read_secret(entry.secret, folder).get_secret_value()
        try:
            api = Api(
                entry.url, budget, timeout_s=entry.timeout_s, ca=folder / entry.ca if entry.ca else None
            )
        except OSError as error:
            raise InputError(
                f"The certificate {entry.ca} of {entry.device} can't be read: {error.strerror}."
            ) from None
        reader: Unifi | OpenWisp
        if entry.kind == "unifi":
            user, colon, password = secret.partition(":")
            login = unifi.Login(user=user, password=password) if colon else unifi.Login(api_key=secret)
            reader = Unifi(api, login, entry.site)
        else:
            reader = OpenWisp(api, secret, None if entry.site == "default" else entry.site)
        places = {mac_key(key): Place(p.device, p.unit, p.point) for key, p in entry.access_points.items()}
        meter = Meter(entry.interval_s)
        return Job(
            entry.device,
            entry.interval_s,
            entry.timeout_s + 60.0 * entry.calls / max(entry.calls_a_minute, 1.0) + 10.0,
            hash((secret, msgspec.json.encode(entry))),
            partial(_poll, entry, reader, places, meter),
        )


async def _poll(
    entry: ControllerEntry, reader: Unifi | OpenWisp, places: dict[str, Place], meter: Meter
) -> Outcome:
    moment = datetime.now(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    own = Place(entry.device, entry.unit, entry.point)
    try:
        found = await reader.read()
    except ControllerError as error:
        # its access points may be well: what is not known of them is unknown
        return Outcome(
            [
                _event(entry, place, moment, Found("", Status.UNKNOWN, error.reason))
                for place in places.values()
            ]
            or [_event(entry, own, moment, Found("", Status.UNKNOWN, error.reason))],
            healthy=False,
            reason=error.reason,
        )
    events = []
    for one in {one.key: one for one in found}.values():
        default = Place(f"{entry.device}:{one.key}"[:50], entry.unit, entry.point)
        traffic = meter.read(_reading(one), time.monotonic(), _ticks(one))
        events.append(_event(entry, places.get(one.key, default), moment, one, traffic))
    missing = set(places) - {one.key for one in found}
    events += [
        _event(entry, places[key], moment, Found(key, Status.UNKNOWN, "its controller does not know it"))
        for key in sorted(missing)
    ]
    return Outcome(events, healthy=True)


def _reading(found: Found) -> Reading:
    if found.rx is None and found.tx is None:
        return Reading(key=found.key)
    port = Port(0, _AIR, True, found.rx, found.tx, None)
    return Reading(key=found.key, ports=(port,), air=f"^{_AIR}$")


def _ticks(found: Found) -> int | None:
    return None if found.uptime_s is None else found.uptime_s * 100


def _event(
    entry: ControllerEntry, place: Place, moment: datetime, found: Found, traffic: Traffic | None = None
) -> WifiProbed:
    traffic = traffic or Traffic()
    sample = WifiSample(
        unit=place.unit,
        point=place.point,
        status=found.status,
        reason=found.reason,
        clients=found.clients,
        radios=found.radios,
        model=found.model,
        firmware=found.firmware,
        rx_bytes=traffic.rx_bytes,
        tx_bytes=traffic.tx_bytes,
        traffic_s=traffic.span_s,
        interval_s=entry.interval_s,
    )
    return WifiProbed(
        specversion="1.0",
        id=event_id(entry.source, place.device, "ioc.wifi.probed.v1", moment),
        source=entry.source,
        subject=place.device,
        time=moment,
        data=sample,
    )
