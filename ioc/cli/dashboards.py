"""``ioc dashboards``: Grafana's boards as code."""

from __future__ import annotations

import typer

from ioc.cli import _dashboards_push

app = typer.Typer(
    no_args_is_help=True,
    help="Grafana's boards as code: bring them to a Grafana over its API, or as files on its disk.\n\n"
    "Example: ioc dashboards push --dry-run",
)
app.command()(_dashboards_push.push)
app.command()(_dashboards_push.provision)
