"""The report's section on cameras; apart from the measuring, whose processes import as little as they can."""

from __future__ import annotations

import statistics

from deploy.bench.cameras import CAMERAS, DEAD_COSTS, DEATHS, MEMORY_MIB, WORKERS, Measured
from deploy.bench.report import table


def section(seen: Measured) -> str:
    """The report's section."""
    rows = [
        [
            what,
            f"{load.a_minute:.0f}",
            f"{load.cores:.2f}",
            f"{load.cores * load.seconds / max(load.probes, 1):.2f}",
            f"{load.peak_pss_mib:.0f}",
            f"{load.peak_rss_mib:.0f}",
            str(load.bad),
        ]
        for what, load in ((f"{CAMERAS} cameras, every 60 s", seen.held), ("as many as go", seen.most))
    ]
    held = seen.held
    goals = [
        [
            "cameras a minute in one connector",
            f"≥ {CAMERAS}",
            f"{held.a_minute:.0f}",
            held.a_minute >= 0.97 * CAMERAS,
        ],
        ["processor, all its processes", "≤ 1 core", f"{held.cores:.2f}", held.cores <= 1],
        [
            "peak memory, all its processes",
            f"≤ {MEMORY_MIB:.0f} MiB",
            f"{held.peak_pss_mib:.0f} MiB",
            held.peak_pss_mib <= MEMORY_MIB,
        ],
        [
            "the others' probe time with dead cameras",
            f"< ± {DEAD_COSTS:.0%}",
            f"{seen.dead_costs:+.1%}",
            abs(seen.dead_costs) < DEAD_COSTS,
        ],
    ]
    before, after = (
        [one for load in loads for one in load.durations_s] for loads in (seen.without, seen.with_dead)
    )
    timing = [
        [
            what,
            str(len(found)),
            f"{statistics.median(found):.3f}",
            f"{statistics.quantiles(found, n=20)[-1]:.3f}",
        ]
        for what, found in (("without", before), (f"with {len(DEATHS)} dead ones", after))
    ]
    return (
        "## Cameras\n\nReal RTSP streams (H.264, 320 × 240, 8 pictures a second) from a server of its own process; "
        f"{WORKERS} probes at a time, "
        "4 s of pictures each, scenes compared, samples dropped instead of sent. Memory counts shared pages once "
        "(PSS); RSS counts them in each process.\n\n"
        + table(
            ("load", "cameras/min", "cores", "CPU s a probe", "peak PSS MiB", "peak RSS MiB", "not ok"), rows
        )
        + f"\nA fresh Python that can decode takes {seen.python_ms:.0f} ms of processor time, a fork of one that can "
        f"already {seen.fork_ms:.1f} ms.\n\nTwenty live cameras every 10 s, {len(seen.without)} interleaved rounds "
        f"without and with dead ones beside them ({', '.join(DEATHS)}); "
        "seconds that a live camera's probe took, 2 s of pictures among them:\n\n"
        + table(("dead cameras", "probes", "median", "p95"), timing)
        + "\n"
        + table(
            ("goal", "asked", "measured", "holds"),
            [[*(str(cell) for cell in row[:3]), "yes" if row[3] else "**no**"] for row in goals],
        )
    )
