"""The figures that one process keeps: made from the catalogue only, and given away as text or as data."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ioc.metrics import processes
from ioc.metrics.catalogue import METRICS
from ioc.metrics.definition import Kind, Metric

_T = TypeVar("_T", Counter, Gauge, Histogram)

#: Values of a metric's labels, in their order, and the figure.
Figures: TypeAlias = Iterable[tuple[tuple[str, ...], float]]
#: Name of a sample, its labels, its figure: as it is written for others to gather.
Sample: TypeAlias = tuple[str, dict[str, str], float]

#: Samples of one process that are given to others; what goes beyond is left out, so that a row stays small.
MOST_SAMPLES: Final = 5_000

# the moment of a counter's beginning as a series of its own: twice as many series, and nobody asks for them
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Meters:
    """Metrics of one process. Each is made when it is first used; safe from several threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()

    def counter(self, metric: Metric) -> Counter:
        """The counter of a declaration."""
        return self._make(metric, Kind.COUNTER, Counter)

    def gauge(self, metric: Metric) -> Gauge:
        """The gauge of a declaration."""
        return self._make(metric, Kind.GAUGE, Gauge)

    def histogram(self, metric: Metric) -> Histogram:
        """The histogram of a declaration."""
        return self._make(metric, Kind.HISTOGRAM, Histogram)

    def watch(self, metric: Metric, look: Callable[[], Figures]) -> None:
        """Have figures read when somebody asks for them: what is counted anyway costs nothing here.

        :param look: called from any thread; a later call for the same metric takes its place.
        """
        with self._lock:
            known = self._watched.get(metric.name)
            if known is not None:
                known.look = look
                return
            self._watched[metric.name] = watched = _Watched(_declared(metric), look)
        self.registry.register(watched)

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return prometheus_client.generate_latest(self.registry)

    def samples(self) -> list[Sample]:
        """Every figure now, at most :data:`MOST_SAMPLES` of them."""
        found: list[Sample] = []
        for family in self.registry.collect():
            for sample in family.samples:
                if len(found) >= MOST_SAMPLES:
                    return found
                found.append((sample.name, dict(sample.labels), float(sample.value)))
        return found

    def _make(self, metric: Metric, kind: Kind, made_as: type[_T]) -> _T:
        with self._lock:
            found: Any = self._made.get(metric.name)
            if found is None:
                if _declared(metric).kind is not kind:
                    raise ValueError(f"{metric.name} is declared as a {metric.kind}.")
                further: Any = {"buckets": metric.buckets} if metric.buckets else {}
                found = made_as(metric.name, metric.help, metric.labels, registry=self.registry, **further)
                self._made[metric.name] = found
            assert isinstance(found, made_as)  # noqa: S101 - of the kind that its declaration says
            return found


class _Watched(Collector):
    """A metric whose figures somebody else keeps."""

    def __init__(self, metric: Metric, look: Callable[[], Figures]) -> None:
        self._metric, self.look = metric, look

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        metric = self._metric
        made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        family = made(metric.name, metric.help, labels=metric.labels)
        for labels, value in self.look():
            family.add_metric(labels, value)
        yield family

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Nothing has to be looked at to know the name."""
        metric = self._metric
        made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        yield made(metric.name, metric.help, labels=metric.labels)


def _declared(metric: Metric) -> Metric:
    if METRICS.get(metric.name) is not metric:
        raise ValueError(f"{metric.name} is not in the catalogue.")
    return metric


_STARTED_AT: Final = time.time()
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def tell_of_process(meters: Meters) -> None:
    """Let meters tell of the process itself."""
    meters.watch(processes.MEMORY, lambda: [((), _resident_bytes())])
    meters.watch(processes.CPU, lambda: [((), time.process_time())])
    meters.watch(processes.STARTED, lambda: [((), _STARTED_AT)])


def _resident_bytes() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * float(_PAGE_BYTES)


#: Of this process, for what has no application of its own to keep its figures in.
PROCESS: Final = Meters()
