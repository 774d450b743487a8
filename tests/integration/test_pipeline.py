"""One partition's pipeline on a real database: what a record that can't be stored does to its neighbours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import pytest

from ioc.settings import Settings
from streams import ownership
from streams.batch import Batch, Partition
from streams.ownership import Claim, Connection, LogIdentity, Moved
from streams.pipeline import Pipeline, Stats
from streams.sources import Limit
from streams.work import Outcome

PARTITION = Partition("ioc.test", 0)


@dataclass
class Log:
    """A log in memory: gives out its records from wherever the pipeline asks."""

    values: list[bytes]
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


async def run(settings: Settings, values: list[bytes], *, until: int) -> Log:
    async def claim(partition: Partition, epoch: int | None) -> tuple[Connection, Claim]:
        connection = await psycopg.AsyncConnection.connect(settings.database_dsn, autocommit=True)
        log_range = (0, len(values))
        return connection, await ownership.claim(
            connection, LogIdentity("cluster", "topic"), partition, log_range, "test", epoch
        )

    log = Log(values)
    log.pipeline = Pipeline(
        partition=PARTITION,
        source=log,
        claim=claim,
        make_projector=lambda _claim, careful: Notes(careful),
        stats=Stats(),
        silence_s=5,
        batch_records=1000,
        batch_bytes=10**6,
        limit=Limit(share=0.5, window_s=300, minimum=100),
    )
    log.give(await log.pipeline.start())
    try:
        async with asyncio.timeout(30):
            while log.pipeline.committed < until:
                await asyncio.sleep(0.02)
    finally:
        await log.pipeline.stop()
    return log


@pytest.mark.parametrize("poison", [b"nul \x00 inside", b"\xff no text"], ids=["refused", "unreadable"])
def test_a_record_that_can_not_be_stored_is_set_aside_and_its_neighbours_are_kept(
    settings: Settings, poison: bytes
) -> None:
    values = [b"record %d" % number for number in range(1500)]
    values[700] = values[1203] = poison
    log = asyncio.run(run(settings, values, until=1500))
    with psycopg.connect(settings.database_dsn) as connection:
        aside = connection.execute('SELECT "offset", reason, bytes FROM ioc.unreadable ORDER BY 1').fetchall()
        assert aside == [(700, "unstorable", poison), (1203, "unstorable", poison)]
        kept = connection.execute("SELECT array_agg(name) FROM ioc.source").fetchone()
        assert kept is not None
        assert sorted(kept[0]) == sorted(value.decode() for value in values if value != poison)
    assert log.restarts >= 2


def test_a_schema_that_does_not_fit_is_no_record_s_fault(settings: Settings) -> None:
    """The table is gone for a while: nothing may be set aside, and all is stored when it is there again."""

    async def break_and_mend() -> None:
        await asyncio.sleep(2)
        with psycopg.connect(settings.database_dsn) as connection:
            connection.execute("ALTER TABLE ioc.gone RENAME TO source")

    async def both() -> None:
        values = [b"record %d" % number for number in range(50)]
        await asyncio.gather(run(settings, values, until=50), break_and_mend())

    with psycopg.connect(settings.database_dsn) as connection:
        connection.execute("ALTER TABLE ioc.source RENAME TO gone")
    asyncio.run(both())
    with psycopg.connect(settings.database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ioc.unreadable").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM ioc.source").fetchone() == (50,)
