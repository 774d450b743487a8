"""Faust transport that hands whole micro-batches to agents.

Faust gives assignment, agents and life cycle; this driver replaces what lies between Kafka's fetch and an
agent: instead of one message a record, an agent gets one message a fetched partition, whose value is a
:class:`streams.batch.Batch`. Where a partition starts is the database's word (``Sink.start_offsets``), never the
consumer group's committed offset and never an automatic reset.

Record batches are read with aiokafka's own parser, straight into lists: no object per record is made here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, cast

import aiokafka
import structlog
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from ioc import tracing
from ioc.tracing import Context
from streams.batch import MOST_TRACES, Batch, OffsetLost, Partition

log = structlog.get_logger(__name__)

#: Longest wait of the broker for data, ms: the upper bound on added latency is the network's, not this one,
#: since the broker answers as soon as one record is there.
_FETCH_WAIT_MS = 500


class PassThrough(Schema):
    """Gives an agent the batch itself: there is nothing to deserialise at this level."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002 - Faust calls it so
        return message.key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002
        return message.value


def read_fetched(
    records: Any, partition: Partition, start: int, limit: int, log_end: int, *, limit_bytes: int
) -> Batch:
    """Read up to ``limit`` records or ``limit_bytes``, rounded up to whole record batches, from a fetch response.

    Fetches are compressed, so that their own limit says little about what they hold.

    :param records: aiokafka's ``PartitionRecords``; its ``next_fetch_offset`` is moved past what was read.
    :raises CorruptRecordException: when a record batch does not match its checksum.
    """
    offsets: list[int] = []
    values: list[bytes | None] = []
    memory = records._records
    traces: dict[Context, None] = {}
    traced = tracing.enabled()
    size = 0
    position = start
    while len(offsets) < limit and size < limit_bytes and memory.has_next():
        chunk = memory.next_batch()
        if records._check_crcs and not chunk.validate_crc():
            raise CorruptRecordException(f"Invalid CRC in {partition} after offset {position}")
        if not chunk.is_control_batch:
            found = list(chunk)
            if found and found[0].offset < position:
                found = [record for record in found if record.offset >= position]
            chunk_values = [record.value for record in found]
            offsets += _offsets(found)
            values += chunk_values
            size += sum(map(len, filter(None, chunk_values)))
            if traced and len(traces) < MOST_TRACES:
                traces |= dict.fromkeys(_traces(found))
        position = max(position, chunk.next_offset)
    records.next_fetch_offset = position
    few = tuple(islice(traces, MOST_TRACES))
    return Batch(partition, start, position, log_end, offsets, values, size, traces=few)


def _traces(found: list[Any]) -> Iterator[Context]:
    """Requests that brought these records; looked for only where spans are made."""
    for record in found:
        for name, value in record.headers:
            if name == tracing.TRACEPARENT and value is not None:
                context = tracing.parse(value.decode("latin-1"))
                if context is not None:
                    yield context


