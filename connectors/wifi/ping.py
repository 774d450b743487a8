"""Second source for "is it there?": echo requests, or a TCP port, both without special rights."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ioc.errors import UsageError

_SPACING_S: Final = 0.02
"""Between two echo requests: a burst is what a busy link drops first."""


@dataclass(frozen=True)
class Ping:
    """What the pings found."""

    alive: bool | None
    """None when this machine can't ask."""
    rtt_ms: float | None = None
    """Median of the answers."""
    loss: float | None = None
    """Share of requests without an answer, 0 to 1."""


def check(how: str) -> None:
    """See that a way to ask is known.

    :raises UsageError: when it is none of ``icmp``, ``tcp:PORT`` and ``none``.
    """
    kind, _, port = how.partition(":")
    if how in ("icmp", "none") or (kind == "tcp" and port.isdecimal() and 0 < int(port[:6]) < 65_536):
        return
    raise UsageError(f"ping = {how!r} is not known.", remedy="Use icmp, tcp:PORT or none.")


async def ping(host: str, how: str = "icmp", *, count: int = 3, timeout_s: float = 1.0) -> Ping:
    """Ask the host itself whether it lives.

    :param how: ``icmp``; ``tcp:PORT`` for networks that drop echo requests, alive when the port accepts; ``none``.
    :param count: echo requests, 1 to 100.
    :param timeout_s: wait for the answers after the last request, in seconds.
    :raises UsageError: when ``how`` is none of these.
    """
    check(how)
    if how == "none":
        return Ping(None)
    if how != "icmp":
        return await _tcp(host, int(how.partition(":")[2]), timeout_s)
    return await _icmp(host, count, timeout_s)


async def _tcp(host: str, port: int, timeout_s: float) -> Ping:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return Ping(False, None, 1.0)
    rtt_ms = (time.perf_counter() - began) * 1000
    writer.close()
    return Ping(True, rtt_ms, 0.0)


async def _icmp(host: str, count: int, timeout_s: float) -> Ping:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            family, _, _, _, address = (await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM))[0]
        asked, raw = _open(family)
    except OSError:  # TimeoutError too
        return Ping(None)  # no such name, or this user may not
    with asked:
        asked.setblocking(False)
        echo = _Echo(asked, family == socket.AF_INET6, raw)
        listening = asyncio.create_task(echo.listen(count))
        try:
            for sequence in range(count):
                if sequence:
                    await asyncio.sleep(_SPACING_S)
                try:
                    await echo.send(sequence, str(address[0]))
                except PermissionError:
                    return Ping(None)
                except OSError:
                    continue  # no route: the request is lost
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(listening), timeout_s)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await listening
    times = sorted(echo.times.values())
    return Ping(bool(times), times[len(times) // 2] if times else None, 1 - len(times) / count)


class _Echo:
    """One socket's echo requests and which of them came back."""

    def __init__(self, asked: socket.socket, six: bool, raw: bool) -> None:
        self._socket = asked
        self._six = six
        self._header = raw and not six
        self._mark = os.urandom(8)
        self._sent: dict[int, float] = {}
        self.times: dict[int, float] = {}

    async def send(self, sequence: int, address: str) -> None:
        packet = struct.pack("!BBHHH", 128 if self._six else 8, 0, 0, os.getpid() & 0xFFFF, sequence)
        self._sent[sequence] = time.perf_counter()
        await asyncio.get_running_loop().sock_sendto(
            self._socket, _with_checksum(packet + self._mark), (address, 0)
        )

    async def listen(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        while len(self.times) < count:
            try:
                packet = await loop.sock_recv(self._socket, 1500)
            except OSError:
                continue  # "unreachable", told by a router: that one does not come back
            now = time.perf_counter()
            sequence = self._sequence(packet)
            if sequence in self._sent and sequence not in self.times:
                self.times[sequence] = (now - self._sent[sequence]) * 1000

    def _sequence(self, packet: bytes) -> int | None:
        if self._header and packet:
            packet = packet[(packet[0] & 0x0F) * 4 :]
        if len(packet) < 16 or packet[0] != (129 if self._six else 0) or packet[8:16] != self._mark:
            return None
        return int.from_bytes(packet[6:8], "big")


def _open(family: int) -> tuple[socket.socket, bool]:
    """A datagram echo socket (net.ipv4.ping_group_range), else a raw one (the right CAP_NET_RAW)."""
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol), False
    except OSError:
        return socket.socket(family, socket.SOCK_RAW, protocol), True


def _with_checksum(packet: bytes) -> bytes:
    """Put the Internet checksum (RFC 1071) in; raw sockets need it."""
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return packet[:2] + struct.pack("!H", ~total & 0xFFFF) + packet[4:]
