# ruff: noqa: E501 - statements and sentences, kept whole
"""The history section of docs/benchmarks.md, and the page of plans."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.bench.history.fill import Filled
from deploy.bench.history.planners import MIX, Planned
from deploy.bench.history.province import Size
from deploy.bench.history.questions import Asking
from deploy.bench.latency import spread
from deploy.bench.report import table

_PLANNERS_MS = 500.0
#: Tables that a reader of the report wants to see one by one; smaller ones are left out.
_LEAST_MIB = 20.0


def section(size: Size, filled: Filled, asked: Sequence[Asking], planned: Planned) -> str:
    """Return the section."""
    rows = [
        (name, f"{count:,}", f"{mib:,.0f}")
        for name, (count, mib) in sorted(filled.rows.items())
        if mib >= _LEAST_MIB
    ]
    measured = []
    for asking in asked:
        found, (what, worst) = asking.spread, asking.slowest
        measured.append(
            (
                asking.name,
                f"{found.count:,}",
                f"{found.p50:.0f}",
                f"{found.p95:.0f}",
                f"{worst.p50:.0f} / {worst.p95:.0f} ({what})" if len(asking.times) > 1 else "",
                "" if asking.limit_ms is None else f"≤ {asking.limit_ms:.0f}",
                "" if asking.limit_ms is None else _holds(found.p95 <= asking.limit_ms),
            )
        )
    kinds = [
        (
            f"{kind} ({MIX[kind]}%)",
            f"{found.count:,}",
            f"{found.p50:.0f}",
            f"{found.p95:.0f}",
            f"{found.longest:.0f}",
        )
        for kind, found in planned.by_kind.items()
    ]
    everything = planned.all
    kinds.append(
        (
            "**all**",
            f"{everything.count:,}",
            f"{everything.p50:.0f}",
            f"**{everything.p95:.0f}**",
            f"{everything.longest:.0f}",
        )
    )
    return (
        "## Questions to a long history\n\n"
        f"A province of {size.units} communes: {filled.dossiers:,} dossiers with {filled.dossier_facts:,} facts over {size.weeks} weeks, "
        f"and roll-ups that stand for {filled.samples:,} samples of {size.units * size.devices:,} devices over {size.device_weeks} weeks "
        f"(a sample a minute each). The samples themselves are kept for the newest eight days, device-time by minute for "
        f"{size.minute_weeks} weeks. A test makes a small history in the same way and holds all of it against `ioc replay`. "
        f"{filled.gib:.1f} GiB, made in {filled.seconds:.0f} s.\n\n"
        + table(("table", "rows", "MiB with indexes"), rows)
        + "\nOn one connection, from the question to the last figure in Python, provenance included; every indicator that units have but surges and the index of decision 766, "
        "as often as the others, units at random; milliseconds. The worst indicator stands beside all of them together.\n\n"
        + table(("question", "times", "p50", "p95", "worst: p50 / p95", "asked", "holds"), measured)
        + "".join(
            _by_subject(asking) for asking in asked if asking.limit_ms and asking.spread.p95 > asking.limit_ms
        )
        + f"\n{planned.planners} planners with {planned.think_s:.0f} s of thinking (half to one and a half times that) for "
        f"{planned.seconds:.0f} s, through `ioc serve` over real connections; milliseconds that one waited for the whole answer. "
        f"p95 is asked to be ≤ {_PLANNERS_MS:.0f}: **{_holds(everything.p95 <= _PLANNERS_MS)}**. The API took "
        f"{planned.api_cores:.2f} cores and {planned.api_peak_mib:.0f} MiB at most.\n\n"
        + table(("question (share)", "times", "p50", "p95", "longest"), kinds)
        + "\nThe plans are kept in [reference/plans.md](reference/plans.md).\n"
    )


def _by_subject(asking: Asking) -> str:
    """What a kind of question that takes too long takes for the indicators of each subject."""
    times: dict[str, list[float]] = {}
    for kpi, taken in asking.times.items():
        times.setdefault(kpi.split(".")[0], []).extend(taken)
    rows = [(name, f"{found.count:,}", f"{found.p50:.0f}", f"{found.p95:.0f}")
            for name, found in ((name, spread(taken)) for name, taken in times.items())]  # fmt: skip
    return f"\nOf these, {asking.name}, by subject:\n\n" + table(
        ("indicators of", "times", "p50", "p95"), rows
    )


def plans_page(filled: Filled, plans: Sequence[tuple[str, str]]) -> str:
    """Return the page of plans: title and text of each."""
    parts = [
        (
            "# Plans of the questions to a long history\n\n"
            "Written by `python -m deploy.bench history`; don't edit by hand. EXPLAIN (ANALYZE, BUFFERS) of every statement of 2 ms and more that a "
            f"question runs inside the database, on {filled.dossier_facts:,} dossier facts and roll-ups of {filled.samples:,} "
            "samples; how fast the questions are stands in [benchmarks](../benchmarks.md).\n"
        )
    ]
    parts += [f"## {title}\n\n```text\n{text}\n```\n" for title, text in plans]
    return "\n".join(parts)


def _holds(yes: bool) -> str:
    return "yes" if yes else "**no**"
