"""``ioc dashboards build``, ``check`` and ``role``: boards as files, held against their rules; who may ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dashboards.check import Checked
    from dashboards.model import Bundle


def build(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; made where it is missing.")] = Path(
        "boards"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where the folder holds anything else.")
    ] = False,
) -> None:
    """Build every board in Vietnamese and English, one JSON file each. The same program always writes the same bytes.

    Example: ioc dashboards build --out boards
    """
    from dashboards.writing import differences, write

    bundle = _bundle()
    if not check:
        written = write(bundle, out)
        typer.echo(f"{len(bundle.boards)} boards in {out}; {written} files were written anew.")
        return
    found = differences(bundle, out)
    for line in found:
        typer.echo(line, err=True)
    if found:
        typer.echo(f"{out} is not what is built: run ioc dashboards build --out {out}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{out} holds the {len(bundle.boards)} boards as they are built.")


def check(
    rules_only: Annotated[
        bool, typer.Option("--rules-only", help="Hold the boards against their rules; ask no database.")
    ] = False,
) -> None:
    """Hold every board against its rules, and run every query on the platform's database as Grafana would.

    Ends with 1 where a rule is broken, a query fails, or a panel could not show its rows. What is slow (over 300 ms) or
    finds nothing is told.

    Example: ioc dashboards check
    """
    from dashboards import role
    from dashboards.check import check as run
    from dashboards.lint import lint
    from ioc.cli._progress import progress
    from ioc.settings import load

    bundle = _bundle()
    faults = lint(bundle)
    if not rules_only:
        settings = load()
        dsn = role.dsn(settings, role.ensure(settings))
        with progress() as tick:
            checked = run(bundle, dsn, tick=lambda done, of: tick("Running queries", done, of))
        faults += checked.faults
        _tell(checked)
    for fault in faults:
        typer.echo(str(fault), err=True)
    typer.echo(f"{len(bundle.boards)} boards, {len(faults)} faults.")
    if faults:
        raise typer.Exit(1)


def _tell(checked: Checked) -> None:
    for run in checked.slow:
        typer.echo(f"slow: {run.found.board.uid}: {run.found.where}: {run.took_ms:.0f} ms")
    if checked.empty:
        typer.echo(f"{len(checked.empty)} queries found nothing in this database.")
    if checked.runs:
        slowest = max(checked.runs, key=lambda run: run.took_ms)
        typer.echo(
            f"{len(checked.runs)} queries ran, the slowest in {slowest.took_ms:.0f} ms ({slowest.found.where})."
        )


def role_() -> None:
    """Make the database role that Grafana logs in with, or bring it to what is expected; harmless to repeat.

    It may ask the functions of the schema ioc_board and nothing else. Its password stays in the state folder. Where the
    platform may not make roles, what an administrator has to run is printed.

    Example: ioc dashboards role
    """
    from dashboards import role
    from dashboards.model import DATABASE_ROLE
    from ioc.settings import load

    settings = load()
    role.ensure(settings)
    typer.echo(f"The role {DATABASE_ROLE} is there; its password is in {role.password_file(settings)}.")


def _bundle() -> Bundle:
    from dashboards.build import build as make
    from ioc.settings import load

    return make(public_url=load().public_url)
