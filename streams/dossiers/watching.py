"""What rules of alerts hear of dossiers that changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from ioc.alerts import ahead, conditions, keys
from ioc.alerts.book import RuleBook
from ioc.alerts.model import DossierCondition, Kind, Observation
from ioc.dossiers.ledger import periods
from streams import raising
from streams.dossiers.reduced import Reduced
from streams.ownership import Connection


async def observe(
    connection: Connection, book: RuleBook, reduced: Reduced, codes: Mapping[int, str], now: datetime
) -> None:
    """Tell the rules of dossiers as they are now, in the transaction that stores them.

    :param codes: of the dossiers by number.
    """
    if not book.of(Kind.DOSSIER):
        return
    try:
        seen = told(book, reduced, codes, now)
    except raising.FAULTS as error:
        raising.complain(error)
        return
    await raising.observe(connection, book, [seen], now)


def told(book: RuleBook, reduced: Reduced, codes: Mapping[int, str], now: datetime) -> list[Observation]:
    """Return how each rule's situation stands for each dossier; the periods are those that the ledger is made of."""
    found: list[Observation] = []
    rules = [(rule, cast("DossierCondition", rule.condition)) for rule in book.of(Kind.DOSSIER)]
    for number, dossier in reduced.dossiers.items():
        stretches = periods(dossier, reduced.calendar_of)
        unit_id = None if dossier.unit is None else reduced.units[dossier.unit].unit_id
        due = None if dossier.due_at is None else dossier.due_at.isoformat()
        detail = {"due_at": due, "status": dossier.status}
        for rule, condition in rules:
            situation = stretches.get(conditions.SITUATIONS[condition.situation], [])
            held = ahead.near(conditions.dossier(condition, situation, now), now)
            if held.holds and not book.covers(rule, unit_id):
                held = conditions.Found(False)
            found.append(
                Observation(
                    rule.code,
                    keys.dossier(codes[number]),
                    held.holds,
                    held.since,
                    held.until,
                    unit_id,
                    detail=detail if held.holds else {},
                )
            )
    return found
