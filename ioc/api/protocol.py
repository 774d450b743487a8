"""The HTTP server's connections, bounded: how many, how long a head may take and be, how much is read in vain.

uvicorn has no limit on the time or size of a request's head, and reads a refused body to its end.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Longest time for a request's head, and for a new connection's first byte, in seconds.
HEAD_S: Final = 10.0
_HEAD_BYTES: Final = 64 * 1024
#: Of a body that was refused so much is read and thrown away, for so long, so that the client sees the answer.
_LINGER_BYTES: Final = 1024 * 1024
_LINGER_S: Final = 2.0


def _canned(status: str, kind: str, title: str, detail: str, more: str = "") -> bytes:
    body = (
        f'{{"type":"/problems/{kind}","title":"{title}","status":{status[:3]},"detail":"{detail}"}}'
    ).encode()
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
        f"{more}connection: close\r\n\r\n"
    ).encode() + body


_FULL: Final = _canned(
    "503 Service Unavailable",
    "busy",
    "Busy",
    "Too many connections are open.",
    "retry-after: 2\r\n",
)
_LONG_HEAD: Final = _canned(
    "431 Request Header Fields Too Large",
    "too-large",
    "Too large",
    f"The request's head is larger than {_HEAD_BYTES} bytes.",
)
_SLOW_HEAD: Final = _canned(
    "408 Request Timeout", "too-slow", "Too slow", f"The request's head did not arrive within {HEAD_S:.0f} s."
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Subclasses set :attr:`most_connections` and may set :attr:`head_s`."""

    most_connections = 512
    head_s = HEAD_S
    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_body = False
    _lingering = False
    _linger_left = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.write(_FULL)
            transport.close()
        else:
            self._arm(self.head_s, b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._linger_left -= len(data)
            if self._linger_left < 0:
                self.transport.close()
                return
        elif not self._in_body:
            self._head_bytes += len(data)
            if self._timer is None:
                self._arm(self.head_s, _SLOW_HEAD)
        super().data_received(data)
        # A head's bytes are counted once they did not complete it.
        if not self._in_body and self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_LONG_HEAD)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._disarm()
        self._head_bytes = 0
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._head_bytes = 0
        if self._lingering:
            self._lingering = False
            self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body and not self.transport.is_closing():
            self._lingering = True
            self._linger_left = _LINGER_BYTES
            self._arm(_LINGER_S, b"")

    def _arm(self, seconds: float, last_words: bytes) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self._expired, last_words)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self, last_words: bytes) -> None:
        if not self.transport.is_closing():
            if last_words:
                self.transport.write(last_words)
            self.transport.close()


def bounded(most_connections: int, head_s: float = HEAD_S) -> type[BoundedProtocol]:
    """Return the protocol with these limits, for uvicorn's ``http``."""
    return type(
        "BoundedProtocol", (BoundedProtocol,), {"most_connections": most_connections, "head_s": head_s}
    )
