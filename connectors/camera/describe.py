"""The rungs before any picture: a TCP connection and RTSP DESCRIBE (RFC 2326, RFC 7616 for the login)."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from connectors.camera.address import Address

_MOST_BYTES: Final = 65_536
_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}


@dataclass(frozen=True)
class Described:
    """How far the camera was followed before any picture."""

    rung: str
    """``tcp`` or ``describe``."""
    passed: bool
    reason: str | None = None
    ours: bool = False
    """The fault is on our side (name, route, login): it says nothing about the camera."""


@dataclass(frozen=True)
class _Answer:
    status: int
    phrase: str
    headers: list[tuple[str, str]]
    body: str


async def describe(address: Address, timeout_s: float) -> Described:
    """Connect and ask what the camera shows; never raises for what the network does.

    :param timeout_s: wait for the connection, and again for the answers, in seconds.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(address.host, address.port, limit=_MOST_BYTES)
    except TimeoutError:
        return Described("tcp", False, f"no connection within {timeout_s:g} s")
    except socket.gaierror:
        return Described("tcp", False, "its name can't be resolved", ours=True)
    except OSError as error:
        ours = error.errno in (errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EMFILE)
        return Described("tcp", False, _why(error), ours=ours)
    try:
        async with asyncio.timeout(timeout_s):
            return await _ask(address, reader, writer)
    except TimeoutError:
        return Described("describe", False, f"no answer to DESCRIBE within {timeout_s:g} s")
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        return Described("describe", False, _why(error))
    finally:
        writer.close()


async def _ask(address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Described:
    answer = await _request(address, reader, writer, 1, None)
    if answer.status == 401 and address.user is not None:
        login = authorization(answer.headers, address)
        if login is not None:
            answer = await _request(address, reader, writer, 2, login)
    if answer.status in (401, 403):
        needed = "it wants a login" if address.user is None else "it refuses the login"
        return Described("describe", False, f"{needed} ({answer.status})", ours=True)
    if answer.status != 200:
        return Described("describe", False, f"DESCRIBE was answered {answer.status} {answer.phrase}".strip())
    if not re.search(r"^m=video ", answer.body, re.MULTILINE):
        return Described("describe", False, "its description names no video stream")
    return Described("describe", True)


async def _request(
    address: Address,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    number: int,
    login: str | None,
) -> _Answer:
    lines = [
        f"DESCRIBE {address.plain} RTSP/1.0",
        f"CSeq: {number}",
        "Accept: application/sdp",
        "User-Agent: ioc-probe",
    ]
    if login is not None:
        lines.append(f"Authorization: {login}")
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.split("\r\n")
    match = re.match(r"RTSP/\d\.\d (\d{3}) ?([ -~]*)", first)
    if match is None:
        raise ValueError("its answer is not RTSP")
    headers = [
        (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)
    ]
    length = next(
        (int(value) for name, value in headers if name == "content-length" and value.isdecimal()), 0
    )
    body = await reader.readexactly(min(length, _MOST_BYTES))
    return _Answer(int(match.group(1)), match.group(2)[:80], headers, body.decode("utf-8", errors="replace"))


def authorization(headers: list[tuple[str, str]], address: Address) -> str | None:
    """Answer the best challenge that a 401 offers: Digest (SHA-256, MD5), else Basic; None when it offers neither."""
    user, password = address.user or "", address.password or ""
    offers = [value for name, value in headers if name == "www-authenticate"]
    best: tuple[int, dict[str, str]] | None = None
    for offer in offers:
        if offer.lower().startswith("digest "):
            found = {key.lower(): quoted or bare for key, quoted, bare in _PARAMETERS.findall(offer[7:])}
            algorithm = found.get("algorithm", "MD5").upper()
            if algorithm in _HASHES and (best is None or algorithm == "SHA-256"):
                best = (1, found)
    if best is not None:
        return _digest(best[1], user, password, address.plain)
    if any(offer.lower().startswith("basic") for offer in offers):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return None


_PARAMETERS: Final = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def _digest(offer: dict[str, str], user: str, password: str, uri: str) -> str:
    algorithm = offer.get("algorithm", "MD5").upper()
    hashed = _HASHES[algorithm]
    realm, nonce = offer.get("realm", ""), offer.get("nonce", "")
    secret = hashed(f"{user}:{realm}:{password}".encode())
    asked = hashed(f"DESCRIBE:{uri}".encode())
    parts = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    extra = ""
    if "auth" in re.split(r"[,\s]+", offer.get("qop", "")):
        own = secrets.token_hex(8)
        parts["response"] = hashed(f"{secret}:{nonce}:00000001:{own}:auth:{asked}".encode())
        extra = f', qop=auth, nc=00000001, cnonce="{own}"'
    else:
        parts["response"] = hashed(f"{secret}:{nonce}:{asked}".encode())
    if "opaque" in offer:
        parts["opaque"] = offer["opaque"]
    if "algorithm" in offer:
        extra += f", algorithm={offer['algorithm']}"
    quoted = ", ".join(f'{key}="{value}"' for key, value in parts.items())
    return f"Digest {quoted}{extra}"


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(error, EOFError):
        return "it hung up"
    if isinstance(error, OSError) and error.errno:
        return f"{errno.errorcode.get(error.errno, error.errno)}"
    return str(error)[:120] if isinstance(error, ValueError) else type(error).__name__
