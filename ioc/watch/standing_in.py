"""What the auditor does in the evaluator's place while no evaluator lives: silent processes, and what calls people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from ioc.alerts import life
from ioc.alerts.book import RuleBook
from ioc.alerts.looking import kept, measured, silence
from ioc.alerts.looking.kept import Signals
from ioc.alerts.model import AbsenceCondition, Observation, ReadingCondition, Rule
from ioc.kpi.query import Steps

#: Readings that tell whether people are called; of all others the evaluator's silence is alert enough.
CALLING: Final = frozenset({"delivery.stuck", "escalation.overdue", "alerts.round_trip"})


def stand_in(book: RuleBook, now: datetime) -> Steps[life.Settled]:
    """Steps that raise and clear alerts on what is silent or stuck, and let all signals ripen whose time came."""
    news = [
        *(yield from _news(book, _of_processes, lambda part, _: silence.look(part, now, ""))),
        *(yield from _news(book, _of_calling, lambda part, signals: measured.look(part, signals, now))),
    ]
    settled = yield from life.settle(book, news, now)
    ripened = yield from life.ripen(book, now)
    return life.Settled(
        settled.opened + ripened.opened,
        settled.joined + ripened.joined,
        settled.cleared + ripened.cleared,
        settled.moved + ripened.moved,
    )


def _of_processes(rule: Rule) -> bool:
    return isinstance(rule.condition, AbsenceCondition) and rule.condition.of == "process"


def _of_calling(rule: Rule) -> bool:
    return isinstance(rule.condition, ReadingCondition) and rule.condition.reading in CALLING


def _news(
    book: RuleBook,
    wanted: Callable[[Rule], bool],
    look: Callable[[RuleBook, Signals], Steps[list[Observation]]],
) -> Steps[list[Observation]]:
    """What is seen with some rules and would change anything."""
    part = replace(book, rules={code: rule for code, rule in book.rules.items() if wanted(rule)})
    signals = yield from kept.of_rules(book, list(part.rules.values()))
    return kept.news(signals, (yield from look(part, signals)))
