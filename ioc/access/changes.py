"""What was changed about accounts and keys: written in the transaction that changes it. No secret is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ioc.kpi.steps import Steps

_NOTE: Final = "INSERT INTO ioc.access_change (actor, via, what, subject, detail) VALUES (%s, %s, %s, %s, %s)"
_LIST: Final = """
SELECT change_id, at, actor, via, what, subject, detail FROM ioc.access_change
WHERE (%(before)s::bigint IS NULL OR change_id < %(before)s) ORDER BY change_id DESC LIMIT %(limit)s
"""


class Via(StrEnum):
    """Where a change was made."""

    PAGE = "page"
    FORM = "form"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a change, and where."""

    actor: str
    via: Via


#: The platform's own processes and whoever gives a command without a name.
SYSTEM: Final = By("system", Via.COMMAND)


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    :param what: such as ``account.role`` or ``key.revoked``.
    :param subject: name of the account or key.
    """

    number: int
    at: datetime
    actor: str
    via: str
    what: str
    subject: str
    detail: dict[str, Any]


def note(by: By, what: str, subject: str, detail: Mapping[str, object] | None = None) -> Steps[None]:
    """Steps that write a change down."""
    yield _NOTE, (by.actor, by.via.value, what, subject, Jsonb(dict(detail or {})))


def listed(*, before: int | None = None, limit: int = 100) -> Steps[list[Change]]:
    """Steps to the changes, newest first.

    :param before: only those with a smaller number.
    """
    rows = yield _LIST, {"before": before, "limit": limit}
    return [Change(*row) for row in rows]


def forget(connection: psycopg.Connection[Any], days: float) -> int:
    """Delete changes older than ``days``; return how many there were. The evaluator calls this."""
    return connection.execute(
        "DELETE FROM ioc.access_change WHERE at < now() - %s * interval '1 day'", (days,)
    ).rowcount
