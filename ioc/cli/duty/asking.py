"""Questions about duty: now, ahead or back, what is lacking, and a calendar file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ioc.cli._asking import Format, database, print_csv, print_json
from ioc.cli.duty._shared import (
    FromNow,
    Output,
    Roster,
    ToAhead,
    asked,
    in_order,
    names,
    previewed,
    print_rows,
    print_warnings,
    read_file,
    short,
)

_WRONG = 1


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (now, preview, check, export):
        app.command()(command)


def now(
    roster: Roster = None,
    at: Annotated[str | None, typer.Option(help="Another moment than now.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Show who is on duty, since when and until when.

    Example: ioc duty now --format json
    """
    from ioc.duty.document import duty_document

    with database() as connection:
        found = duty_document(asked(connection, roster=roster, at=at), named=True)
    if output is Format.JSON:
        print_json(found)
        return
    rows = [
        (one["code"], layer["layer"], names(layer), short(layer["since"]), short(layer["until"]))
        for one in found["rosters"]
        for layer in one["on_duty"]
    ]
    print_rows(output, ("roster", "layer", "people", "since", "until"), rows)


def preview(
    roster: Roster = None,
    start: FromNow = None,
    to: ToAhead = None,
    what_if: Annotated[
        Path | None,
        typer.Option(
            "--what-if", help="CSV of changes, as for import, that are only supposed and not stored."
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Show who will be on duty, or was; also as it would be with other changes.

    Example: ioc duty preview --from 2027-02-01 --to 2027-02-15 --what-if lich-tet.csv
    """
    from ioc.duty.asking import with_changes
    from ioc.duty.document import duty_document

    with database() as connection:
        duty = previewed(connection, roster, start, to)
        if what_if is not None:
            duty = with_changes(duty, in_order(what_if, read_file(connection, what_if)).changes)
    found = duty_document(duty, named=True)
    if output is Format.JSON:
        print_json(found)
        return
    rows = [
        (one["code"], layer["layer"], short(span["from"]), short(span["to"]), names(layer))
        for one in found["rosters"]
        for span in one["spans"]
        for layer in span["layers"]
    ]
    print_rows(output, ("roster", "layer", "from", "to", "people"), rows)
    if output is Format.TABLE:
        print_warnings(found)


def check(
    roster: Roster = None, start: FromNow = None, to: ToAhead = None, output: Output = Format.TABLE
) -> None:
    """Warn of times without anybody, shifts with too few people, and people who are not there. Exit status 1 if any.

    Example: ioc duty check --to 2027-03-01
    """
    from ioc.duty.document import duty_document

    with database() as connection:
        found = duty_document(previewed(connection, roster, start, to), named=True)
    warnings = [warning for one in found["rosters"] for warning in one["warnings"]]
    if output is Format.JSON:
        print_json(
            {"rosters": [{"code": one["code"], "warnings": one["warnings"]} for one in found["rosters"]]}
        )
    elif output is Format.CSV:
        columns = ("kind", "layer", "shift", "from", "to", "here", "needs", "person")
        print_csv(columns, [tuple(str(w[name] or "") for name in columns) for w in warnings])
    else:
        print_warnings(found)
        if not found["rosters"]:
            typer.echo("There is no roster: rosters.csv and duty.csv of the district pack describe them.")
        elif not warnings:
            typer.echo("Everybody who is needed is there.")
    if warnings:
        raise typer.Exit(_WRONG)


def export(
    output: Annotated[Path, typer.Option(help="File to write; its name ends in .ics.")],
    roster: Roster = None,
    person: Annotated[str | None, typer.Option(help="Only the duty of this person.")] = None,
    start: FromNow = None,
    to: ToAhead = None,
) -> None:
    """Write who is on duty as an iCalendar file. Names only, no contacts.

    Example: ioc duty export --to 2027-01-01 --output lich-truc.ics
    """
    from ioc.duty.document import calendar_file
    from ioc.errors import UsageError

    if output.suffix.lower() != ".ics":
        raise UsageError(f"The name {output.name} does not end in .ics.", remedy="Name it so.")
    with database() as connection:
        content = calendar_file(previewed(connection, roster, start, to), person)
    try:
        output.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"{output} can't be written: {error.strerror}.", remedy="Name a file in a folder that exists."
        ) from error
    typer.echo(str(output))
