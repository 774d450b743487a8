"""Readings of the platform's own machines and servers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from ioc.alerts import conditions, keys
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import ReadingRow
from ioc.alerts.looking.kept import Signals
from ioc.alerts.model import Kind, Observation, Phase, ReadingCondition, Rule
from ioc.kpi.query import Steps

_READINGS: Final = (
    "SELECT name, instance, at, valid_until, value, unit FROM ioc.reading WHERE name = ANY (%s)"
)


def rules(book: RuleBook) -> Sequence[Rule]:
    """The rules about readings."""
    return book.of(Kind.READING)


def look(book: RuleBook, signals: Signals, now: datetime) -> Steps[list[Observation]]:
    """Steps to how readings stand to their limits."""
    asked = [(rule, cast("ReadingCondition", rule.condition)) for rule in rules(book)]
    if not asked:
        return []
    rows = [ReadingRow(*row) for row in (yield _READINGS, (sorted({c.reading for _, c in asked}),))]
    found: list[Observation] = []
    for rule, condition in asked:
        for row in rows:
            if row.name == condition.reading:
                subject = keys.reading(row.name, row.instance)
                kept = signals.get((rule.code, subject))
                fired = kept is not None and kept.phase is Phase.FIRING
                found.append(
                    conditions.reading(condition, row, now, fired=fired).observed(rule.code, subject)
                )
    return found
