"""One partition's pipeline on a real database: records that can't be stored, offsets that Kafka has lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import pytest
from aiokafka.errors import NodeNotReadyError
from kafka.errors import KafkaConnectionError
from structlog.testing import capture_logs

from ioc.settings import Settings
from streams import ownership
from streams.batch import Batch, OffsetLost, Partition
from streams.cluster import LogIdentities
from streams.errors import HaltedError
from streams.ownership import Claim, Connection, LogIdentity, Moved
from streams.pipeline import Pipeline, Stats
from streams.sink import Sink
from streams.sources import Limit
from streams.work import Outcome

PARTITION = Partition("ioc.test", 0)
IDENTITY = LogIdentity("cluster", "topic")


@dataclass
class Log:
    """A log in memory: gives out its records from wherever the pipeline asks.

    :param first: offset before which its records have expired.
    """

    values: list[bytes]
    first: int = 0
    pipeline: Pipeline | None = None
    held: bool = False
    restarts: int = 0

    def give(self, start: int, size: int = 100) -> None:
        assert self.pipeline is not None
        for begin in range(start, len(self.values), size):
            end = min(begin + size, len(self.values))
            values: list[bytes | None] = list(self.values[begin:end])
            self.pipeline.submit(
                Batch(PARTITION, begin, end, len(self.values), list(range(begin, end)), values, size=10)
            )

    async def restart_at(self, partition: Partition, offset: int) -> None:
        assert partition == PARTITION
        self.restarts += 1
        self.give(offset)

    def hold(self, partition: Partition) -> None:
        self.held = True

    def release(self, partition: Partition) -> None:
        self.held = False

    def caught_up_at(self, partition: Partition, within_s: float) -> int | None:
        return len(self.values)


@dataclass
class Notes:
    """A projector that keeps each record as a source's name; the column refuses what PostgreSQL can't keep."""

    careful: bool = False

    async def prepare(self, batch: Batch) -> Note:
        return Note([value or b"" for value in batch.values])

    async def idle(self, connection: Connection) -> None:
        """Nothing is put off."""


@dataclass
class Note:
    values: list[bytes]
    watermark: datetime | None = None
    exclusive: bool = False
    seen: list[int] = field(default_factory=list)

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        await connection.execute(
            "INSERT INTO ioc.source (name) SELECT unnest(%s::text[])",
            ([value.decode() for value in self.values],),
        )
        return Outcome(facts=len(self.values))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def claim(settings: Settings, log: Log, former: Claim | None = None) -> tuple[Connection, Claim]:
    connection = await psycopg.AsyncConnection.connect(settings.database_dsn, autocommit=True)
    epoch = None if former is None else former.epoch
    try:
        return connection, await ownership.claim(
            connection, IDENTITY, PARTITION, (log.first, len(log.values)), "test", epoch
        )
    except BaseException:
        await connection.close()
        raise


@asynccontextmanager
async def running(settings: Settings, log: Log) -> AsyncIterator[Pipeline]:
    """A pipeline at work on the log; stopped at the end."""
    log.pipeline = Pipeline(
        partition=PARTITION,
        source=log,
        claim=lambda _partition, former: claim(settings, log, former),
        make_projector=lambda _claim, careful: Notes(careful),
        stats=Stats(),
        silence_s=5,
        batch_records=1000,
        batch_bytes=10**6,
        limit=Limit(share=0.5, window_s=300, minimum=100),
    )
    log.give(await log.pipeline.start())
    try:
        yield log.pipeline
    finally:
        await log.pipeline.stop()


async def run(settings: Settings, values: list[bytes]) -> Log:
    """Move the records into the database, to the last one."""
    log = Log(values)
    async with running(settings, log) as pipeline:
        await until(lambda: pipeline.committed == len(values))
    return log


@pytest.mark.parametrize("poison", [b"nul \x00 inside", b"\xff no text"], ids=["refused", "unreadable"])
def test_a_record_that_can_not_be_stored_is_set_aside_and_its_neighbours_are_kept(
    settings: Settings, poison: bytes
) -> None:
    values = [b"record %d" % number for number in range(1500)]
    values[700] = values[1203] = poison
    log = asyncio.run(run(settings, values))
    with psycopg.connect(settings.database_dsn) as connection:
        aside = connection.execute('SELECT "offset", reason, bytes FROM ioc.unreadable ORDER BY 1').fetchall()
        assert aside == [(700, "unstorable", poison), (1203, "unstorable", poison)]
        kept = connection.execute("SELECT array_agg(name) FROM ioc.source").fetchone()
        assert kept is not None
        assert sorted(kept[0]) == sorted(value.decode() for value in values if value != poison)
    assert log.restarts >= 2


def test_a_schema_that_does_not_fit_is_no_record_s_fault(settings: Settings) -> None:
    """The table is gone for a while: nothing may be set aside, and all is stored when it is there again."""

    async def both() -> None:
        log = Log([b"record %d" % number for number in range(50)])
        async with running(settings, log) as pipeline:
            await until(lambda: log.restarts >= 3)
            with psycopg.connect(settings.database_dsn) as connection:
                connection.execute("ALTER TABLE ioc.gone RENAME TO source")
            await until(lambda: pipeline.committed == 50)

    with psycopg.connect(settings.database_dsn) as connection:
        connection.execute("ALTER TABLE ioc.source RENAME TO gone")
    asyncio.run(both())
    with psycopg.connect(settings.database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ioc.unreadable").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM ioc.source").fetchone() == (50,)


def _row(settings: Settings, *columns: str) -> tuple[object, ...]:
    with psycopg.connect(settings.database_dsn) as connection:
        query = f"SELECT {', '.join(columns)} FROM ioc.partition_offset"  # noqa: S608 - columns of ours
        (row,) = connection.execute(query.encode()).fetchall()
    return row


def _repair(settings: Settings, offset: int) -> None:
    with psycopg.connect(settings.database_dsn) as connection:
        connection.execute(
            "UPDATE ioc.partition_offset SET next_offset = %s, halted_reason = NULL, halted_at = NULL",
            (offset,),
        )


def test_records_that_expire_while_it_runs_halt_the_partition_and_kafka_is_asked_no_more(
    settings: Settings,
) -> None:
    async def story() -> None:
        log = Log([b"record %d" % number for number in range(100)])
        async with running(settings, log) as pipeline:
            await until(lambda: pipeline.committed == 100)
            log.values += [b"record %d" % number for number in range(100, 300)]
            log.first = 200
            pipeline.submit(OffsetLost(PARTITION, 100))
            assert log.held
            await until(lambda: pipeline.halted is not None)
            assert _row(settings, "next_offset", "halted_reason") == (100, "records-expired")
            # asked no more, however long the repair takes; what was on its way is not kept
            for _ in range(3):
                await asyncio.sleep(0)
                assert log.held
            assert log.restarts == 0
            _repair(settings, 200)
            await until(lambda: pipeline.committed == 300)
            assert pipeline.halted is None
            assert not log.held

    asyncio.run(story())
    assert _row(settings, "next_offset", "halted_reason") == (300, None)
    with psycopg.connect(settings.database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ioc.source").fetchone() == (200,)
        assert connection.execute("SELECT count(*) FROM ioc.unreadable").fetchone() == (0,)


def test_an_offset_that_is_there_again_is_read_again(settings: Settings) -> None:
    async def story() -> None:
        log = Log([b"record %d" % number for number in range(100)])
        async with running(settings, log) as pipeline:
            await until(lambda: pipeline.committed == 100)
            pipeline.submit(OffsetLost(PARTITION, 100))
            await until(lambda: log.restarts == 1)
            log.values += [b"record %d" % number for number in range(100, 120)]
            log.give(100)
            await until(lambda: pipeline.committed == 120)
            assert not log.held

    asyncio.run(story())
    assert _row(settings, "next_offset", "halted_reason") == (120, None)


def test_a_halted_partition_that_another_worker_takes_is_let_go(settings: Settings) -> None:
    async def story() -> None:
        log = Log([b"record %d" % number for number in range(100)])
        async with running(settings, log) as pipeline:
            await until(lambda: pipeline.committed == 100)
            log.first = 200
            log.values += [b""] * 200
            with capture_logs() as told:
                pipeline.submit(OffsetLost(PARTITION, 100))
                await until(lambda: pipeline.halted is not None)
                _repair(settings, 200)
                taken, other = await claim(settings, log)
                assert other.next_offset == 200
                await until(lambda: any("lost to another worker" in line["event"] for line in told))
            await taken.close()
            assert _row(settings, "epoch") == (other.epoch,)

    with pytest.MonkeyPatch.context() as patch:
        unhandled: list[object] = []
        patch.setattr(
            asyncio.BaseEventLoop, "call_exception_handler", lambda _self, context: unhandled.append(context)
        )
        asyncio.run(story())
    assert unhandled == []


def test_a_repair_that_is_chosen_while_a_worker_looks_stands(settings: Settings) -> None:
    """The worker has read that the partition is halted, and waits to write so again until the repair is committed."""

    async def story() -> Claim:
        log = Log([b"record"] * 300, first=200)
        connection, _ = await claim(settings, Log([]))  # the first owner stands at 0
        await connection.close()
        with pytest.raises(HaltedError):
            await claim(settings, log)
        async with await psycopg.AsyncConnection.connect(settings.database_dsn) as repair:
            await repair.execute("SELECT FROM ioc.partition_offset FOR UPDATE")
            looks = asyncio.create_task(claim(settings, log))
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            with psycopg.connect(settings.database_dsn, autocommit=True) as watcher:
                await until(lambda: watcher.execute(waits).fetchone() != (0,))
            await repair.execute("UPDATE ioc.partition_offset SET next_offset = 200, halted_reason = NULL")
            await repair.commit()
            connection, claimed = await looks
            await connection.close()
        return claimed

    claimed = asyncio.run(story())
    assert claimed.next_offset == 200
    assert _row(settings, "next_offset", "halted_reason") == (200, None)


class AwayAtFirst(Log):
    """A log whose broker does not answer the first questions about it."""

    questions = 0

    async def log_range(self, partitions: set[Partition]) -> dict[Partition, tuple[int, int]]:
        self.questions += 1
        if self.questions <= 2:
            raise NodeNotReadyError
        return dict.fromkeys(partitions, (self.first, len(self.values)))


class Identities(LogIdentities):
    """Tells an identity, at the second question."""

    questions = 0

    async def of(self, topic: str) -> LogIdentity:
        self.questions += 1
        if self.questions == 1:
            raise KafkaConnectionError
        return IDENTITY


def test_kafka_that_goes_away_while_partitions_are_claimed_is_waited_for(settings: Settings) -> None:
    async def story() -> dict[Partition, int]:
        sink = Sink(settings, {PARTITION.topic: lambda *_: Notes()})
        sink.source = log = AwayAtFirst([b"record"] * 5)
        sink._identities = Identities(settings.kafka_servers)
        await sink.open()
        try:
            starts = await sink.start_offsets({PARTITION})
            assert log.questions == 3
            return starts
        finally:
            await sink.close()

    assert asyncio.run(story()) == {PARTITION: 0}
