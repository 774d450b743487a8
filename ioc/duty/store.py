"""Rosters and changes in the database.

Steps are driven by :func:`ioc.kpi.query.answer` and :func:`ioc.kpi.query.change` or their asynchronous siblings. Every
change is checked and stored under one lock, so that two people can't make contradicting ones at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from ioc.duty.changing import checked, the_roster
from ioc.duty.editions import EDITIONS, EVER, assemble
from ioc.duty.errors import ConflictError, NotYoursError, UnknownChangeError
from ioc.duty.model import Change, ChangeKind, FixedShift, Plan, Roster
from ioc.duty.wording import Wording, moments, read
from ioc.kpi.query import SYSTEM_READER, Steps

#: Changes to duty, one at a time.
_LOCK: Final = 0x696F6306
_MARGIN: Final = timedelta(days=60)
#: From then to then there are no changes: for steps that need the rosters alone.
_NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)

_NAMES: Final = "SELECT code, name, title FROM ioc.duty_person"
_COLUMNS: Final = (
    "kind, person, starts_at, ends_at, roster, layer, other, other_starts_at, other_ends_at, reason,"
    " change_id, made_at, made_by, withdrawn_at, withdrawn_by, held_until, shifts::text"
)
_IN_FORCE: Final = (
    f"SELECT {_COLUMNS} FROM ioc.duty_change WHERE (withdrawn_at IS NULL OR held_until IS NOT NULL)"  # noqa: S608
    " AND (roster IS NULL OR roster = ANY (%s)) AND (%s::timestamptz IS NULL OR greatest(ends_at, other_ends_at) > %s)"
    " AND (tstzrange(starts_at, ends_at) && tstzrange(%s::timestamptz, %s::timestamptz)"
    " OR (other_starts_at IS NOT NULL"
    " AND tstzrange(other_starts_at, other_ends_at) && tstzrange(%s::timestamptz, %s::timestamptz)))"
    " ORDER BY change_id"
)
_INSERT: Final = (
    "INSERT INTO ioc.duty_change (kind, person, starts_at, ends_at, roster, layer, other, other_starts_at,"  # noqa: S608
    " other_ends_at, reason, shifts, made_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)"
    f" RETURNING {_COLUMNS}"
)


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was stored, and what is worth knowing about it."""

    change: Change
    notes: tuple[str, ...]


# -- asking ---------------------------------------------------------------------------------------------


def plan_of(reader: str, start: datetime | None = None, end: datetime | None = None) -> Steps[Plan]:
    """Steps to the rosters that a reader may see, as they were and are, with the changes in force between two instants.

    People come without their contacts: only delivery reads those, when it sends.
    """
    names = yield _NAMES, ()
    rows = yield EDITIONS, (reader, start, start, end, end)
    plan = assemble(rows, {code: (name, title) for code, name, title in names}, ())
    editions = (plan.rosters, *(edition.rosters for edition in plan.earlier))
    codes = {roster.code for rosters in editions for roster in rosters}
    changes = yield _IN_FORCE, (sorted(codes), start, start, start, end, start, end)
    held = (change.in_force() for change in map(_change, changes))
    return replace(plan, changes=tuple(change for change in held if change is not None))


def rosters_of(reader: str) -> Steps[Plan]:
    """Steps to the newest rosters that a reader may see, without changes."""
    plan = yield from plan_of(reader, _NEVER, _NEVER)
    return replace(plan, changes=(), since=None, earlier=())


def roster_codes(reader: str, roster: str | None = None) -> Steps[list[str]]:
    """Steps to the codes of all rosters that a reader may see, those that are gone included; or to the one named.

    :raises UnknownRosterError: there never was such a roster.
    """
    codes = sorted(row[0] for row in (yield EVER, (reader,)))
    if roster is None or roster in codes:
        return codes if roster is None else [roster]
    return [the_roster((yield from rosters_of(reader)), roster).code]


def changes_of(
    reader: str,
    roster: str | None,
    *,
    withdrawn: bool = False,
    before: int | None = None,
    limit: int = 200,
) -> Steps[list[Change]]:
    """Steps to the changes that were made, newest first; of one roster or of all.

    Leave comes with them, of people whom the reader's rosters name or who belong to the reader's units.
    """
    codes = yield from roster_codes(reader, roster)
    people = None
    if reader != SYSTEM_READER:
        people = yield from _own_people(reader, (yield from rosters_of(reader)))
    rows = yield (
        (
            f"SELECT {_COLUMNS} FROM ioc.duty_change WHERE (roster = ANY (%s)"  # noqa: S608
            " OR (roster IS NULL AND (%s::text[] IS NULL OR person = ANY (%s))))"
            " AND (%s OR withdrawn_at IS NULL) AND (%s::bigint IS NULL OR change_id < %s)"
            " ORDER BY change_id DESC LIMIT %s"
        ),
        (codes, people, people, withdrawn, before, before, limit),
    )
    return [_change(row) for row in rows]


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
        if change.kind is ChangeKind.LEAVE:
            yield from _check_own(reader, plan, change.person)
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
                msgspec.json.encode(change.shifts).decode(),
                by,
            ),
        )
        stored = _change(rows[0])
        made.append(Made(stored, notes))
        plan = replace(plan, changes=(*plan.changes, stored))
    return made


