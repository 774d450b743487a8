"""The figures of every process, as they last wrote them, in one text: few people have to know where to ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample as Line

from ioc.kpi.steps import Asking, Steps
from ioc.metrics.catalogue import METRICS
from ioc.metrics.definition import PROCESS_LABEL, Kind, Metric
from ioc.metrics.meters import Meters, Sample

_WRITE: Final = """
INSERT INTO ioc.process_metrics AS m (name, at, samples) VALUES (%s, clock_timestamp(), %s)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, samples = excluded.samples
"""
#: Of those that live: an old figure must not pass for a new one.
_LIVING: Final = """
SELECT h.name, m.samples FROM ioc.process_metrics m JOIN ioc.heartbeat h USING (name)
WHERE NOT h.stopped AND clock_timestamp() < h.at + 3 * h.interval_s * interval '1 second' ORDER BY h.name
"""
_ENDINGS: Final = ("_bucket", "_count", "_sum")


def written(name: str, meters: Meters) -> Asking:
    """The statement that writes a process's figures for others."""
    from psycopg.types.json import Jsonb

    return _WRITE, (name, Jsonb(meters.samples()))


def others(own: str | None) -> Steps[list[tuple[str, list[Sample]]]]:
    """Steps to the figures of every process that lives, but for one of a name."""
    rows = yield _LIVING, ()
    return [(name, [(s[0], s[1], s[2]) for s in samples]) for name, samples in rows if name != own]


def together(meters: Meters, own: str, found: Iterable[tuple[str, Sequence[Sample]]]) -> bytes:
    """The text that Prometheus reads: this process's figures and those of others, told apart by a label.

    Figures of the platform as a whole have no such label.

    :param own: this process's name.
    """
    registry = CollectorRegistry()
    registry.register(_Together([(own, meters.samples()), *found]))
    return generate_latest(registry)


class _Together(Collector):
    def __init__(self, found: Sequence[tuple[str, Sequence[Sample]]]) -> None:
        self._found = found

    def collect(self) -> Iterator[Family]:
        families: dict[str, Family] = {}
        for process, samples in self._found:
            for name, labels, value in samples:
                metric = declared(name)
                if metric is None:  # a process of another version
                    continue
                if metric.name not in families:
                    families[metric.name] = Family(
                        metric.name.removesuffix("_total"), metric.help, metric.kind.value
                    )
                told = {**labels, PROCESS_LABEL: process} if metric.of else labels
                families[metric.name].samples.append(Line(name, told, value))
        yield from (families[name] for name in sorted(families))


def declared(sample: str) -> Metric | None:
    """The metric that a sample is of."""
    found = METRICS.get(sample)
    if found is not None:
        return found
    for ending in _ENDINGS:
        found = METRICS.get(sample.removesuffix(ending))
        if found is not None and found.kind is Kind.HISTOGRAM:
            return found
    return None
