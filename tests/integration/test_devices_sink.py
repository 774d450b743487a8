"""Device facts in any order, number and cut: the database must equal the plain definition."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr

from ioc import topics
from ioc.events import Status, WifiProbed, WifiSample, encode
from ioc.settings import Settings
from streams import unreadable
from streams.batch import Batch, Partition
from streams.devices.projector import DeviceProjector
from streams.devices.runs import OPEN, Run, runs_of
from streams.devices.tables import STATES, WifiTable
from streams.instants import micros
from streams.ownership import Claim, LogIdentity, Moved
from streams.registry import Registry
from tests.servers import Servers

BASE = (datetime.now(UTC) - timedelta(days=2)).replace(hour=23, minute=50, second=0, microsecond=0)


@dataclass(frozen=True)
class Sample:
    device: str
    at_s: int
    interval_s: int
    status: Status
    clients: int | None
    unit: str
    reason: str | None = None

    @property
    def time(self) -> datetime:
        return BASE + timedelta(seconds=self.at_s)

    def record(self) -> bytes:
        return encode(
            WifiProbed(
                specversion="1.0",
                id=f"{self.device}-{self.at_s}",
                source="//test",
                subject=self.device,
                time=self.time,
                data=WifiSample(
                    unit=self.unit,
                    status=self.status,
                    clients=self.clients,
                    interval_s=self.interval_s,
                    reason=self.reason,
                ),
            )
        )


@dataclass(frozen=True)
class Step:
    """Some samples in one batch, and what happens before it."""

    samples: tuple[Sample, ...]
    restart: bool
    idle: bool
    partition: int = 0


samples = st.builds(
    Sample,
    device=st.sampled_from(["a", "b"]),
    # the day changes ten minutes after the base: chunk boundaries are crossed
    at_s=st.integers(0, 120).map(lambda n: 10 * n),
    interval_s=st.sampled_from([10, 20, 60, 100]),
    status=st.sampled_from(list(Status)),
    clients=st.sampled_from([None, 0, 3, 7]),
    unit=st.sampled_from(["u1", "u2"]),
    reason=st.sampled_from([None, "a", "b"]),
)
steps = st.lists(
    st.builds(
        Step,
        samples=st.lists(samples, max_size=8).map(tuple),
        restart=st.booleans(),
        idle=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


class Bench:
    """The real projector on a real database, fed batch by batch."""

    def __init__(self, settings: Settings, *, careful: bool = False) -> None:
        self.settings = settings
        self.careful = careful
        self.offset = 0
        self.unreadable: list[int] = []
        self.duplicates = 0
        self.partition = Partition(topics.WIFI, 0)

    def claim(self, number: int) -> Claim:
        return Claim(LogIdentity("cluster", "topic"), Partition(topics.WIFI, number), 1, 0, None)

    async def run(self, plan: list[Step]) -> None:
        dsn = self.settings.database_dsn
        async with (
            AsyncConnectionPool(dsn, min_size=1, max_size=2, open=False, kwargs={"autocommit": True}) as pool,
            await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection,
        ):
            await connection.execute(
                "TRUNCATE ioc.wifi_sample, ioc.device_minute, ioc.device_run, ioc.device_state, ioc.unreadable"
            )
            registry = Registry(pool)
            projectors = {p: self.projector(registry, p) for p in {step.partition for step in plan}}
            for step in plan:
                if step.restart:
                    projectors[step.partition] = self.projector(registry, step.partition)
                projector = projectors[step.partition]
                if step.idle:
                    async with connection.transaction():
                        await projector.idle(connection)
                await self.feed(connection, projector, [s.record() for s in step.samples])

    def projector(self, registry: Registry, number: int = 0) -> DeviceProjector:
        return DeviceProjector(WifiTable(), self.claim(number), registry, self.settings, careful=self.careful)

    async def feed(
        self, connection: psycopg.AsyncConnection[Any], projector: DeviceProjector, records: list[bytes]
    ) -> None:
        if not records:
            return
        first, self.offset = self.offset, self.offset + len(records)
        batch = Batch(
            self.partition, first, self.offset, self.offset, list(range(first, self.offset)), list(records)
        )
        work = await projector.prepare(batch)
        async with connection.transaction():
            outcome = await work.apply(connection, Moved(datetime.now(UTC), None))
            await unreadable.store(connection, "topic", self.partition, outcome.unreadable)
        self.duplicates += outcome.duplicates
        self.unreadable += [record.offset for record in outcome.unreadable]


@dataclass
class Wanted:
    """What the plain definition says."""

    kept: dict[tuple[str, int], Sample]
    conflicts: list[int]
    duplicates: int


def plainly(plan: list[Step]) -> Wanted:
    wanted = Wanted({}, [], 0)
    offset = 0
    for step in plan:
        for sample in step.samples:
            first = wanted.kept.setdefault((sample.device, sample.at_s), sample)
            if first is not sample:
                if first == sample:
                    wanted.duplicates += 1
                else:
                    wanted.conflicts.append(offset)
            offset += 1
    return wanted


def by_device(kept: dict[tuple[str, int], Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for _, sample in sorted(kept.items()):
        found[sample.device].append(sample)
    return found


def wanted_minutes(kept: dict[tuple[str, int], Sample]) -> dict[tuple[str, datetime], list[int]]:
    """Second by second: up, degraded, down, maintenance, client and known milliseconds."""
    sums: dict[tuple[str, datetime], list[int]] = defaultdict(lambda: [0] * 6)
    for ordered in by_device(kept).values():
        for place, s in enumerate(ordered):
            end = s.at_s + 3 * s.interval_s
            if place + 1 < len(ordered):
                end = min(end, ordered[place + 1].at_s)
            for second in range(s.at_s, end):
                at = (BASE + timedelta(seconds=second)).replace(second=0)
                row = sums[s.unit, at]
                row[0] += 1000 * (s.status in (Status.OK, Status.DEGRADED))
                row[1] += 1000 * (s.status is Status.DEGRADED)
                row[2] += 1000 * (s.status is Status.DOWN)
                row[3] += 1000 * (s.status is Status.MAINTENANCE)
                if s.clients is not None and s.status not in (Status.DOWN, Status.UNKNOWN):
                    row[4] += 1000 * s.clients
                    row[5] += 1000
    return {key: row for key, row in sums.items() if any(row)}


def wanted_runs(ordered: list[Sample], units: dict[str, int]) -> list[Run]:
    return runs_of(
        [
            (micros(s.time), 3 * s.interval_s * 1_000_000, units[s.unit], STATES[s.status], s.reason)
            for s in ordered
        ]
    )


def merged(runs: list[Run]) -> list[Run]:
    """Neighbours that are alike as one: how silence after a reported unknown is cut does not matter."""
    found: list[Run] = []
    for run in runs:
        if found and found[-1].state == run.state and (found[-1].unit == run.unit or run.state == 0):
            last = found[-1]
            found[-1] = Run(last.started, run.ended, last.unit, last.state, last.reason)
        else:
            found.append(run if run.state else Run(run.started, run.ended, run.unit, 0))
    return found


def check(settings: Settings, plan: list[Step], bench: Bench) -> None:
    wanted = plainly(plan)
    assert bench.duplicates == wanted.duplicates
    assert sorted(bench.unreadable) == wanted.conflicts
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        units: dict[str, int] = dict(connection.execute("SELECT code, unit_id FROM ioc.unit").fetchall())
        names = {number: code for code, number in units.items()}
        stored = connection.execute(
            "SELECT d.code, s.time, s.state, s.clients, s.unit_id, s.valid_ms"
            " FROM ioc.wifi_sample s JOIN ioc.device d USING (device_id)"
        ).fetchall()
        assert sorted(stored, key=lambda row: row[:2]) == [
            (s.device, s.time, STATES[s.status], s.clients, units[s.unit], 3000 * s.interval_s)
            for ordered in dict(sorted(by_device(wanted.kept).items())).values()
            for s in ordered
        ]
        minutes = connection.execute(
            "SELECT unit_id, bucket, sum(up_ms)::bigint, sum(degraded_ms)::bigint, sum(down_ms)::bigint,"
            " sum(maintenance_ms)::bigint, sum(client_ms)::bigint, sum(client_known_ms)::bigint, sum(samples)::int"
            " FROM ioc.device_minute GROUP BY 1, 2"
        ).fetchall()
        found = {(names[u], at): list(sums) for u, at, *sums, _ in minutes if any(sums)}
        assert found == wanted_minutes(wanted.kept)
        assert sum(row[-1] for row in minutes) == len(wanted.kept)
        for device, ordered in by_device(wanted.kept).items():
            check_runs(connection, device, wanted_runs(ordered, units))


def check_runs(connection: psycopg.Connection[Any], device: str, wanted: list[Run]) -> None:
    runs = [
        Run(micros(b), micros(e), unit, state, reason)
        for b, e, unit, state, reason in connection.execute(
            "SELECT r.started, r.ended, r.unit_id, r.state, r.reason"
            " FROM ioc.device_run r JOIN ioc.device d USING (device_id) WHERE d.code = %s ORDER BY 1",
            (device,),
        ).fetchall()
    ]
    ((state, since, unit, until),) = connection.execute(
        "SELECT s.state, s.since, s.unit_id, s.valid_until FROM ioc.device_state s JOIN ioc.device d USING (device_id)"
        " WHERE d.code = %s",
        (device,),
    ).fetchall()
    last = wanted[-1]
    if since >= until:
        # Silence is written down already: the newest run ended when it ran out.
        wanted = [*wanted[:-1], Run(last.started, micros(until), last.unit, last.state, last.reason)]
        wanted.append(Run(micros(until), OPEN, last.unit, 0))
    # the open run's reason is in no row: device_state has the newest sample's
    assert merged([*runs, Run(micros(since), OPEN, unit, state, wanted[-1].reason)]) == merged(wanted)


@pytest.fixture(scope="module")
def own(servers: Servers) -> Any:
    url = servers.new_database()
    yield servers.settings.model_copy(update={"database_url": SecretStr(url), "grace_s": 0.0})
    servers.drop_database(url)


@given(plan=steps)
@hypothesis_settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_database_equals_the_plain_definition(own: Settings, plan: list[Step]) -> None:
    bench = Bench(own)
    asyncio.run(bench.run(plan))
    check(own, plan, bench)


@given(plan=steps, partitions=st.lists(st.integers(0, 1), min_size=6, max_size=6))
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_two_careful_partitions_with_the_same_devices_come_out_right(
    own: Settings, plan: list[Step], partitions: list[int]
) -> None:
    plan = [replace(step, partition=p) for step, p in zip(plan, partitions, strict=False)]
    bench = Bench(own, careful=True)
    asyncio.run(bench.run(plan))
    check(own, plan, bench)
