"""Feeds real projectors with records, batch by batch, on a real database, without Kafka."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from ioc.settings import Settings
from streams import unreadable
from streams.app import PROJECTORS
from streams.batch import Batch, Partition
from streams.ownership import Claim, Connection, LogIdentity, Moved
from streams.registry import Registry
from streams.work import Projector


class Feeder:
    """One partition of a topic: counts what its transactions report."""

    def __init__(
        self, topic: str, settings: Settings, registry: Registry, connection: Connection, number: int = 0
    ) -> None:
        self.partition = Partition(topic, number)
        self.connection = connection
        self._settings = settings
        self.registry = registry
        self._offset = 0
        self.facts = 0
        self.duplicates = 0
        self.erased = 0
        self.late: Counter[int] = Counter()
        #: Offset and reason of what could not become a fact.
        self.bad: list[tuple[int, str]] = []
        self.projector = self.fresh()

    def fresh(self, *, careful: bool = False) -> Projector:
        """Make a projector that knows nothing but what is stored, as after a restart."""
        claim = Claim(LogIdentity("cluster", self.partition.topic), self.partition, 1, self._offset, None)
        self.projector = PROJECTORS[self.partition.topic](claim, self.registry, self._settings, careful)
        return self.projector

    async def feed(
        self,
        records: Sequence[bytes | None],
        *,
        now: datetime | None = None,
        closed_until: datetime | None = None,
        erasures: int = 0,
    ) -> None:
        """Store the records as one batch in one transaction."""
        first, self._offset = self._offset, self._offset + len(records)
        offsets = list(range(first, self._offset))
        work = await self.projector.prepare(
            Batch(self.partition, first, self._offset, self._offset, offsets, list(records))
        )
        async with self.connection.transaction():
            outcome = await work.apply(
                self.connection, Moved(now or datetime.now(UTC), closed_until, erasures=erasures)
            )
            await unreadable.store(self.connection, self.partition.topic, self.partition, outcome.unreadable)
        self.facts += outcome.facts
        self.duplicates += outcome.duplicates
        self.erased += outcome.erased
        self.late += outcome.late
        self.bad += sorted((record.offset, record.reason) for record in outcome.unreadable)

    async def idle(self) -> None:
        """Let the projector write what it put off."""
        async with self.connection.transaction():
            await self.projector.idle(self.connection)

    async def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        found: list[Any] = await (await self.connection.execute(query, arguments)).fetchall()
        return found


@asynccontextmanager
async def feeders(settings: Settings, topic: str, *, partitions: int = 1) -> AsyncIterator[list[Feeder]]:
    """Open a feeder for each partition, each with a session of its own as in the worker."""
    dsn = settings.database_dsn
    async with AsyncConnectionPool[Connection](
        dsn, min_size=1, max_size=2, open=False, kwargs={"autocommit": True, "options": "-c timezone=UTC"}
    ) as pool:
        registry = Registry(pool)
        connections = [
            await psycopg.AsyncConnection.connect(dsn, autocommit=True, options="-c timezone=UTC")
            for _ in range(partitions)
        ]
        try:
            yield [Feeder(topic, settings, registry, c, n) for n, c in enumerate(connections)]
        finally:
            for connection in connections:
                await connection.close()
