"""``ioc maintenance``: times in which nobody is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli._asking import Format, database, district_zone, print_json, print_rows, who

if TYPE_CHECKING:
    import psycopg

    from ioc.alerts.windows import Known

app = typer.Typer(
    no_args_is_help=True,
    help="Maintenance windows (bảo trì): alerts in them are kept and shown, and nobody is called.\n\n"
    "Example: ioc maintenance list",
)
_Many = list[str]
_By = Annotated[str | None, typer.Option("--by", help="Who does it; without it, the login name.")]
_Output = Annotated[Format, typer.Option("--format", help="How to print.")]
_COLUMNS = ("id", "name", "holds", "next from", "next to", "recurs", "covers", "made by", "withdrawn")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What people read where an alert is in it.")],
    start: Annotated[str, typer.Option("--from", help="When it begins first, in the district's zone.")],
    end: Annotated[str | None, typer.Option("--to", help="When that time is over.")] = None,
    hours: Annotated[float | None, typer.Option(help="How long it lasts, in place of --to.")] = None,
    recurs: Annotated[
        str | None, typer.Option(help="RFC 5545 rule, such as FREQ=WEEKLY;BYDAY=SU or FREQ=MONTHLY;BYMONTHDAY=-1.")
    ] = None,
    rule: Annotated[_Many | None, typer.Option(help="Only alerts of this rule; repeated: of any.")] = None,
    unit: Annotated[_Many | None, typer.Option(help="Only of this unit and all below it; likewise.")] = None,
    point: Annotated[_Many | None, typer.Option(help="Only at this reception point; likewise.")] = None,
    subject: Annotated[_Many | None, typer.Option(help="Only of this, such as device:cam-04; likewise.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with it.")] = "",
    by: _By = None,
    output: _Output = Format.TABLE,
) -> None:  # fmt: skip
    """Make a window, once or recurring. Without a rule, unit, point or subject it covers everything.

    Example: ioc maintenance add "Bảo trì camera" --from 2026-11-29T08:00 --hours 4 --recurs "FREQ=WEEKLY;BYDAY=SU"
    --unit 25663
    """
    from ioc.alerts.actions import by_the_clock
    from ioc.alerts.windows import Wanted, create
    from ioc.kpi.query import SYSTEM_READER, change

    wanted = Wanted(
        name=name,
        start=start,
        end=end,
        hours=hours,
        recurs=recurs,
        rules=tuple(rule or ()),
        units=tuple(unit or ()),
        points=tuple(point or ()),
        subjects=tuple(subject or ()),
        reason=reason,
    )
    with database() as connection:
        steps = by_the_clock(lambda now: create(SYSTEM_READER, wanted, who(by), now))
        _print(connection, [change(connection, steps)], output)


@app.command("list")
def list_windows(
    ended: Annotated[bool, typer.Option("--ended", help="With those that are over or were withdrawn.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most windows.")] = 200,
    output: _Output = Format.TABLE,
) -> None:  # fmt: skip
    """Show windows, newest first, with the time that holds now or comes next.

    Example: ioc maintenance list --ended
    """
    from ioc.alerts.actions import by_the_clock
    from ioc.alerts.windows import listed
    from ioc.kpi.query import SYSTEM_READER, answer

    with database() as connection:
        found, _ = answer(
            connection, by_the_clock(lambda now: listed(SYSTEM_READER, now, ended=ended, limit=limit))
        )
        _print(connection, found, output)


@app.command()
def end(
    window: Annotated[int, typer.Argument(help="The window's number.")],
    by: _By = None,
    output: _Output = Format.TABLE,
) -> None:
    """Withdraw a window: it ends now and for good. What still holds is called for.

    Example: ioc maintenance end 12
    """
    from ioc.alerts.actions import by_the_clock
    from ioc.alerts.windows import withdraw
    from ioc.kpi.query import SYSTEM_READER, change

    with database() as connection:
        known, _ = change(connection, by_the_clock(lambda now: withdraw(SYSTEM_READER, window, who(by), now)))
        _print(connection, [known], output)


def _print(connection: psycopg.Connection[Any], found: list[Known], output: Format) -> None:
    import msgspec

    from ioc.alerts.windows import document

    zone = district_zone(connection)
    documents = [msgspec.to_builtins(document(known, zone)) for known in found]
    if output is Format.JSON:
        print_json({"windows": documents})
    else:
        print_rows(output, _COLUMNS, [_row(one) for one in documents])


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    ahead = one["next"] or {"from": "", "to": ""}
    covers = [*one["rules"], *one["units"], *one["points"], *one["subjects"]]
    return (
        str(one["id"]),
        one["name"],
        "yes" if one["holds"] else "no",
        ahead["from"][:16].replace("T", " "),
        ahead["to"][:16].replace("T", " "),
        one["recurs"] or "once",
        ", ".join(covers) or "everything",
        one["made_by"],
        one["withdrawn_by"] or "",
    )
