"""Temporary schedules: shifts and people that take the place of a roster's rotations for a time."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from ioc.district.problems import Problems
from ioc.district.tables import Row, read_table
from ioc.duty.errors import DutyError
from ioc.duty.model import Change, ChangeKind, FixedShift, Roster
from ioc.duty.written import written
from ioc.errors import InputError, IocError

COLUMNS: Final = ("people", "from", "to")
OPTIONAL: Final = ("layer", "needs", "note")
#: Shifts of one schedule: a quarter of a year with four a day.
MOST_SHIFTS: Final = 400
MOST_PEOPLE: Final = 50


def check_temporary(roster: Roster, change: Change) -> None:
    """Refuse a schedule that contradicts itself; people and times of the change are checked elsewhere.

    :raises DutyError: what is wrong, and in which shift.
    """
    if not 0 < len(change.shifts) <= MOST_SHIFTS:
        raise DutyError(
            f"A temporary schedule has 1 to {MOST_SHIFTS} shifts, not {len(change.shifts)}.",
            remedy="Name at least one shift with somebody in it, and divide a longer schedule in two.",
        )
    for place, shift in enumerate(change.shifts, 1):
        _check_shift(roster, change, shift, f"shift {place}")
    busy = sorted(
        (person, shift.layer, shift.start, shift.end) for shift in change.shifts for person in shift.people
    )
    for before, after in pairwise(busy):
        if before[:2] == after[:2] and after[2] < before[3]:
            raise DutyError(
                f"{after[0]} is in two shifts of {after[1]} at {after[2].astimezone(roster.zone):%Y-%m-%d %H:%M}.",
                remedy="Let one of them end where the other begins.",
            )


def schedule(
    roster: Roster,
    shifts: tuple[FixedShift, ...],
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    layer: str | None = None,
    reason: str = "",
) -> Change:
    """A temporary schedule of these shifts; from the first of them to the last, unless other times are given.

    :raises DutyError: there is no shift.
    """
    if not shifts:
        raise DutyError("A temporary schedule needs shifts.", remedy="Name who is on duty from when to when.")
    return Change(
        ChangeKind.TEMPORARY,
        "",
        start or min(shift.start for shift in shifts),
        end or max(shift.end for shift in shifts),
        roster=roster.code,
        layer=layer,
        reason=reason,
        shifts=tuple(sorted(shifts, key=lambda shift: (shift.start, shift.layer))),
    )


def read_shifts(path: Path, roster: Roster, layer: str | None = None) -> tuple[FixedShift, ...]:
    """Read a CSV file of shifts; columns are :data:`COLUMNS` and may be :data:`OPTIONAL`.

    People of one shift are joined by ``+``. Times without an offset are in the roster's zone.

    :param layer: of rows that name none; a roster with one layer needs none.
    :raises InputError: every mistake, with its line.
    """
    problems = Problems()
    found: list[FixedShift] = []
    for place, row in enumerate(read_table(path, COLUMNS, problems, optional=OPTIONAL)):
        if place >= MOST_SHIFTS:
            row.error(f"The file has more than {MOST_SHIFTS} rows.", "Divide it.")
            break
        shift = _row(row, roster, layer)
        if shift is not None:
            found.append(shift)
    if problems.errors:
        lines = "".join(f"\n  {problem}" for problem in problems.errors)
        raise InputError(f"{path} has {len(problems.errors)} mistake(s); nothing was stored:{lines}")
    return tuple(found)


def only_layer(roster: Roster, layer: str | None) -> str:
    """The layer that is meant where none is named.

    :raises DutyError: there are several.
    """
    if layer is None and len(roster.layers) != 1:
        raise DutyError(
            f"{roster.code} has several layers.",
            remedy=f"Name one for each shift: {', '.join(roster.layers)}.",
        )
    return layer or roster.layers[0]


def _row(row: Row, roster: Roster, layer: str | None) -> FixedShift | None:
    people = tuple(person.strip() for person in row.text("people").split("+"))
    needs = row.fields.get("needs") or "1"
    if not (needs.isascii() and needs.isdigit() and int(needs) <= MOST_PEOPLE):
        row.error(f"needs {needs!r} is no whole number from 0 to {MOST_PEOPLE}.")
    try:
        place = only_layer(roster, row.optional_code("layer") or layer)
        start, end = (_moment(row, column, roster) for column in ("from", "to"))
    except IocError as error:
        row.error(error.message, error.remedy)
        return None
    return None if row.bad else FixedShift(place, people, start, end, int(needs))


def _moment(row: Row, column: str, roster: Roster) -> datetime:
    text = row.text(column)
    return written(text or "2000-01-01", roster.zone, what=column)


def _check_shift(roster: Roster, change: Change, shift: FixedShift, where: str) -> None:
    if shift.layer not in roster.layers:
        raise DutyError(
            f"{where}: {roster.code} has no layer {shift.layer!r}.",
            remedy=f"Its layers: {', '.join(roster.layers)}.",
        )
    if not change.touches(shift.layer):
        raise DutyError(f"{where} is of the layer {shift.layer}, the schedule is for {change.layer}.")
    if not 0 < len(shift.people) <= MOST_PEOPLE:
        raise DutyError(f"{where} has {len(shift.people)} people.", remedy=f"Name 1 to {MOST_PEOPLE}.")
    if len(set(shift.people)) < len(shift.people):
        raise DutyError(f"{where} names somebody twice.")
    if not 0 <= shift.needs <= MOST_PEOPLE:
        raise DutyError(f"{where}: needs is 0 to {MOST_PEOPLE}.")
    if not change.start <= shift.start < shift.end <= change.end:
        raise DutyError(
            f"{where} ({shift.start.astimezone(roster.zone):%Y-%m-%d %H:%M} to "
            f"{shift.end.astimezone(roster.zone):%Y-%m-%d %H:%M}) lies outside the schedule, or ends before it begins.",
            remedy="Mend its times, or let the schedule begin earlier or end later.",
        )
