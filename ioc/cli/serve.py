"""``ioc serve``: the API and the pages."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; without it, IOC_API_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; without it, IOC_API_PORT.", min=1, max=65535)
    ] = None,
) -> None:
    """Run the API and the pages until stopped. Exits with 4 when the port is taken.

    Example: ioc serve --port 8080
    """
    from ioc.api import create_app
    from ioc.api.bodies import BoundedBodies
    from ioc.api.server import run
    from ioc.cli.district import pack_folder
    from ioc.pages.mount import install
    from ioc.settings import load
    from ioc.tracing import configure
    from ioc.watch.beat import Beat

    settings = load()
    configure(settings, "serve")
    app = create_app(settings)
    install(app, settings, pack_folder(None))
    beat = Beat(settings, "serve", app.state.meters)
    app.state.process_name = lambda: beat.name
    run(
        BoundedBodies(app, settings),
        host or settings.api_host,
        port or settings.api_port,
        port_setting="IOC_API_PORT",
        connections=settings.api_connections,
        beat=beat,
    )
