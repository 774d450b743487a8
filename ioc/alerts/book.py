"""The rules in force, as whoever applies them keeps them in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ioc.alerts.machine import Opens, always
from ioc.alerts.model import Hours, Policy, Rule
from ioc.district.worktime import WorkCalendar


@dataclass(frozen=True)
class RuleBook:
    """Rules and policies by code, and what goes with them.

    :param ids: numbers of the rules in the database.
    :param revision: of ``ioc.alert_book``: another one there means that this book is old.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    ids: Mapping[str, int] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    revision: int = 0

    def opens(self, rule: Rule) -> Opens:
        """The hours in which a rule's alerts may be raised."""
        return always if rule.hours is Hours.ALWAYS else self._next_open

    def _next_open(self, moment: datetime) -> datetime:
        begins, _ = next(self.calendar.openings(moment))
        return begins.astimezone(UTC)

    def silences(self) -> list[tuple[int, int]]:
        """Pairs of numbers: a rule, and one whose open alert silences it."""
        return [
            (self.ids[code], self.ids[by])
            for code, rule in self.rules.items()
            for by in rule.inhibited_by
            if by in self.ids
        ]
