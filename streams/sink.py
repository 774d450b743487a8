"""The exactly-once sink: one pipeline for each partition that this worker owns."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aiokafka.errors
import psycopg
import structlog
from kafka.errors import KafkaError
from psycopg_pool import AsyncConnectionPool

from ioc.errors import UnavailableError
from ioc.metrics import PROCESS, Meters
from ioc.settings import Settings
from streams import ownership
from streams.batch import Batch, OffsetLost, Partition
from streams.cluster import LogIdentities
from streams.errors import HaltedError
from streams.ownership import Claim, Connection
from streams.pipeline import Pipeline, Source, Stats
from streams.registry import Registry
from streams.sources import Limit
from streams.work import Projector

log = structlog.get_logger(__name__)

#: What a server that is away, or on its way back, makes its clients raise.
_AWAY = (psycopg.OperationalError, OSError, UnavailableError, KafkaError, aiokafka.errors.KafkaError)


def _text(error: Exception) -> str:
    return str(error).strip() or type(error).__name__


#: Makes the projector of a topic for one claimed partition.
ProjectorFactory = Callable[[Claim, Registry, Settings, bool], Projector]


class LogSource(Source, Protocol):
    """The consumer, as the sink sees it."""

    async def log_range(self, partitions: set[Partition]) -> dict[Partition, tuple[int, int]]: ...


class Sink:
    """Owns the partitions that Kafka assigned to this worker.

    :param factories: topic name (with prefix) to the maker of its projectors.
    :param meters: where its figures are kept.
    """

    def __init__(
        self,
        settings: Settings,
        factories: Mapping[str, ProjectorFactory],
        meters: Meters = PROCESS,
    ) -> None:
        self._settings = settings
        self._factories = factories
        self._pipelines: dict[Partition, Pipeline] = {}
        self._identities = LogIdentities(settings.kafka_servers)
        self._ranges: dict[Partition, tuple[int, int]] = {}
        self._limit = Limit(
            settings.source_bad_share, settings.source_bad_window_s, settings.source_bad_minimum
        )
        self._meters = meters
        self._stats: dict[str, Stats] = {}
        #: How many times partitions were assigned.
        self.assignments = 0
        self.owner = f"{socket.gethostname()}:{os.getpid()}"
        self.source: LogSource | None = None
        # Claims and revocations one at a time: a revocation that returns has undone all claims before it.
        self._changing = asyncio.Lock()
        self._revocations = 0
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._registry: Registry | None = None

    async def open(self) -> None:
        """Open the shared connection pool, in the loop that will use it."""
        self._pool = AsyncConnectionPool(
            self._settings.database_dsn,
            min_size=1,
            max_size=4,
            open=False,
            kwargs={"autocommit": True, "options": self._options(), "application_name": "ioc-stream-lookup"},
            name="streams",
        )
        await self._pool.open()
        self._registry = Registry(self._pool)

    async def close(self) -> None:
        """Stop every pipeline and the pool."""
        await self.revoke(set(self._pipelines))
        if self._pool is not None:
            await self._pool.close()

    def _options(self) -> str:
        timeout_ms = int(self._settings.statement_timeout_s * 1000)
        return (
            f"-c statement_timeout={timeout_ms} -c lock_timeout={timeout_ms // 2}"
            f" -c idle_in_transaction_session_timeout={timeout_ms} -c timezone=UTC"
            " -c jit=off -c plan_cache_mode=force_custom_plan"
        )

    async def start_offsets(self, assigned: set[Partition]) -> dict[Partition, int]:
        """Claim the assigned partitions and say where each is to be read from; halted ones are left out.

        Ends early, with what was claimed, when partitions are revoked meanwhile: another assignment follows then.
        """
        asked = self._revocations
        async with self._changing:
            if self.source is None:
                raise RuntimeError("the sink has no source yet")
            await self._drop(set(self._pipelines))
            self._identities.forget()
            try:
                self._ranges = await self.source.log_range(assigned)
            except _AWAY as error:  # each partition asks again by itself
                log.warning("Kafka does not answer, will be tried again", error=_text(error))
                self._ranges = {}
            starts: dict[Partition, int] = {}
            for partition in sorted(assigned):
                if self._revocations != asked:
                    break
                pipeline = Pipeline(
                    partition=partition,
                    source=self.source,
                    claim=self._claim,
                    make_projector=self._make_projector,
                    stats=self.stats_of(partition.topic),
                    silence_s=self._settings.silence_s,
                    batch_records=self._settings.batch_records,
                    batch_bytes=self._settings.fetch_bytes,
                    limit=self._limit,
                )
                self._pipelines[partition] = pipeline
                start = await self._start(pipeline, asked)
                if start is not None:
                    starts[partition] = start
            self.assignments += 1
            log.info("partitions claimed", count=len(starts), owner=self.owner)
            return starts

    async def _start(self, pipeline: Pipeline, asked: int) -> int | None:
        """Return where the partition starts; None when it is halted, or revoked before it could be claimed."""
        while self._revocations == asked:
            try:
                return await pipeline.start()
            except HaltedError as error:
                pipeline.start_halted(error)
                return None
            except _AWAY as error:
                log.warning("a server does not answer, will be tried again", error=_text(error))
                await asyncio.sleep(1.0)
        return None

    async def revoke(self, partitions: set[Partition]) -> None:
        """Give partitions up: let running commits finish, then close their sessions."""
        self._revocations += 1
        async with self._changing:
            await self._drop(partitions)

    async def _drop(self, partitions: set[Partition]) -> None:
        gone = [self._pipelines.pop(p) for p in partitions if p in self._pipelines]
        await asyncio.gather(*(pipeline.stop() for pipeline in gone))

    def submit(self, batch: Batch | OffsetLost) -> None:
        """Hand what was fetched to its partition; what belongs to no pipeline is another worker's by now."""
        if isinstance(batch, OffsetLost):
            self._identities.forget()  # the topic may have been made again, under the same name
        pipeline = self._pipelines.get(batch.partition)
        if pipeline is not None:
            pipeline.submit(batch)

    def committed(self) -> dict[Partition, int]:
        """Offsets that the database holds, for the hint to Kafka."""
        return {p: pipeline.committed for p, pipeline in self._pipelines.items() if pipeline.halted is None}

    @property
    def stats(self) -> Mapping[str, Stats]:
        """Counters by topic."""
        return self._stats

    def stats_of(self, topic: str) -> Stats:
        """Counters of a topic, made when they are first asked for."""
        if topic not in self._stats:
            self._stats[topic] = Stats(topic, self._meters)
        return self._stats[topic]

    def partitions(self) -> tuple[int, int]:
        """How many partitions of this worker move, and how many are halted."""
        halted = sum(1 for pipeline in list(self._pipelines.values()) if pipeline.halted is not None)
        return len(self._pipelines) - halted, halted

    def stalled_s(self) -> float:
        """Longest time, in seconds, for which a partition has had records waiting and stored none."""
        return max((pipeline.stalled_s() for pipeline in list(self._pipelines.values())), default=0.0)

    def _make_projector(self, claim: Claim, careful: bool) -> Projector:
        if self._registry is None:
            raise RuntimeError("the sink is not open")
        return self._factories[claim.partition.topic](claim, self._registry, self._settings, careful)

    async def _claim(self, partition: Partition, former: Claim | None) -> tuple[Connection, Claim]:
        """Claim a partition in a new session.

        :param former: the claim that this worker held: it may be resumed, not taken from a successor.
        """
        if self.source is None:
            raise RuntimeError("the sink has no source yet")
        identity = await self._identities.of(partition.topic)
        # another log has epochs of its own
        epoch = former.epoch if former is not None and former.log == identity else None
        log_range = self._ranges.pop(partition, None)
        if log_range is None:
            log_range = (await self.source.log_range({partition}))[partition]
        connection: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
            self._settings.database_dsn,
            autocommit=True,
            connect_timeout=5,
            options=self._options(),
            application_name=f"ioc-stream {partition.topic}/{partition.partition}",
        )
        try:
            return connection, await ownership.claim(
                connection, identity, partition, log_range, self.owner, epoch
            )
        except BaseException:
            await connection.close()
            raise
