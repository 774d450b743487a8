"""A one-stop system's REST interface over real HTTP: lists of dossiers in pages, and every way to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

_SIZE: Final = 10


@dataclass
class Call:
    """What one call asked for."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class RestPeer:
    """The system: ``items`` by change time; ``before`` may answer a call in its own way and say so with True."""

    port: int = 0
    items: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    before: Callable[[BaseHTTPRequestHandler, Call], bool] = lambda _handler, _call: False
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dossiers"

    def page(self, call: Call) -> dict[str, Any]:
        """A page by offset, by number or by link, of the items since the cursor."""
        since = call.params.get("since", "")
        found = self.items
        if since:
            begin_at = datetime.fromisoformat(since)
            found = [item for item in found if datetime.fromisoformat(item["changed"]) >= begin_at]
        size = int(call.params.get("limit", _SIZE))
        begin = int(call.params.get("offset", 0))
        if "page" in call.params:
            begin = (int(call.params["page"]) - 1) * size
        rest = begin + size < len(found)
        link = f"/dossiers?offset={begin + size}&limit={size}&since={since.replace('+', '%2B')}"
        return {"data": {"items": found[begin : begin + size]}, "next": link if rest else None}


def item(number: int, changed: str, **more: Any) -> dict[str, Any]:
    """A dossier as the system tells it, persons included."""
    return {
        "code": f"H53-{number:04}",
        "unit": {"code": "u1"},
        "status": 4,
        "received": "2025-09-01T08:00:00+07:00",
        "changed": changed,
        "ChuHoSo": "Nguyễn Văn Mẫu",
        "SoDienThoai": "0900000000",
        **more,
    }


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> bool:
    """Answer in full."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
    return True


@contextmanager
def rest_peer() -> Iterator[RestPeer]:
    """Serve until the end of the block."""
    peer = RestPeer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            params = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            call = Call(parts.path, params, {name.lower(): value for name, value in self.headers.items()})
            peer.calls.append(call)
            try:
                if not peer.before(self, call):
                    send(self, 200, json.dumps(peer.page(call)).encode())
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield peer
    finally:
        peer.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
