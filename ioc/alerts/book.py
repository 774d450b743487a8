"""The rules in force, as whoever applies them keeps them in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.alerts import hours
from ioc.alerts.machine import Opens
from ioc.alerts.model import Kind, Policy, Rule
from ioc.district.worktime import WorkCalendar


@dataclass(frozen=True)
class RuleBook:
    """Rules and policies by code, and what goes with them.

    :param ids: numbers of the rules in the database.
    :param revision: of ``ioc.alert_book``: another one there means that this book is old.
    :param scopes: numbers of the units that a rule is about, of those rules that do not look everywhere.
    :param unread: rules and policies that this platform does not understand, and why.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    ids: Mapping[str, int] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    revision: int = 0
    scopes: Mapping[str, frozenset[int]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    _by_kind: dict[Kind, tuple[Rule, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def of(self, kind: Kind) -> tuple[Rule, ...]:
        """The rules of a kind, in the pack's order."""
        if kind not in self._by_kind:
            self._by_kind[kind] = tuple(rule for rule in self.rules.values() if rule.kind is kind)
        return self._by_kind[kind]

    def covers(self, rule: Rule, unit_id: int | None) -> bool:
        """Whether a unit is one that a rule is about."""
        return rule.code not in self.scopes or unit_id in self.scopes[rule.code]

    def opens(self, rule: Rule) -> Opens:
        """The hours in which a rule's alerts may be raised."""
        return hours.of(rule, self.calendar)

    def silences(self) -> list[tuple[int, int]]:
        """Pairs of numbers: a rule, and one whose open alert silences it."""
        return [
            (self.ids[code], self.ids[by])
            for code, rule in self.rules.items()
            for by in rule.inhibited_by
            if by in self.ids
        ]
