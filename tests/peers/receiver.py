"""A real HTTP server in a thread, for clients that block: answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.serving import QuietHandler, serving


@dataclass(frozen=True)
class Asked:
    """One request; header names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer.

    :param wait: is waited for before anything is said.
    :param drip_s: seconds between two of its bytes, in place of waiting, until ``wait`` is set.
    :param drop: the connection ends without an answer.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0
    wait: threading.Event | None = None
    drop: bool = False


class Receiver:
    """A running server."""

    def __init__(self, host: str, scheme: str) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Reply] = lambda _asked: Reply()
        self.host = host
        self.url = f"{scheme}://{self.host}"


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """Serve on a free port of 127.0.0.1; over TLS when given a certificate with its key."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
            self.do_POST()

        def do_POST(self) -> None:  # noqa: N802 - as http.server calls it
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            found.asked.append(asked)
            reply = found.answer(asked)
            if reply.wait is not None and not reply.drip_s:
                reply.wait.wait(60)
            if reply.drop:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if not reply.drip_s:
                self.wfile.write(reply.body)
                return
            for byte in reply.body:
                if reply.wait is not None and reply.wait.wait(reply.drip_s):
                    self.close_connection = True
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()

    with serving(Handler, certificate) as host:
        found = Receiver(host, "http" if certificate is None else "https")
        yield found