def _offsets(found: list[Any]) -> list[int] | range:
    """Offsets of a record batch's records; they ascend, so the ends tell whether any is missing between."""
    if not found:
        return []
    first, last = found[0].offset, found[-1].offset
    if last - first == len(found) - 1:
        return range(first, last + 1)
    return [record.offset for record in found]


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Runs aiokafka in a thread of its own and drains whole fetches."""

    #: Set to look again at what was fetched.
    _released: asyncio.Event | None = None

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 300.0) * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_bytes=conf.consumer_max_fetch_size * 4,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
        )

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP] | None,  # noqa: ARG002 - read anew below
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[TP, list[Batch | OffsetLost]]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        deadline = time.monotonic() + (timeout or 0.0)
        released = self._released = asyncio.Event()
        with fetcher._subscriptions.fetch_context():
            while True:
                if fetcher._subscriptions.reassignment_in_progress:
                    await fetcher._subscriptions.wait_for_assignment()
                released.clear()
                # read anew each time: partitions are held and released by the main thread meanwhile
                active = self.consumer._get_active_partitions().copy()
                drained = self._drain(fetcher, active, max_records or 10_000)
                left = deadline - time.monotonic()
                if drained or left <= 0:
                    return drained
                await self._something_new(fetcher, released, left)
                if fetcher._closed or not self.consumer.flow_active:
                    return {}

    @staticmethod
    async def _something_new(fetcher: Any, released: asyncio.Event, timeout: float) -> None:
        """Wait until Kafka sent something or a partition was released, at most ``timeout`` seconds."""
        fetched = fetcher._create_fetch_waiter()
        release = asyncio.ensure_future(released.wait())
        try:
            await asyncio.wait({fetched, release}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if fetched.done():
                fetched.result()
        finally:
            release.cancel()
            if not fetched.done():
                fetched.cancel()

    def wake(self) -> None:
        """Look again at what was fetched: a partition was released. Callable from any thread."""
        loop, released = self.thread_loop, self._released
        if released is not None and not loop.is_closed():
            loop.call_soon_threadsafe(released.set)

    def _drain(self, fetcher: Any, active: set[TP], limit: int) -> dict[TP, list[Batch | OffsetLost]]:
        drained: dict[TP, list[Batch | OffsetLost]] = {}
        subscriptions = fetcher._subscriptions
        for tp in list(fetcher._records):
            if tp not in active:
                if not subscriptions.is_assigned(tp):
                    del fetcher._records[tp]
                continue
            held = fetcher._records[tp]
            partition = Partition(tp.topic, tp.partition)
            faust_tp = TP(tp.topic, tp.partition)
            if type(held).__name__ == "FetchError":
                del fetcher._records[tp]
                fetcher._notify(fetcher._wait_consume_future)
                lost = self._offset_lost(held, partition)
                if lost is not None:
                    drained[faust_tp] = [lost]
                continue
            batch: Batch | None = None
            if held.check_assignment(tp) and held._partition_records is not None:
                state = held._assignment.state_value(tp)
                records = held._partition_records
                batch = read_fetched(
                    records,
                    partition,
                    state.position,
                    limit,
                    state.highwater or records.next_fetch_offset,
                    limit_bytes=self.app.conf.consumer_max_fetch_size,
                )
                held._update_position()
            records = held._partition_records
            if records is None or not records._records.has_next():
                del fetcher._records[tp]
                fetcher._notify(fetcher._wait_consume_future)
            if batch is not None and batch.end > batch.start:
                drained[faust_tp] = [batch]
        return drained

    @staticmethod
    def _offset_lost(held: Any, partition: Partition) -> OffsetLost | None:
        error = held._error
        if isinstance(error, OffsetOutOfRangeError):
            asked = next(iter(error.args[0].values())) if error.args else -1
            return OffsetLost(partition, asked)
        if isinstance(error, NoOffsetForPartitionError):
            # Raised before the first seek: the start comes from the database, so there is nothing to do.
            return None
        log.warning("fetch failed, will be tried again", partition=tuple(partition), error=str(error))
        return None


class BatchConsumer(driver.Consumer):
    """Consumer whose messages are batches and whose start is asked of the sink."""

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Batch | OffsetLost) -> ConsumerMessage:
        last = record.end - 1 if isinstance(record, Batch) else record.offset
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last,
            0.0,
            0,
            [],
            None,
            cast("Any", record),
            None,
            -1,
            -1,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek each partition to the offset that the database holds; what has none stays paused."""
        assigned = {Partition(tp.topic, tp.partition) for tp in self.assignment()}
        starts = await self.app.sink.start_offsets(assigned)
        await self._thread.call_thread(self._seek_all, starts, assigned - set(starts))
        for held in assigned - set(starts):
            self.pause_partitions({TP(*held)})
        return {TP(*partition): offset for partition, offset in starts.items()}

    async def _seek_all(self, starts: Mapping[Partition, int], held: set[Partition]) -> None:
        consumer = self._thread._ensure_consumer()
        if held:
            consumer.pause(*(aiokafka.TopicPartition(*p) for p in held))
        for partition, offset in starts.items():
            tp = aiokafka.TopicPartition(*partition)
            consumer.seek(tp, offset)
            consumer.resume(tp)

    async def restart_at(self, partition: Partition, offset: int) -> None:
        """Read the partition again from ``offset``; batches in flight from elsewhere must be dropped by the caller."""
        tp = TP(*partition)
        await self._thread.call_thread(self._seek_all, {partition: offset}, set())
        self._read_offset[tp] = offset or None
        self._buffered_partitions.discard(tp)
        self.resume_partitions({tp})

    def hold(self, partition: Partition) -> None:
        """Take the partition out of fetching until :meth:`release`."""
        self.on_buffer_full(TP(*partition))

    def release(self, partition: Partition) -> None:
        """Let the partition be fetched again."""
        self.on_buffer_drop(TP(*partition))
        self._thread.wake()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, set[TP] | None]:
        """Fetch, also while every partition is held: Faust would sleep for a whole second then."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        try:
            self.not_waiting_next_records.clear()
            records = await self._getmany(self._get_active_partitions(), timeout)
            if not self.flow_active:
                # A rebalance began meanwhile. Faust would seek, and so claim partitions that were just revoked;
                # what was fetched is read again by whoever owns them next.
                return None, None
            return records, self._get_active_partitions().copy()
        finally:
            self.not_waiting_next_records.set()

    async def log_range(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        """Ask Kafka for each partition's first offset and log end."""
        tps = [aiokafka.TopicPartition(*p) for p in partitions]
        starts, ends = await self._thread.call_thread(self._log_range, tps)
        return {Partition(tp.topic, tp.partition): (starts[tp], ends[tp]) for tp in tps}

    async def _log_range(self, tps: list[Any]) -> tuple[Mapping[Any, int], Mapping[Any, int]]:
        consumer = self._thread._ensure_consumer()
        return await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)

    def caught_up_at(self, partition: Partition, within_s: float) -> int | None:
        """Return Kafka's log end if it answered lately and everything up to it was handed over; else None."""
        consumer = self._thread._ensure_consumer()
        tp = aiokafka.TopicPartition(*partition)
        subscription = consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        if (
            state is None
            or not state.has_valid_position
            or state.highwater is None
            or state.timestamp is None
        ):
            return None
        fresh = time.time() * 1000 - state.timestamp <= within_s * 1000
        return int(state.highwater) if fresh and state.position == state.highwater else None

    async def commit_hint(self, offsets: Mapping[Partition, int]) -> None:
        """Tell Kafka how far we are, for its tools' sake only; failing to do so harms nothing."""
        await self._thread.call_thread(self._commit_hint, offsets)

    async def _commit_hint(self, offsets: Mapping[Partition, int]) -> None:
        consumer = self._thread._ensure_consumer()
        assigned = consumer.assignment()
        known = {
            tp: offset
            for partition, offset in offsets.items()
            if (tp := aiokafka.TopicPartition(*partition)) in assigned
        }
        if not known:
            return
        try:
            await consumer.commit(known)
        except Exception as error:
            log.debug("the offset hint was not taken", error=str(error))


class BatchTransport(driver.Transport):
    """The micro-batch transport, for :class:`streams.app.StreamApp`."""

    Consumer: ClassVar[type[BatchConsumer]] = BatchConsumer
