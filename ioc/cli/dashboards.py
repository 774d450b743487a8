"""``ioc dashboards``: Grafana's boards as code."""

from __future__ import annotations

import typer

from ioc.cli import _dashboards_build, _dashboards_push

app = typer.Typer(
    no_args_is_help=True,
    help="Grafana's boards as code: build them, hold them against their rules, bring them to a Grafana over its API"
    " or as files on its disk.\n\nExample: ioc dashboards check",
)
app.command()(_dashboards_build.build)
app.command()(_dashboards_build.check)
app.command("role")(_dashboards_build.role_)
app.command()(_dashboards_push.push)
app.command()(_dashboards_push.provision)
