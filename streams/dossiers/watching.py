"""What rules of alerts hear of dossiers that changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, cast

from ioc.alerts import ahead, conditions, keys
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import Found
from ioc.alerts.model import DossierCondition, Kind, Observation, Rule
from ioc.dossiers.ledger import Period, periods
from streams import raising
from streams.dossiers.reduced import Reduced
from streams.ownership import Connection

_SIGNALS: Final = (
    "SELECT rule_id, subject FROM ioc.alert_signal WHERE rule_id = ANY (%s) AND subject = ANY (%s)"
)


async def observe(
    connection: Connection, book: RuleBook, reduced: Reduced, codes: Mapping[int, str], now: datetime
) -> None:
    """Tell the rules of dossiers as they are now, in the transaction that stores them.

    Nobody else writes of these dossiers meanwhile: whoever does holds their rows, as this transaction does now.

    :param codes: of the dossiers by number.
    """
    rules = book.of(Kind.DOSSIER)
    if not rules or not reduced.dossiers:
        return
    numbers = {book.ids[rule.code]: rule.code for rule in rules}
    subjects = [keys.dossier(codes[number]) for number in reduced.dossiers]
    rows: list[Any] = await (await connection.execute(_SIGNALS, (list(numbers), subjects))).fetchall()
    try:
        signalled = {(numbers[number], subject) for number, subject in rows}
        seen = list(told(book, reduced, codes, signalled, now))
    except raising.FAULTS as error:
        raising.complain(error)
        return
    await raising.observe(connection, book, [seen], now)


def told(
    book: RuleBook,
    reduced: Reduced,
    codes: Mapping[int, str],
    signalled: Iterable[tuple[str, str]],
    now: datetime,
) -> Iterator[Observation]:
    """Tell which situations hold, or will shortly; and which do not, where there are signals of them.

    The periods are those that the ledger is made of.
    """
    known = frozenset(signalled)
    rules = [(rule, cast("DossierCondition", rule.condition)) for rule in book.of(Kind.DOSSIER)]
    for number, dossier in reduced.dossiers.items():
        stretches = periods(dossier, reduced.calendar_of)
        subject = keys.dossier(codes[number])
        unit_id = None if dossier.unit is None else reduced.units[dossier.unit].unit_id
        for rule, condition in rules:
            situation = stretches.get(conditions.SITUATIONS[condition.situation], [])
            if not situation and (rule.code, subject) not in known:
                continue
            held = _held(book, rule, condition, situation, unit_id, now)
            if held.holds:
                due = None if dossier.due_at is None else dossier.due_at.isoformat()
                detail = {"due_at": due, "status": dossier.status}
                yield Observation(rule.code, subject, True, held.since, held.until, unit_id, detail=detail)
            elif (rule.code, subject) in known:
                yield Observation(rule.code, subject, False, held.since)


def _held(
    book: RuleBook,
    rule: Rule,
    condition: DossierCondition,
    situation: list[Period],
    unit_id: int | None,
    now: datetime,
) -> Found:
    held = ahead.near(conditions.dossier(condition, situation, now), now)
    return Found(False) if held.holds and not book.covers(rule, unit_id) else held
