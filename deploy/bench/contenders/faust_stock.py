"""Stock Faust: one message at a time into a windowed table by unit and minute of event time, kept in memory."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import faust
from faust.worker import Worker

from deploy.bench.outcome import Stopwatch, Task, given_task, report
from deploy.bench.workload import MINUTE_S, digest


class Data(faust.Record):  # type: ignore[misc]
    """What of a sample is counted."""

    unit: str


class Sample(faust.Record):  # type: ignore[misc]
    """A sample as Faust's users model it."""

    subject: str
    time: str
    data: Data


def main(task: Task) -> None:
    """Run the application until all records are counted."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = faust.App(
        f"{task.prefix}faust-{uuid4().hex[:8]}",
        broker=f"kafka://{task.servers}",
        store="memory://",
        datadir=f"{task.folder}/faust",
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        topic_partitions=task.partitions,
    )
    topic = app.topic(task.topic, value_type=Sample, value_serializer="json")
    counts = app.Table("counts", default=int, partitions=task.partitions).tumbling(
        timedelta(seconds=MINUTE_S), expires=timedelta(days=2)
    )
    watch = Stopwatch()
    totals: Counter[tuple[str, int]] = Counter()
    done = 0

    def event_time(event: Any = None) -> float:
        return datetime.fromisoformat(event.value.time).timestamp()

    timed = counts.relative_to(event_time)

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def count(stream: AsyncIterator[Sample]) -> None:
        nonlocal done
        async for sample in stream:
            watch.start()
            timed[sample.data.unit] += 1
            done += 1
            if done == task.records:
                seconds = watch.stop()
                for (unit, window), number in counts.table.items():
                    totals[unit, int(window[0]) // MINUTE_S] += number
                report(done, seconds, digest(totals))
                threading.Timer(0.1, os._exit, (0,)).start()

    Worker(app, loglevel="WARNING", redirect_stdouts=False, loop=loop).execute_from_commandline()


if __name__ == "__main__":
    main(given_task())
