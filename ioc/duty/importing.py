"""Reads a list of changes that somebody made by hand, row by row; every mistake is told with its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from ioc.district.problems import Problem, Problems
from ioc.district.tables import Row, read_table
from ioc.duty.changing import checked, swap, the_roster
from ioc.duty.model import Change, ChangeKind, Plan
from ioc.errors import IocError
from ioc.kpi.question import read_moment

COLUMNS: Final = ("kind", "roster", "person", "from", "to")
OPTIONAL: Final = ("layer", "other", "other_from", "reason", "note")
#: Each row is held against every other: a longer list is several lists.
MOST_ROWS: Final = 2000
_LONGEST_REASON: Final = 500


@dataclass(frozen=True)
class Imported:
    """What a file says, and what is wrong with it."""

    changes: tuple[Change, ...]
    """Of the rows that are in order."""
    problems: Sequence[Problem]


def read_changes(path: Path, plan: Plan) -> Imported:
    """Read a CSV file of changes; columns are :data:`COLUMNS` and may be :data:`OPTIONAL`.

    Times without an offset are in the roster's zone. A swap names in ``from`` and ``other_from`` any moment of the two
    shifts, its ``to`` is empty. Each row is held against the plan and the good rows before it.

    :param plan: with the changes in force at the times that the file speaks of.
    """
    problems = Problems()
    good: list[Change] = []
    for place, row in enumerate(read_table(path, COLUMNS, problems, optional=OPTIONAL)):
        if place >= MOST_ROWS:
            row.error(f"The file has more than {MOST_ROWS} rows.", "Divide it.")
            break
        try:
            change = _read(row, plan)
            if change is not None:
                change, _ = checked(plan, change)
        except IocError as error:
            row.error(error.message, error.remedy)
        else:
            if change is not None and not row.bad:
                good.append(change)
                plan = replace(plan, changes=(*plan.changes, change))
    return Imported(tuple(good), problems.errors)


def _read(row: Row, plan: Plan) -> Change | None:
    kind, person = row.member("kind", ChangeKind), row.code("person")
    reason = row.fields.get("reason", "")
    if len(reason) > _LONGEST_REASON:
        row.error(f"reason is longer than {_LONGEST_REASON} characters.")
    if kind is ChangeKind.TEMPORARY:
        row.error("A temporary schedule has a file of its own.", "Store it with: ioc duty temporary FILE.")
        return None
    if kind is ChangeKind.LEAVE:
        zone, roster = plan.calendar.zone, None
        if row.fields.get("roster"):
            row.error("Leave is of every roster.", "Leave the column roster empty.")
    else:
        roster = the_roster(plan, row.fields.get("roster") or None)
        zone = roster.zone
    start = _moment(row, "from", zone)
    layer, other = row.optional_code("layer"), row.optional_code("other")
    if kind is ChangeKind.SWAP and roster is not None:
        second = _moment(row, "other_from", zone)
        if start is None or second is None or other is None:
            if other is None:
                row.error("other is empty.", "Name the second person of the swap.")
            return None
        return replace(swap(plan, roster, layer, (person, start), (other, second)), reason=reason)
    end = _moment(row, "to", zone)
    if row.bad or start is None or end is None:
        return None
    return Change(
        kind,
        person,
        start,
        end,
        roster=roster.code if roster else None,
        layer=layer,
        other=other,
        reason=reason,
    )


def _moment(row: Row, column: str, zone: ZoneInfo) -> datetime | None:
    text = row.text(column)
    return read_moment(text, zone, what=column) if text else None
