"""The shift log: what those on duty write down for those who come after them."""

from __future__ import annotations

from typing import Annotated

import typer

from ioc.cli._asking import Format, database, print_json
from ioc.cli.duty._shared import By, Output, Roster, moment_of, place, print_rows, who


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(log)


def log(
    roster: Roster = None,
    note: Annotated[str | None, typer.Option(help="Write this into the log. No personal data.")] = None,
    since: Annotated[str | None, typer.Option(help="From this date or time on.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries; the newest are shown.")] = 50,
    by: By = None,
    output: Output = Format.TABLE,
) -> None:
    """Show a roster's shift log, or write a line into it. Lines stay as they were written.

    Example: ioc duty log --note "Điểm 3 mất điện từ 14:00, đã báo điện lực"
    """
    from ioc.duty.log import log_of
    from ioc.duty.log import note as write
    from ioc.kpi.query import SYSTEM_READER, answer
    from ioc.kpi.query import change as drive

    with database() as connection:
        code, zone = place(connection, roster)
        if note is not None:
            entry = drive(connection, write(SYSTEM_READER, code, note, who(by)))
            typer.echo(f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M}: noted in the log of {entry.roster}.")
            return
        moment = None if since is None else moment_of(since, zone, "--since")
        entries = answer(connection, log_of(SYSTEM_READER, code, since=moment, limit=limit))
    rows = [
        (entry.at.astimezone(zone).isoformat(timespec="seconds"), entry.author, entry.text)
        for entry in entries
    ]
    if output is Format.JSON:
        names = ("at", "author", "text")
        print_json({"roster": code, "entries": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        print_rows(output, ("at", "author", "text"), rows)
