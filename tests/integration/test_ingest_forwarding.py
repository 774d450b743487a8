"""``ioc serve`` forwards ``/ingest/v1/`` to the ingest process, whole and bounded."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from ioc import topics
from ioc.api import create_app
from ioc.settings import Settings
from tests.integration.ingesting import bearer, ingest, make_key, records, ticket
from tests.integration.portal_calls import SECRETS, OneStop, dossier, upsert
from tests.integration.streaming import IocProcess, started, wait_until
from tests.servers import Servers

BATCH = {"Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture
def own(servers: Servers) -> Settings:
    return servers.new_settings(
        database=servers.new_database(),
        portal_login=f"{SECRETS[1]}:{SECRETS[0]}",
        ingest_max_bytes=1024 * 1024,
        api_connections=8,
    )


@pytest.fixture
def api(own: Settings) -> Iterator[str]:
    """A running `ioc serve`; returns its address."""
    url = f"http://127.0.0.1:{own.api_port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/health/live", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    with started(IocProcess(own, "serve", "serve", stop_s=20)):
        wait_until(answers, within_s=90, what="the API listens")
        yield url


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

        for name in ("events", "tickets", "dvcqg"):
            for headers in ({"Content-Length": "104857600"}, {}):
                large = httpx.post(
                    f"{api}/ingest/v1/{name}",
                    content=(b" " * 1_048_576 for _ in range(100)),
                    headers={**BATCH, **bearer(key), **headers},
                    timeout=60,
                )
                assert large.status_code == 413, (name, headers, large.text)


def test_connections_to_the_api_are_bounded(api: str) -> None:
    address = httpx.URL(api)
    held: list[socket.socket] = []
    try:
        held += [socket.create_connection((address.host, address.port or 80), timeout=30) for _ in range(8)]
        with socket.create_connection((address.host, address.port or 80), timeout=30) as one_more:
            assert one_more.recv(65536).startswith(b"HTTP/1.1 503")
    finally:
        for connection in held:
            connection.close()
    wait_until(
        lambda: httpx.get(f"{api}/health/live", timeout=30).status_code == 200,
        within_s=60,
        what="it answers again",
    )
    large = httpx.post(f"{api}/api/v1/nothing", content=b" " * 2_000_000, timeout=30)
    assert (large.status_code, large.json()["type"]) == (413, "/problems/too-large")


def test_the_apis_own_description_tells_of_ingest(own: Settings) -> None:
    found = create_app(own).openapi()
    operation = found["paths"]["/ingest/v1/events"]["post"]
    assert {"200", "202", "401", "422", "429", "503"} <= set(operation["responses"])
    assert found["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    assert "/ingest/v1/dvcqg" in found["paths"]
