"""``ioc duty``: who is on duty, what changes it, and what is wrong with it ahead."""

from __future__ import annotations

import typer

from ioc.cli.duty import asking, changes, log

app = typer.Typer(
    no_args_is_help=True,
    help="Who is on duty: rosters, changes to them, gaps ahead, the shift log.\n\nExample: ioc duty now",
)
for _room in (asking, changes, log):
    _room.register(app)
