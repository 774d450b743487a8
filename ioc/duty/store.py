"""Rosters, changes and the shift log in the database.

Steps are driven by :func:`ioc.kpi.query.answer` and :func:`ioc.kpi.query.change` or their asynchronous siblings. Every
change is checked and stored under one lock, so that two people can't make contradicting ones at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import psycopg

from ioc.district.worktime import WorkCalendar
from ioc.duty.changing import checked, the_roster
from ioc.duty.errors import ConflictError, DutyError
from ioc.duty.model import Change, ChangeKind, Person, Plan, Roster
from ioc.kpi.query import Steps

#: Changes to duty, one at a time.
_LOCK: Final = 0x696F6306
_LONGEST_NOTE: Final = 4000
#: From then to then there are no changes: for steps that need the rosters alone.
_NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)

_ROSTERS: Final = (
    "SELECT r.definition::text FROM ioc.duty_roster r"
    " WHERE r.unit_code IN (SELECT s.code FROM ioc.unit_scope(%s, NULL) s) ORDER BY r.position, r.code"
)
_PEOPLE: Final = "SELECT code, name, title, unit_code, valid_from, valid_to FROM ioc.duty_person"
_CALENDAR: Final = "SELECT time_zone, working_time::text FROM ioc.district"
_COLUMNS: Final = (
    "kind, person, starts_at, ends_at, roster, layer, other, other_starts_at, other_ends_at, reason, change_id,"
    " made_at, made_by, withdrawn_at, withdrawn_by"
)
_IN_FORCE: Final = (
    f"SELECT {_COLUMNS} FROM ioc.duty_change WHERE withdrawn_at IS NULL"  # noqa: S608 - of names above
    " AND (tstzrange(starts_at, ends_at) && tstzrange(%s::timestamptz, %s::timestamptz)"
    " OR (other_starts_at IS NOT NULL"
    " AND tstzrange(other_starts_at, other_ends_at) && tstzrange(%s::timestamptz, %s::timestamptz)))"
    " ORDER BY change_id"
)
_INSERT: Final = (
    "INSERT INTO ioc.duty_change (kind, person, starts_at, ends_at, roster, layer, other, other_starts_at,"  # noqa: S608
    " other_ends_at, reason, made_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    f" RETURNING {_COLUMNS}"
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the shift log."""

    id: int
    roster: str
    at: datetime
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was stored, and what is worth knowing about it."""

    change: Change
    notes: tuple[str, ...]


# -- asking ---------------------------------------------------------------------------------------------


def plan_of(reader: str, start: datetime | None = None, end: datetime | None = None) -> Steps[Plan]:
    """Steps to the rosters that a reader may see, with the changes in force between two instants.

    People come without their contacts: only delivery reads those, by :func:`contacts_of`.
    """
    rosters = yield _ROSTERS, (reader,)
    people = yield _PEOPLE, ()
    calendar = yield _CALENDAR, ()
    changes = yield _IN_FORCE, (start, end, start, end)
    return Plan(
        rosters=tuple(msgspec.json.decode(text, type=Roster) for (text,) in rosters),
        people={row[0]: Person(*row) for row in people},
        changes=tuple(map(_change, changes)),
        calendar=WorkCalendar.from_json(calendar[0][1], calendar[0][0]) if calendar else WorkCalendar(),
    )


def changes_of(
    reader: str, roster: str | None, *, withdrawn: bool = False, limit: int = 200
) -> Steps[list[Change]]:
    """Steps to the changes that were made, newest first; of one roster or of all, leave always with them."""
    plan = yield from plan_of(reader, _NEVER, _NEVER)
    codes = [the_roster(plan, roster).code] if roster is not None else [found.code for found in plan.rosters]
    rows = yield (
        (
            f"SELECT {_COLUMNS} FROM ioc.duty_change WHERE (roster IS NULL OR roster = ANY (%s))"  # noqa: S608
            " AND (%s OR withdrawn_at IS NULL) ORDER BY change_id DESC LIMIT %s"
        ),
        (codes, withdrawn, limit),
    )
    return [_change(row) for row in rows]


def log_of(
    reader: str, roster: str | None, *, since: datetime | None = None, limit: int = 200
) -> Steps[list[LogEntry]]:
    """Steps to a roster's shift log, newest first."""
    plan = yield from plan_of(reader, _NEVER, _NEVER)
    rows = yield (
        (
            "SELECT entry_id, roster, at, author, text FROM ioc.duty_log"
            " WHERE roster = %s AND (%s::timestamptz IS NULL OR at >= %s) ORDER BY at DESC, entry_id DESC LIMIT %s"
        ),
        (the_roster(plan, roster).code, since, since, limit),
    )
    return [LogEntry(*row) for row in rows]


