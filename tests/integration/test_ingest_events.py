"""CloudEvents over HTTP into a real Kafka."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ioc import topics
from tests.integration.ingesting import Ingest, bearer, ingest, make_key, records, ticket
from tests.integration.streaming import run_ioc, wait_until
from tests.servers import Servers

ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"


@pytest.fixture(scope="module")
def running(servers: Servers) -> Iterator[Ingest]:
    database = servers.new_database()
    settings = servers.new_settings(database=database, key_refresh_s=0.3, ingest_body_s=2.0)
    make_key(settings, "first")
    with ingest(settings) as process:
        yield process


@pytest.fixture
def sender(running: Ingest, request: pytest.FixtureRequest) -> str:
    """A key of the test's own that the process knows."""
    return known_key(running, request.node.name)


def known_key(running: Ingest, name: str, **limits: Any) -> str:
    key = make_key(running.settings, name[:100], **limits)
    wait_until(
        lambda: post(running, key, b"", "text/plain").status_code != 401, within_s=30, what="the key is known"
    )
    return key


def post(running: Ingest, key: str, body: Any, media: str = MANY, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(
        f"{running.url}/ingest/v1/events",
        content=content,
        headers={"Content-Type": media, **bearer(key), **headers},
        timeout=30,
    )


def sent(running: Ingest, kiosk: str) -> list[str]:
    return [r["id"] for r in records(running.settings, topics.QUEUES) if r["subject"] == kiosk]


def test_all_three_modes_reach_kafka(running: Ingest, sender: str) -> None:
    assert post(running, sender, ticket(1, kiosk="modes"), ONE).json() == {
        "accepted": 1,
        "fate": "acknowledged",
    }
    event = ticket(2, kiosk="modes")
    attributes = {
        f"ce-{name}": event[name] for name in ("specversion", "type", "id", "source", "subject", "time")
    }
    assert post(running, sender, event["data"], "application/json", **attributes).status_code == 200
    answer = post(running, sender, [ticket(n, kiosk="modes") for n in range(3, 13)])
    assert answer.json()["accepted"] == 10
    assert sent(running, "modes") == [f"modes-{n}" for n in range(1, 13)], "in order per key"


def test_a_compressed_batch_is_read(running: Ingest, sender: str) -> None:
    body = gzip.compress(json.dumps([ticket(n, kiosk="gz") for n in range(500)]).encode())
    assert post(running, sender, body, **{"Content-Encoding": "gzip"}).json()["accepted"] == 500
    assert len(sent(running, "gz")) == 500


def test_one_bad_event_is_named_and_none_is_taken(running: Ingest, sender: str) -> None:
    batch = [ticket(1, kiosk="bad"), {**ticket(2, kiosk="bad"), "type": "ioc.queue.lost.v1"}]
    far = {**ticket(3, kiosk="bad"), "time": (datetime.now(UTC) + timedelta(days=365)).isoformat()}
    answer = post(running, sender, [*batch, far])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["index"] for fault in answer.json()["errors"]] == [1, 2]
    assert answer.json()["type"] == "/problems/bad-events"
    assert sent(running, "bad") == []


def test_the_same_ids_again_are_harmless_and_an_idempotency_key_gives_the_same_answer(
    running: Ingest, sender: str
) -> None:
    batch = [ticket(n, kiosk="twice") for n in range(3)]
    first = post(running, sender, batch, **{"Idempotency-Key": "once"})
    again = post(running, sender, batch, **{"Idempotency-Key": "once"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(sent(running, "twice")) == 3
    assert post(running, sender, batch).status_code == 200
    assert len(set(sent(running, "twice"))) == 3
    other = post(running, sender, batch[:1], **{"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key")
    bad = post(running, sender, [{}], **{"Idempotency-Key": "bad"})
    assert post(running, sender, [{}], **{"Idempotency-Key": "bad"}).content == bad.content


def test_keys_are_asked_for_limited_and_revoked(running: Ingest, sender: str) -> None:
    url = f"{running.url}/ingest/v1/events"
    nobody = httpx.post(url, json=[])
    assert nobody.status_code == 401
    assert "Bearer" in nobody.headers["www-authenticate"]
    wrong = sender[:-4] + "0000"
    assert post(running, wrong, []).status_code == 401
    assert (
        httpx.post(url, content=b"[]", headers={"X-API-Key": sender, "Content-Type": MANY}).status_code == 200
    )

    narrow = known_key(running, "narrow", sources=["//test/mine"], topics=[topics.QUEUES], units=["unit-1"])
    assert post(running, narrow, [ticket(1, kiosk="narrow", source="//test/mine")]).status_code == 200
    for event in (
        ticket(2, kiosk="narrow"),
        ticket(3, kiosk="narrow", source="//test/mine", unit="unit-2"),
    ):
        refused = post(running, narrow, [ticket(4, kiosk="narrow", source="//test/mine"), event])
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["index"] == 1
    assert sent(running, "narrow") == ["narrow-1"]

    assert run_ioc(running.settings, "key", "revoke", "narrow").returncode == 0
    wait_until(
        lambda: post(running, narrow, []).status_code == 401,
        within_s=30,
        what="a revoked key is refused after the refresh interval",
    )


def test_guessing_at_a_known_id_ends(running: Ingest, sender: str) -> None:
    guessed = [post(running, sender[:-6] + f"{n:06x}", []) for n in range(12)]
    assert [answer.status_code for answer in guessed] == [401] * 10 + [429] * 2
    assert int(guessed[-1].headers["retry-after"]) > 0


def test_answers_tell_the_quota_and_it_is_kept(running: Ingest) -> None:
    key = known_key(running, "slow", quota_per_minute=100)
    used = post(running, key, [ticket(n, kiosk="quota") for n in range(60)])
    assert used.status_code == 200
    assert used.headers["ratelimit-limit"] == "100"
    assert int(used.headers["ratelimit-remaining"]) <= 40
    assert used.headers["ratelimit-policy"] == '"minute";q=100;w=60'
    over = post(running, key, [ticket(n, kiosk="quota") for n in range(60, 120)])
    assert over.status_code == 429
    assert 0 < int(over.headers["retry-after"]) <= 60
    assert int(over.headers["ratelimit-remaining"]) <= 41
    assert len(sent(running, "quota")) == 60
    assert post(running, key, [ticket(n, kiosk="quota") for n in range(101)]).status_code == 413


def test_the_description_is_complete(running: Ingest) -> None:
    found = httpx.get(f"{running.url}/ingest/v1/openapi.json").json()
    for path in ("/ingest/v1/events", "/ingest/v1/dvcqg"):
        operation = found["paths"][path]["post"]
        assert {"200", "202", "413", "429", "503"} <= set(operation["responses"])
        assert operation["requestBody"]["content"]
    assert "Problem" in found["components"]["schemas"]
    assert set(found["components"]["securitySchemes"]) == {"ApiKey", "Bearer"}
    metrics = httpx.get(f"{running.url}/metrics").text
    assert "ioc_ingest_events_total" in metrics
    assert httpx.get(f"{running.url}/nothing").headers["content-type"] == "application/problem+json"
