"""``ioc dashboards push`` and ``provision``: bring the boards to a Grafana, over its API or by files on its disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dashboards.push.finding import Plan


def push(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look at everything and say what would change; change nothing.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Set boards that were edited by hand back to what is built.")
    ] = False,
) -> None:
    """Bring boards, data source and alert rules to the Grafana of IOC_GRAFANA_URL: all of it, or nothing.

    Everything is looked at first. What is in the way is said, and nothing is changed then. Pushed twice, nothing
    changes. Boards, folders and rules of others are never touched; boards of ours that are not built any more go.

    Example: ioc dashboards push --dry-run
    """
    from dashboards import alerting, role, source
    from dashboards.build import build
    from dashboards.push.carrying import carry_out
    from dashboards.push.finding import Wanted
    from dashboards.push.plan import make
    from dashboards.push.server import Grafana
    from ioc.cli._progress import progress
    from ioc.settings import load

    settings = load()
    bundle = build(public_url=settings.public_url)
    grafana = Grafana.connect(settings)
    reached = source.looked_at(settings) if dry_run else source.of(settings, role.password(settings))
    wanted = Wanted(
        folders=bundle.folders, boards=bundle.boards, source=reached, alerting=alerting.of(settings)
    )
    with progress() as tick:
        plan = make(
            grafana, wanted, overwrite=overwrite, tick=lambda done, of: tick("Looking at boards", done, of)
        )
        if not dry_run:
            role.ensure(settings)
            carry_out(grafana, plan, tick=lambda done, of: tick("Pushing", done, of))
    _tell(plan, grafana.address, dry_run=dry_run)


def provision(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; made where it is missing.")],
    at: Annotated[
        Path | None,
        typer.Option("--at", help="Path at which Grafana finds that folder; without it, the same."),
    ] = None,
) -> None:
    """Write boards, data source and alert rules as files that Grafana reads at its start, for Grafana in a container.

    Give Grafana GF_PATHS_PROVISIONING=<folder>/provisioning and the IOC_GRAFANA_* variables that the files name.

    Example: ioc dashboards provision --out /srv/grafana-ioc --at /etc/grafana/ioc
    """
    from dashboards import alerting, provisioning, source
    from dashboards.build import build
    from ioc.settings import load

    settings = load()
    bundle = build(public_url=settings.public_url)
    written = provisioning.write(out, bundle, source.prepared(settings), alerting.of(settings), seen_as=at)
    typer.echo(f"{len(bundle.boards)} boards in {out}; {written} files were written anew.")


def _tell(plan: Plan, address: str, *, dry_run: bool) -> None:
    would = "would be" if dry_run else "were"
    for change in plan.changes:
        typer.echo(f"  {change.text}")
    typer.echo(
        f"{address}: {len(plan.changes)} changes {would} made, {plan.unchanged} things are as they should be."
    )
    for note in plan.notes:
        typer.echo(f"note: {note}", err=True)
