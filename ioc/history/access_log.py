"""Who asked single dossiers and exports: written before the answer goes out, completed after it.

Filters are written by allow-list, and only values that the platform's own vocabulary holds: what somebody typed may
be a person's name. Entries are kept for ``IOC_ACCESS_LOG_DAYS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ioc.kpi.steps import Steps, run

#: What a filter's value is when the platform does not know it.
UNKNOWN: Final = "(unknown)"
_MOST_TEXT: Final = 300


class Outcome(StrEnum):
    """How an answer ended."""

    GIVEN = "given"
    BROKEN_OFF = "broken off"
    """The client went away, or the time was up before the answer was whole."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    number: int
    at: datetime
    reader: str
    what: str
    filters: dict[str, Any]
    rows: int | None
    outcome: str | None
    took_ms: int | None


_BEGIN: Final = "INSERT INTO ioc.access_log (reader, what, filters) VALUES (%s, %s, %s) RETURNING access_id"
_END: Final = """
UPDATE ioc.access_log SET rows = %s, outcome = %s, took_ms = (extract(epoch FROM clock_timestamp() - at) * 1000)::bigint
WHERE access_id = %s RETURNING access_id
"""
_LIST: Final = """
SELECT access_id, at, reader, what, filters, rows, outcome, took_ms FROM ioc.access_log
WHERE (%(reader)s::text IS NULL OR reader = %(reader)s) AND (%(what)s::text IS NULL OR what = %(what)s)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(before)s::bigint IS NULL OR access_id < %(before)s)
ORDER BY at DESC, access_id DESC LIMIT %(limit)s
"""
_KNOWN: Final = {
    "procedure": "SELECT ioc.is_dimension_value('procedure', %s)",
    "field": "SELECT ioc.is_dimension_value('field', %s)",
    "channel": "SELECT ioc.is_dimension_value('channel', %s)",
    "unit": "SELECT EXISTS (SELECT FROM ioc.unit WHERE code = %s)",
    "device": "SELECT EXISTS (SELECT FROM ioc.device WHERE code = %s)",
    "dossier": "SELECT EXISTS (SELECT FROM ioc.dossier WHERE code = %s)",
}
#: Filters whose values were read as what they are before they come here: a format, a state, a moment, an indicator.
_PLAIN: Final = (
    "format",
    "state",
    "kind",
    "kpis",
    "from",
    "to",
    "bucket",
    "by",
    "as_of",
    "areas",
    "order",
    "deidentified",
)


def begin(reader: str, what: str, filters: Mapping[str, object]) -> Steps[int]:
    """Steps to a new entry's number; to be driven outside a read-only snapshot.

    :param filters: single values or lists of them; what is None or not of the allow-list is left out.
    """
    kept: dict[str, object] = {}
    for name, value in filters.items():
        values = [
            str(one)[:_MOST_TEXT]
            for one in (value if isinstance(value, list | tuple) else (value,))
            if one is not None
        ]
        if not values or (name not in _KNOWN and name not in _PLAIN):
            continue
        if name in _KNOWN:
            checked = []
            for one in values:
                ((known,),) = yield _KNOWN[name], (one,)
                checked.append(one if known or not one else UNKNOWN)
            values = checked
        kept[name] = values[0] if len(values) == 1 else values
    ((number,),) = yield _BEGIN, (reader, what, Jsonb(kept))
    return int(number)


def end(number: int, *, rows: int | None, outcome: Outcome) -> tuple[str, tuple[object, ...]]:
    """Return the statement that completes an entry, and its parameters."""
    return _END, (rows, outcome.value, number)


def listed(
    *,
    reader: str | None = None,
    what: str | None = None,
    since: datetime | None = None,
    before: int | None = None,
    limit: int = 200,
) -> Steps[list[Entry]]:
    """Steps to entries, newest first.

    :param before: only those with a smaller number.
    """
    asked = {"reader": reader, "what": what, "since": since, "before": before, "limit": limit}
    rows = yield _LIST, asked
    return [Entry(*row) for row in rows]


def entries(
    connection: psycopg.Connection[Any],
    *,
    reader: str | None = None,
    what: str | None = None,
    since: datetime | None = None,
    limit: int = 200,
) -> list[Entry]:
    """Return entries, newest first; see :func:`listed`."""
    return run(connection, listed(reader=reader, what=what, since=since, limit=limit))


def forget(connection: psycopg.Connection[Any], days: float) -> int:
    """Delete entries older than ``days``; return how many there were. The evaluator calls this."""
    return connection.execute(
        "DELETE FROM ioc.access_log WHERE at < now() - %s * interval '1 day'", (days,)
    ).rowcount
