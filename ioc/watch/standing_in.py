"""What the auditor observes in the evaluator's place while no evaluator lives: processes and what calls people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from ioc.alerts import conditions, life
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import Heard, ReadingRow
from ioc.alerts.model import AbsenceCondition, Observation, Phase, ReadingCondition, Rule
from ioc.kpi.query import Steps
from ioc.watch.reading import KeptReading, readings
from ioc.watch.state import Heartbeat

#: Readings that tell whether people are called; of all others the evaluator's silence is alert enough.
CALLING: Final = frozenset({"delivery.stuck", "escalation.overdue", "alerts.round_trip"})
_FIRING: Final = "SELECT subject FROM ioc.alert_signal WHERE rule_id = %s AND phase >= %s"


def stand_in(book: RuleBook, found: Sequence[Heartbeat], now: datetime) -> Steps[life.Settled]:
    """Steps that raise and clear alerts on what is silent or stuck, and let all signals ripen whose time came."""
    kept = yield from readings()
    seen = [
        *_silent(book, found, now),
        *(yield from _stuck(book, [one for one in kept if one.name in CALLING], now)),
    ]
    settled = yield from life.settle(book, seen, now)
    ripened = yield from life.ripen(book, now)
    return life.Settled(
        settled.opened + ripened.opened,
        settled.joined + ripened.joined,
        settled.cleared + ripened.cleared,
        settled.moved + ripened.moved,
    )


def _silent(book: RuleBook, found: Sequence[Heartbeat], now: datetime) -> Iterator[Observation]:
    for rule in book.rules.values():
        condition = rule.condition
        if not isinstance(condition, AbsenceCondition) or condition.of != "process":
            continue
        for one in found:
            if condition.name in ("", one.kind, one.name):
                heard = Heard(one.counted_from, one.limit, now, one.stopped)
                yield conditions.absence(condition, heard, now).observed(rule.code, one.subject)


def _stuck(book: RuleBook, kept: Sequence[KeptReading], now: datetime) -> Steps[list[Observation]]:
    seen: list[Observation] = []
    for rule in book.rules.values():
        condition = rule.condition
        if not isinstance(condition, ReadingCondition) or condition.reading not in CALLING:
            continue
        firing = yield from _firing(book, rule)
        for one in kept:
            if one.name == condition.reading:
                row = ReadingRow(one.name, one.instance, one.at, one.valid_until, one.value, one.unit)
                held = conditions.reading(condition, row, now, fired=one.subject in firing)
                seen.append(held.observed(rule.code, one.subject))
    return seen


def _firing(book: RuleBook, rule: Rule) -> Steps[frozenset[str]]:
    rows = yield _FIRING, (book.ids[rule.code], int(Phase.FIRING))
    return frozenset(subject for (subject,) in rows)
