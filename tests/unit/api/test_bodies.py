"""Bodies of any request to the API are bounded, whatever serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel

from ioc.api import problems
from ioc.api.bodies import BoundedBodies
from ioc.settings import Settings


class Asked(BaseModel):
    text: str


def _app() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.middleware("http")
    async def measured(request: Request, proceed: Any) -> Any:
        """As the API's own does: a middleware of this kind reads on in a task of its own."""
        return await proceed(request)

    @app.post("/typed")
    async def typed(asked: Asked) -> int:
        return len(asked.text)

    @app.post("/ingest/v1/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    return app


@pytest.fixture
def client() -> httpx.AsyncClient:
    settings = Settings.model_construct(ingest_max_bytes=3_000_000, ingest_body_s=0.1)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(BoundedBodies(_app(), settings)), base_url="http://ioc"
    )


async def _pieces(count: int, size: int, pause_s: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size
        await asyncio.sleep(pause_s)


async def test_a_body_within_the_bounds_arrives_whole(client: httpx.AsyncClient) -> None:
    assert (await client.post("/typed", json={"text": "x" * 900_000})).json() == 900_000
    assert (await client.post("/ingest/v1/raw", content=_pieces(28, 100_000))).json() == 2_800_000


@pytest.mark.parametrize("path", ["/typed", "/ingest/v1/raw", "/nowhere"])
async def test_a_declared_length_that_is_too_large_is_refused_unread(
    client: httpx.AsyncClient, path: str
) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        async for piece in _pieces(100, 1_000_000):
            read += len(piece)
            yield piece

    answer = await client.post(path, content=body(), headers={"Content-Length": "100000000"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/too-large"
    assert read == 0


@pytest.mark.parametrize("path", ["/typed", "/ingest/v1/raw"])
async def test_a_body_that_says_nothing_of_its_length_is_cut_off(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.post(path, content=_pieces(100, 1_000_000))
    assert answer.status_code == 413, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "bytes at most" in answer.json()["detail"]


async def test_a_body_that_does_not_come_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ioc.api.bodies._WITHIN_S", 0.1)
    app = BoundedBodies(_app(), Settings.model_construct(ingest_max_bytes=1, ingest_body_s=1))
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(3600)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/typed",
        "raw_path": b"/typed",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await asyncio.wait_for(app(scope, receive, send), 60)
    assert sent[0]["status"] == 408


async def test_waiting_for_a_client_to_go_away_is_no_slow_body() -> None:
    """A stream of events asks whether its client is still there for as long as it likes."""
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])
    seen: list[str] = []

    async def receive() -> Any:
        message = next(messages)
        if message["type"] == "http.disconnect":
            await asyncio.sleep(0.3)
        return message

    async def watching(_scope: Any, receive: Any, _send: Any) -> None:
        seen.append((await receive())["type"])
        seen.append((await receive())["type"])

    settings = Settings.model_construct(ingest_max_bytes=1, ingest_body_s=-5.0 + 0.05)
    scope = {"type": "http", "path": "/ingest/x", "headers": []}
    await BoundedBodies(watching, settings)(scope, receive, lambda _message: asyncio.sleep(0))
    assert seen == ["http.request", "http.disconnect"]
