"""How long servers' certificates last: of our own public address, and of the sources and brokers that we read."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from ioc.district.reader import examine
from ioc.settings import Settings
from ioc.watch.reading import Reading

#: Longest wait for a connection, and for each answer of the handshake.
_WAIT_S: Final = 5.0
_MOST_ENDPOINTS: Final = 32
_AT_ONCE: Final = 8
_PORTS: Final = {"https": 443, "mqtts": 8883}
_SECONDS_PER_DAY: Final = 86_400.0


def endpoints(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of each server that is reached with TLS; the first thirty-two.

    Sources are those of ``IOC_PACK``, whatever else is wrong with that pack.
    """
    addresses = [settings.public_url, settings.grafana_url]
    if settings.pack is not None:
        usable = examine(settings.pack).usable
        addresses += [source.address for source in usable.sources] if usable else []
    found: dict[tuple[str, int], None] = {}
    for address in addresses:
        try:
            parts = urlsplit(address or "")
            host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            continue
        if parts.scheme in _PORTS and host and port:
            found[host, port] = None
    return list(found)[:_MOST_ENDPOINTS]


def ask(found: Sequence[tuple[str, int]]) -> list[Reading]:
    """Ask servers for their certificates, some at a time: one that does not answer keeps no other waiting for long."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="certificates") as asking:
        return list(asking.map(lambda one: days_left(*one), found))


def days_left(host: str, port: int) -> Reading:
    """Ask a server for its certificate. Whether it is trusted does not matter here, only when it ends."""
    instance = f"{host}:{port}"
    # nothing is sent or believed over this connection: an ended or unknown certificate has to be read too
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=_WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
        ends = not_after(der or b"")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        return Reading("certificate.days_left", instance, None, {"state": f"not reached: {why}"})
    left_s = (ends - datetime.now(UTC)).total_seconds()
    return Reading("certificate.days_left", instance, left_s / _SECONDS_PER_DAY, {"ends": ends.isoformat()})


# -- reading a certificate -------------------------------------------------------------------------------

_SEQUENCE, _UTC_TIME, _GENERAL_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


def not_after(der: bytes) -> datetime:
    """The end of a certificate's validity (RFC 5280, 4.1): the standard library reads only those that it trusts.

    :param der: the certificate, DER.
    :raises ValueError: it is none.
    """
    tag, certificate, _ = _element(der)
    inner, signed, _ = _element(certificate)
    if tag != _SEQUENCE or inner != _SEQUENCE:
        raise ValueError("no certificate")
    tag, _, rest = _element(signed)
    if tag == _VERSION:
        _, _, rest = _element(rest)  # the serial number
    _, _, rest = _element(rest)  # the algorithm of the signature
    _, _, rest = _element(rest)  # who issued it
    tag, validity, _ = _element(rest)
    if tag != _SEQUENCE:
        raise ValueError("no certificate")
    _, _, rest = _element(validity)
    tag, moment, _ = _element(rest)
    text = moment.decode("ascii")
    if tag == _UTC_TIME:
        # two digits of the year: 50 and above are of the last century
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != _GENERAL_TIME:
        raise ValueError("no certificate")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element, and what follows it."""
    if len(data) < 2:
        raise ValueError("the certificate is cut off")
    tag, length, at = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 0 < size <= 4 or len(data) < 2 + size:
            raise ValueError("the certificate is cut off")
        length, at = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if len(data) < at + length:
        raise ValueError("the certificate is cut off")
    return tag, data[at : at + length], data[at + length :]
