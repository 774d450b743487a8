"""``ioc duty``: who is on duty, what changes it, and what is wrong with it ahead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ioc.cli._asking import Format, database, print_csv, print_json, print_table

if TYPE_CHECKING:
    import psycopg

    from ioc.duty.asking import Duty
    from ioc.duty.importing import Imported
    from ioc.duty.model import Change
    from ioc.duty.store import Made

app = typer.Typer(
    no_args_is_help=True,
    help="Who is on duty: rosters, changes to them, gaps ahead, the shift log.\n\nExample: ioc duty now",
)
_WRONG = 1

_Roster = Annotated[
    str | None, typer.Option(help="Code of a roster; without it, all, or the only one there is.")
]
_From = Annotated[
    str, typer.Option("--from", help="Start, included: date or time, in the roster's zone without an offset.")
]
_To = Annotated[str, typer.Option("--to", help="End, not included.")]
_FromToday = Annotated[
    str | None, typer.Option("--from", help="Start, included: date or time; without it, now.")
]
_ToAhead = Annotated[
    str | None, typer.Option("--to", help="End, not included; without it, 14 days after the start.")
]
_Layer = Annotated[str | None, typer.Option(help="Layer of the roster; without it, every one.")]
_Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]
_By = Annotated[str | None, typer.Option("--by", help="Who makes the change; without it, the login name.")]
_Output = Annotated[Format, typer.Option("--format", help="How to print.")]


@app.command()
def now(
    roster: _Roster = None,
    at: Annotated[str | None, typer.Option(help="Another moment than now.")] = None,
    output: _Output = Format.TABLE,
) -> None:
    """Show who is on duty, since when and until when.

    Example: ioc duty now --format json
    """
    from ioc.duty.document import duty_document

    with database() as connection:
        found = duty_document(_ask(connection, roster=roster, at=at), named=True)
    if output is Format.JSON:
        print_json(found)
        return
    rows = [
        (one["code"], layer["layer"], _names(layer), _short(layer["since"]), _short(layer["until"]))
        for one in found["rosters"]
        for layer in one["on_duty"]
    ]
    _print(output, ("roster", "layer", "people", "since", "until"), rows)


@app.command()
def preview(
    roster: _Roster = None,
    start: _FromToday = None,
    to: _ToAhead = None,
    what_if: Annotated[
        Path | None,
        typer.Option(
            "--what-if", help="CSV of changes, as for import, that are only supposed and not stored."
        ),
    ] = None,
    output: _Output = Format.TABLE,
) -> None:
    """Show who will be on duty, or was; also as it would be with other changes.

    Example: ioc duty preview --from 2027-02-01 --to 2027-02-15 --what-if lich-tet.csv
    """
    from ioc.duty.asking import with_changes
    from ioc.duty.document import duty_document

    with database() as connection:
        duty = _previewed(connection, roster, start, to)
        if what_if is not None:
            duty = with_changes(duty, _in_order(what_if, _read(connection, what_if)).changes)
    found = duty_document(duty, named=True)
    if output is Format.JSON:
        print_json(found)
        return
    rows = [
        (one["code"], layer["layer"], _short(span["from"]), _short(span["to"]), _names(layer))
        for one in found["rosters"]
        for span in one["spans"]
        for layer in span["layers"]
    ]
    _print(output, ("roster", "layer", "from", "to", "people"), rows)
    if output is Format.TABLE:
        _print_warnings(found)


@app.command()
def check(
    roster: _Roster = None, start: _FromToday = None, to: _ToAhead = None, output: _Output = Format.TABLE
) -> None:
    """Warn of times without anybody, shifts with too few people, and people who are not there. Exit status 1 if any.

    Example: ioc duty check --to 2027-03-01
    """
    from ioc.duty.document import duty_document

    with database() as connection:
        found = duty_document(_previewed(connection, roster, start, to), named=True)
    warnings = [warning for one in found["rosters"] for warning in one["warnings"]]
    if output is Format.JSON:
        print_json(
            {"rosters": [{"code": one["code"], "warnings": one["warnings"]} for one in found["rosters"]]}
        )
    elif output is Format.CSV:
        columns = ("kind", "layer", "shift", "from", "to", "here", "needs", "person")
        print_csv(columns, [tuple(str(w[name] or "") for name in columns) for w in warnings])
    else:
        _print_warnings(found)
        if not found["rosters"]:
            typer.echo("There is no roster: rosters.csv and duty.csv of the district pack describe them.")
        elif not warnings:
            typer.echo("Everybody who is needed is there.")
    if warnings:
        raise typer.Exit(_WRONG)


@app.command()
def override(
    start: _From,
    to: _To,
    roster: _Roster = None,
    add: Annotated[
        str | None, typer.Option(help="Person who is on duty too, or in the other's place.")
    ] = None,
    remove: Annotated[str | None, typer.Option(help="Person who is not on duty.")] = None,
    layer: _Layer = None,
    reason: _Reason = "",
    by: _By = None,
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
        code, zone = _place(connection, roster)
        low, high = _moment(start, zone, "--from"), _moment(to, zone, "--to")
        change = Change(kind, str(person), low, high, roster=code, layer=layer, other=other, reason=reason)
        _told(_store(connection, change, by), zone)


@app.command()
def swap(
    person: Annotated[str, typer.Option(help="Who gives a shift away.")],
    shift: Annotated[str, typer.Option(help="Any moment of that shift.")],
    other: Annotated[str, typer.Option(help="Who takes it, and gives one back.")],
    other_shift: Annotated[str, typer.Option(help="Any moment of the shift given back.")],
    roster: _Roster = None,
    layer: _Layer = None,
    reason: _Reason = "",
    by: _By = None,
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
        code, zone = _place(connection, roster)
        first, second = _moment(shift, zone, "--shift"), _moment(other_shift, zone, "--other-shift")
        day = timedelta(days=1)
        plan = answer(connection, plan_of(SYSTEM_READER, min(first, second) - day, max(first, second) + day))
        change = changing.swap(plan, changing.the_roster(plan, code), layer, (person, first), (other, second))
        _told(_store(connection, replace(change, reason=reason), by), zone)


@app.command()
def leave(person: str, start: _From, to: _To, reason: _Reason = "", by: _By = None) -> None:
    """Take a person off every roster for a time. Write no reason that is private: it is kept and shown.

    Example: ioc duty leave truc-ban-2 --from 2026-12-20 --to 2026-12-27
    """
    from ioc.duty.model import Change, ChangeKind

    with database() as connection:
        zone = _district_zone(connection)
        low, high = _moment(start, zone, "--from"), _moment(to, zone, "--to")
        _told(_store(connection, Change(ChangeKind.LEAVE, person, low, high, reason=reason), by), zone)


@app.command()
def withdraw(number: Annotated[int, typer.Argument(help="Number of the change.")], by: _By = None) -> None:
    """Take a change back. It stays in the list, with who did so.

    Example: ioc duty withdraw 12
    """
    from ioc.duty import store
    from ioc.duty.changing import described
    from ioc.kpi.query import SYSTEM_READER
    from ioc.kpi.query import change as drive

    with database() as connection:
        found = drive(connection, store.withdraw(SYSTEM_READER, number, _who(by)))
        typer.echo(f"Withdrawn: {described(found, _district_zone(connection))}.")


@app.command()
def changes(
    roster: _Roster = None,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Also those that were withdrawn.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries; the newest are shown.")] = 200,
    output: _Output = Format.TABLE,
) -> None:
    """List overrides, swaps and leave, newest first: what, who made it, when, who withdrew it.

    Example: ioc duty changes --withdrawn
    """
    from ioc.duty.document import change_document
    from ioc.duty.store import changes_of
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        zone = _district_zone(connection)
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
    _print(output, columns, [tuple(_cell(row[name]) for name in columns) for row in documents])


@app.command()
def log(
    roster: _Roster = None,
    note: Annotated[str | None, typer.Option(help="Write this into the log. No personal data.")] = None,
    since: Annotated[str | None, typer.Option(help="From this date or time on.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries; the newest are shown.")] = 50,
    by: _By = None,
    output: _Output = Format.TABLE,
) -> None:
    """Show a roster's shift log, or write a line into it. Lines stay as they were written.

    Example: ioc duty log --note "Điểm 3 mất điện từ 14:00, đã báo điện lực"
    """
    from ioc.duty import store
    from ioc.kpi.query import SYSTEM_READER, answer
    from ioc.kpi.query import change as drive

    with database() as connection:
        code, zone = _place(connection, roster)
        if note is not None:
            entry = drive(connection, store.note(SYSTEM_READER, code, note, _who(by)))
            typer.echo(f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M}: noted in the log of {entry.roster}.")
            return
        moment = None if since is None else _moment(since, zone, "--since")
        entries = answer(connection, store.log_of(SYSTEM_READER, code, since=moment, limit=limit))
    rows = [
        (entry.at.astimezone(zone).isoformat(timespec="seconds"), entry.author, entry.text)
        for entry in entries
    ]
    if output is Format.JSON:
        names = ("at", "author", "text")
        print_json({"roster": code, "entries": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        _print(output, ("at", "author", "text"), rows)


@app.command()
def export(
    output: Annotated[Path, typer.Option(help="File to write; its name ends in .ics.")],
    roster: _Roster = None,
    person: Annotated[str | None, typer.Option(help="Only the duty of this person.")] = None,
    start: _FromToday = None,
    to: _ToAhead = None,
) -> None:
    """Write who is on duty as an iCalendar file. Names only, no contacts.

    Example: ioc duty export --to 2027-01-01 --output lich-truc.ics
    """
    from ioc.duty.document import calendar_file
    from ioc.errors import UsageError

    if output.suffix.lower() != ".ics":
        raise UsageError(f"The name {output.name} does not end in .ics.", remedy="Name it so.")
    with database() as connection:
        content = calendar_file(_previewed(connection, roster, start, to), person)
    try:
        output.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"{output} can't be written: {error.strerror}.", remedy="Name a file in a folder that exists."
        ) from error
    typer.echo(str(output))


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV: kind,roster,person,from,to and layer,other,other_from,reason.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Store the rows that are in order.")] = False,
    by: _By = None,
) -> None:
    """Store changes from a file; every mistake is told with its line, and nothing is stored when there is one.

    Example: ioc duty import lich-truc-thang-12.csv --dry-run
    """
    from ioc.duty.store import make_all
    from ioc.kpi.query import SYSTEM_READER
    from ioc.kpi.query import change as drive

    with database() as connection:
        found = _read(connection, file)
        for problem in found.problems if skip_bad else ():
            typer.echo(str(problem), err=True)
        if not skip_bad:
            _in_order(file, found)
        if dry_run:
            typer.echo(f"{len(found.changes)} rows are in order; nothing was stored.")
            return
        drive(connection, make_all(SYSTEM_READER, found.changes, _who(by)))
    typer.echo(f"{len(found.changes)} changes stored, {len(found.problems)} left out.")


# -- asking ---------------------------------------------------------------------------------------------


def _ask(connection: psycopg.Connection[Any], **asked: str | None) -> Duty:
    from ioc.duty.asking import ask
    from ioc.kpi.query import SYSTEM_READER, answer

    return answer(connection, ask(SYSTEM_READER, **asked))


def _previewed(
    connection: psycopg.Connection[Any], roster: str | None, start: str | None, to: str | None
) -> Duty:
    from ioc.kpi.query import SYSTEM_READER, answer

    if start is None and to is None:
        ((moment,),) = connection.execute("SELECT now()").fetchall()
        start = moment.isoformat()
    from ioc.duty.asking import ask

    return answer(connection, ask(SYSTEM_READER, roster=roster, start=start, end=to))


def _read(connection: psycopg.Connection[Any], file: Path) -> Imported:
    from ioc.duty.importing import read_changes
    from ioc.duty.store import plan_of
    from ioc.kpi.query import SYSTEM_READER, answer

    return read_changes(file, answer(connection, plan_of(SYSTEM_READER)))


def _in_order(file: Path, found: Imported) -> Imported:
    from ioc.errors import InputError

    if found.problems:
        lines = "".join(f"\n  {problem}" for problem in found.problems)
        raise InputError(
            f"{file} has {len(found.problems)} mistake(s); nothing was stored:{lines}",
            remedy="Mend them, or store the others with --skip-bad.",
        )
    return found


def _place(connection: psycopg.Connection[Any], roster: str | None) -> tuple[str, ZoneInfo]:
    from ioc.duty.changing import the_roster
    from ioc.duty.store import plan_of
    from ioc.kpi.query import SYSTEM_READER, answer

    found = the_roster(answer(connection, plan_of(SYSTEM_READER)), roster)
    return found.code, found.zone


def _district_zone(connection: psycopg.Connection[Any]) -> ZoneInfo:
    from ioc.kpi.query import SYSTEM_READER

    ((name,),) = connection.execute("SELECT ioc.unit_zone(%s, NULL)", (SYSTEM_READER,)).fetchall()
    return ZoneInfo(name)


def _moment(text: str, zone: ZoneInfo, what: str) -> Any:
    from ioc.kpi.question import read_moment

    return read_moment(text, zone, what=what)


def _who(by: str | None) -> str:
    import getpass

    from ioc.errors import UsageError

    try:
        found = (by or getpass.getuser()).strip()[:100]
    except (KeyError, OSError):
        found = ""
    if not found:
        raise UsageError("Nobody is named who makes the change.", remedy="Give --by.")
    return found


def _store(connection: psycopg.Connection[Any], change: Change, by: str | None) -> Made:
    from ioc.duty.store import make
    from ioc.kpi.query import SYSTEM_READER
    from ioc.kpi.query import change as drive

    return drive(connection, make(SYSTEM_READER, change, _who(by)))


# -- printing -------------------------------------------------------------------------------------------


def _told(made: Made, zone: ZoneInfo) -> None:
    from ioc.duty.changing import described

    typer.echo(f"Stored as {described(made.change, zone)}.")
    for note in made.notes:
        typer.echo(f"note: {note}")


def _print(output: Format, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if output is Format.CSV:
        print_csv(columns, rows)
    else:
        print_table(columns, rows)


def _print_warnings(found: dict[str, Any]) -> None:
    for one in found["rosters"]:
        for warning in one["warnings"]:
            times = f"{_short(warning['from'])} – {_short(warning['to'])}"
            typer.echo(f"{times}  {warning['text']['vi']} {warning['text']['en']}")


def _names(layer: dict[str, Any]) -> str:
    return ", ".join(person["name"] for person in layer["people"]) or "—"


def _short(moment: str | None) -> str:
    return "—" if moment is None else moment[:16].replace("T", " ")


def _cell(value: object) -> str:
    return "—" if value is None else str(value)
