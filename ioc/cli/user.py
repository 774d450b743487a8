"""``ioc user``: accounts of people: who they are, what they may do, their passwords and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ioc.access.roles import Role
from ioc.cli._asking import by, database, print_table

if TYPE_CHECKING:
    from ioc.access.readers import Reader

app = typer.Typer(
    no_args_is_help=True,
    help="Accounts of people: roles, units, passwords, sessions.\n\nExample: ioc user list",
)

_Name = Annotated[str, typer.Argument(help="Name that the person logs in with.")]
_Unit = Annotated[
    str | None, typer.Option("--unit", help="Sees this unit with all below it; without, every unit.")
]
_District = Annotated[bool, typer.Option("--district", help="Sees the district that is applied.")]
_Stdin = Annotated[
    bool,
    typer.Option("--stdin", help="Read the password from standard input; without, one is made and printed."),
]


@app.command("add")
def add(
    name: _Name,
    role: Annotated[
        Role, typer.Option(help="viewer and planner look; operator and leader act; admin administers.")
    ] = Role.VIEWER,
    unit: _Unit = None,
    district: _District = False,
    stdin: _Stdin = False,
) -> None:
    """Make an account. Its password is made and printed, this once, or read from standard input.

    Example: ioc user add lan --role operator --unit go-dau
    """
    from ioc.access import readers

    password, made = _password(stdin)
    with database() as connection:
        added = readers.add(
            connection, name, password, role=role, root_unit=unit, district_only=district, by=by()
        )
    typer.echo(f"{added.name} may log in as {added.role}, and sees {_sees(added)}.", err=True)
    _tell(password, made)


@app.command("list")
def list_all() -> None:
    """List accounts: role, what each sees, whether it is open and has a password, its sessions.

    Example: ioc user list
    """
    from collections import Counter

    from ioc.access import readers, sessions
    from ioc.kpi.steps import run

    with database() as connection:
        found = run(connection, readers.listed())
        counts = Counter(session.reader for session in run(connection, sessions.of()))
    print_table(
        ("name", "role", "sees", "open", "password", "sessions"),
        [
            (
                one.name,
                one.role,
                _sees(one),
                "yes" if one.active else "closed",
                "yes" if one.has_password else "none",
                str(counts[one.name]),
            )
            for one in found
        ],
    )


@app.command("password")
def password(name: _Name, stdin: _Stdin = False) -> None:
    """Give an account a new password; its sessions end. It is made and printed, this once, or read from standard input.

    Example: ioc user password lan
    """
    from ioc.access import readers

    new, made = _password(stdin)
    with database() as connection:
        readers.set_password(connection, name, new, by=by())
    typer.echo(f"{name} has a new password; sessions with the old one have ended.", err=True)
    _tell(new, made)


@app.command("role")
def role(
    name: _Name,
    to: Annotated[Role, typer.Argument(metavar="ROLE", help="viewer, planner, operator, leader or admin.")],
) -> None:
    """Give an account another role. It holds at once, in sessions that go on too.

    Example: ioc user role lan leader
    """
    from ioc.access import readers
    from ioc.kpi.query import change

    with database() as connection:
        change(connection, readers.giving_role(by(), name, to))
    typer.echo(f"{name} is {to.value}.")


@app.command("unit")
def unit(
    name: _Name,
    to: Annotated[
        str | None, typer.Argument(metavar="UNIT", help="Code of the unit; without, every unit.")
    ] = None,
    district: _District = False,
) -> None:
    """Say which units an account sees: one with all below it, the district, or every unit.

    Example: ioc user unit lan go-dau
    """
    from ioc.access import readers
    from ioc.kpi.query import change

    with database() as connection:
        change(connection, readers.limiting(by(), name, to, district_only=district))
        found = readers.find(connection, name)
    typer.echo(f"{name} sees {_sees(found)}.")


@app.command("close")
def close(name: _Name) -> None:
    """Keep an account out: its next question is refused, its sessions end. `guest` is who reads without a name.

    Example: ioc user close lan
    """
    from ioc.access import readers

    with database() as connection:
        readers.set_active(connection, name, active=False, by=by())
    typer.echo(f"{name} is closed.")


@app.command("open")
def reopen(name: _Name) -> None:
    """Let an account in again that was closed.

    Example: ioc user open lan
    """
    from ioc.access import readers

    with database() as connection:
        readers.set_active(connection, name, active=True, by=by())
    typer.echo(f"{name} is open.")


@app.command("sessions")
def list_sessions(
    name: Annotated[str | None, typer.Argument(help="Only those of this account.")] = None,
) -> None:
    """List browsers that are logged in: whose, since when, last used.

    Example: ioc user sessions lan
    """
    from ioc.access import readers, sessions
    from ioc.kpi.steps import run

    with database() as connection:
        if name is not None:
            readers.find(connection, name)
        found = run(connection, sessions.of(name))
    print_table(
        ("name", "since", "last used", "ends", "browser"),
        [
            (one.reader, _moment(one.made_at), _moment(one.seen_at), _moment(one.expires_at), one.agent[:60])
            for one in found
        ],
    )


@app.command("end-sessions")
def end_sessions(name: _Name) -> None:
    """End every session of an account; it may log in again.

    Example: ioc user end-sessions lan
    """
    from ioc.access import readers
    from ioc.kpi.query import change

    with database() as connection:
        ended = change(connection, readers.ending_sessions(by(), name))
    typer.echo(f"{ended} sessions of {name} have ended.")


def _password(stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made here."""
    import sys

    from ioc.access import readers
    from ioc.access.passwords import generate

    if not stdin:
        return generate(), True
    # one line, and no more of it than could be a password
    return sys.stdin.readline(readers.MOST_PASSWORD + 2).rstrip("\r\n"), False


def _tell(password: str, made: bool) -> None:
    if made:
        typer.echo(password)
        typer.echo("The password is shown this once. Whose it is can change it at /password.", err=True)


def _sees(reader: Reader) -> str:
    return reader.root_unit or ("the district" if reader.district_only else "every unit")


def _moment(moment: datetime) -> str:
    from zoneinfo import ZoneInfo

    return moment.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y-%m-%d %H:%M")
