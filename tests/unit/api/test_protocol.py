"""Connections of our HTTP servers, by raw sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from ioc.api.protocol import bounded


async def _refusing(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, without reading any body."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


@contextmanager
def _server(most: int, head_s: float) -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(_refusing, http=bounded(most, head_s), lifespan="off", log_level="error")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with _server(most=5, head_s=0.5) as found:
        yield found


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def _rest(connection: socket.socket) -> bytes:
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("sent", [b"", b"POST /x HT", b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_a_head_that_does_not_come_ends_the_connection(port: int, sent: bytes) -> None:
    with _connect(port) as connection:
        connection.sendall(sent)
        answer = _rest(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


def test_a_head_that_never_ends_is_cut(port: int) -> None:
    with _connect(port) as connection:
        try:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(200):
                connection.sendall(b"X-Filler: " + b"a" * 1000 + b"\r\n")
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert _rest(connection)[:12] in (b"HTTP/1.1 431", b"")


def test_too_many_connections_are_told_to_come_back(port: int) -> None:
    held: list[socket.socket] = []
    try:
        held += [_connect(port) for _ in range(5)]
        # accepted in order, so the sixth is one too many
        with _connect(port) as connection:
            assert _rest(connection).startswith(b"HTTP/1.1 503")
    finally:
        for connection in held:
            connection.close()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with _connect(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if _rest(connection).startswith(b"HTTP/1.1 413"):
                return
    raise AssertionError("the connections that ended are still counted")


def test_a_refused_body_is_not_read_to_its_end(port: int) -> None:
    with _connect(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")
        sent = 0
        try:
            while sent < 104857600:
                connection.sendall(b" " * 65536)
                sent += 65536
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < 50_000_000
        assert _rest(connection).startswith(b"HTTP/1.1 413")


def test_a_connection_is_used_again_after_a_short_refused_body(port: int) -> None:
    with _connect(port) as connection:
        for _ in range(3):
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd")
            assert connection.recv(65536).startswith(b"HTTP/1.1 413")