def contacts_of(connection: psycopg.Connection[Any], person: str) -> dict[str, str]:
    """Channel → address of a person, for delivery. Personal data: never log it.

    :raises DutyError: there is no such person.
    """
    row = connection.execute("SELECT contacts FROM ioc.duty_person WHERE code = %s", (person,)).fetchone()
    if row is None:
        raise DutyError(f"There is no person {person!r}.", remedy="Apply the district pack that names them.")
    found: dict[str, str] = row[0]
    return found


# -- changing -------------------------------------------------------------------------------------------


def make(reader: str, change: Change, by: str) -> Steps[Made]:
    """Steps that store a change.

    :param by: who makes it, for the audit trail.
    :raises DutyError: it makes no sense, or contradicts a change in force.
    """
    return (yield from make_all(reader, (change,), by))[0]


def make_all(reader: str, changes: Iterable[Change], by: str) -> Steps[list[Made]]:
    """Steps that store changes, each checked with those before it; all of them or none."""
    yield "SELECT pg_advisory_xact_lock(%s)", (_LOCK,)
    changes = tuple(changes)
    ends = [
        end for change in changes for end in (change.start, change.end, change.other_start, change.other_end)
    ]
    moments = [end for end in ends if end is not None]
    plan = yield from plan_of(reader, min(moments, default=_NEVER), max((*moments, _NEVER)))
    made: list[Made] = []
    for wanted in changes:
        change, notes = checked(plan, wanted)
        rows = yield (
            _INSERT,
            (
                change.kind.value,
                change.person,
                change.start,
                change.end,
                change.roster,
                change.layer,
                change.other,
                change.other_start,
                change.other_end,
                change.reason,
                by,
            ),
        )
        stored = _change(rows[0])
        made.append(Made(stored, notes))
        plan = replace(plan, changes=(*plan.changes, stored))
    return made


def withdraw(reader: str, number: int, by: str) -> Steps[Change]:
    """Steps that take a change back; its row stays, with who did so and when.

    :raises DutyError: there is no such change here, or it was withdrawn.
    """
    yield "SELECT pg_advisory_xact_lock(%s)", (_LOCK,)
    plan = yield from plan_of(reader, _NEVER, _NEVER)
    rows = yield f"SELECT {_COLUMNS} FROM ioc.duty_change WHERE change_id = %s", (number,)  # noqa: S608
    found = _change(rows[0]) if rows else None
    if found is None or (found.roster is not None and plan.roster(found.roster) is None):
        raise DutyError(f"There is no change {number}.", remedy="ioc duty changes lists them.")
    if found.withdrawn_at is not None:
        raise ConflictError(
            f"Change {number} was withdrawn at {found.withdrawn_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
            f" by {found.withdrawn_by}."
        )
    rows = yield (
        (
            "UPDATE ioc.duty_change SET withdrawn_at = now(), withdrawn_by = %s WHERE change_id = %s"  # noqa: S608
            f" RETURNING {_COLUMNS}"
        ),
        (by, number),
    )
    return _change(rows[0])


def note(reader: str, roster: str | None, text: str, by: str) -> Steps[LogEntry]:
    """Steps that write a line into a roster's shift log.

    :raises DutyError: the text is empty or too long.
    """
    cleaned = text.strip().replace("\x00", "")
    if not 0 < len(cleaned) <= _LONGEST_NOTE:
        raise DutyError(f"A note has 1 to {_LONGEST_NOTE} characters.")
    plan = yield from plan_of(reader, _NEVER, _NEVER)
    rows = yield (
        (
            "INSERT INTO ioc.duty_log (roster, author, text) VALUES (%s, %s, %s)"
            " RETURNING entry_id, roster, at, author, text"
        ),
        (the_roster(plan, roster).code, by, cleaned),
    )
    return LogEntry(*rows[0])


def _change(row: Sequence[Any]) -> Change:
    return Change(ChangeKind(row[0]), *row[1:])
