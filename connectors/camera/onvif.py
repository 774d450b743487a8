"""What a camera says over ONVIF: its clock, which it tells without login, and what it is, which it tells with one.

The clock comes first: the login (WS-UsernameToken) carries the time, and cameras refuse one that is off by their own
clock. So it is written in the camera's time. ONVIF Core Specification, GetSystemDateAndTime and GetDeviceInformation;
OASIS Web Services Security UsernameToken Profile 1.0.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NewType
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException, ElementTree

from connectors.camera.describe import Tls
from connectors.camera.login import authorization
from ioc.errors import UsageError

Service = NewType("Service", str)
"""Address of a camera's device service."""

_PATH: Final = "/onvif/device_service"
_MOST_BYTES: Final = 65_536
_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_TOKEN: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"  # noqa: S105
_DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"


@dataclass(frozen=True)
class Login:
    """Who asks."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login()"


@dataclass(frozen=True)
class Answered:
    """What a camera told. Unknown is None."""

    offset_s: float | None = None
    """Its clock minus ours, in seconds; it tells whole seconds, so this is good to about half a second."""
    reason: str | None = None
    """Why the clock is unknown."""
    model: str | None = None
    firmware: str | None = None
    refused: bool = False
    """It refused the login, though that was written in its own time."""


class UnusableAnswerError(Exception):
    """An answer that can't be used; the text may be shown."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused


def service_of(host: str, url: str = "auto") -> Service | None:
    """Where a camera's device service is.

    :param host: of its stream.
    :param url: ``auto`` (port 80 of the host), ``none``, a port, or the address itself.
    :raises UsageError: when it is none of these.
    """
    if url == "none":
        return None
    name = f"[{host}]" if ":" in host else host
    if url == "auto":
        return Service(f"http://{name}{_PATH}")
    if url.isdecimal() and 0 < int(url) < 65_536:
        return Service(f"http://{name}:{int(url)}{_PATH}")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or re.search(r"[\s\x00-\x1f]", url):
        raise UsageError(
            "The camera's ONVIF address makes no sense.",
            remedy="Write auto, none, a port, or http://host[:port]/path, without a login: the stream's is used.",
        )
    return Service(url if parts.path not in ("", "/") else url.rstrip("/") + _PATH)


async def ask(
    service: Service, login: Login | None, timeout_s: float, tls: Tls | None = None, *, identify: bool = True
) -> Answered:
    """Ask for the clock, then, with a login, what the camera is; never raises for what the network does.

    :param timeout_s: longest time for all of it, in seconds.
    :param identify: whether to ask what it is.
    """
    offset_s: float | None = None
    try:
        async with asyncio.timeout(timeout_s):
            offset_s = await _offset_s(service, tls)
            if login is None or not identify:
                return Answered(offset_s)
            body = await _call(service, "GetDeviceInformation", tls, login, offset_s)
            return Answered(offset_s, None, _text(body, "Model"), _text(body, "FirmwareVersion"))
    except TimeoutError:
        return Answered(offset_s, None if offset_s is not None else f"no answer within {timeout_s:g} s")
    except UnusableAnswerError as fault:
        return Answered(offset_s, None if offset_s is not None else fault.reason, refused=fault.refused)


async def _offset_s(service: Service, tls: Tls | None) -> float:
    asked = datetime.now(UTC)
    body = await _call(service, "GetSystemDateAndTime", tls)
    told = datetime.now(UTC)
    # it cuts its time to whole seconds: half a second is the mean of what is lost
    return round(
        (read_clock(body) + timedelta(seconds=0.5) - (asked + (told - asked) / 2)).total_seconds(), 1
    )


def read_clock(body: bytes) -> datetime:
    """The time that an answer to GetSystemDateAndTime tells.

    :raises UnusableAnswerError: when it tells none.
    """
    root = _parse(body)
    clock = next((node for node in root.iter() if _name(node.tag) == "UTCDateTime"), None)
    if clock is None:
        raise UnusableAnswerError("it tells no UTC time")
    numbers = {_name(node.tag): (node.text or "").strip() for node in clock.iter()}
    try:
        year, month, day, hour, minute, second = (
            int(numbers.get(key, "")[:10]) for key in ("Year", "Month", "Day", "Hour", "Minute", "Second")
        )
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UnusableAnswerError("the time that it tells makes no sense") from None


