"""``ioc key``: keys with which other systems send facts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli._asking import by

if TYPE_CHECKING:
    import psycopg

app = typer.Typer(
    no_args_is_help=True, help="Keys with which other systems send facts.\n\nExample: ioc key list"
)

_Many = list[str] | None


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who gets it, such as the system's name.")],
    scopes: Annotated[_Many, typer.Option("--scope", help="What it may do: ingest. Repeatable.")] = None,
    sources: Annotated[
        _Many, typer.Option("--source", help="CloudEvents source it may speak for; without, any. Repeatable.")
    ] = None,
    topics: Annotated[
        _Many,
        typer.Option("--topic", help="Topic it may send to, e.g. ioc.queues; without, any. Repeatable."),
    ] = None,
    units: Annotated[
        _Many, typer.Option("--unit", help="Unit that its facts may belong to; without, any. Repeatable.")
    ] = None,
    quota: Annotated[int, typer.Option(min=1, help="Most events a minute.")] = 60_000,
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DAY", help="First day on which it no longer works (Vietnam's)."
        ),
    ] = None,
) -> None:
    """Make a key and print it, this once.

    Example: ioc key create kiosk-go-dau --topic ioc.queues --quota 600
    """
    from zoneinfo import ZoneInfo

    from ioc.access import keys
    from ioc.errors import UsageError
    from ioc.settings import load
    from ioc.topics import FACT_TOPICS

    unknown = sorted(set(topics or ()) - set(FACT_TOPICS))
    if unknown:
        raise UsageError(
            f"There is no topic {', '.join(unknown)}.", remedy=f"Topics: {', '.join(FACT_TOPICS)}."
        )
    with _database() as connection:
        key, text = keys.create(
            connection,
            name,
            scopes=scopes or keys.SCOPES,
            sources=sources or (),
            topics=topics or (),
            units=units or (),
            quota_per_minute=quota,
            expires_at=None if expires is None else expires.replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
            by=by(),
        )
    typer.echo(text)
    typer.echo(
        f"Key {key.id} for {key.name}. It is shown this once and works within {load().key_refresh_s:.0f} s.",
        err=True,
    )


@app.command("list")
def list_all(
    everything: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too.")] = False,
) -> None:
    """List keys: id, name, quota, limits, when last used. Secrets are not kept, so none can be shown.

    Example: ioc key list --all
    """
    from rich.console import Console
    from rich.table import Table

    from ioc.access import keys

    with _database() as connection:
        found = keys.list_keys(connection, usable=not everything)
    table = Table(box=None, pad_edge=False)
    for head in ("id", "name", "scopes", "a minute", "limits", "last used", "ends"):
        table.add_column(head, no_wrap=head == "id")
    for key in found:
        limits = [*(key.sources or ()), *(key.topics or ()), *(key.units or ())]
        ends = "revoked" if key.revoked_at else _day(key.expires_at)
        table.add_row(
            key.id,
            key.name,
            ", ".join(key.scopes),
            str(key.quota_per_minute),
            ", ".join(limits) or "none",
            _day(key.last_used_at, minutes=True),
            ends,
        )
    Console(soft_wrap=True).print(table, markup=False, highlight=False)


@app.command("revoke")
def revoke(key: Annotated[str, typer.Argument(help="Id or name of the key.")]) -> None:
    """Make a key useless for good.

    Example: ioc key revoke kiosk-go-dau
    """
    from ioc.access import keys
    from ioc.settings import load

    with _database() as connection:
        gone = keys.revoke(connection, key, by=by())
    typer.echo(f"Key {gone.id} of {gone.name} is revoked; refused within {load().key_refresh_s:.0f} s.")


def _day(moment: datetime | None, *, minutes: bool = False) -> str:
    from zoneinfo import ZoneInfo

    if moment is None:
        return "never"
    return moment.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime(
        "%Y-%m-%d %H:%M" if minutes else "%Y-%m-%d"
    )


@contextmanager
def _database() -> Iterator[psycopg.Connection[Any]]:
    import psycopg

    from ioc.errors import UnavailableError
    from ioc.settings import load

    try:
        with psycopg.connect(load().database_dsn, connect_timeout=5) as connection:
            yield connection
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        raise UnavailableError(
            "Keys can't be read: the database does not answer or is not prepared.", remedy="Run: ioc prepare"
        ) from error
