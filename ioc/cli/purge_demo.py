"""``ioc purge-demo``: before going live."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("purge-demo")(purge_demo)


def purge_demo(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(help="Remove what this source wrote too, as the command names it; repeated for each."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Remove all that the simulated district made: facts, figures, alerts, reports, topics. The platform must be down.

    The district pack, targets, accounts, keys, questions, duty and the access log stay. Nothing is done while other
    sources than the simulation have written, unless each is named.

    Example: ioc purge-demo --dry-run
    """
    from deploy.simulation import purging
    from ioc.cli._asking import agree
    from ioc.settings import load

    settings = load()
    with purging.servers(settings):
        found = purging.plan(settings)
        for table, rows in sorted(found.rows.items()):
            typer.echo(f"  {table}: {rows:,} rows")
        typer.echo(
            f"{found.total:,} rows in {len(found.rows)} tables; sources: {', '.join(found.simulated) or 'none'}"
        )
        for name in found.real:
            typer.echo(f"not the simulation's: {name}")
        if found.unread:
            typer.echo(f"{found.unread:,} records in Kafka are not counted yet")
        if dry_run:
            return
        agree("Remove all of this for good?", yes=yes)
        purging.purge(settings, also or [], lambda step: typer.echo(step, err=True))
    typer.echo("Removed. Now: ioc up --no-simulation. Backups from before still hold it: ioc backup list")
