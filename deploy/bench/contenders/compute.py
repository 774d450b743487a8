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
from streams.pipeline import Pipeline
from streams.sink import Sink
from streams.work import Work
from streams.worker import StreamWorker


class CountingPipeline(Pipeline):
    """The real pipeline with its queue, its back-pressure and its projector; commits only count."""

    counter: CountingSink
    ready: DeviceProjector

    async def _take(self, former: Claim | None = None) -> None:  # noqa: ARG002 - there is nobody to take it from
        self._connection = cast("Any", object())
        self._claim = _claim_of(self.partition)
        self._projector = self.ready

    async def _close(self) -> None:
        raise SystemExit(f"the pipeline of {self.partition} failed")

    async def _commit(self, batch: Batch, work: Work) -> None:
        self.counter.count(self.ready, batch, cast("DeviceWork", work))
        self.committed = batch.end


class CountingSink(Sink):
    """Makes pipelines that count; devices and units are made known beforehand, by one earlier sample of each device."""

    def __init__(self, settings: Settings, task: Task) -> None:
        super().__init__(settings, {settings.topic_prefix + topics.WIFI: PROJECTORS[topics.WIFI]})
        self._task = task
        self.watch = Stopwatch()
        self.done = 0
        self.windows: Counter[tuple[int, int]] = Counter()
        self.units: dict[int, str] = {}
        self.finished = asyncio.Event()

    async def start_offsets(self, assigned: set[Partition]) -> dict[Partition, int]:
        if self.source is None:
            raise SystemExit("the sink has no source")
        for partition in sorted(assigned):
            pipeline = CountingPipeline(
                partition=partition,
                source=self.source,
                claim=self._claim,
                make_projector=self._make_projector,
                stats=self.stats_of(partition.topic),
                silence_s=3600.0,
                batch_records=self._settings.batch_records,
                batch_bytes=self._settings.fetch_bytes,
                limit=self._limit,
            )
            pipeline.counter, pipeline.ready = self, await self._known(partition)
            self._pipelines[partition] = pipeline
        return {partition: await self._pipelines[partition].start() for partition in assigned}

    def submit(self, batch: Batch | OffsetLost) -> None:
        self.watch.start()
        super().submit(batch)

    async def _known(self, partition: Partition) -> DeviceProjector:
        projector = cast("DeviceProjector", self._make_projector(_claim_of(partition), False))
        workload = self._task.workload()
        values: list[bytes | None] = list(_earlier(workload, partition.partition))
        count = len(values)
        await projector.prepare(Batch(partition, 0, count, count, list(range(count)), values))
        if self._registry is not None:
            found = await self._registry.units(workload.unit_of(d) for d in range(workload.units))
            self.units |= {unit.unit_id: code for code, unit in found.items()}
        return projector

    def count(self, projector: DeviceProjector, batch: Batch, work: DeviceWork) -> None:
        """Add up a prepared batch, as its transaction would."""
        if work.late or work.unreadable:
            raise SystemExit("a record of the benchmark was late or unreadable")
        counts = projector._count(work.arrivals.take(work.follows), Moved(datetime.now(UTC), None))
        keys = zip(counts.unit.tolist(), counts.minute.tolist(), strict=True)
        for key, number in zip(keys, counts.samples.tolist(), strict=True):
            self.windows[key] += number
        self.done += len(batch)
        if self.done >= self._task.records:
            self.finished.set()

    def committed(self) -> dict[Partition, int]:
        return {}


def _claim_of(partition: Partition) -> Claim:
    return Claim(LogIdentity("bench", partition.topic), partition, 1, 0, None)


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
