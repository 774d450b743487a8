"""Agents that lie: whatever they answer, a probe ends in time, in bounded memory, and says what it could read."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from connectors.shared.snmp.agent import Agent, SilentAgentError, Value
from connectors.wifi.probe import Place, WifiTarget, probe
from deploy.bench.snmp_agent import (
    GET,
    GET_BULK,
    OID,
    Request,
    Values,
    access_point,
    answer,
    integer,
    numbers,
    oid,
    parse_oid,
    response,
    text,
    tlv,
)
from ioc.events import Status, WifiSample, decode, encode

pytestmark = pytest.mark.peers

Answers = Callable[[bytes], Iterator[bytes]]
TABLE = numbers("1.3.6.1.2.1.2.2.1.2")
COLUMN = "1.3.6.1.2.1.2.2.1.2"
GOOD = access_point()


def pair(name: OID, value: bytes) -> bytes:
    return tlv(0x30, oid(name) + value)


@asynccontextmanager
async def agent(answers: Answers) -> AsyncIterator[int]:
    """An agent on a free port that sends whatever ``answers`` makes of each request."""

    class Protocol(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

        def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
            for datagram in answers(data):
                self.transport.sendto(datagram, address)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Protocol, local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def sample(answers: Answers, timeout_s: float = 0.3) -> WifiSample:
    """One whole probe; what it would publish must be a record that decodes."""
    async with agent(answers) as port:
        began = time.monotonic()
        target = WifiTarget(Place("d", "u"), "127.0.0.1", port, ping="none", timeout_s=timeout_s)
        async with asyncio.timeout(60):
            events = await probe(target)
        assert time.monotonic() - began < 30
    for event in events:
        record = encode(event)
        assert len(record) < 2_000_000
        assert b"\\u0000" not in record
        assert decode(record) == event
    return events[0].data


def good(data: bytes, changed: dict[OID, bytes] | None = None) -> bytes:
    return answer(Values({**GOOD, **(changed or {})}), data)


async def test_a_wrong_request_id_is_no_answer_however_often_it_comes() -> None:
    def answers(data: bytes) -> Iterator[bytes]:
        request = Request(data)
        for _ in range(50):
            yield response(
                request, pair(numbers("1.3.6.1.2.1.1.3.0"), integer(1)), request_id=b"\x01\x02\x03"
            )

    found = await sample(answers)
    assert (found.status, found.clients) == (Status.UNKNOWN, None)
    assert "no SNMP answer" in (found.reason or "")


async def test_a_late_answer_of_another_request_is_left_out() -> None:
    earlier: list[bytes] = []

    def answers(data: bytes) -> Iterator[bytes]:
        yield from earlier[-1:]
        earlier.append(good(data))
        yield earlier[-1]

    assert (await sample(answers)).clients == 21


def endless(step: Callable[[int], OID]) -> Answers:
    """Answers walks of one table for ever."""
    counted = iter(range(10**9))

    def answers(data: bytes) -> Iterator[bytes]:
        request = Request(data)
        if request.kind == GET_BULK and parse_oid(request.names[0])[: len(TABLE)] == TABLE:
            pairs = [pair(step(next(counted)), text("if")) for _ in range(25)]
            yield response(request, b"".join(pairs))
        else:
            yield good(data)

    return answers


@pytest.mark.parametrize(
    "step",
    [
        lambda n: (*TABLE, n + 1),  # a hundred thousand rows and more
        lambda _: (*TABLE, 7),  # the same row for ever
        lambda n: (*TABLE, 1_000_000 - n),  # backwards
        lambda n: (*TABLE, n % 50 + 1),  # in circles
        lambda n: (*numbers("1.3.6.1.2.1.2.2.1.1"), n + 1),  # out of the table, backwards
        lambda n: (*TABLE, *range(1, 100), n + 1),  # very long names
    ],
)
async def test_a_walk_that_never_ends_is_ended(step: Callable[[int], OID]) -> None:
    async with agent(endless(step)) as port:
        asked = Agent("127.0.0.1", port, "public", 2.0)
        found: dict[str, Value] = {}
        async with asyncio.timeout(60):
            with suppress(SilentAgentError):
                found = await asked.column(COLUMN)
    assert len(found) <= 4_096
    whole = await sample(endless(step), 2.0)
    assert len(whole.interfaces) <= 1_024


async def test_a_whole_device_of_endless_tables_is_ended() -> None:
    counted = iter(range(10**9))

    def answers(data: bytes) -> Iterator[bytes]:
        request = Request(data)
        if request.kind == GET:
            yield good(data)
        else:
            start = parse_oid(request.names[0])
            column = start if len(start) < 12 else start[:-1]
            yield response(
                request, b"".join(pair((*column, next(counted) + 1), text("x" * 50)) for _ in range(25))
            )

    found = await sample(answers, 1.0)
    assert found.status in (Status.OK, Status.UNKNOWN)


async def test_wrong_types_negative_gauges_and_texts_that_are_none() -> None:
    unifi = "1.3.6.1.4.1.41112.1.6"
    changed = {
        numbers(f"{unifi}.3.3.0"): text(b"U6\x00\xff\xfe\x1b[31m Pro" + b"x" * 3_000),
        numbers(f"{unifi}.3.6.0"): integer(7),
        numbers(f"{unifi}.1.2.1.8.1"): integer(-5),  # clients below zero
        numbers(f"{unifi}.1.2.1.8.3"): text("many"),
        numbers(f"{unifi}.1.2.1.8.5"): integer(2**31 - 1, 0x42),  # more than a district has
        numbers(f"{unifi}.1.1.1.6.1"): integer(4_000),  # 4,000 percent
        numbers(f"{unifi}.1.1.1.6.2"): text("nan"),
        numbers(f"{unifi}.1.2.1.4.1"): integer(2**40),
        numbers("1.3.6.1.2.1.31.1.1.1.6.1"): integer(-1, 0x46),
        numbers("1.3.6.1.2.1.31.1.1.1.6.2"): text("full"),
        numbers("1.3.6.1.2.1.2.2.1.8.3"): oid(numbers("1.3.6")),
        numbers("1.3.6.1.2.1.1.3.0"): text("yesterday"),
    }
    found = await sample(lambda data: iter([good(data, changed)]))
    assert found.status is Status.OK
    assert found.clients is None, "a radio whose clients are unknown makes the total unknown, not smaller"
    assert [radio.utilisation for radio in found.radios] == [None, None, 0.3]
    assert found.radios[0].frequency_mhz is None
    assert found.firmware == "7"
    assert found.model is not None
    assert len(found.model) <= 200
    assert "\x1b" not in found.model
    assert [port.rx_bytes for port in found.interfaces][:2] == [255, None], "a counter has no sign"
    assert found.interfaces[2].up is None


async def test_an_answer_that_is_too_big_is_asked_for_in_smaller_pieces() -> None:
    def answers(data: bytes) -> Iterator[bytes]:
        request = Request(data)
        yield response(request, b"", error=1) if len(request.names) > 5 else good(data)

    assert (await sample(answers)).clients == 21


async def test_noise_on_the_port_is_no_answer() -> None:
    chance = random.Random(7)
    for size in (0, 1, 2, 3, 40, 1_400):
        found = await sample(lambda _, size=size: iter([chance.randbytes(size)] * 3), 0.1)  # type: ignore[misc]
        assert found.status is Status.UNKNOWN


async def test_answers_with_flipped_bytes_never_break_the_probe() -> None:
    """Sixty devices whose every answer is damaged somewhere, cut short or made longer."""

    async def one(seed: int) -> None:
        chance = random.Random(seed)

        def answers(data: bytes) -> Iterator[bytes]:
            damaged = bytearray(good(data))
            for _ in range(chance.choice((0, 1, 1, 2, 8))):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            cut = chance.choice((len(damaged), len(damaged), chance.randrange(len(damaged))))
            yield bytes(damaged[:cut])

        found = await sample(answers, 0.05)
        assert found.status in (Status.OK, Status.UNKNOWN)

    for start in range(0, 60, 20):
        await asyncio.gather(*(one(seed) for seed in range(start, start + 20)))
