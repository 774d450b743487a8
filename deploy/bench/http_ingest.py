"""The ingest process on one core: events a second in batches, and the time that single events take."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from deploy.bench import outcome
from deploy.bench.ground import Ground
from deploy.bench.latency import Spread, spread
from deploy.bench.outcome import WrongCountError
from deploy.bench.roles import free_port, running, wait_until_healthy
from deploy.bench.workload import recent
from ioc import topics
from ioc.access import keys
from ioc.events import Ticket, TicketIssued, encode, event_id
from ioc.settings import Settings

_CORE = 1
_BATCH = 200
_CONNECTIONS = 4
_SINGLE_CONNECTIONS = 64
#: Left out while everything warms up, in seconds.
_WARM_S = 2.0
_PACED_S = 10.0
#: How often the sender looks how late it is itself, in seconds.
_BEAT_S = 0.005


@dataclass(frozen=True)
class Ingested:
    """What was measured.

    :param rates: events a second of each round, in batches.
    :param singles: of each round, the time from when a single event was due to be sent until its answer.
    :param late: how late the sender itself was to do what was due, meanwhile; part of ``singles``, and nothing that
        the process could have done about it.
    :param queued: share of the time of single events for which the process was ready to go on and others had its core.
    :param cores: of one core, what the process took at that rate.
    """

    batch: int
    rates: tuple[float, ...]
    single_rate: int
    singles: tuple[Spread, ...]
    late: Spread
    queued: float
    cores: float
    peak_mib: float
    pinned: bool
    load: float
    """Of the machine before the start."""

    @property
    def median(self) -> float:
        """Events a second."""
        return statistics.median(self.rates)

    @property
    def single(self) -> Spread:
        """Of single events, the round whose p99 is the median one."""
        return sorted(self.singles, key=lambda found: found.p99)[len(self.singles) // 2]


def measure(ground: Ground, *, events: int = 60_000, rounds: int = 3, rate: int = 1_000) -> Ingested:
    """Run the ingest process as in service, and send to it over real connections.

    :param events: of one round.
    :param rate: single events a second.
    :raises WrongCountError: when Kafka holds another number of events than were acknowledged.
    """
    load = os.getloadavg()[0]
    prefix = ground.new_topic(4)
    with ground.database(recent(1_000, devices=10)) as database, ground.folder() as folder:
        settings = ground.worker_settings(prefix, database, folder)
        with psycopg.connect(database) as connection:
            key = keys.create(connection, "bench", quota_per_minute=2_000_000_000)[1]
        with _ingest(settings) as (process, port, pinned):
            now = datetime.now(UTC) - timedelta(days=1)
            requests = [
                _request(_batch(start, now), "application/cloudevents-batch+json", key)
                for start in range(0, events, _BATCH)
            ]
            rates = []
            for _ in range(rounds):
                seconds = asyncio.run(_flood(port, requests))
                rates.append(events / seconds)
            used, waited, began = outcome.cpu_s(process.pid), _queued_s(process.pid), time.perf_counter()
            singles, lates, sent = [], [], 0
            for _ in range(rounds):
                paced = asyncio.run(_paced(port, key, rate, sent))
                singles.append(spread(paced.waits))
                lates += paced.lates
                sent += paced.sent
            took_s = time.perf_counter() - began
            cores = (outcome.cpu_s(process.pid) - used) / took_s
            queued = (_queued_s(process.pid) - waited) / took_s
            peak = outcome.peak_mib(process.pid)
        _check(ground, prefix, events * rounds + sent)
    ground.drop_topics(prefix)
    return Ingested(
        _BATCH, tuple(rates), rate, tuple(singles), spread(lates), queued, cores, peak, pinned, load
    )


def _queued_s(pid: int) -> float:
    """Seconds for which threads of a process were ready to run and did not, up to now, all together."""
    return (
        sum(int(path.read_text().split()[1]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    )


@contextmanager
def _ingest(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], int, bool]]:
    """The process on a core of its own where there are two, and its sender on the others; Kafka goes where it likes."""
    port = free_port()
    cores = os.sched_getaffinity(0)
    pinned = len(cores) > 1
    log = Path(settings.state_dir) / "ingest.log"
    mine = sorted(cores)[_CORE % len(cores)]
    with running(settings, ("ioc.cli", "connect", "ingest"), log, IOC_INGEST_PORT=str(port)) as process:
        try:
            if pinned:
                # before it has threads: they inherit it
                os.sched_setaffinity(process.pid, {mine})
                os.sched_setaffinity(0, cores - {mine})
            wait_until_healthy(process, port, "/health/ready", log)
            yield process, port, pinned
        finally:
            os.sched_setaffinity(0, cores)


def _event(number: int, now: datetime) -> bytes:
    kiosk, moment = f"kiosk-{number % 500:03d}", now + timedelta(milliseconds=number)
    return encode(
        TicketIssued(
            specversion="1.0",
            id=event_id("//bench/kiosks", kiosk, f"issued\x1f{number}", moment),
            source="//bench/kiosks",
            subject=kiosk,
            time=moment,
            data=Ticket(unit=f"unit-{number % 96}", kiosk=kiosk, date="2026-11-02", number=f"A{number}"),
        )
    )


def _batch(start: int, now: datetime) -> bytes:
    return b"[" + b",".join(_event(number, now) for number in range(start, start + _BATCH)) + b"]"


def _request(body: bytes, media: str, key: str) -> bytes:
    head = (
        f"POST /ingest/v1/events HTTP/1.1\r\nHost: bench\r\nContent-Type: {media}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        raise WrongCountError(f"Ingest answered {head[9:12].decode()}: {body[:200].decode(errors='replace')}")


async def _flood(port: int, requests: list[bytes]) -> float:
    left = iter(requests)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in left:
            await _send(reader, writer, request)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(_CONNECTIONS)))
    return time.perf_counter() - began


@dataclass(frozen=True)
class _Paced:
    """What single events took, and how late the sender's own beat was, in seconds."""

    waits: list[float]
    lates: list[float]
    sent: int


async def _paced(port: int, key: str, rate: int, first: int) -> _Paced:
    """Send single events when they are due, whether or not earlier ones were answered.

    :param first: number of the first one, so that no round repeats another's ids.
    """
    now = datetime.now(UTC) - timedelta(days=1)
    total = int(rate * (_PACED_S + _WARM_S))
    requests = [
        _request(_event(10**7 + first + n, now), "application/cloudevents+json", key) for n in range(total)
    ]
    waits: list[float] = []
    lates: list[float] = []
    # a collection over all these requests would hold the sender up, and pass for the process's time
    gc.collect()
    gc.freeze()
    began = time.perf_counter() + 0.2

    async def one(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(place, total, _SINGLE_CONNECTIONS):
            due = began + number / rate
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            await _send(reader, writer, requests[number])
            if number >= rate * _WARM_S:
                waits.append(time.perf_counter() - due)
        writer.close()

    async def beat() -> None:
        due = began + _WARM_S
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            lates.append(max(0.0, time.perf_counter() - due))
            due += _BEAT_S

    beating = asyncio.create_task(beat())
    await asyncio.gather(*(one(place) for place in range(_SINGLE_CONNECTIONS)))
    beating.cancel()
    gc.unfreeze()
    return _Paced(waits, lates, total)


def _check(ground: Ground, prefix: str, wanted: int) -> None:
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=ground.servers.split(","))
    try:
        name = prefix + topics.QUEUES
        parts = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        found = sum(consumer.end_offsets(parts).values())
    finally:
        consumer.close()
    if found != wanted:
        raise WrongCountError(f"Kafka holds {found} events, {wanted} were acknowledged.")
