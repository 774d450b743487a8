"""Whether "the internet works here": echo requests, a name, and a page that must come back as it was sent.

It tells of the network in which it runs, so it is run on a machine at the point, behind the same access point or line
as its users. From the centre nothing of this can be known.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from connectors.shared import targets
from connectors.shared.runner import Job, Outcome
from connectors.wifi.ping import Ping, check, ping
from ioc.errors import InputError
from ioc.events import Code, Interval, Source, Status, WifiProbed, WifiSample, event_id

SOURCE: Final = "urn:ioc:internet:wifi"
_MOST_BYTES: Final = 16_384

Requests = Annotated[int, msgspec.Meta(ge=1, le=100)]


class InternetEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[target]]`` of an internet file: what stands for the internet at one place."""

    device: Code
    unit: Code
    host: str
    """Who is sent echo requests."""
    url: str
    """A page without content that always answers 204, of one's own or a well-known one: ``http://…`` shows captive
    portals, ``https://…`` proves who answers."""
    name: str | None = None
    """A name to look up; the url's host when absent."""
    addresses: tuple[str, ...] = ()
    """Addresses or networks that the name may have; an answer outside is a lie. Empty: any public address."""
    point: Code | None = None
    ping: str = "icmp"
    requests: Requests = 5
    expect: str = ""
    """Text that the page must hold, when it has content (status 200)."""
    interval_s: Interval = 60.0
    timeout_s: Interval = 5.0
    source: Source = SOURCE


@dataclass(frozen=True)
class Verdict:
    """What was found; ``ok`` is None when nothing could be asked."""

    ok: bool | None
    reason: str | None = None


async def check_internet(entry: InternetEntry) -> tuple[Verdict, Ping]:
    """Ask all three at once; never raises for what the network does, takes at most some ``timeout_s``.

    The internet works when the page comes back as it should. Echo requests alone prove nothing (many networks drop
    them): they give loss and round trip, and tell a broken line from a broken name or page.
    """
    echo, name, page = await asyncio.gather(
        ping(entry.host, entry.ping, count=entry.requests, timeout_s=min(entry.timeout_s, 2.0)),
        _look_up(entry),
        _fetch(entry),
    )
    if page.ok and name.ok is not False:
        return Verdict(True), echo
    if name.ok is False:
        return Verdict(False, name.reason), echo
    if page.reason and echo.alive:
        return Verdict(False, f"{page.reason}, though {entry.host} answers echo requests"), echo
    return Verdict(False, page.reason), echo


async def _look_up(entry: InternetEntry) -> Verdict:
    name = entry.name or urlsplit(entry.url).hostname or ""
    loop = asyncio.get_running_loop()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return Verdict(None)  # no name is needed
    try:
        async with asyncio.timeout(entry.timeout_s):
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Verdict(False, "names are not answered")
    except OSError:
        return Verdict(False, f"the name {name} leads to no address")
    answers = {ipaddress.ip_address(str(address[4][0]).partition("%")[0]) for address in found}
    if entry.addresses:
        allowed = [ipaddress.ip_network(network, strict=False) for network in entry.addresses]
        right = all(any(answer in network for network in allowed) for answer in answers)
    else:
        right = all(answer.is_global for answer in answers)
    return (
        Verdict(True)
        if right
        else Verdict(False, f"the name {name} leads somewhere else: its answer is a lie")
    )


async def _fetch(entry: InternetEntry) -> Verdict:
    try:
        async with asyncio.timeout(entry.timeout_s):
            status, headers, body = await _get(entry.url)
    except TimeoutError:
        return Verdict(False, "the page does not come in time")
    except ssl.SSLError:
        return Verdict(False, "somebody else answers for the page: its certificate is wrong")
    except (OSError, ValueError):
        return Verdict(False, "the page can't be reached")
    return judge(status, headers.get("location"), body, entry)


def judge(status: int, location: str | None, body: bytes, entry: InternetEntry) -> Verdict:
    """What a page's answer means."""
    if 300 <= status < 400 or status == 511:
        where = urlsplit(location or "").hostname
        return Verdict(
            False, f"a captive portal stands before the internet{f' ({where[:80]})' if where else ''}"
        )
    if status == 204 and not body:
        return Verdict(True)
    if status == 200 and entry.expect and entry.expect in body.decode("utf-8", errors="replace"):
        return Verdict(True)
    if status == 200:
        return Verdict(False, "a captive portal stands before the internet: the page has another content")
    return Verdict(False, f"the page answers with {status}")


async def _get(url: str) -> tuple[int, dict[str, str], bytes]:
    """One GET without redirects, caches and cookies; at most 16 KiB are read.

    :raises ValueError: when the answer is no HTTP.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(
        parts.hostname, port, ssl=ssl.create_default_context() if secure else None, limit=_MOST_BYTES
    )
    try:
        query = f"{parts.path or '/'}?{parts.query + '&' if parts.query else ''}_={secrets.token_hex(8)}"
        writer.write(
            f"GET {query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: ioc-internet-check\r\n"
            "Cache-Control: no-cache\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        received = b""
        while len(received) < _MOST_BYTES:
            part = await reader.read(_MOST_BYTES - len(received))
            if not part:
                break
            received += part
            head, end, body = received.partition(b"\r\n\r\n")
            if end and _whole(head, body):
                break
    finally:
        writer.close()
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdecimal():
        raise ValueError("no HTTP")
    headers = {
        key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    return int(words[1][:3]), headers, body


def _whole(head: bytes, body: bytes) -> bool:
    """Whether nothing more is to come, as the head says it."""
    if head.split(b" ", 2)[1:2] == [b"204"]:
        return True
    for line in head.lower().split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip() == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False


async def _sample(entry: InternetEntry) -> Outcome:
    moment = datetime.now(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    verdict, echo = await check_internet(entry)
    sample = WifiSample(
        unit=entry.unit,
        point=entry.point,
        status=Status.OK if verdict.ok else Status.DEGRADED,
        reason=verdict.reason,
        rtt_ms=None if echo.rtt_ms is None else round(echo.rtt_ms, 3),
        loss=None if echo.loss is None else round(echo.loss, 4),
        internet_ok=verdict.ok,
        interval_s=entry.interval_s,
    )
    event = WifiProbed(
        specversion="1.0",
        id=event_id(entry.source, entry.device, "ioc.wifi.probed.v1", moment),
        source=entry.source,
        subject=entry.device,
        time=moment,
        data=sample,
    )
    return Outcome([event], bool(verdict.ok), verdict.reason)


def jobs(path: Path) -> list[Job]:
    """Read an internet file into jobs.

    :raises InputError: naming what can't be used.
    """
    found = []
    for entry in targets.load(path, InternetEntry):
        parts = urlsplit(entry.url)
        try:
            check(entry.ping)
            usable = (
                parts.scheme in ("http", "https")
                and parts.hostname
                and not parts.username
                and parts.port != 0
            )
            for network in entry.addresses:
                ipaddress.ip_network(network, strict=False)
        except ValueError:
            usable = False
        if not usable:
            raise InputError(
                f"The url or the addresses of {entry.device} in {path} can't be used.",
                remedy="Write http(s)://host[:port]/path without a login, and addresses as 192.0.2.0/24.",
            )
        found.append(
            Job(
                entry.device,
                entry.interval_s,
                2 * entry.timeout_s + 10,
                hash(msgspec.json.encode(entry)),
                partial(_sample, entry),
            )
        )
    return found
