# ruff: noqa: E501 - sentences for people, kept whole
"""Back-tests as text: the tables that the command line prints and the documentation holds."""

from __future__ import annotations

from collections.abc import Sequence

from ioc.forecast.backtest import ClearingTest, MissTest, Report
from ioc.forecast.backtest_surges import SurgeTest

_NONE = "–"


def text(report: Report) -> str:
    """The whole report as Markdown."""
    head = (
        f"{report.dossiers:,} dossiers of {report.unit or 'the whole scope'}, {report.first} to {report.last}. Each origin knows what had "
        "happened by then, and nothing else."
    )
    return "\n\n".join((head, _clearing(report.clearing), _misses(report.misses), _surge(report.surge)))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are right-aligned."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _clearing(found: ClearingTest | None) -> str:
    if found is None:
        return "**When what is open is worked off**: too little history."
    rows = [
        ["this forecast", f"{found.error:.2f}", f"{found.bias:+.2f}"],
        ["pace of the last five worked days", f"{found.last_week:.2f}", ""],
        ["pace of all days until then", f"{found.all_time:.2f}", ""],
    ]
    return (
        f"**When what is open is worked off**, at {found.origins} origins ({found.open_end} more without an outcome yet); the outcome's "
        f"median is {found.typical:.1f} working days.\n\n"
        + table(("rule", "mean absolute error, working days", "bias"), rows)
        + f"\n\nThe interval that should hold four of five outcomes held {found.inside:.0%}; half of them were at most {found.width:.1f} working days wide."
    )


def _misses(found: MissTest | None) -> str:
    if found is None:
        return "**Dossiers that will miss their date**: too little history."
    rules = [
        [
            rule.name,
            f"{rule.named:,}",
            _share(rule.precision),
            _share(rule.recall),
            f"{rule.brier:.3f}",
        ]
        for rule in found.rules
    ]
    bins = [
        [f"{b.low:.0%} to {b.high:.0%}", f"{b.judged:,}", f"{b.chance:.0%}", f"{b.share:.0%}"]
        for b in found.calibration
    ]
    return (
        f"**Dossiers that will miss their date**: {found.judged:,} judgements at {found.origins} origins, of {found.dossiers:,} dossiers open "
        f"and not overdue; {found.rules[0].missed:,} missed their date. {found.unknown:,} more were not judged: too little history.\n\n"
        + table(("rule", "named", "precision", "recall", "Brier score"), rules)
        + "\n\n"
        + table(("chance said", "judgements", "mean chance", "missed in truth"), bins)
        + f"\n\nHalf of the ends came within {found.off:.1f} working days of the expected moment; the interval that should hold four of five held {found.inside:.0%}."
    )


def _surge(found: SurgeTest | None) -> str:
    if found is None:
        return "**Surges**: too little history."
    a_month = found.alarms / found.months
    rows = [
        [
            f"times {i.factor}, five worked days",
            str(i.trials),
            f"{i.in_one:.0%}",
            f"{i.in_two:.0%}",
            f"{i.in_five:.0%}",
            _NONE if i.hours is None else f"{i.hours:.1f}",
            f"{i.peer_in_one:.0%}",
            f"{i.peer_in_five:.0%}",
        ]
        for i in found.injected
    ]
    return (
        f"**Surges**: {found.looks:,} looks, every hour of {found.days} worked days ({found.months:.1f} months) with {found.a_day:.1f} arrivals a "
        f"day. Alarms on the history as it was, each counted as false: {found.alarms} ({a_month:.2f} a month), on {found.alarm_days} days. "
        f"The rule \"more than twice last week's weekday\" speaks on {found.peer_days} days ({found.peer_days / found.months:.1f} a month). A day's arrivals "
        f"are expected with a mean absolute error of {found.error:.2f}; as on the weekday a week before: {found.naive_error:.2f}.\n\n"
        + table(
            (
                "arrivals added",
                "trials",
                "found in 1 day",
                "in 2 days",
                "in 5 days",
                "median delay, opening hours",
                "peer in 1 day",
                "peer in 5 days",
            ),
            rows,
        )
    )


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0%}"
