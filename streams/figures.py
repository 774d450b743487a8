"""The worker's figures among the metrics of its process: read when somebody asks, counted batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from ioc.metrics import Meters, processes
from ioc.metrics.meters import Figures
from streams.pipeline import Stats
from streams.sink import Sink

#: A record's outcome to the counter that holds it.
_OUTCOMES: Final = {
    "read": attrgetter("records"),
    "fact": attrgetter("facts"),
    "duplicate": attrgetter("duplicates"),
    "erased": attrgetter("erased"),
    "late": attrgetter("late"),
    "unreadable": attrgetter("unreadable"),
}


def tell_of_sink(meters: Meters, sink: Sink) -> None:
    """Let meters read the sink whenever somebody asks them."""

    def topics() -> list[tuple[str, Stats]]:
        return list(sink.stats.items())

    def records() -> Iterator[tuple[tuple[str, ...], float]]:
        for topic, stats in topics():
            for outcome, count in _OUTCOMES.items():
                yield (topic, outcome), count(stats)

    def partitions() -> Figures:
        moving, halted = sink.partitions()
        return [(("moving",), moving), (("halted",), halted)]

    meters.watch(processes.STREAM_RECORDS, records)
    meters.watch(processes.STREAM_BATCHES, lambda: [((t,), s.transactions) for t, s in topics()])
    meters.watch(processes.STREAM_RETRIES, lambda: [((t,), s.retries) for t, s in topics()])
    meters.watch(processes.STREAM_FENCES, lambda: [((t,), s.fences) for t, s in topics()])
    meters.watch(processes.STREAM_REBALANCES, lambda: [((), sink.assignments)])
    meters.watch(processes.STREAM_PARTITIONS, partitions)
    meters.watch(processes.STREAM_STALLED, lambda: [((), sink.stalled_s())])
