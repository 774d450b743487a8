"""Signals as they are kept, and which news change any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import Found
from ioc.alerts.model import Observation, Phase, Rule
from ioc.kpi.query import Steps

_COLUMNS: Final = "s.rule_id, s.subject, s.phase, s.since, s.due_at, s.ends_at"
_OF_RULES: Final = f"SELECT {_COLUMNS} FROM ioc.alert_signal s WHERE s.rule_id = ANY (%s)"  # noqa: S608 - names above
_OF_KEYS: Final = f"""
SELECT {_COLUMNS} FROM ioc.alert_signal s
JOIN unnest(%s::int[], %s::text[]) AS n (rule_id, subject) USING (rule_id, subject)
"""  # noqa: S608 - names above
_AFTER: Final = f"""
SELECT {_COLUMNS} FROM ioc.alert_signal s WHERE s.rule_id = %s AND s.subject > %s ORDER BY s.subject LIMIT %s
"""  # noqa: S608 - names above


class Kept(NamedTuple):
    """A signal, less what its subject is."""

    phase: Phase
    since: datetime
    due_at: datetime | None
    ends_at: datetime | None


#: By code of the rule, and subject.
Signals: TypeAlias = Mapping[tuple[str, str], Kept]


def of_rules(book: RuleBook, rules: Sequence[Rule]) -> Steps[Signals]:
    """Steps to all signals of some rules."""
    rows = yield _OF_RULES, ([book.ids[rule.code] for rule in rules],)
    return _signals(book, rows)


def of_keys(book: RuleBook, keys: Iterable[tuple[str, str]]) -> Steps[Signals]:
    """Steps to the signals of some rules' subjects."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    rows = yield _OF_KEYS, ([book.ids[rule] for rule, _ in wanted], [subject for _, subject in wanted])
    return _signals(book, rows)


def after(book: RuleBook, rule: Rule, subject: str, most: int) -> Steps[Signals]:
    """Steps to a rule's signals that follow a subject, in order."""
    rows = yield _AFTER, (book.ids[rule.code], subject, most)
    return _signals(book, rows)


def _signals(book: RuleBook, rows: Iterable[Sequence[Any]]) -> Signals:
    codes = {number: code for code, number in book.ids.items()}
    return {(codes[number], subject): Kept(Phase(phase), *times) for number, subject, phase, *times in rows}


def is_news(kept: Kept | None, seen: Observation, *, dated: bool = False) -> bool:
    """Whether an observation would change a signal.

    :param dated: its times are told by the clock alone, so that other ones are news too.
    """
    if seen.holds is None:
        return kept is not None and kept.phase is not Phase.FIRING and kept.due_at is not None
    if not seen.holds:
        return kept is not None and (kept.phase is not Phase.CLEARING or kept.due_at is None)
    if kept is None or kept.phase is Phase.CLEARING:
        return True
    if kept.phase is Phase.PENDING and kept.due_at is None:
        return True
    moved = kept.phase is Phase.PENDING and seen.since is not None and seen.since != kept.since
    return dated and (moved or seen.until != kept.ends_at)


def news(signals: Signals, seen: Sequence[Observation]) -> list[Observation]:
    """Return what would change anything; signals of subjects that are none any more are over."""
    found = [one for one in seen if is_news(signals.get((one.rule, one.subject)), one)]
    known = {(one.rule, one.subject) for one in seen}
    gone = [Found(False).observed(rule, subject) for rule, subject in signals.keys() - known]
    return found + [one for one in gone if is_news(signals[one.rule, one.subject], one)]
