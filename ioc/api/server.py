"""Runs one of our applications on its address, with bounds on what a client may hold open."""

from __future__ import annotations

import asyncio
import socket
from contextlib import nullcontext
from typing import Any, Final, Literal

import uvicorn

from ioc import tracing
from ioc.api.protocol import bounded
from ioc.errors import UnavailableError
from ioc.watch.beat import Beat

#: The longest that starting or one answer may hold the loop when nothing is wrong.
_TURN_WITHIN_S: Final = 30.0


def run(
    app: Any,
    host: str,
    port: int,
    *,
    port_setting: str,
    connections: int,
    websockets: Literal["auto", "none"] = "auto",
    keep_alive_s: int = 5,
    beat: Beat | None = None,
) -> bool:
    """Serve until SIGTERM or SIGINT; returns whether the application had started.

    :param app: an ASGI application.
    :param port_setting: environment variable to name when the port is taken.
    :param connections: most at a time; further ones are told to come back.
    :param keep_alive_s: seconds after which an idle connection ends.
    :param beat: told that the loop which answers turns; begun once the port is ours, and closed at the end.
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
        server = _Server(
            beat,
            uvicorn.Config(
                app,
                http=bounded(connections),
                ws=websockets,
                log_level="warning",
                # its lines go the way of all others
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                timeout_keep_alive=keep_alive_s,
                proxy_headers=False,
                server_header=False,
            ),
        )
        with beat or nullcontext():
            server.run(sockets=[listener])
        return server.started


class _Server(uvicorn.Server):
    """Tells at each turn of its loop that it turns."""

    def __init__(self, beat: Beat | None, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._beat = beat
        self._turned = beat.loop("answers", within_s=_TURN_WITHIN_S) if beat is not None else None

    async def on_tick(self, counter: int) -> bool:
        if self._turned is not None:
            self._turned()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._beat is not None:
            # now: the signal that ended us is raised once more, and nothing of ours runs after that
            await asyncio.to_thread(self._beat.close)
        await asyncio.to_thread(tracing.flush)
