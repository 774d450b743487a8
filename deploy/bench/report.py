"""Turns measurements into Markdown sections and the table on the terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.bench.http_ingest import Ingested
from deploy.bench.latency import Latency
from deploy.bench.machine import Machine
from deploy.bench.profiling import Profiled
from deploy.bench.rounds import BARE, BARE_TUNED, BYTEWAX, COMPUTE, ENDTOEND, Standing
from deploy.bench.scaling import Scaled
from deploy.bench.workload import Workload

#: What the platform has to reach; the report says where it does not.
ENDTOEND_AT_LEAST = 60_000
ENDTOEND_AIM = 100_000
COMPUTE_OF_BARE = 0.9
COMPUTE_OF_BYTEWAX = 2.0
P99_MS = 1000.0
MEMORY_MIB = 400.0
INGEST_AT_LEAST = 5_000
INGEST_P99_MS = 100.0

_HEAD = """# Benchmarks

Written by `make bench`; don't edit by hand. How it is measured is told at the end.
"""
#: How it is measured; the end of the report.
_METHOD = Path(__file__).with_name("method.md")


def sections(path: Path) -> dict[str, str]:
    """Read a report's sections back by their marks."""
    if not path.exists():
        return {}
    found = re.findall(r"<!-- bench:(\w+) -->\n(.*?)<!-- end -->", path.read_text(), re.DOTALL)
    return dict(found)


def write(path: Path, new: Mapping[str, str]) -> None:
    """Replace sections of the report and leave the others as they are."""
    kept = {**sections(path), **new}
    order = (
        *("machine", "comparison", "latency", "scaling", "profile", "ingest", "snmp", "cameras", "history"),
        *("alerts", "alertlist", "walls"),
    )
    parts = [_HEAD]
    parts.extend(
        f"<!-- bench:{name} -->\n{kept[name].rstrip()}\n<!-- end -->\n" for name in order if name in kept
    )
    parts.append(_METHOD.read_text())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are right-aligned."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def machine(seen: Machine) -> str:
    """Section on machine and versions."""
    versions = " · ".join(f"{name} {version}" for name, version in seen.versions.items())
    return (
        f"## Machine\n\nMeasured {seen.date} (Asia/Ho_Chi_Minh) on {seen.cores} cores ({seen.processor}), "
        f"{seen.memory_gib:.0f} GiB, {seen.system}; all servers, the producer and the contenders on the same machine. "
        f"Load before the start: {seen.load:.1f}.\n\n{versions}\n"
    )


_COLUMNS = (
    "contender",
    "records",
    "median/s",
    "lowest to highest",
    "of our compute",
    "of our end to end",
    "peak MiB",
)


def comparison_rows(standings: Mapping[str, Standing]) -> list[list[str]]:
    """Rows of the ratio table, fastest first."""
    compute, end = standings.get(COMPUTE.name), standings.get(ENDTOEND.name)
    rows = []
    for one in sorted(standings.values(), key=lambda s: -s.median):
        label = one.contender.label
        if one.steady is not None:
            label += f" (steady {one.steady:,.0f})"
        rows.append(
            [
                label,
                f"{one.records:,}",
                f"{one.median:,.0f}",
                f"{one.lowest:,.0f} to {one.highest:,.0f}",
                f"{one.median / compute.median:.2f}" if compute else "-",
                f"{one.median / end.median:.2f}" if end else "-",
                f"{one.peak_mib:.0f}",
            ]
        )
    return rows


def goals(standings: Mapping[str, Standing], live: Latency | None) -> list[tuple[str, str, str, bool]]:
    """Return what is asked for, what was measured, and whether it holds."""
    found: list[tuple[str, str, str, bool]] = []
    compute = standings.get(COMPUTE.name)
    for rival, factor in (
        (BARE, COMPUTE_OF_BARE),
        (BARE_TUNED, COMPUTE_OF_BARE),
        (BYTEWAX, COMPUTE_OF_BYTEWAX),
    ):
        other = standings.get(rival.name)
        if compute and other:
            ratio = compute.median / other.median
            found.append(
                (f"compute only over {rival.label}", f"≥ {factor} ×", f"{ratio:.2f} ×", ratio >= factor)
            )
    if end := standings.get(ENDTOEND.name):
        for least in (ENDTOEND_AT_LEAST, ENDTOEND_AIM):
            goal = f"≥ {least:,}/s{' (aim)' if least == ENDTOEND_AIM else ''}"
            found.append(("end to end, raw samples kept", goal, f"{end.median:,.0f}/s", end.median >= least))
        found.append(
            (
                "worker's peak memory",
                f"≤ {MEMORY_MIB:.0f} MiB",
                f"{end.peak_mib:.0f} MiB",
                end.peak_mib <= MEMORY_MIB,
            )
        )
    if live:
        for what, seen in (("offset committed", live.committed), ("indicator visible", live.kpi)):
            found.append(
                (
                    f"p99 at {live.rate:,.0f}/s live, {what}",
                    f"≤ {P99_MS:.0f} ms",
                    f"{seen.p99:.0f} ms",
                    seen.p99 <= P99_MS,
                )
            )
    return found


def comparison(
    standings: Mapping[str, Standing], workload: Workload, size: int, rounds: int, live: Latency | None
) -> str:
    """Section with the ratio table and the goals."""
    marked = [
        [what, goal, seen, "yes" if held else "**no**"] for what, goal, seen, held in goals(standings, live)
    ]
    return (
        f"## Comparison\n\nMedians of {rounds} interleaved rounds; {size} bytes a record, {workload.devices:,} devices "
        f"in {workload.units} units, {workload.partitions} partitions. Ratios are the row's rate over ours.\n\n"
        + table(_COLUMNS, comparison_rows(standings))
        + ("\n" + table(("goal", "asked", "measured", "holds"), marked) if marked else "")
    )


