"""Whether cost grows linearly: cost per record end to end over partitions, devices and sizes of records."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from deploy.bench import endtoend
from deploy.bench.ground import Ground
from deploy.bench.loading import preload
from deploy.bench.workload import recent
from ioc import topics


@dataclass(frozen=True)
class Shape:
    """What is varied; the rest is as in the comparison."""

    partitions: int = 4
    devices: int = 10_000
    detailed: bool = False


SHAPES = (
    Shape(partitions=1),
    Shape(partitions=2),
    Shape(),
    Shape(partitions=8),
    Shape(devices=1_000),
    Shape(devices=100_000),
    Shape(detailed=True),
)


@dataclass(frozen=True)
class Scaled:
    """Medians of one shape's runs."""

    shape: Shape
    records: int
    size: int
    rate: float
    lowest: float
    highest: float
    cpu_us: float
    peak_mib: float


def measure(ground: Ground, records: int, rounds: int, tell: Callable[[str], None]) -> list[Scaled]:
    """Run the worker end to end over each shape, round by round."""
    loads = []
    for shape in SHAPES:
        workload = recent(
            records, partitions=shape.partitions, devices=shape.devices, detailed=shape.detailed
        )
        prefix = ground.new_topic(shape.partitions)
        size = preload(ground.servers, prefix + topics.WIFI, workload)
        loads.append((shape, prefix, workload, size))
    runs: dict[Shape, list[endtoend.EndToEnd]] = {shape: [] for shape in SHAPES}
    for number in range(rounds):
        for shape, prefix, workload, _ in loads:
            with ground.database(workload) as database, ground.folder() as folder:
                seen = endtoend.measure(ground.worker_settings(prefix, database, folder), workload)
            runs[shape].append(seen)
            tell(
                f"scaling {number + 1} of {rounds}: {shape.partitions} partitions, {shape.devices:,} devices"
                f"{', detailed' if shape.detailed else ''}: {seen.rate:,.0f} records/s"
            )
    for _, prefix, _, _ in loads:
        ground.drop_topics(prefix)
    return [
        Scaled(
            shape=shape,
            records=workload.total,
            size=size,
            rate=statistics.median(run.rate for run in runs[shape]),
            lowest=min(run.rate for run in runs[shape]),
            highest=max(run.rate for run in runs[shape]),
            cpu_us=statistics.median(run.cpu_s for run in runs[shape]) / workload.total * 1e6,
            peak_mib=max(run.peak_mib for run in runs[shape]),
        )
        for shape, _, workload, size in loads
    ]
