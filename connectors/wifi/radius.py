"""RADIUS accounting on the wire (RFC 2866), as little of it as counting needs.

Who uses the network is in these messages: User-Name, Calling-Station-Id, Framed-IP-Address. None of them is read; of
the session's id a keyed hash is made at once, with a key that lives as long as the process.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_REQUEST: Final = 4
_RESPONSE: Final = 5
_HEADER: Final = struct.Struct("!BBH16s")
_LEAST, _MOST = 20, 4_096
_NO_AUTHENTICATOR: Final = bytes(16)
_NAS_IDENTIFIER: Final = 32
_CALLED_STATION: Final = 30
_STATUS_TYPE: Final = 40
_DELAY: Final = 41
_SESSION: Final = 44


class Kind(IntEnum):
    """What an accounting message says (Acct-Status-Type)."""

    START = 1
    STOP = 2
    INTERIM = 3
    ON = 7
    OFF = 8


class RefusedError(Exception):
    """A datagram that is not answered; its text names the reason and holds nothing of the datagram."""


@dataclass(frozen=True)
class Accounting:
    """One message, without anything of a person."""

    kind: Kind
    session: bytes
    """Keyed hash of the session's id; empty for On and Off."""
    station: str
    """The access point: the address part of Called-Station-Id as 12 hexadecimal digits, else as it is; may be empty."""
    identifier: str
    """NAS-Identifier; may be empty."""
    delay_s: int
    """How long the sender has been trying (Acct-Delay-Time), in seconds."""


def parse(datagram: bytes, secret: bytes, key: bytes) -> Accounting:
    """Read an Accounting-Request and see that its sender knows the secret.

    :param key: of the hash that stands for a session.
    :raises RefusedError: when it is none, is malformed, or the secret is another one.
    """
    if not _LEAST <= len(datagram) <= _MOST:
        raise RefusedError("its length is none of a RADIUS message")
    code, _, length, authenticator = _HEADER.unpack_from(datagram)
    if code != _REQUEST or not _LEAST <= length <= len(datagram):
        raise RefusedError("it is no accounting request")
    attributes = datagram[_LEAST:length]  # what follows the length is padding
    expected = hashlib.md5(  # noqa: S324 - RFC 2866 knows no other
        datagram[:4] + _NO_AUTHENTICATOR + attributes + secret
    ).digest()
    if not hmac.compare_digest(expected, authenticator):
        raise RefusedError("its shared secret is another one")
    return _read(attributes, key)


def _read(attributes: bytes, key: bytes) -> Accounting:
    wanted: dict[int, bytes] = {}
    at = 0
    while at < len(attributes):
        size = attributes[at + 1] if at + 1 < len(attributes) else 0
        if size < 2 or at + size > len(attributes):
            raise RefusedError("an attribute's length is wrong")
        kind = attributes[at]
        if kind in (_STATUS_TYPE, _DELAY, _SESSION, _CALLED_STATION, _NAS_IDENTIFIER):
            wanted.setdefault(kind, attributes[at + 2 : at + size])
        at += size
    try:
        status = Kind(_number(wanted.get(_STATUS_TYPE)) or 0)
    except ValueError:
        raise RefusedError("its status type is unknown") from None
    session = wanted.get(_SESSION, b"")
    if not session and status not in (Kind.ON, Kind.OFF):
        raise RefusedError("it names no session")
    return Accounting(
        kind=status,
        session=hashlib.blake2b(session, key=key, digest_size=16).digest() if session else b"",
        station=station(wanted.get(_CALLED_STATION, b"").decode("utf-8", errors="replace")),
        identifier=wanted.get(_NAS_IDENTIFIER, b"").decode("utf-8", errors="replace")[:100],
        delay_s=min(_number(wanted.get(_DELAY)) or 0, 86_400),
    )


def answer(datagram: bytes, secret: bytes) -> bytes:
    """The Accounting-Response to a request that was taken."""
    head = struct.pack("!BBH", _RESPONSE, datagram[1], _LEAST)
    return head + hashlib.md5(head + datagram[4:20] + secret).digest()  # noqa: S324 - RFC 2866 knows no other


def station(called: str) -> str:
    """The access point in a Called-Station-Id such as ``00-10-A4-23-19-C0:network`` (RFC 3580, 3.20)."""
    digits = "".join(c for c in called[:17] if c not in "-:.").lower()
    if len(digits) >= 12 and all(c in "0123456789abcdef" for c in digits[:12]):
        return digits[:12]
    return called.strip()[:100]


def _number(value: bytes | None) -> int | None:
    return int.from_bytes(value, "big") if value is not None and len(value) == 4 else None
