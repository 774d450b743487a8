"""A fast SNMP v2c agent that answers recorded values: real SNMP on the wire (RFC 3416), as little work as can be.

``python -m deploy.bench.snmp_agent`` answers for any number of devices, told apart by their community; each has the
values of one access point with three radios and twelve interfaces. Octet counters grow with time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

OID = tuple[int, ...]

GET: Final = 0xA0
GET_NEXT: Final = 0xA1
RESPONSE: Final = 0xA2
GET_BULK: Final = 0xA5
NO_SUCH_INSTANCE: Final = b"\x81\x00"
END_OF_VIEW: Final = b"\x82\x00"
_MOST_BYTES: Final = 60_000


def tlv(tag: int, body: bytes) -> bytes:
    """A BER value: tag, length, body."""
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def integer(number: int, tag: int = 0x02) -> bytes:
    """A whole number: INTEGER, or by tag Counter32 (0x41), Gauge32 (0x42), TimeTicks (0x43), Counter64 (0x46)."""
    return tlv(tag, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=number < 0))


def text(value: str | bytes) -> bytes:
    return tlv(0x04, value.encode() if isinstance(value, str) else value)


def oid(parts: Iterable[int]) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = parts
    body = bytearray()
    for part in (first * 40 + second, *rest):
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.append(0x80 | part & 0x7F)
        body += bytes(reversed(digits))
    return tlv(0x06, bytes(body))


def parse_oid(body: bytes) -> OID:
    """The numbers of an OBJECT IDENTIFIER's body."""
    parts, part = [], 0
    for byte in body:
        part = part << 7 | byte & 0x7F
        if byte < 0x80:
            parts.append(part)
            part = 0
    first = parts[0]
    return (min(first // 40, 2), first - 40 * min(first // 40, 2), *parts[1:])


def numbers(dotted: str) -> OID:
    return tuple(map(int, dotted.split(".")))


def read_tlv(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the body of the value at a position."""
    tag, size = data[at], data[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[at : at + count], "big")
        at += count
    return tag, at, at + size


class Request:
    """A request as it came."""

    def __init__(self, data: bytes) -> None:
        _, at, _ = read_tlv(data, 0)
        _, _, at = read_tlv(data, at)  # version
        _, start, at = read_tlv(data, at)
        self.community = data[start:at]
        self.kind, at, _ = read_tlv(data, at)
        _, start, at = read_tlv(data, at)
        self.id = data[start:at]
        _, start, at = read_tlv(data, at)
        self.non_repeaters = int.from_bytes(data[start:at], "big")
        _, start, at = read_tlv(data, at)
        self.repetitions = int.from_bytes(data[start:at], "big")
        _, at, end = read_tlv(data, at)
        self.names: list[bytes] = []
        while at < end:
            _, inner, at = read_tlv(data, at)
            _, start, stop = read_tlv(data, inner)
            self.names.append(data[start:stop])


def response(request: Request, pairs: bytes, *, error: int = 0, request_id: bytes | None = None) -> bytes:
    """A response with the given variable bindings, one after the other."""
    body = tlv(0x02, request.id if request_id is None else request_id) + integer(error) + integer(0)
    return tlv(0x30, integer(1) + tlv(0x04, request.community) + tlv(RESPONSE, body + tlv(0x30, pairs)))


class Values:
    """The values of one kind of device."""

    def __init__(self, values: dict[OID, bytes]) -> None:
        self._names = sorted(values)
        self._bodies = {oid(name)[2:]: position for position, name in enumerate(self._names)}
        self._pairs = [tlv(0x30, oid(name) + values[name]) for name in self._names]

    def change(self, name: OID, value: bytes) -> None:
        self._pairs[self._bodies[oid(name)[2:]]] = tlv(0x30, oid(name) + value)

    def get(self, body: bytes) -> bytes:
        position = self._bodies.get(body)
        return tlv(0x30, tlv(0x06, body) + NO_SUCH_INSTANCE) if position is None else self._pairs[position]

    def after(self, body: bytes, count: int) -> list[bytes]:
        position = self._bodies.get(body)
        start = position + 1 if position is not None else bisect_right(self._names, parse_oid(body))
        found = self._pairs[start : start + count]
        return found or [tlv(0x30, tlv(0x06, body) + END_OF_VIEW)]


def answer(values: Values, data: bytes) -> bytes:
    """Answer a request."""
    request = Request(data)
    if request.kind == GET:
        pairs = [values.get(name) for name in request.names]
    elif request.kind == GET_NEXT:
        pairs = [values.after(name, 1)[0] for name in request.names]
    else:
        pairs = [pair for name in request.names for pair in values.after(name, request.repetitions)]
    return response(request, b"".join(pairs)[:_MOST_BYTES])


_COUNTERS: Final = [numbers(f"1.3.6.1.2.1.31.1.1.1.{column}") for column in (6, 10)]
_INTERFACES: Final = 12


def access_point() -> dict[OID, bytes]:
    """An access point as the table of vendors knows them: three radios, six networks, twelve interfaces."""
    found: dict[OID, bytes] = {
        numbers("1.3.6.1.2.1.1.1.0"): text("U6-Pro 6.5.54"),
        numbers("1.3.6.1.2.1.1.2.0"): oid(numbers("1.3.6.1.4.1.8072.3.2.10")),
        numbers("1.3.6.1.2.1.1.3.0"): integer(0, 0x43),
        numbers("1.3.6.1.2.1.2.1.0"): integer(_INTERFACES),
        numbers("1.3.6.1.4.1.41112.1.6.3.3.0"): text("U6-Pro"),
        numbers("1.3.6.1.4.1.41112.1.6.3.6.0"): text("6.5.54.14246"),
    }
    names = ["lo", "eth0", "br0", *(f"wifi{band}ap{number}" for band in range(3) for number in range(3))]
    for index, name in enumerate(names, 1):
        for column, value in (
            ("2.2.1.2", text(name)),
            ("2.2.1.8", integer(1)),
            ("31.1.1.1.1", text(name)),
            ("31.1.1.1.15", integer(1_000, 0x42)),
            ("31.1.1.1.19", integer(0, 0x43)),
        ):
            found[numbers(f"1.3.6.1.2.1.{column}.{index}")] = value
        for counter in _COUNTERS:
            found[(*counter, index)] = integer(0, 0x46)
    unifi = "1.3.6.1.4.1.41112.1.6.1"
    for radio, (kind, channel) in enumerate((("ng", 6), ("na", 36), ("6e", 37)), 1):
        found[numbers(f"{unifi}.1.1.3.{radio}")] = text(kind)
        found[numbers(f"{unifi}.1.1.6.{radio}")] = integer(10 * radio)
        for network in (0, 1):
            row = 2 * radio - network
            found |= {
                numbers(f"{unifi}.2.1.4.{row}"): integer(channel),
                numbers(f"{unifi}.2.1.6.{row}"): text(f"net {network}"),
                numbers(f"{unifi}.2.1.8.{row}"): integer(row),
                numbers(f"{unifi}.2.1.9.{row}"): text(kind),
            }
    return found


class _Agent(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._values = Values(access_point())
        self._began = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def move(self) -> None:
        """Let uptime and counters be those of now."""
        passed = time.monotonic() - self._began
        self._values.change(numbers("1.3.6.1.2.1.1.3.0"), integer(8_640_000 + int(passed * 100), 0x43))
        for counter in _COUNTERS:
            for index in range(1, _INTERFACES + 1):
                self._values.change((*counter, index), integer(2**33 + int(passed * index * 10_000), 0x46))

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._transport.sendto(answer(self._values, data), address)


async def serve(port: int) -> None:
    """Answer on a UDP port of 127.0.0.1 until cancelled; prints ``ready``."""
    loop = asyncio.get_running_loop()
    _, agent = await loop.create_datagram_endpoint(_Agent, local_addr=("127.0.0.1", port))
    agent.move()
    print("ready", flush=True)
    while True:
        await asyncio.sleep(0.25)
        agent.move()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1])))
