"""``ioc alerts``: what is wrong now, and what people do about it."""

from __future__ import annotations

import typer

from ioc.cli.alerts import acting, listing

app = typer.Typer(
    no_args_is_help=True,
    help="Alerts (cảnh báo): what is wrong, who took it on, who was told.\n\nExample: ioc alerts list",
)
for _room in (listing, acting):
    _room.register(app)
