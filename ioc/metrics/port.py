"""A process's own address for its figures and its health: for where each process has an address of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST

from ioc.metrics.meters import Meters
from ioc.settings import Settings

log = structlog.get_logger(__name__)

_TIMEOUT_S: Final = 5.0
#: Down with reasons, degraded with reasons.
Level = Callable[[], tuple[Sequence[str], Sequence[str]]]


class Port:
    """Answers ``/metrics``, ``/health/live`` and ``/health/ready``, one asker at a time.

    A port that is taken costs a line in the log and never holds the process up.

    :param health: why the process is down, and why it is degraded.
    """

    def __init__(self, settings: Settings, meters: Meters, health: Level) -> None:
        self._server: HTTPServer | None = None
        if not settings.metrics_port:
            return
        try:
            self._server = _Server(
                (settings.metrics_host, settings.metrics_port), meters=meters, health=health
            )
        except OSError as error:
            log.warning(
                "metrics.no_port",
                port=settings.metrics_port,
                reason=error.strerror,
                remedy="On one machine leave IOC_METRICS_PORT at 0: /metrics of the API shows every process.",
            )
            return
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens; None where it does not."""
        if self._server is None:
            return None
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(HTTPServer):
    def __init__(self, address: tuple[str, int], *, meters: Meters, health: Level) -> None:
        self.meters, self.health = meters, health
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, *_: Any) -> None:
        """Whoever asked went away; nobody has to be told."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT_S
    server_version = "ioc"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/metrics":
            self._give(200, CONTENT_TYPE_LATEST, self.server.meters.exposition())
        elif self.path == "/health/live":
            self._tell(200, {"status": "live"})
        elif self.path == "/health/ready":
            down, degraded = self.server.health()
            level = "down" if down else "degraded" if degraded else "ok"
            body = {"status": level, "reasons": list(down), "degraded": list(degraded)}
            self._tell(503 if down else 200, body)
        else:
            self._tell(404, {"status": "no such page"})

    def _tell(self, status: int, body: object) -> None:
        self._give(status, "application/json", json.dumps(body).encode())

    def _give(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Askers come each few seconds; they are no news."""