def latency(seen: Latency) -> str:
    """Section on latency under live load."""
    rows = [
        [what, str(s.count), f"{s.p50:.0f}", f"{s.p95:.0f}", f"{s.p99:.0f}", f"{s.longest:.0f}"]
        for what, s in (("offset committed", seen.committed), ("indicator visible (kpi_current)", seen.kpi))
    ]
    return (
        f"## Latency under live load\n\nFrom Kafka's acknowledgement, at {seen.rate:,.0f} records/s, in milliseconds. "
        f"The worker took {seen.worker_cores:.2f} of a core and at most {seen.peak_mib:.0f} MiB.\n\n"
        + table(("until", "seen", "p50", "p95", "p99", "longest"), rows)
    )


def scaling(seen: Sequence[Scaled], rounds: int) -> str:
    """Section on how cost grows."""
    rows = [
        [
            f"{s.shape.partitions} partitions, {s.shape.devices:,} devices, {s.size} bytes",
            f"{s.records:,}",
            f"{s.rate:,.0f}",
            f"{s.lowest:,.0f} to {s.highest:,.0f}",
            f"{1e6 / s.rate:.1f}",
            f"{s.cpu_us:.1f}",
            f"{s.peak_mib:.0f}",
        ]
        for s in seen
    ]
    heads = (
        "end to end",
        "records",
        "median/s",
        "lowest to highest",
        "µs a record",
        "worker's CPU µs",
        "peak MiB",
    )
    return (
        f"## Scaling\n\nMedians of {rounds} interleaved rounds. Linear growth shows as a flat cost per record. The "
        "larger records carry model, radios and interfaces, which are kept as JSON.\n\n" + table(heads, rows)
    )


def profile(seen: Profiled) -> str:
    """Section on where the time goes."""
    whole = sum(seen.worker.cpu_s.values())
    stages = [
        [stage, f"{seconds / seen.records * 1e6:.2f}", f"{seconds / whole:.0%}"]
        for stage, seconds in sorted(seen.worker.cpu_s.items(), key=lambda item: -item[1])
    ]
    sightings = max(1, seen.database.sightings)
    statements = [
        [what, waits or "-", f"{count / sightings:.1%}"]
        for (what, waits), count in seen.database.statements.most_common(14)
    ]
    batches = max(1, seen.worker.batches)
    return (
        f"## Where the time goes\n\nOne end-to-end run of {seen.records:,} records with a meter around the worker's "
        f"stages ({seen.rate:,.0f} records/s with it). Processor time of the worker, microseconds a record; waiting is "
        f"not work and does not appear. Transactions took {1000 * seen.worker.wall_s / batches:.0f} ms each on average "
        f"from begin to commit, {seen.records / batches:,.0f} records each. The main thread waited "
        f"{seen.worker.queued_s:.1f} s of {seen.records / seen.rate:.1f} s for a core that others had.\n\n"
        + table(("worker's stage", "µs a record", "share"), stages)
        + "\nThe worker's sessions in PostgreSQL, by what they were seen doing (`pg_stat_activity`, every 5 ms):\n\n"
        + table(("session", "waits for", "share"), statements)
    )


def ingest(seen: Ingested) -> str:
    """Section on events over HTTP."""
    each = ", ".join(f"{one.p99:.0f}" for one in seen.singles)
    rows = [
        [
            f"events a second in batches of {seen.batch}",
            f"≥ {INGEST_AT_LEAST:,}",
            f"{seen.median:,.0f} ({min(seen.rates):,.0f} to {max(seen.rates):,.0f})",
            "yes" if seen.median >= INGEST_AT_LEAST else "**no**",
        ],
        [
            f"p99 at {seen.single_rate:,} single events/s, ms",
            f"≤ {INGEST_P99_MS:.0f}",
            f"{seen.single.p99:.0f} (rounds {each}; p50 {seen.single.p50:.0f}, longest {seen.single.longest:.0f})",
            "yes" if seen.single.p99 <= INGEST_P99_MS else "**no**",
        ],
    ]
    where = "on one core, the sender on the other" if seen.pinned else "and its sender on the only core"
    return (
        f"## HTTP ingest\n\n`ioc connect ingest` {where}; medians of {len(seen.rates)} rounds. Every event was "
        "answered with 200, which says that Kafka acknowledged it, and Kafka held as many afterwards. The time of a "
        "single event runs from when it was due to be sent; in it is how late the sender was itself (p50 "
        f"{seen.late.p50:.1f} ms, p99 {seen.late.p99:.0f} ms). At single events the process took {seen.cores:.2f} of "
        f"its core, and was kept waiting for it by others {seen.queued:.0%} of the time; it held {seen.peak_mib:.0f} "
        f"MiB at most. Load before the start: {seen.load:.1f}.\n\n"
        + table(("measured", "asked", "found", "holds"), rows)
    )


def show(console: Console, standings: Mapping[str, Standing], live: Latency | None) -> None:
    """Print the ratio table."""
    out = Table(title="Records a second, medians")
    for place, head in enumerate(_COLUMNS):
        out.add_column(head, justify="left" if place == 0 else "right")
    for row in comparison_rows(standings):
        out.add_row(*row)
    console.print(out)
    for what, goal, seen, held in goals(standings, live):
        console.print(f"{'holds ' if held else 'MISSED'} {what}: {seen} (asked {goal})")
