"""From the octet counters of an agent to ``wifi.traffic``: wraps are counted, what is not known is not counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg

from connectors.wifi.probe import History, Place, WifiTarget, probe
from deploy.bench.snmp_agent import OID, Values, access_point, answer, integer, numbers, text
from ioc import topics
from ioc.events import WifiProbed, encode
from ioc.kpi import find
from ioc.kpi.query import answer as ask
from ioc.kpi.query import series
from ioc.kpi.question import Question
from ioc.settings import Settings
from tests.integration.feeding import feeders

UPTIME = numbers("1.3.6.1.2.1.1.3.0")
IN, OUT = "1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.31.1.1.1.10"
ETHERNET, AIR = 2, range(4, 13)
"""Indexes of the recorded access point's interfaces: eth0, and its nine networks."""


def counters(column: str, indexes: range, value: int, tag: int = 0x46) -> dict[OID, bytes]:
    return {numbers(f"{column}.{index}"): integer(value, tag) for index in indexes}


class Device:
    """An access point whose counters move only when told to."""

    def __init__(self, *, narrow: bool = False) -> None:
        values = access_point()
        self._columns = (IN, OUT)
        if narrow:
            self._columns = ("1.3.6.1.2.1.2.2.1.10", "1.3.6.1.2.1.2.2.1.16")
            for column in (IN, OUT):
                for index in range(1, 13):
                    del values[numbers(f"{column}.{index}")]
            for column in self._columns:
                values |= counters(column, range(1, 13), 0, 0x41)
        self._tag = 0x41 if narrow else 0x46
        self._values = Values({**values, UPTIME: integer(8_640_000, 0x43)})

    def show(self, each: int, *, uptime: int | None = 8_640_000) -> None:
        """Let each network's counters, in and out, have a value, and the wire's a much larger one."""
        for column in self._columns:
            for index in AIR:
                self._values.change(numbers(f"{column}.{index}"), integer(each, self._tag))
            self._values.change(numbers(f"{column}.{ETHERNET}"), integer(each * 7 % 2**32, self._tag))
        self._values.change(UPTIME, text("soon") if uptime is None else integer(uptime, 0x43))

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[int]:
        device = self

        class Protocol(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

            def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
                self.transport.sendto(answer(device._values, data), address)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Protocol, local_addr=("127.0.0.1", 0)
        )
        try:
            yield transport.get_extra_info("sockname")[1]
        finally:
            transport.close()


async def rounds(device: Device, code: str, begin: datetime, readings: list[int | None]) -> list[WifiProbed]:
    """A minute's probe for each reading; None is a restart of the device, after which its counters are small."""
    found = []
    history = History(3_600.0)
    async with device.answering() as port:
        target = WifiTarget(Place(code, "u"), "127.0.0.1", port, ping="none", interval_s=60.0)
        for minute, reading in enumerate(readings):
            if reading is None:
                device.show(3, uptime=500)
            else:
                device.show(reading)
            (event,) = await probe(target, at=begin + timedelta(minutes=minute), history=history)
            found.append(event)
    return found


async def test_octets_of_clients_reach_the_indicator(settings: Settings) -> None:
    begin = (datetime.now(UTC) - timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    wide = await rounds(Device(), "wide", begin, [2**40, 2**40 + 50, 2**40 + 50, None])
    narrow = await rounds(Device(narrow=True), "narrow", begin, [2**32 - 10, 30, None])
    assert [event.data.rx_bytes for event in wide] == [None, 9 * 50, 0, None]
    assert [event.data.rx_bytes for event in narrow] == [None, 9 * 40, None], (
        "a wrap is counted, a restart is not"
    )
    assert all(event.data.clients == 21 for event in wide + narrow)
    async with feeders(settings, topics.WIFI) as (feeder,):
        await feeder.feed([encode(event) for event in (*wide, *narrow)])
        assert (feeder.facts, feeder.bad) == (7, [])
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ioc.district (code, root_unit, time_zone, pack_version) VALUES ('d', 'u', 'UTC', '1')"
        )
        end = begin + timedelta(hours=1)

        def traffic(bucket: str, by: str | None = None) -> list[tuple[str | None, float | None]]:
            question = Question(
                kpi=find("wifi.traffic"), start=begin, end=end, bucket=bucket, unit="u", by=by
            )
            return [(point.dim, point.value) for point in ask(connection, series("system", question))]

        assert traffic("1h") == [(None, 2 * 9 * (50 + 40))], "in and out, of the air only"
        assert sorted(traffic("1h", "device")) == [("narrow", 2 * 9 * 40.0), ("wide", 2 * 9 * 50.0)]
        minutes = [value for _, value in traffic("1min")]
        assert minutes[:4] == [None, 2 * 9 * 90.0, 0.0, None], "nobody told: unknown, not zero"
