"""Second source for "is it there?": an echo request, or a TCP port, both without special rights."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from dataclasses import dataclass

from ioc.errors import UsageError


@dataclass(frozen=True)
class Ping:
    """What the pings found."""

    alive: bool | None
    """None when this machine can't ask."""
    rtt_ms: float | None = None
    loss: float | None = None
    """Share of requests without an answer, 0 to 1."""


async def ping(host: str, how: str = "icmp", *, count: int = 3, timeout_s: float = 1.0) -> Ping:
    """Ask the host itself whether it lives.

    :param how: ``icmp``; ``tcp:PORT`` for networks that drop echo requests, alive when the port accepts; ``none``.
    :param timeout_s: wait for each answer, in seconds.
    :raises UsageError: when ``how`` is none of these.
    """
    if how == "none":
        return Ping(None)
    if how.startswith("tcp:") and how[4:].isdecimal() and 0 < int(how[4:]) < 65_536:
        return await _tcp(host, int(how[4:]), timeout_s)
    if how == "icmp":
        return await _icmp(host, count, timeout_s)
    raise UsageError(f"ping = {how!r} is not known.", remedy="Use icmp, tcp:PORT or none.")


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
        family, _, _, _, address = (await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM))[0]
        asked, raw = _open(family)
    except OSError:
        return Ping(None)  # no such name, or this user may not
    six = family == socket.AF_INET6
    mark = os.urandom(8)
    times: list[float] = []
    with asked:
        asked.setblocking(False)
        for sequence in range(count):
            began = time.perf_counter()
            packet = struct.pack("!BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xFFFF, sequence) + mark
            try:
                await loop.sock_sendto(asked, _with_checksum(packet), (address[0], 0))
                async with asyncio.timeout(timeout_s):
                    while not _answers(
                        await loop.sock_recv(asked, 1500), raw and not six, six, sequence, mark
                    ):
                        pass
            except PermissionError:
                return Ping(None)
            except (OSError, TimeoutError):
                continue
            times.append((time.perf_counter() - began) * 1000)
    middle = sorted(times)[len(times) // 2] if times else None
    return Ping(bool(times), middle, 1 - len(times) / count)


def _open(family: int) -> tuple[socket.socket, bool]:
    """A datagram echo socket (net.ipv4.ping_group_range), else a raw one (the right CAP_NET_RAW)."""
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol), False
    except OSError:
        return socket.socket(family, socket.SOCK_RAW, protocol), True


def _answers(packet: bytes, has_header: bool, six: bool, sequence: int, mark: bytes) -> bool:
    if has_header and packet:
        packet = packet[(packet[0] & 0x0F) * 4 :]
    reply = 129 if six else 0
    return (
        packet[:1] == bytes([reply]) and packet[6:8] == struct.pack("!H", sequence) and packet[8:16] == mark
    )


def _with_checksum(packet: bytes) -> bytes:
    """Put the Internet checksum (RFC 1071) in; raw sockets need it."""
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return packet[:2] + struct.pack("!H", ~total & 0xFFFF) + packet[4:]
