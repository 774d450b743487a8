"""The shift log: what those on duty write down for those who come after them. Lines stay as they were written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.duty.changing import the_roster
from ioc.duty.errors import DutyError
from ioc.duty.store import roster_codes, rosters_of
from ioc.kpi.query import Steps

#: Characters of a line.
LONGEST_NOTE: Final = 4000


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the shift log; the platform writes as ``system``."""

    id: int
    roster: str
    at: datetime
    author: str
    text: str


def log_of(
    reader: str,
    roster: str | None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 200,
) -> Steps[list[LogEntry]]:
    """Steps to a roster's shift log, newest first; also of one that is gone from the pack.

    :param until: the first moment that is not asked about.
    """
    if roster is None:
        roster = the_roster((yield from rosters_of(reader)), None).code
    (code,) = yield from roster_codes(reader, roster)
    rows = yield (
        (
            "SELECT entry_id, roster, at, author, text FROM ioc.duty_log"
            " WHERE roster = %s AND (%s::timestamptz IS NULL OR at >= %s) AND (%s::timestamptz IS NULL OR at < %s)"
            " AND (%s::bigint IS NULL OR (at, entry_id)"
            " < (SELECT b.at, b.entry_id FROM ioc.duty_log b WHERE b.entry_id = %s))"
            " ORDER BY at DESC, entry_id DESC LIMIT %s"
        ),
        (code, since, since, until, until, before, before, limit),
    )
    return [LogEntry(*row) for row in rows]


def note(reader: str, roster: str | None, text: str, by: str) -> Steps[LogEntry]:
    """Steps that write a line into a roster's shift log.

    :raises DutyError: the text is empty or too long.
    """
    cleaned = text.strip().replace("\x00", "")
    if not 0 < len(cleaned) <= LONGEST_NOTE:
        raise DutyError(f"A note has 1 to {LONGEST_NOTE} characters.")
    plan = yield from rosters_of(reader)
    rows = yield (
        (
            "INSERT INTO ioc.duty_log (roster, author, text) VALUES (%s, %s, %s)"
            " RETURNING entry_id, roster, at, author, text"
        ),
        (the_roster(plan, roster).code, by, cleaned),
    )
    return LogEntry(*rows[0])
