"""Our worker without its database writes: the real transport and projector, whose work is counted and let go."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

from deploy.bench.outcome import Stopwatch, Task, given_task, report
from deploy.bench.workload import Workload, digest, sample
from ioc import topics
from ioc.events import encode
from ioc.settings import Settings
from streams.app import PROJECTORS, StreamApp, build
from streams.batch import Batch, OffsetLost, Partition
from streams.devices.projector import DeviceProjector, DeviceWork
from streams.ownership import Claim, LogIdentity, Moved
from streams.pipeline import QUEUE_BATCHES
from streams.sink import Sink
from streams.worker import StreamWorker


class CountingSink(Sink):
    """Prepares batches as the real sink's pipelines do, and keeps only the windowed counts.

    Devices and units are made known to each projector beforehand, by one earlier sample of each device.
    """

    def __init__(self, settings: Settings, task: Task) -> None:
        super().__init__(settings, {settings.topic_prefix + topics.WIFI: PROJECTORS[topics.WIFI]})
        self._task = task
        self._queues: dict[Partition, asyncio.Queue[Batch]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.watch = Stopwatch()
        self.done = 0
        self.windows: Counter[tuple[int, int]] = Counter()
        self.units: dict[int, str] = {}
        self.finished = asyncio.Event()

    async def start_offsets(self, assigned: set[Partition]) -> dict[Partition, int]:
        ready = [await self._known(partition) for partition in sorted(assigned)]
        for partition, projector in ready:
            queue: asyncio.Queue[Batch] = asyncio.Queue()
            self._queues[partition] = queue
            self._tasks.add(asyncio.create_task(self._work(partition, queue, projector)))
        self.watch.start()
        return dict.fromkeys(assigned, 0)

    async def _known(self, partition: Partition) -> tuple[Partition, DeviceProjector]:
        claim = Claim(LogIdentity("bench", partition.topic), partition, 1, 0, None)
        projector = cast("DeviceProjector", self._make_projector(claim, False))
        workload = self._task.workload()
        values: list[bytes | None] = list(_earlier(workload, partition.partition))
        count = len(values)
        await projector.prepare(Batch(partition, 0, count, count, list(range(count)), values, 0))
        if self._registry is not None:
            found = await self._registry.units(workload.unit_of(d) for d in range(workload.units))
            self.units |= {unit.unit_id: code for code, unit in found.items()}
        return partition, projector

    def submit(self, batch: Batch | OffsetLost) -> None:
        if isinstance(batch, OffsetLost) or self.source is None:
            raise SystemExit(f"nothing to read: {batch}")
        queue = self._queues[batch.partition]
        queue.put_nowait(batch)
        if queue.qsize() >= QUEUE_BATCHES:
            self.source.hold(batch.partition)

    async def _work(
        self, partition: Partition, queue: asyncio.Queue[Batch], projector: DeviceProjector
    ) -> None:
        while True:
            batch = await queue.get()
            if self.source is not None and queue.qsize() < QUEUE_BATCHES:
                self.source.release(partition)
            self._count(projector, await projector.prepare(batch))
            self.done += len(batch)
            if self.done >= self._task.records:
                self.finished.set()
            await asyncio.sleep(0)

    def _count(self, projector: DeviceProjector, work: DeviceWork) -> None:
        if work.late or work.unreadable:
            raise SystemExit("a record of the benchmark was late or unreadable")
        counts = projector._count(work.arrivals.take(work.follows), Moved(datetime.now(UTC), None))
        keys = zip(counts.unit.tolist(), counts.minute.tolist(), strict=True)
        for key, number in zip(keys, counts.samples.tolist(), strict=True):
            self.windows[key] += number

    async def revoke(self, partitions: set[Partition]) -> None:
        for partition in partitions:
            self._queues.pop(partition, None)
        for task in self._tasks:
            task.cancel()

    def owned(self) -> set[Partition]:
        return set(self._queues)

    def committed(self) -> dict[Partition, int]:
        return {}


def _earlier(workload: Workload, partition: int) -> list[bytes]:
    """One sample of each of a partition's devices, half an hour before the first that is measured."""
    from aiokafka.partitioner import murmur2

    rng = Random(1)
    at = workload.base - timedelta(minutes=30)
    return [
        encode(sample(workload, device, at, rng))
        for device in range(workload.devices)
        if (murmur2(workload.code_of(device).encode()) & 0x7FFFFFFF) % workload.partitions == partition
    ]


def main(task: Task) -> None:
    """Run the worker's application on the counting sink until all records are prepared."""
    settings = Settings(
        kafka=task.servers,
        database_url=task.database,  # type: ignore[arg-type]  # pydantic makes it secret
        topic_prefix=task.prefix,
        consumer_group=f"{task.prefix}compute-{os.getpid()}",
        state_dir=task.folder,  # type: ignore[arg-type]
    )
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app: StreamApp = build(settings, only=(topics.WIFI,))
    sink = CountingSink(settings, task)
    app.sink = sink

    async def end() -> None:
        await sink.finished.wait()
        seconds = sink.watch.stop()
        windows = {(sink.units[unit], minute): n for (unit, minute), n in sink.windows.items()}
        report(sink.done, seconds, digest(windows))
        sys.stdout.flush()
        # What is measured has ended; leaving Faust's own shutdown out keeps rounds short.
        threading.Timer(0.1, os._exit, (0,)).start()

    class Measured(StreamWorker):
        async def on_first_start(self) -> None:
            self.ending = asyncio.create_task(end())
            await super().on_first_start()

    worker = Measured(app, loglevel="WARNING", redirect_stdouts=False, loop=loop)
    cast("Any", worker).execute_from_commandline()


if __name__ == "__main__":
    main(given_task())
