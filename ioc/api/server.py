"""Runs one of our applications on its address, with bounds on what a client may hold open."""

from __future__ import annotations

import socket
from typing import Any, Literal

import uvicorn

from ioc.api.protocol import bounded
from ioc.errors import UnavailableError


def run(
    app: Any,
    host: str,
    port: int,
    *,
    port_setting: str,
    connections: int,
    websockets: Literal["auto", "none"] = "auto",
    keep_alive_s: int = 5,
) -> bool:
    """Serve until SIGTERM or SIGINT; returns whether the application had started.

    :param app: an ASGI application.
    :param port_setting: environment variable to name when the port is taken.
    :param connections: most at a time; further ones are told to come back.
    :param keep_alive_s: seconds after which an idle connection ends.
    :raises UnavailableError: when the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise UnavailableError(
                f"Can't listen on {host}:{port}: {error.strerror}.",
                remedy=f"Set {port_setting}, or end what listens there.",
            ) from error
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=bounded(connections),
                ws=websockets,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=5,
                timeout_keep_alive=keep_alive_s,
                proxy_headers=False,
                server_header=False,
            )
        )
        server.run(sockets=[listener])
        return server.started
