"""The comparison: every contender once a round, rounds one after another, since machines have moods."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deploy.bench import endtoend, outcome
from deploy.bench.ground import Ground
from deploy.bench.loading import preload
from deploy.bench.outcome import Task, WrongCountError
from deploy.bench.workload import Workload, digest, windows
from ioc import topics

_PACKAGE = "deploy.bench.contenders"


@dataclass(frozen=True)
class Contender:
    """Who takes part.

    :param module: module of :mod:`deploy.bench.contenders`; empty is the worker in service, end to end.
    :param share: part of the records that it reads: slow ones read fewer, and rates are compared.
    :param counts: whether it makes the windowed counts, which are then compared with what there is to count.
    """

    name: str
    label: str
    module: str
    share: float = 1.0
    counts: bool = True
    quick: bool = False


ENDTOEND = Contender("endtoend", "our worker, end to end into TimescaleDB", "", quick=True)
COMPUTE = Contender("compute", "our worker, compute only", "compute", quick=True)
BARE = Contender("bare", "bare confluent-kafka + msgspec, as it comes", "bare", counts=False, quick=True)
BARE_TUNED = Contender(
    "bare-tuned", "bare confluent-kafka + msgspec, no pause at a full queue", "bare_tuned", counts=False
)
BYTEWAX = Contender("bytewax", "Bytewax, windowed count", "bytewax_windows")
QUIX = Contender("quix", "Quix Streams, windowed count", "quix_windows", share=0.2)
QUIX_DEVICES = Contender("quix-devices", "Quix Streams, per device (less work)", "quix_devices", share=0.2)
FAUST = Contender("faust", "stock Faust, one message at a time", "faust_stock", share=0.08)
ALL = (BARE_TUNED, BARE, COMPUTE, ENDTOEND, BYTEWAX, QUIX, QUIX_DEVICES, FAUST)


@dataclass(frozen=True)
class Run:
    """One run of one contender."""

    rate: float
    peak_mib: float
    steady_rate: float | None = None
    cold_s: float | None = None


@dataclass(frozen=True)
class Standing:
    """All runs of one contender."""

    contender: Contender
    runs: tuple[Run, ...]
    records: int

    @property
    def median(self) -> float:
        """Median rate, records a second."""
        return statistics.median(run.rate for run in self.runs)

    @property
    def lowest(self) -> float:
        return min(run.rate for run in self.runs)

    @property
    def highest(self) -> float:
        return max(run.rate for run in self.runs)

    @property
    def peak_mib(self) -> float:
        """Most memory of any run, MiB."""
        return max(run.peak_mib for run in self.runs)

    @property
    def steady(self) -> float | None:
        """Median rate after the first fifth of the records, where it is known."""
        known = [run.steady_rate for run in self.runs if run.steady_rate is not None]
        return statistics.median(known) if known else None


def order(contenders: Sequence[Contender], number: int) -> list[Contender]:
    """Return who runs when in a round: each round begins with another one, so that nobody is always first."""
    start = number % len(contenders)
    return [*contenders[start:], *contenders[:start]]


def compare(
    ground: Ground,
    workload: Workload,
    contenders: Sequence[Contender],
    rounds: int,
    tell: Callable[[str], None],
) -> tuple[dict[str, Standing], int]:
    """Run all contenders ``rounds`` times.

    :returns: the standings by name, and the mean size of a record in bytes.
    :raises WrongCountError: when a contender's windowed counts are not exactly those of the workload.
    """
    loads: dict[int, tuple[str, Workload]] = {}
    size = 0
    for contender in contenders:
        part = replace(workload, records=int(workload.records * contender.share))
        if part.total not in loads:
            prefix = ground.new_topic(part.partitions)
            tell(f"writing {part.total:,} records into Kafka")
            size = preload(ground.servers, prefix + topics.WIFI, part)
            loads[part.total] = (prefix, part)
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in order(contenders, number):
            part = replace(workload, records=int(workload.records * contender.share))
            prefix, part = loads[part.total]
            run = run_once(ground, contender, prefix, part)
            runs[contender.name].append(run)
            tell(f"round {number + 1} of {rounds}: {contender.label}: {run.rate:,.0f} records/s")
    for prefix, _ in loads.values():
        ground.drop_topics(prefix)
    return {
        c.name: Standing(
            c, tuple(runs[c.name]), replace(workload, records=int(workload.records * c.share)).total
        )
        for c in contenders
    }, size


def run_once(ground: Ground, contender: Contender, prefix: str, workload: Workload) -> Run:
    """Let one contender read a preloaded topic, with a fresh database."""
    with ground.database(workload) as database, ground.folder() as folder:
        if not contender.module:
            seen = endtoend.measure(ground.worker_settings(prefix, database, folder), workload)
            return Run(seen.rate, seen.peak_mib, seen.steady_rate, seen.cold_s)
        task = Task(
            servers=ground.servers,
            topic=prefix + topics.WIFI,
            prefix=prefix,
            records=workload.total,
            devices=workload.devices,
            units=workload.units,
            partitions=workload.partitions,
            base=workload.base,
            folder=str(folder),
            database=database,
        )
        done = outcome.run(f"{_PACKAGE}.{contender.module}", task)
    if done.records != workload.total or (contender.counts and done.digest != digest(windows(workload))):
        raise WrongCountError(
            f"{contender.label} counted other windows than there are in {workload.total} records.",
            remedy="Its speed means nothing: see deploy/bench/contenders.",
        )
    return Run(done.rate, done.peak_mib)