def make_worded(reader: str, wordings: Sequence[Wording], by: str) -> Steps[list[Made]]:
    """Steps that store changes as people write them; all of them or none."""
    yield "SELECT pg_advisory_xact_lock(%s)", (_LOCK,)
    plan = yield from worded_plan(reader, wordings)
    changes: list[Change] = []
    for wording in wordings:
        change = read(plan, wording)
        plan = replace(plan, changes=(*plan.changes, change))
        changes.append(change)
    return (yield from make_all(reader, changes, by))


def worded_plan(reader: str, wordings: Sequence[Wording]) -> Steps[Plan]:
    """Steps to the plan that changes speak of: their times, and as far ahead as shifts are looked for."""
    bare = yield from rosters_of(reader)
    found = sorted(moments(bare, wordings)) or [_NEVER]
    return (yield from plan_of(reader, found[0] - _MARGIN, found[-1] + _MARGIN))


def withdraw(
    reader: str, number: int, by: str, *, from_start: bool = False, now: datetime | None = None
) -> Steps[Change]:
    """Steps that take a change back; its row stays, with who did so and when.

    One that has begun ends now: until then it was in force, and the past stays what it was.

    :param from_start: it never was so: the past is put right, too.
    :param now: the moment of withdrawal; None is the database's.
    :raises DutyError: there is no such change here, it was withdrawn, or it is over.
    """
    yield "SELECT pg_advisory_xact_lock(%s)", (_LOCK,)
    codes = yield from roster_codes(reader)
    rows = yield f"SELECT {_COLUMNS}, now() FROM ioc.duty_change WHERE change_id = %s", (number,)  # noqa: S608
    found = _change(rows[0][:-1]) if rows else None
    if found is None or (found.roster is not None and found.roster not in codes):
        raise UnknownChangeError(f"There is no change {number}.", remedy="ioc duty changes lists them.")
    if found.roster is None:
        yield from _check_own(reader, (yield from rosters_of(reader)), found.person)
    if found.withdrawn_at is not None:
        raise ConflictError(
            f"Change {number} was withdrawn at {found.withdrawn_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
            f" by {found.withdrawn_by}."
        )
    moment = now or rows[0][-1]
    begins = min(filter(None, (found.start, found.other_start)))
    ends = max(filter(None, (found.end, found.other_end)))
    if ends <= moment and not from_start:
        raise ConflictError(
            f"Change {number} is over: nothing is left of it to take back.",
            remedy="If it never was so, say that it is withdrawn from its start (--from-start, from_start=true).",
        )
    held_until = None if from_start or moment <= begins else moment
    rows = yield (
        (
            "UPDATE ioc.duty_change SET withdrawn_at = %s, withdrawn_by = %s, held_until = %s"  # noqa: S608
            f" WHERE change_id = %s RETURNING {_COLUMNS}"
        ),
        (moment, by, held_until, number),
    )
    return _change(rows[0])


def _own_people(reader: str, plan: Plan) -> Steps[list[str]]:
    """Codes of people whom the reader's rosters name, or who belong to the reader's units."""
    rows = yield (
        ("SELECT s.code, d.root_unit FROM ioc.unit_scope(%s, NULL) s LEFT JOIN ioc.district d ON true"),
        (reader,),
    )
    units = {row[0] for row in rows}
    root = rows[0][1] if rows else None
    found = {person for roster in plan.rosters for person in _named(roster)}
    found.update(person.code for person in plan.people.values() if (person.unit or root) in units)
    return sorted(found)


def _check_own(reader: str, plan: Plan, person: str) -> Steps[None]:
    """Leave is of every roster: whoever gives it must be able to see all that name the person.

    :raises DutyError: the reader may not.
    """
    if reader == SYSTEM_READER:
        return
    if person not in (yield from _own_people(reader, plan)):
        raise NotYoursError(
            f"{person} belongs to units beyond yours.", remedy="Ask somebody of that unit or of the district."
        )
    whole = yield from rosters_of(SYSTEM_READER)
    mine = {roster.code for roster in plan.rosters}
    if any(person in _named(roster) for roster in whole.rosters if roster.code not in mine):
        raise NotYoursError(
            f"{person} is on duty for units beyond yours, too.",
            remedy="Ask the district, or find a replacement.",
        )


def _named(roster: Roster) -> set[str]:
    return {person for rotation in roster.rotations for group in rotation.people for person in group}


def _change(row: Sequence[Any]) -> Change:
    shifts = msgspec.json.decode(row[-1], type=tuple[FixedShift, ...])
    return replace(Change(ChangeKind(row[0]), *row[1:-1]), shifts=shifts)
