"""Indicators against limits and targets: one question for each distinct set of units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, cast

from ioc.alerts import conditions, keys
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import Figure, Found
from ioc.alerts.looking.kept import Signals
from ioc.alerts.model import Kind, KpiCondition, Observation, Phase, Rule
from ioc.kpi import targets
from ioc.kpi.catalogue import find
from ioc.kpi.query import SYSTEM_READER, Current, Steps, current
from ioc.kpi.targets import NO_TARGETS, Targets

#: Most units of one question.
_UNITS: Final = 50

_BELOW: Final = """
SELECT u.code, u.unit_id FROM ioc.district d CROSS JOIN LATERAL ioc.unit_tree(d.root_unit) t
JOIN ioc.unit u ON u.unit_id = t.unit_id
WHERE u.code <> d.root_unit AND u.declared
  AND coalesce(u.valid_from <= %s, true) AND coalesce(%s < u.valid_to, true)
ORDER BY u.code
"""
_NAMED: Final = "SELECT code, unit_id FROM ioc.unit WHERE code = ANY (%s)"

#: Codes of units to their numbers; the whole district has none.
Units: TypeAlias = Mapping[str | None, int | None]


@dataclass(frozen=True)
class Ask:
    """A question that several rules share.

    :param units: none is the whole district.
    """

    rules: tuple[Rule, ...]
    units: tuple[tuple[str | None, int | None], ...]

    @property
    def indicators(self) -> list[str]:
        """Those that the rules are about."""
        return sorted({condition_of(rule).kpi for rule in self.rules})

    def alone(self) -> list[Ask]:
        """The same, each rule by itself."""
        return [Ask((rule,), self.units) for rule in self.rules]


def condition_of(rule: Rule) -> KpiCondition:
    """A rule's condition."""
    return cast("KpiCondition", rule.condition)


def rules(book: RuleBook) -> Sequence[Rule]:
    """The rules about indicators."""
    return book.of(Kind.KPI)


def asks(book: RuleBook, now: datetime) -> Steps[list[Ask]]:
    """Steps to the questions that the rules need."""
    wanted = rules(book)
    below: Units = {}
    if any(condition_of(rule).each for rule in wanted):
        below = dict((yield _BELOW, (now.date(), now.date())))
    codes = sorted({code for rule in wanted for code in condition_of(rule).units})
    named: Units = dict((yield _NAMED, (codes,))) if codes else {}
    together: dict[tuple[tuple[str | None, int | None], ...], list[Rule]] = defaultdict(list)
    for rule in wanted:
        units = [
            (code, number)
            for code, number in _units(rule, below, named)
            if book.covers(rule, number) or code is None
        ]
        for place in range(0, len(units), _UNITS):
            together[tuple(units[place : place + _UNITS])].append(rule)
    return [Ask(tuple(asking), units) for units, asking in together.items()]


def _units(rule: Rule, below: Units, named: Units) -> Iterable[tuple[str | None, int | None]]:
    condition = condition_of(rule)
    if condition.each:
        return below.items()
    if condition.units:
        return [(code, named[code]) for code in condition.units if code in named]
    return [(None, None)]


@dataclass(frozen=True)
class Figures:
    """What a question brought."""

    current: Mapping[tuple[str, str | None], Current]
    targets: Targets


def question(ask: Ask) -> Steps[Figures]:
    """Steps to the figures of a question, for a read-only snapshot; see :func:`ioc.kpi.query.answer`."""
    units = [code for code, _ in ask.units]
    named = None if units == [None] else [code for code in units if code is not None]
    found = yield from current(SYSTEM_READER, ask.indicators, named)
    judged = sorted({condition_of(rule).kpi for rule in ask.rules if condition_of(rule).target})
    in_force = (yield from targets.ask(SYSTEM_READER, judged, units)) if judged else NO_TARGETS
    return Figures({(one.kpi, one.unit): one for one in found}, in_force)


def look(ask: Ask, figures: Figures, signals: Signals, now: datetime) -> list[Observation]:
    """How the figures stand to the rules."""
    found: list[Observation] = []
    for rule in ask.rules:
        condition = condition_of(rule)
        for code, unit_id in ask.units:
            subject = keys.kpi(condition.kpi, code)
            kept = signals.get((rule.code, subject))
            fired = kept is not None and kept.phase is Phase.FIRING
            one = figures.current.get((condition.kpi, code))
            held = conditions.UNKNOWN
            if one is not None:
                figure = Figure(
                    one.value,
                    one.numerator,
                    one.denominator,
                    figures.targets.at(condition.kpi, code, now) if condition.target else None,
                )
                held = conditions.kpi(condition, find(condition.kpi), figure, fired=fired)
            found.append(held.observed(rule.code, subject, unit_id))
    return found


def unanswered(ask: Ask) -> list[Observation]:
    """What is known when a question could not be answered: nothing."""
    return [
        conditions.UNKNOWN.observed(rule.code, keys.kpi(condition_of(rule).kpi, code), unit_id)
        for rule in ask.rules
        for code, unit_id in ask.units
    ]


def over(asked: Iterable[Ask], signals: Signals) -> list[Observation]:
    """Signals of indicators and units that no rule asks about any more."""
    known = {
        (rule.code, keys.kpi(condition_of(rule).kpi, code))
        for ask in asked
        for rule in ask.rules
        for code, _ in ask.units
    }
    return [Found(False).observed(rule, subject) for rule, subject in signals.keys() - known]
