"""A double of the national portal: a small real HTTP server that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    """One call as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class UpstreamPortal:
    """What the double saw, and what it answers next."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json; charset=utf-8"}
    )
    body: bytes = b'{"error_code":"00","message":"th\xc3\xa0nh c\xc3\xb4ng", "result" : []}'
    compressed: bool = False
    hold: threading.Event = field(default_factory=threading.Event)
    """Answers wait until it is set."""

    def __post_init__(self) -> None:
        self.hold.set()


@contextmanager
def upstream_portal() -> Iterator[UpstreamPortal]:
    """A running double on a free port."""
    portal = UpstreamPortal()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            portal.seen.append(Seen(self.command, self.path, headers, body))
            portal.hold.wait(60)
            answer = portal.body
            if b'"username"' in body:
                answer = json.dumps({"error_code": "00", "session": "upstream-session"}).encode()
            self.send_response(portal.status)
            if portal.compressed:
                answer = gzip.compress(answer)
                self.send_header("Content-Encoding", "gzip")
            for name, value in portal.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET = do_PUT = _answer  # noqa: N815 - named by the library

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    portal.url = f"http://127.0.0.1:{server.server_port}/mapi/g"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield portal
    finally:
        portal.hold.set()
        server.shutdown()
        server.server_close()
