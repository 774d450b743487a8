"""Reads a list of changes that somebody made by hand, row by row; every mistake is told with its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ioc.district.problems import Problem, Problems
from ioc.district.tables import Row, read_table
from ioc.duty.changing import checked
from ioc.duty.model import Change, ChangeKind, Plan
from ioc.duty.wording import Wording, read
from ioc.errors import IocError

COLUMNS: Final = ("kind", "roster", "person", "from", "to")
OPTIONAL: Final = ("layer", "other", "other_from", "reason", "note")
#: Each row is held against every other: a longer list is several lists.
MOST_ROWS: Final = 2000


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
    if kind is ChangeKind.TEMPORARY:
        row.error("A temporary schedule has a file of its own.", "Store it with: ioc duty temporary FILE.")
    layer, other = row.optional_code("layer"), row.optional_code("other")
    for column in ("from",) if kind is ChangeKind.SWAP else ("from", "to"):
        row.text(column)
    if row.bad:
        return None
    fields = row.fields
    return read(
        plan,
        Wording(
            kind.value,
            person,
            fields.get("from"),
            fields.get("to"),
            fields.get("roster"),
            layer,
            other,
            fields.get("other_from"),
            fields.get("reason", ""),
        ),
    )
