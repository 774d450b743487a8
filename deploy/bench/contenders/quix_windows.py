"""Quix Streams: its JSON, re-keyed by unit through its repartition topic, tumbling windows of a minute, counted.

Its windows belong to a record's key, and records are keyed by device: counts per unit need its ``group_by``,
which writes every record to Kafka once more and reads it again. :mod:`quix_devices` leaves that out.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import uuid4

from quixstreams import Application

from deploy.bench.outcome import Stopwatch, Task, given_task, report
from deploy.bench.workload import MINUTE_S, digest


def event_ms(value: Any, _headers: Any, _timestamp: int, _kind: Any) -> int:
    """Read a record's event time, milliseconds since 1970."""
    return int(datetime.fromisoformat(value["time"]).timestamp() * 1000)


def main(task: Task, *, by_unit: bool = True) -> None:
    """Run the application until all records have been counted in a window.

    :param by_unit: count per unit, the task; False counts per device, which spares it the repartitioning.
    """
    app = Application(
        broker_address=task.servers,
        consumer_group=f"{task.prefix}quix-{uuid4().hex[:8]}",
        auto_offset_reset="earliest",
        state_dir=f"{task.folder}/quix-{uuid4().hex[:8]}",
        loglevel="WARNING",
    )
    watch = Stopwatch()
    latest: dict[tuple[str, int], int] = {}
    units: dict[str, str] = {}
    done = 0

    def first(value: dict[str, Any]) -> dict[str, Any]:
        if not watch.started:
            watch.start()
        if not by_unit:
            units[value["subject"]] = value["data"]["unit"]
        return value

    def keep(window: dict[str, Any], key: Any, _timestamp: int, _headers: Any) -> None:
        nonlocal done
        name = key.decode() if isinstance(key, bytes) else str(key)
        latest[name, window["start"] // 1000 // MINUTE_S] = window["value"]
        done += 1
        if done == task.records:
            watch.stop()
            app.stop()

    topic = app.topic(task.topic, value_deserializer="json", timestamp_extractor=event_ms)
    frame = app.dataframe(topic).apply(first)
    if by_unit:
        frame = frame.group_by(lambda value: value["data"]["unit"], name="unit")
    # current(): a count is visible after each record, as our worker's is; grace lets no record count as late
    frame = frame.tumbling_window(MINUTE_S * 1000, grace_ms=2 * 86_400_000).count().current()
    frame.update(keep, metadata=True)
    app.run()
    counts: Counter[tuple[str, int]] = Counter()
    for (name, minute), number in latest.items():
        counts[name if by_unit else units[name], minute] += number
    report(done, watch.stopped - watch.started, digest(counts), json.dumps({"keys": len(latest)}))


if __name__ == "__main__":
    main(given_task())
