"""Listens to RADIUS accounting and tells how many sessions are open at each access point. Counts only."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import structlog

from connectors.shared import targets
from connectors.shared.runner import Job, Outcome
from connectors.wifi.probe import Place
from connectors.wifi.radius import RefusedError, answer, parse, station
from connectors.wifi.sessions import Sessions
from connectors.wifi.targets import PlaceEntry
from ioc.district.secrets import read_secret
from ioc.errors import InputError, UnavailableError
from ioc.events import Code, Interval, Source, Status, WifiProbed, WifiSample, event_id

SOURCE: Final = "urn:ioc:radius:wifi"
PORT: Final = 1813
_TELL_S: Final = 60.0
"""At most one log line about refused datagrams in this time."""

log = structlog.get_logger(__name__)


class NasEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[target]]`` of an accounting file: an access server that sends accounting."""

    device: Code
    unit: Code
    address: str
    """It sends from here."""
    secret: str
    """Reference to the shared secret: ``env:NAME`` or ``file:PATH``."""
    point: Code | None = None
    interval_s: Interval = 60.0
    expires_s: Interval = 3_600.0
    settles_s: Interval = 900.0
    source: Source = SOURCE
    access_points: dict[str, PlaceEntry] = {}
    """Address in Called-Station-Id, or NAS-Identifier → place; the others count for the server's own device."""


@dataclass
class _Nas:
    entry: NasEntry
    secret: bytes = field(repr=False)
    sessions: Sessions
    places: dict[str, Place]

    def device_of(self, called: str, identifier: str) -> str:
        place = self.places.get(called) or self.places.get(identifier)
        return place.device if place else self.entry.device


class Accountant:
    """Takes in accounting messages and makes the samples of the access points that they speak of.

    Messages of unknown addresses and with another secret are not answered, only counted. The key that stands between
    sessions and their hashes is made anew at every start and never leaves the process.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._nas: dict[str, _Nas] = {}
        self._refused: Counter[str] = Counter()
        self._told_at = 0.0

    def jobs(self, path: Path) -> list[Job]:
        """Read an accounting file into jobs, one an access server; servers that did not change keep their sessions.

        :raises InputError: naming what can't be used; no secret is repeated.
        """
        return self.of(targets.load(path, NasEntry), path.parent)

    def of(self, entries: Iterable[NasEntry], folder: Path) -> list[Job]:
        """Take these servers, and no others; as :meth:`jobs`.

        :param folder: from which the paths of secrets count.
        """
        found: dict[str, _Nas] = {}
        for entry in entries:
            try:
                address = str(ipaddress.ip_address(entry.address))
            except ValueError:
                raise InputError(f"The address of {entry.device} is none.") from None
            if address in found:
                raise InputError(f"The address {address} is named more than once.")
            secret = read_secret(entry.secret, folder).get_secret_value().encode()
            before = self._nas.get(address)
            if before is not None and (before.entry, before.secret) == (entry, secret):
                found[address] = before
                continue
            sessions = Sessions(time.monotonic(), expires_s=entry.expires_s, settles_s=entry.settles_s)
            places = {
                station(key): Place(p.device, p.unit, p.point) for key, p in entry.access_points.items()
            }
            found[address] = _Nas(entry, secret, sessions, places)
        self._nas = found
        return [
            Job(
                nas.entry.device,
                nas.entry.interval_s,
                10.0,
                hash((nas.entry.address, nas.secret, msgspec.json.encode(nas.entry))),
                partial(self._sample, nas),
            )
            for nas in found.values()
        ]

    def take(self, datagram: bytes, address: str) -> bytes | None:
        """Take in one datagram; returns its answer, or None when it is refused."""
        nas = self._nas.get(address.removeprefix("::ffff:"))
        if nas is None:
            self._refuse("its address is not in the file")
            return None
        try:
            message = parse(datagram, nas.secret, self._key)
        except RefusedError as error:
            self._refuse(str(error))
            return None
        nas.sessions.take(message, nas.device_of(message.station, message.identifier), time.monotonic())
        return answer(datagram, nas.secret)

    @asynccontextmanager
    async def listening(self, host: str = "0.0.0.0", port: int = PORT) -> AsyncIterator[int]:  # noqa: S104
        """Listen for the length of the block; gives the UDP port.

        :raises UnavailableError: when the port can't be had.
        """
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                partial(_Listener, self), local_addr=(host, port)
            )
        except OSError as error:
            raise UnavailableError(
                f"UDP port {port} of {host} can't be listened on: {error.strerror}.",
                remedy="Stop what listens there, or choose another with --port.",
            ) from None
        try:
            yield int(transport.get_extra_info("sockname")[1])
        finally:
            transport.close()

    def _refuse(self, why: str) -> None:
        self._refused[why] += 1
        now = time.monotonic()
        if now - self._told_at >= _TELL_S:
            log.warning("accounting.refused", datagrams=dict(self._refused))
            self._told_at = now
            self._refused.clear()

    async def _sample(self, nas: _Nas) -> Outcome:
        now, moment = time.monotonic(), datetime.now(UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        entry = nas.entry
        places = [Place(entry.device, entry.unit, entry.point), *nas.places.values()]
        places = list({place.device: place for place in places}.values())
        counts = nas.sessions.counts([place.device for place in places], now)
        events = []
        for place in places:
            heard = nas.sessions.heard.get(place.device)
            silent = heard is None or now - heard > entry.expires_s
            if silent and place.device == entry.device and nas.places and nas.sessions.heard:
                continue  # every message named an access point: nothing is known of the server's own
            sample = WifiSample(
                unit=place.unit,
                point=place.point,
                status=Status.UNKNOWN if silent else Status.OK,
                reason="no accounting message of it" if silent else None,
                clients=None if silent else counts[place.device],
                interval_s=entry.interval_s,
            )
            events.append(
                WifiProbed(
                    specversion="1.0",
                    id=event_id(entry.source, place.device, "ioc.wifi.probed.v1", moment),
                    source=entry.source,
                    subject=place.device,
                    time=moment,
                    data=sample,
                )
            )
        heard_at_all = any(now - at <= entry.expires_s for at in nas.sessions.heard.values())
        return Outcome(events, heard_at_all, None if heard_at_all else "no accounting message")


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, accountant: Accountant) -> None:
        self._accountant = accountant

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        reply = self._accountant.take(data, address[0])
        if reply is not None:
            self._transport.sendto(reply, address)
