"""What the commands of ``ioc duty`` share: options, questions to the database, how people and times are printed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ioc.cli._asking import Format
from ioc.cli._asking import print_rows as print_rows
from ioc.cli._asking import who as who

if TYPE_CHECKING:
    import psycopg

    from ioc.duty.asking import Duty
    from ioc.duty.importing import Imported

Roster = Annotated[
    str | None, typer.Option(help="Code of a roster; without it, all, or the only one there is.")
]
From = Annotated[
    str, typer.Option("--from", help="Start, included: date or time, in the roster's zone without an offset.")
]
To = Annotated[str, typer.Option("--to", help="End, not included.")]
FromNow = Annotated[
    str | None, typer.Option("--from", help="Start, included: date or time; without it, now.")
]
ToAhead = Annotated[
    str | None, typer.Option("--to", help="End, not included; without it, 14 days after the start.")
]
Layer = Annotated[str | None, typer.Option(help="Layer of the roster; without it, every one.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]
By = Annotated[str | None, typer.Option("--by", help="Who makes the change; without it, the login name.")]
Output = Annotated[Format, typer.Option("--format", help="How to print.")]


def asked(connection: psycopg.Connection[Any], **asked: str | None) -> Duty:
    """The answer to a question, of every unit."""
    from ioc.duty.asking import ask
    from ioc.kpi.query import SYSTEM_READER, answer

    return answer(connection, ask(SYSTEM_READER, **asked))


def previewed(
    connection: psycopg.Connection[Any], roster: str | None, start: str | None, to: str | None
) -> Duty:
    """The answer for a time; without one, from now on."""
    from ioc.kpi.query import SYSTEM_READER, answer

    if start is None and to is None:
        ((moment,),) = connection.execute("SELECT now()").fetchall()
        start = moment.isoformat()
    from ioc.duty.asking import ask

    return answer(connection, ask(SYSTEM_READER, roster=roster, start=start, end=to))


def place(connection: psycopg.Connection[Any], roster: str | None) -> tuple[str, ZoneInfo]:
    """Code and zone of the roster that is meant."""
    from ioc.duty.changing import the_roster
    from ioc.duty.store import plan_of
    from ioc.kpi.query import SYSTEM_READER, answer

    found = the_roster(answer(connection, plan_of(SYSTEM_READER)), roster)
    return found.code, found.zone


def moment_of(text: str, zone: ZoneInfo, what: str) -> datetime:
    """A moment as it was written."""
    from ioc.duty.written import written

    return written(text, zone, what=what)


def read_file(connection: psycopg.Connection[Any], file: Path) -> Imported:
    """Changes of a CSV file."""
    from ioc.duty.importing import read_changes
    from ioc.duty.store import plan_of
    from ioc.kpi.query import SYSTEM_READER, answer

    return read_changes(file, answer(connection, plan_of(SYSTEM_READER)))


def in_order(file: Path, found: Imported) -> Imported:
    """The same, when there is nothing wrong with it."""
    from ioc.errors import InputError

    if found.problems:
        lines = "".join(f"\n  {problem}" for problem in found.problems)
        raise InputError(
            f"{file} has {len(found.problems)} mistake(s); nothing was stored:{lines}",
            remedy="Mend them, or store the others with --skip-bad.",
        )
    return found


def print_warnings(found: dict[str, Any]) -> None:
    """What is lacking, a line each."""
    for one in found["rosters"]:
        for warning in one["warnings"]:
            times = f"{short(warning['from'])} – {short(warning['to'])}"
            typer.echo(f"{times}  {warning['text']['vi']} {warning['text']['en']}")


def names(layer: dict[str, Any]) -> str:
    """People of a layer."""
    return ", ".join(person["name"] for person in layer["people"]) or "—"


def short(moment: str | None) -> str:
    """A time without its seconds and offset."""
    return "—" if moment is None else moment[:16].replace("T", " ")


def cell(value: object) -> str:
    """A value for a table."""
    return "—" if value is None else str(value)
