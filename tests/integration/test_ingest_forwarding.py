"""``ioc serve`` forwards ``/ingest/v1/`` to the ingest process, whole and bounded."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import uvicorn

from ioc import topics
from ioc.api import create_app
from ioc.settings import Settings
from tests.integration.ingesting import bearer, ingest, make_key, records, ticket
from tests.integration.portal_calls import SECRETS, OneStop, dossier, upsert
from tests.integration.streaming import wait_until
from tests.servers import Servers

BATCH = {"Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture
def own(servers: Servers) -> Settings:
    return servers.new_settings(
        database=servers.new_database(),
        portal_login=f"{SECRETS[1]}:{SECRETS[0]}",
        ingest_max_bytes=1024 * 1024,
    )


@pytest.fixture
def api(own: Settings) -> Iterator[str]:
    """A running API; returns its address."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(own), port=own.api_port, log_level="warning", proxy_headers=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, within_s=60, what="the API listens")
        yield f"http://127.0.0.1:{own.api_port}"
    finally:
        server.should_exit = True
        thread.join(30)


def test_both_addresses_work_and_an_ingest_that_is_not_up_is_said(own: Settings, api: str) -> None:
    key = make_key(own)
    away = httpx.post(f"{api}/ingest/v1/events", json=[], headers=bearer(key))
    assert away.status_code == 503
    assert away.headers["content-type"] == "application/problem+json"
    assert away.json()["type"] == "/problems/ingest-away"
    assert int(away.headers["retry-after"]) > 0

    with ingest(own):
        body = json.dumps([ticket(n) for n in range(100)]).encode()
        taken = httpx.post(
            f"{api}/ingest/v1/events", content=body, headers={**BATCH, **bearer(key)}, timeout=30
        )
        assert taken.json() == {"accepted": 100, "fate": "acknowledged"}
        assert int(taken.headers["ratelimit-remaining"]) > 0

        async def in_pieces() -> httpx.Response:
            async def pieces() -> AsyncIterator[bytes]:
                for start in range(0, len(body), 1000):
                    yield body[start : start + 1000]

            async with httpx.AsyncClient(timeout=30) as client:
                return await client.post(
                    f"{api}/ingest/v1/events", content=pieces(), headers={**BATCH, **bearer(key)}
                )

        assert asyncio.run(in_pieces()).status_code == 200
        bad = httpx.post(f"{api}/ingest/v1/events", content=b"[1]", headers={**BATCH, **bearer(key)})
        assert (bad.status_code, bad.json()["errors"][0]["index"]) == (422, 0)
        assert httpx.get(f"{api}/ingest/v1/openapi.json").json()["info"]["title"] == "IOC ingest"

        system = OneStop(f"{api}/ingest/v1/dvcqg")
        system.log_in()
        assert system.call(upsert(dossier("through"))).json()["error_code"] == "00"
        assert [r["subject"] for r in records(own, topics.DOSSIERS)] == ["through"]

        large = httpx.post(
            f"{api}/ingest/v1/events", content=b" " * 1_100_000, headers={**BATCH, **bearer(key)}
        )
        assert large.status_code == 413


def test_the_apis_own_description_tells_of_ingest(own: Settings) -> None:
    found = create_app(own).openapi()
    operation = found["paths"]["/ingest/v1/events"]["post"]
    assert {"200", "202", "401", "422", "429", "503"} <= set(operation["responses"])
    assert found["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    assert "/ingest/v1/dvcqg" in found["paths"]
