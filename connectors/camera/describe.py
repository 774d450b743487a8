"""The rungs before any picture: a TCP or TLS connection and RTSP DESCRIBE (RFC 2326)."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.camera.address import Address
from connectors.camera.login import authorization

_MOST_BYTES: Final = 65_536
_VIDEO: Final = re.compile(r"^m=video [0-9]", re.MULTILINE)


@dataclass(frozen=True)
class Tls:
    """How a camera's certificate is judged, for ``rtsps`` and ``https``."""

    verify: bool = True
    """Off: any certificate is taken, as cheap cameras' own ones need; then anyone on the way can pose as the camera."""
    ca_file: str | None = None
    """Certificates to trust in place of the system's."""

    @property
    def bundle(self) -> str | None:
        """File of the certificates that the decoder trusts; None leaves it to the decoder's library."""
        if self.ca_file is not None:
            return self.ca_file
        paths = ssl.get_default_verify_paths()
        places = (paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt")
        return next((place for place in places if place and Path(place).is_file()), None)

    def context(self) -> ssl.SSLContext:
        """:raises OSError: when the file can't be read or holds no certificate."""
        found = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            found.check_hostname = False
            found.verify_mode = ssl.CERT_NONE
        return found


@dataclass(frozen=True)
class Described:
    """How far the camera was followed before any picture."""

    rung: str
    """``tcp`` or ``describe``."""
    passed: bool
    reason: str | None = None
    ours: bool = False
    """The fault is on our side (name, route, login, trust): it says nothing about the camera."""


@dataclass(frozen=True)
class _Answer:
    status: int
    phrase: str
    headers: list[tuple[str, str]]
    body: str


async def describe(address: Address, timeout_s: float, tls: Tls | None = None) -> Described:
    """Connect and ask what the camera shows; never raises for what the network does.

    :param timeout_s: wait for the connection, and again for the answers, in seconds.
    :param tls: how an ``rtsps`` camera's certificate is judged.
    """
    try:
        trust = (tls or Tls()).context() if address.scheme == "rtsps" else None
    except OSError as error:
        return Described("tcp", False, f"the file of trusted certificates: {_why(error)}", ours=True)
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, limit=_MOST_BYTES, ssl=trust
            )
    except TimeoutError:
        return Described("tcp", False, f"no connection within {timeout_s:g} s")
    except socket.gaierror:
        return Described("tcp", False, "its name can't be resolved", ours=True)
    except ssl.SSLCertVerificationError as error:
        return Described("tcp", False, f"its certificate is not trusted: {error.verify_message}"[:200], True)
    except (OSError, ValueError) as error:
        ours = getattr(error, "errno", None) in (errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EMFILE)
        return Described("tcp", False, _why(error), ours=ours)
    try:
        async with asyncio.timeout(timeout_s):
            return await _ask(address, reader, writer)
    except TimeoutError:
        return Described("describe", False, f"no answer to DESCRIBE within {timeout_s:g} s")
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        return Described("describe", False, _why(error))
    finally:
        writer.transport.abort()  # a polite goodbye over TLS waits for the other side


async def _ask(address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Described:
    answer = await _request(address, reader, writer, 1, None)
    if answer.status == 401 and address.user is not None:
        offers = [value for name, value in answer.headers if name == "www-authenticate"]
        login = authorization(offers, address.user, address.password or "", "DESCRIBE", address.plain)
        if login is not None:
            answer = await _request(address, reader, writer, 2, login)
    if answer.status in (401, 403):
        needed = "it wants a login" if address.user is None else "it refuses the login"
        return Described("describe", False, f"{needed} ({answer.status})", ours=True)
    if 300 <= answer.status < 400:
        return Described("describe", False, f"it sends us elsewhere ({answer.status}), which is not followed")
    if answer.status != 200:
        return Described("describe", False, f"DESCRIBE was answered {answer.status} {answer.phrase}".strip())
    if not _VIDEO.search(answer.body):
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
    status, phrase, headers = read_head(await reader.readuntil(b"\r\n\r\n"))
    length = next(
        (int(value) for name, value in headers if name == "content-length" and value.isdecimal()), 0
    )
    body = await reader.readexactly(min(length, _MOST_BYTES))
    return _Answer(status, phrase, headers, body.decode("utf-8", errors="replace"))


def read_head(head: bytes) -> tuple[int, str, list[tuple[str, str]]]:
    """Status, phrase and headers (names in lower case) of an RTSP answer.

    :raises ValueError: when it is none.
    """
    first, *rest = head.decode("latin-1").split("\r\n")
    match = re.match(r"RTSP/[0-9]\.[0-9] ([0-9]{3})(?: ([ -~]*))?", first)
    if match is None:
        raise ValueError("its answer is not RTSP")
    headers = [
        (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)
    ]
    return int(match.group(1)), (match.group(2) or "")[:80], headers


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(error, EOFError):
        return "it hung up"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or 'no reason given').replace('_', ' ').lower()}"[:120]
    if isinstance(error, OSError) and error.errno:
        return f"{errno.errorcode.get(error.errno, error.errno)}"
    return str(error)[:120] if isinstance(error, ValueError) else type(error).__name__
