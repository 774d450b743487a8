"""A small HTTP server that answers as a test says, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer; a body that is no bytes is sent as JSON."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def serving(answer: Callable[[Asked], Reply | None]) -> AsyncIterator[tuple[int, list[Asked]]]:
    """Serve on a free port of 127.0.0.1; gives the port and the requests so far. None as answer: silence."""
    asked: list[Asked] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ", 2)
                headers = {
                    k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                asked.append(Asked(method, path, headers, body))
                reply = answer(asked[-1])
                if reply is None:
                    await asyncio.sleep(60)
                    return
                sent = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(sent)}"]
                lines += [f"{key}: {value}" for key, value in reply.headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + sent)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()
