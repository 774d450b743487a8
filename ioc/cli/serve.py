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
    import socket

    import uvicorn

    from ioc.api import create_app
    from ioc.errors import UnavailableError
    from ioc.settings import load

    settings = load()
    address = (host or settings.api_host, port or settings.api_port)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise UnavailableError(
                f"Can't listen on {address[0]}:{address[1]}: {error.strerror}.",
                remedy="Set IOC_API_PORT, or end what listens there.",
            ) from error
        config = uvicorn.Config(
            create_app(settings),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
            proxy_headers=False,
        )
        uvicorn.Server(config).run(sockets=[listener])
