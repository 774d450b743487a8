"""``ioc backup`` and ``ioc restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.stack.backups.manifest import Backup

backup_app = typer.Typer(
    invoke_without_command=True,
    help="Back up the embedded database with the platform's secrets, while everything runs; old backups are let go.\n\n"
    "It is under its name only once it is whole. The supervisor makes one a day by itself (IOC_BACKUP_AT).\n\n"
    "Example: ioc backup list",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(backup_app, name="backup")
    app.command("restore")(restore)


@backup_app.callback()
def backup(context: typer.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    from deploy.stack.backups.taking import take
    from ioc.cli._progress import progress
    from ioc.settings import load

    with progress() as tick:
        made = take(load(), tick)
    took_s = (made.manifest.finished_at - made.manifest.started_at).total_seconds()
    typer.echo(f"{made.name}: {made.manifest.size / 1e6:.1f} MB in {took_s:.1f} s, in {made.folder}")


@backup_app.command("list")
def list_backups() -> None:
    """Show the backups that are whole, newest first, and until when the log reaches.

    Example: ioc backup list
    """
    from zoneinfo import ZoneInfo

    from deploy.stack import wal
    from deploy.stack.backups.manifest import listed
    from ioc.cli._asking import print_table
    from ioc.settings import load

    settings = load()
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    found, wrong = listed(settings.backup_path.absolute())
    rows = [
        (
            one.name,
            one.manifest.finished_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
            f"{one.manifest.size / 1e6:.1f}",
            one.manifest.platform,
            one.manifest.schema,
            str(sum(offset.next_offset for offset in one.manifest.offsets)),
        )
        for one in found
    ]
    print_table(("name", "as of", "MB", "platform", "schema", "records counted"), rows)
    for line in wrong:
        typer.echo(f"not usable: {line}", err=True)
    for system in sorted({one.manifest.system for one in found}):
        kept = len(list(wal.segments(settings, system)))
        typer.echo(
            f"Log: {kept} segments. Any moment since the oldest backup can be restored: ioc restore --at TIME"
        )
        if wal.gaps(settings, system):
            typer.echo("The log has a gap; the next backup closes it.", err=True)


@backup_app.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="The backup; without it, all.")] = None,
) -> None:
    """Read backups whole, and hold every file against its checksum.

    Example: ioc backup verify
    """
    from deploy.stack.backups import files
    from deploy.stack.backups.manifest import listed
    from deploy.stack.backups.timelines import choose
    from ioc.cli._progress import progress
    from ioc.errors import InputError
    from ioc.settings import load

    folder = load().backup_path.absolute()
    found: list[Backup] = [choose(folder, name, None).backup] if name else listed(folder)[0]
    faults = []
    for one in found:
        try:
            with progress() as tick:
                files.verify(one, tick)
            typer.echo(f"{one.name}: whole")
        except InputError as error:
            faults.append(error)
            typer.echo(f"{one.name}: {error.message}", err=True)
    if faults:
        raise InputError(
            f"{len(faults)} of {len(found)} backups can't be used.", remedy="Make a new one: ioc backup"
        )


def restore(
    name: Annotated[
        str | None, typer.Argument(metavar="[BACKUP]", help="As this backup was made; see ioc backup list.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="As of this moment, Vietnam's unless it has an offset; needs the archived log."),
    ] = None,
    aside: Annotated[
        bool, typer.Option("--aside", help="Move a data folder that is there aside, and keep it.")
    ] = False,
) -> None:
    """Restore the database: all that there is, or as a backup was made, or as of a moment. The platform must be down.

    Nothing is overwritten. Dossiers that were erased since are erased again before anything is served. After ioc up,
    what Kafka still has from after the restored moment is read again, once; nobody is called for it at first.

    Example: ioc restore --at 2026-11-25T09:30 --aside
    """
    from zoneinfo import ZoneInfo

    from deploy.stack.backups.restoring import restore as bring_back
    from ioc.cli._progress import progress
    from ioc.kpi.question import read_moment
    from ioc.settings import load

    settings = load()
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    moment = None if at is None else read_moment(at, zone, what="at")
    with progress() as tick:
        done = bring_back(settings, tick, name=name, at=moment, aside=aside)
    typer.echo(
        f"Restored from {done.backup}, as of {done.moment.astimezone(zone):%Y-%m-%d %H:%M:%S}; schema {done.revision}."
    )
    typer.echo(f"  {done.erased} dossiers of the erasure ledger were in it, and are erased again")
    typer.echo(f"  {done.cancelled} messages waited in it, and are not sent")
    if done.aside is not None:
        typer.echo(
            f"  the former data are in {done.aside}: delete them when they are not needed, they hold all they held"
        )
    typer.echo(
        "Now: ioc up. Workers read on from where the backup stood; where Kafka does not have that any more, the"
        " partition halts and ioc status names the repair."
    )
