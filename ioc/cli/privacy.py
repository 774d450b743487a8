"""``ioc privacy``: what is kept about a dossier, erasing it, destroying keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="Personal data: what is kept about a dossier, erasing it, destroying the keys of pseudonyms.\n\n"
    "Example: ioc privacy access H53.12-261102-0012",
)
_Code = Annotated[str, typer.Argument(help="The dossier's code, or another code of it.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@app.command()
def access(code: _Code) -> None:
    """Print all that is kept about a dossier, as JSON: facts, figures it counts in, who asked for it, what names it.

    Noted in the access log. What connectors keep on this machine's disk is counted too.

    Example: ioc privacy access H53.12-261102-0012
    """
    from dataclasses import asdict

    from connectors.shared import erasing
    from ioc.cli._asking import database, print_json
    from ioc.privacy.accessing import access as everything
    from ioc.settings import load

    with database() as connection:
        kept = everything(connection, code)
    print_json({**asdict(kept), "on_disk": asdict(erasing.named(load().state_dir, kept.codes))})


@app.command()
def erase(
    code: _Code,
    reason: Annotated[str, typer.Option(help="Why, in 1 to 200 characters; kept, so name nobody.")],
    uncount: Annotated[
        bool,
        typer.Option("--uncount", help="Take it out of the figures as well; needed while it is in hand."),
    ] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who does it; without it, the login name.")] = None,
    yes: _Yes = False,
) -> None:
    """Erase a dossier under all its codes: what names it goes, what counts it stays without a name.

    Facts that come for it later are passed by, and a backup that is older is cleaned of it when it is restored. Kafka
    and backups hold it until their retention ends: docs/concepts/privacy.md says how long.

    Example: ioc privacy erase H53.12-261102-0012 --reason "request of 2026-11-20"
    """
    from connectors.shared import erasing as disk
    from ioc.cli._asking import agree, database, who
    from ioc.privacy import erasing
    from ioc.privacy.finding import group
    from ioc.settings import load

    settings = load()
    with database() as connection:
        codes = group(connection, code).codes
        agree(f"Erase the dossier {', '.join(codes)} for good?", yes=yes)
        done = erasing.erase(connection, settings, code, reason=reason, by=who(by), uncount=uncount)
    found = disk.take_away(settings.state_dir, codes)
    typer.echo(
        f"Erased under {done.codes} codes: {done.dossiers} dossiers with {done.facts} facts; "
        + ("taken out of the figures." if uncount else "the figures stay as they are.")
    )
    for table, rows in sorted(done.counts.items()):
        typer.echo(f"  {table}: {rows} rows named it")
    typer.echo(
        f"  checkpoints of connectors: {found.rows} rows; damaged pieces of spools: {found.aside} files"
    )
    if found.waiting:
        typer.echo(
            f"  {found.waiting} spool files still name it: they drain once Kafka answers, and it is passed by"
        )
    for name in found.busy:
        typer.echo(
            f"  checkpoint {name} could not be opened: stop its connector and repeat the command", err=True
        )
    typer.echo("Kafka and backups hold it until their retention ends: see docs/concepts/privacy.md.")


@app.command("apply-erasures")
def apply_erasures() -> None:
    """Erase once more all that the erasure ledger names, after a database was restored by other means than ioc restore.

    Example: ioc privacy apply-erasures
    """
    from ioc.cli._asking import database
    from ioc.privacy.erasing import apply_again
    from ioc.settings import load

    with database() as connection:
        typer.echo(
            f"{apply_again(connection, load())} dossiers of the erasure ledger were there, and are erased."
        )


@app.command("destroy-key")
def destroy_key(
    source: Annotated[
        str | None,
        typer.Argument(help="Whose pseudonyms, as the mapping names the source; without it, all are listed."),
    ] = None,
    yes: _Yes = False,
) -> None:
    """Destroy the key of a source's pseudonyms: none leads back to an officer any more, not even by trying names.

    Later imports make new, unrelated pseudonyms. Backups hold a copy until they are let go.

    Example: ioc privacy destroy-key //onestop/tay-ninh
    """
    from connectors.shared.privacy import destroy_key as destroy
    from connectors.shared.privacy import key_path
    from ioc.cli._asking import agree
    from ioc.errors import UsageError
    from ioc.settings import load

    folder = load().state_dir
    if source is None:
        found = sorted(
            path.stem.removeprefix("pseudonyms-") for path in Path(folder, "secrets").glob("pseudonyms-*.key")
        )
        typer.echo("\n".join(found) or "There is no key of pseudonyms.")
        return
    path = key_path(folder, source)
    if not path.exists():
        raise UsageError(
            f"There is no key of pseudonyms of {source}.", remedy="List them: ioc privacy destroy-key"
        )
    agree(f"Destroy the key {path.name} for good?", yes=yes)
    destroy(path)
    typer.echo(
        f"{path.name} is destroyed on this machine. Backups hold a copy until they are let go: ioc backup list"
    )