async def _call(
    service: Service, action: str, tls: Tls | None, login: Login | None = None, offset_s: float = 0.0
) -> bytes:
    header = "" if login is None else security(login, datetime.now(UTC) + timedelta(seconds=offset_s))
    envelope = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
        f'{header}<s:Body><{action} xmlns="{_DEVICE}"/></s:Body></s:Envelope>'
    ).encode()
    headers = {
        "Content-Type": f'application/soap+xml; charset=utf-8; action="{_DEVICE}/{action}"',
        "Accept-Encoding": "identity",  # nothing is unpacked, so nothing can swell
        "User-Agent": "ioc-probe",
    }
    status, challenges, body = await _post(service, envelope, headers, tls)
    if status == 401 and login is not None and challenges:
        path = urlsplit(service).path
        answer = authorization(challenges, login.user, login.password, "POST", path)
        if answer is not None:
            headers["Authorization"] = answer
            status, _, body = await _post(service, envelope, headers, tls)
    if status in (401, 403) or (status == 400 and b"NotAuthorized" in body):
        raise UnusableAnswerError(f"ONVIF refuses the login ({status})", refused=True)
    if 300 <= status < 400:
        raise UnusableAnswerError(f"it sends us elsewhere ({status}), which is not followed")
    if status != 200:
        raise UnusableAnswerError(f"{action} was answered {status}")
    return body


async def _post(
    service: Service, content: bytes, headers: dict[str, str], tls: Tls | None
) -> tuple[int, list[str], bytes]:
    import httpx

    verify: ssl.SSLContext | bool = False
    try:
        if service.startswith("https:"):
            verify = (tls or Tls()).context()
        async with (
            httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, timeout=None) as client,  # noqa: S113 - the caller bounds all of it
            client.stream("POST", service, content=content, headers=headers) as answer,
        ):
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise UnusableAnswerError(f"its answer is longer than {_MOST_BYTES // 1024} KiB")
            challenges = answer.headers.get_list("www-authenticate")
            return answer.status_code, challenges, bytes(body)
    except httpx.ConnectError as error:
        untrusted = "certificate" in str(error).lower()
        raise UnusableAnswerError(
            "its certificate is not trusted" if untrusted else "nothing answers there"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise UnusableAnswerError(f"its answer can't be read ({type(error).__name__})") from None


def security(login: Login, created: datetime) -> str:
    """The header of a WS-UsernameToken; the password goes in as a digest with nonce and time.

    :param created: in the camera's own time.
    """
    stamp = created.strftime("%Y-%m-%dT%H:%M:%S.") + f"{created.microsecond // 1000:03d}Z"
    nonce = secrets.token_bytes(16)
    digest = hashlib.sha1(nonce + stamp.encode() + login.password.encode(), usedforsecurity=False).digest()
    return (
        f'<s:Header><Security s:mustUnderstand="1" xmlns="{_WSSE}"><UsernameToken>'
        f"<Username>{escape(login.user)}</Username>"
        f'<Password Type="{_TOKEN}#PasswordDigest">{base64.b64encode(digest).decode()}</Password>'
        f'<Nonce>{base64.b64encode(nonce).decode()}</Nonce><Created xmlns="{_WSU}">{stamp}</Created>'
        "</UsernameToken></Security></s:Header>"
    )


def _parse(body: bytes) -> Element:
    try:
        root: Element = ElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise UnusableAnswerError("its answer is no XML that can be trusted") from None
    return root


def _text(body: bytes, name: str) -> str | None:
    node = next((node for node in _parse(body).iter() if _name(node.tag) == name), None)
    text = "" if node is None else (node.text or "").replace("\0", "").strip()
    return text[:200] or None


def _name(tag: object) -> str:
    return str(tag).rpartition("}")[2]
