"""Raises alerts in the transaction that stores what they are about."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import psycopg
import structlog

from ioc.alerts import life
from ioc.alerts.book import RuleBook
from ioc.alerts.model import Observation
from ioc.errors import IocError
from ioc.kpi import steps
from streams.ownership import Connection

log = structlog.get_logger(__name__)

_SAID_S: Final = 60.0
#: What a mistake in rules can cause. A server away or a deadlock is none: it ends the batch, which comes again whole.
FAULTS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    IocError,
)
_said = -_SAID_S


async def observe(
    connection: Connection, book: RuleBook, rounds: Iterable[Iterable[Observation]], now: datetime
) -> None:
    """Bring signals and alerts to what was observed, inside the caller's transaction.

    Facts are worth more than alerts: where raising fails for another reason than the database's being away, only what
    it wrote is undone, and the evaluator, which holds what is stored against the rules, raises it some seconds later.

    :param rounds: observations in the order in which they were made; a round has at most one of a rule's subject.
    """
    wanted = [list(observations) for observations in rounds]
    if not any(wanted):
        return
    try:
        async with connection.transaction():
            for observations in wanted:
                await steps.run_async(connection, life.settle(book, observations, now))
    except FAULTS as error:
        complain(error)


def complain(error: Exception) -> None:
    """Say that raising failed; once a minute, whatever the number of batches."""
    global _said
    if time.monotonic() - _said >= _SAID_S:
        _said = time.monotonic()
        log.error("alerts not raised, the evaluator will", error=f"{type(error).__name__}: {error}")
