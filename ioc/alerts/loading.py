"""Brings the rules in force into memory, and again when they changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from ioc.alerts.book import RuleBook
from ioc.alerts.encoding import EncodingError, policy_from_json, rule_from_json
from ioc.alerts.model import Policy, Rule
from ioc.district.worktime import WorkCalendar, stored_calendar
from ioc.kpi.query import Steps

_REVISION: Final = "SELECT revision FROM ioc.alert_book"
_BOOK: Final = """
SELECT b.revision, d.time_zone, d.working_time::text FROM ioc.alert_book b LEFT JOIN ioc.district d ON true
"""
_RULES: Final = (
    "SELECT rule_id, code, definition::text FROM ioc.alert_rule WHERE NOT retired ORDER BY position, rule_id"
)
_POLICIES: Final = "SELECT code, definition::text FROM ioc.alert_policy ORDER BY code"
_SCOPES: Final = """
SELECT n.rule, t.unit_id FROM unnest(%s::text[], %s::text[]) AS n (rule, unit)
CROSS JOIN LATERAL ioc.unit_tree(n.unit) t
"""


def load_book() -> Steps[RuleBook]:
    """Steps to the rules and policies in force.

    A definition that this platform does not understand is left out and named in the book: the others go on.
    """
    ((revision, zone, working_time),) = yield _BOOK, ()
    rules: dict[str, Rule] = {}
    ids: dict[str, int] = {}
    policies: dict[str, Policy] = {}
    unread: dict[str, str] = {}
    for number, code, text in (yield _RULES, ()):
        try:
            rules[code] = rule_from_json(text)
            ids[code] = number
        except EncodingError as error:
            unread[code] = str(error)
    for code, text in (yield _POLICIES, ()):
        try:
            policies[code] = policy_from_json(text)
        except EncodingError as error:
            unread[code] = str(error)
    scopes = yield from _scopes(rules)
    calendar = WorkCalendar() if zone is None else stored_calendar(zone, working_time)
    return RuleBook(rules, ids, policies, calendar, revision, scopes, unread)


def _scopes(rules: Mapping[str, Rule]) -> Steps[Mapping[str, frozenset[int]]]:
    limited = [(rule.code, unit) for rule in rules.values() for unit in rule.units]
    if not limited:
        return {}
    found: dict[str, set[int]] = defaultdict(set)
    for code, unit_id in (yield _SCOPES, ([code for code, _ in limited], [unit for _, unit in limited])):
        found[code].add(unit_id)
    # a unit that there is not covers nothing
    return {code: frozenset(found[code]) for code, _ in limited}


class Keeper:
    """Keeps the newest book; whoever asks may be any number of partitions, in turn or at a time."""

    def __init__(self) -> None:
        self.book: RuleBook | None = None

    def newest(self) -> Steps[RuleBook]:
        """Steps to the book in force: one look when nothing changed."""
        rows = yield _REVISION, ()
        if self.book is None or rows[0][0] != self.book.revision:
            self.book = yield from load_book()
        return self.book
