"""Partitions whose transactions wait for one another's alerts: one comes again whole, nothing is lost or twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ioc.alerts import life
from ioc.alerts.book import RuleBook
from ioc.alerts.model import Grouping
from ioc.kpi import steps
from ioc.settings import Settings
from streams import ownership
from streams.batch import Batch, Partition
from streams.ownership import Claim, Connection, LogIdentity, Moved
from streams.pipeline import Pipeline, Stats
from streams.sources import Limit
from streams.work import Outcome
from tests.integration.alerting import a_rule, bring_in, down

RULES = (a_rule("left", group_by=Grouping.DISTRICT), a_rule("right", group_by=Grouping.DISTRICT))


class Meeting:
    """Holds whoever comes until the other one came too, the first time."""

    def __init__(self) -> None:
        self.both = asyncio.Event()
        self.waiting = 0

    async def meet(self) -> None:
        self.waiting += 1
        if self.waiting == 2:
            self.both.set()
        await self.both.wait()


@dataclass
class Log:
    """One record, given whenever the pipeline asks."""

    partition: Partition
    pipeline: Pipeline | None = None

    async def restart_at(self, partition: Partition, offset: int) -> None:
        assert self.pipeline is not None
        if offset == 0:
            self.pipeline.submit(Batch(partition, 0, 1, 1, [0], [b"one"], size=3))

    def hold(self, partition: Partition) -> None: ...

    def release(self, partition: Partition) -> None: ...

    def caught_up_at(self, partition: Partition, within_s: float) -> int | None:
        return None


@dataclass
class Crossing:
    """Raises one rule's alert, meets the other partition, and raises the other rule's: against the order of locks."""

    name: str
    order: tuple[str, ...]
    book: RuleBook
    meeting: Meeting
    careful: bool = False
    watermark: datetime | None = None
    exclusive: bool = False

    async def prepare(self, batch: Batch) -> Crossing:
        return self

    async def idle(self, connection: Connection) -> None: ...

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        await connection.execute("INSERT INTO ioc.source (name) VALUES (%s)", (self.name,))
        for rule in self.order:
            seen = [down(rule, f"device:{self.name}", moved.now)]
            await steps.run_async(connection, life.settle(self.book, seen, moved.now))
            await self.meeting.meet()
        return Outcome(facts=1)


async def claim(settings: Settings, partition: Partition, former: Claim | None) -> tuple[Connection, Claim]:
    connection = await psycopg.AsyncConnection.connect(settings.database_dsn, autocommit=True)
    identity = LogIdentity("cluster", partition.topic)
    epoch = None if former is None else former.epoch
    return connection, await ownership.claim(connection, identity, partition, (0, 1), "test", epoch)


@asynccontextmanager
async def running(settings: Settings, work: Crossing, number: int) -> AsyncIterator[Pipeline]:
    partition = Partition("ioc.test", number)
    log = Log(partition)
    log.pipeline = Pipeline(
        partition=partition,
        source=log,
        claim=lambda partition, former: claim(settings, partition, former),
        make_projector=lambda _claim, _careful: work,
        stats=Stats(),
        silence_s=60,
        batch_records=10,
        batch_bytes=1000,
        limit=Limit(share=0.5, window_s=300, minimum=100),
    )
    await log.restart_at(partition, await log.pipeline.start())
    try:
        yield log.pipeline
    finally:
        await log.pipeline.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_deadlock_over_alerts_costs_one_batch_a_second_try(settings: Settings) -> None:
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        book = bring_in(connection, RULES)

        async def main() -> int:
            meeting = Meeting()
            async with AsyncExitStack() as stack:
                pipelines = [
                    await stack.enter_async_context(
                        running(settings, Crossing(name, order, book, meeting), number)
                    )
                    for number, (name, order) in enumerate(
                        (("one", ("left", "right")), ("other", ("right", "left")))
                    )
                ]
                await until(lambda: all(pipeline.committed == 1 for pipeline in pipelines))
                return sum(pipeline._stats.retries for pipeline in pipelines)

        assert asyncio.run(main()) == 1
        assert connection.execute("SELECT count(*) FROM ioc.source").fetchone() == (2,)
        rows = connection.execute(
            "SELECT key, members, joined FROM ioc.alert WHERE cleared_at IS NULL ORDER BY alert_id"
        ).fetchall()
        assert rows == [("district", 2, 2), ("district", 2, 2)]
        kinds = connection.execute(
            "SELECT kind, count(*) FROM ioc.alert_event GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert kinds == [("joined", 2), ("opened", 2)]
        assert connection.execute("SELECT count(*) FROM ioc.unreadable").fetchone() == (0,)
