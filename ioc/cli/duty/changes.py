"""What changes duty for a time: overrides, swaps, leave, temporary schedules, alone or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ioc.cli._asking import Format, database, district_zone, print_json
from ioc.cli.duty._shared import (
    By,
    From,
    Layer,
    Output,
    Reason,
    Roster,
    To,
    cell,
    in_order,
    moment_of,
    place,
    print_rows,
    read_file,
    who,
)

if TYPE_CHECKING:
    import psycopg

    from ioc.duty.model import Change
    from ioc.duty.store import Made


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (override, swap, leave, temporary, withdraw, changes):
        app.command()(command)
    app.command("import")(import_)


def override(
    start: From,
    to: To,
    roster: Roster = None,
    add: Annotated[
        str | None, typer.Option(help="Person who is on duty too, or in the other's place.")
    ] = None,
    remove: Annotated[str | None, typer.Option(help="Person who is not on duty.")] = None,
    layer: Layer = None,
    reason: Reason = "",
    by: By = None,
) -> None:
    """Add a person for a time, remove one, or replace one by another (both options).

    Example: ioc duty override --remove truc-ban-1 --add truc-ban-3 --from 2026-12-01T07:00 --to 2026-12-02T07:00
    """
    from ioc.duty.model import Change, ChangeKind
    from ioc.errors import UsageError

    if add is None and remove is None:
        raise UsageError("Nobody is named.", remedy="Give --add, --remove, or both.")
    if remove is None:
        kind, person, other = ChangeKind.ADD, add, None
    else:
        kind, person, other = (ChangeKind.REMOVE if add is None else ChangeKind.REPLACE), remove, add
    with database() as connection:
        code, zone = place(connection, roster)
        low, high = moment_of(start, zone, "--from"), moment_of(to, zone, "--to")
        change = Change(kind, str(person), low, high, roster=code, layer=layer, other=other, reason=reason)
        _told(_store(connection, change, by), zone)


def swap(
    person: Annotated[str, typer.Option(help="Who gives a shift away.")],
    shift: Annotated[str, typer.Option(help="Any moment of that shift.")],
    other: Annotated[str, typer.Option(help="Who takes it, and gives one back.")],
    other_shift: Annotated[str, typer.Option(help="Any moment of the shift given back.")],
    roster: Roster = None,
    layer: Layer = None,
    reason: Reason = "",
    by: By = None,
) -> None:
    """Exchange two whole shifts of two people.

    Example: ioc duty swap --person an --shift 2026-12-01T08:00 --other binh --other-shift 2026-12-03T08:00
    """
    from dataclasses import replace
    from datetime import timedelta

    from ioc.duty import changing
    from ioc.duty.store import plan_of
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        code, zone = place(connection, roster)
        first, second = moment_of(shift, zone, "--shift"), moment_of(other_shift, zone, "--other-shift")
        day = timedelta(days=1)
        plan = answer(connection, plan_of(SYSTEM_READER, min(first, second) - day, max(first, second) + day))
        change = changing.swap(plan, changing.the_roster(plan, code), layer, (person, first), (other, second))
        _told(_store(connection, replace(change, reason=reason), by), zone)


def leave(person: str, start: From, to: To, reason: Reason = "", by: By = None) -> None:
    """Take a person off every roster for a time. Write no reason that is private: it is kept and shown.

    Example: ioc duty leave truc-ban-2 --from 2026-12-20 --to 2026-12-27
    """
    from ioc.duty.model import Change, ChangeKind

    with database() as connection:
        zone = district_zone(connection)
        low, high = moment_of(start, zone, "--from"), moment_of(to, zone, "--to")
        _told(_store(connection, Change(ChangeKind.LEAVE, person, low, high, reason=reason), by), zone)


def temporary(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV of shifts: people,from,to and, where needed, layer,needs; people are joined by +."
        ),
    ],
    roster: Roster = None,
    layer: Annotated[
        str | None, typer.Option(help="The one layer that it is for; without it, every layer of the roster.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Start, included; without it, that of the first shift.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="End, not included; without it, that of the last shift.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong.")] = False,
    reason: Reason = "",
    by: By = None,
) -> None:
    """Put a list of shifts in place of a roster's rotations for a time.

    Example: ioc duty temporary truc-tet.csv --roster truc-ioc --reason "Tết Đinh Mùi"
    """
    from ioc.duty import changing
    from ioc.duty.store import plan_of
    from ioc.duty.temporary import read_shifts, schedule
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        plan = answer(connection, plan_of(SYSTEM_READER))
        found = changing.the_roster(plan, roster)
        low = None if start is None else moment_of(start, found.zone, "--from")
        high = None if to is None else moment_of(to, found.zone, "--to")
        shifts = read_shifts(file, found, layer)
        change = schedule(found, shifts, start=low, end=high, layer=layer, reason=reason)
        if dry_run:
            _, notes = changing.checked(plan, change)
            typer.echo(f"{len(shifts)} shifts are in order; nothing was stored.")
            for note in notes:
                typer.echo(f"note: {note}")
            return
        _told(_store(connection, change, by), found.zone)


def withdraw(
    number: Annotated[int, typer.Argument(help="Number of the change.")],
    from_start: Annotated[
        bool, typer.Option("--from-start", help="It never was so: put the past right, too.")
    ] = False,
    by: By = None,
) -> None:
    """Take a change back, from now on. It stays in the list, with who did so.

    Example: ioc duty withdraw 12
    """
    from ioc.duty import store
    from ioc.duty.changing import described
    from ioc.kpi.query import SYSTEM_READER
    from ioc.kpi.query import change as drive

    with database() as connection:
        found = drive(connection, store.withdraw(SYSTEM_READER, number, who(by), from_start=from_start))
        typer.echo(f"Withdrawn: {described(found, district_zone(connection))}.")


def changes(
    roster: Roster = None,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Also those that were withdrawn.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries; the newest are shown.")] = 200,
    output: Output = Format.TABLE,
) -> None:
    """List overrides, swaps and leave, newest first: what, who made it, when, who withdrew it.

    Example: ioc duty changes --withdrawn
    """
    from ioc.duty.document import change_document
    from ioc.duty.store import changes_of
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        zone = district_zone(connection)
        found = answer(connection, changes_of(SYSTEM_READER, roster, withdrawn=withdrawn, limit=limit))
    documents = [change_document(change, zone) for change in found]
    if output is Format.JSON:
        print_json({"changes": documents})
        return
    columns = (
        "id",
        "kind",
        "roster",
        "layer",
        "person",
        "other",
        "from",
        "to",
        "made_by",
        "withdrawn_by",
        "reason",
    )
    print_rows(output, columns, [tuple(cell(row[name]) for name in columns) for row in documents])


def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV: kind,roster,person,from,to and layer,other,other_from,reason.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Store the rows that are in order.")] = False,
    by: By = None,
) -> None:
    """Store changes from a file; every mistake is told with its line, and nothing is stored when there is one.

    Example: ioc duty import lich-truc-thang-12.csv --dry-run
    """
    from ioc.duty.store import make_all
    from ioc.kpi.query import SYSTEM_READER
    from ioc.kpi.query import change as drive

    with database() as connection:
        found = read_file(connection, file)
        for problem in found.problems if skip_bad else ():
            typer.echo(str(problem), err=True)
        if not skip_bad:
            in_order(file, found)
        if dry_run:
            typer.echo(f"{len(found.changes)} rows are in order; nothing was stored.")
            return
        drive(connection, make_all(SYSTEM_READER, found.changes, who(by)))
    typer.echo(f"{len(found.changes)} changes stored, {len(found.problems)} left out.")


def _store(connection: psycopg.Connection[Any], change: Change, by: str | None) -> Made:
    from ioc.duty.store import make
    from ioc.kpi.query import SYSTEM_READER
    from ioc.kpi.query import change as drive

    return drive(connection, make(SYSTEM_READER, change, who(by)))


def _told(made: Made, zone: ZoneInfo) -> None:
    from ioc.duty.changing import described

    typer.echo(f"Stored as {described(made.change, zone)}.")
    for note in made.notes:
        typer.echo(f"note: {note}")
