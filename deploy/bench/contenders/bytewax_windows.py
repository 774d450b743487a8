"""Bytewax: decode with msgspec, key by unit, its own tumbling windows of a minute by event time, counted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as windowing
import msgspec
from bytewax.connectors.kafka import KafkaSource
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main

from deploy.bench.outcome import Stopwatch, Task, given_task, report
from deploy.bench.workload import MINUTE_S, digest
from ioc import topics
from ioc.events import TOPIC_TYPES, WifiProbed

_ALIGN = datetime(2020, 1, 1, tzinfo=UTC)
#: Bytewax drops what comes behind its watermark; partitions are read unevenly, so nothing may count as late.
_WAIT = timedelta(days=2)


def main(task: Task) -> None:
    """Run the dataflow to the end of the topic; its windows close there."""
    decode = msgspec.json.Decoder(TOPIC_TYPES[topics.WIFI]).decode
    watch = Stopwatch()
    counts: Counter[tuple[str, int]] = Counter()

    def read(message: Any) -> WifiProbed:
        if not watch.started:
            watch.start()
        event: WifiProbed = decode(message.value)
        return event

    def keep(closed: tuple[str, tuple[int, int]]) -> str | None:
        unit, (window, count) = closed
        counts[unit, int(_ALIGN.timestamp()) // MINUTE_S + window] += count
        return None

    flow = Dataflow("bench")
    source: Any = KafkaSource([task.servers], [task.topic], tail=False)
    messages: Any = op.input("read", flow, source)
    events = op.map("decode", messages, read)
    counted = windowing.count_window(
        "count",
        events,
        windowing.EventClock(lambda event: event.time, wait_for_system_duration=_WAIT),
        windowing.TumblingWindower(length=timedelta(seconds=MINUTE_S), align_to=_ALIGN),
        lambda event: event.data.unit,
    )
    op.output("end", op.filter_map("keep", counted.down, keep), StdOutSink())
    run_main(flow)
    report(sum(counts.values()), watch.stop(), digest(counts))


if __name__ == "__main__":
    main(given_task())
