"""A kiosk's plain JSON over HTTP into a real Kafka."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ioc import topics
from tests.integration.ingesting import Ingest, bearer, ingest, make_key, records
from tests.integration.streaming import wait_until
from tests.servers import Servers


@pytest.fixture(scope="module")
def running(servers: Servers) -> Iterator[Ingest]:
    database = servers.new_database()
    settings = servers.new_settings(database=database, key_refresh_s=0.3)
    make_key(settings, "first")
    with ingest(settings) as process:
        yield process


def known_key(running: Ingest, name: str, **limits: Any) -> str:
    key = make_key(running.settings, name, **limits)
    wait_until(lambda: post(running, key, b"").status_code != 401, within_s=30, what="the key is known")
    return key


def post(running: Ingest, key: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(
        f"{running.url}/ingest/v1/tickets", content=content, headers={**bearer(key), **headers}, timeout=30
    )


def ticket(number: str, kiosk: str = "kiosk-huyen-01", **more: Any) -> dict[str, Any]:
    return {
        "happened": "issued",
        "kiosk": kiosk,
        "number": number,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **more,
    }


def sent(running: Ingest, kiosk: str) -> list[dict[str, Any]]:
    return [record for record in records(running.settings, topics.QUEUES) if record["subject"] == kiosk]


def test_one_an_array_and_lines_reach_kafka_once_with_the_units_of_the_pack(running: Ingest) -> None:
    key = known_key(running, "kiosks")
    rows = [ticket(f"A{n}", name="Nguyễn Văn Mẫu") for n in range(5)]
    assert post(running, key, rows[0]).json() == {"accepted": 1, "fate": "acknowledged"}
    assert post(running, key, rows[:3]).json()["accepted"] == 3
    assert post(running, key, "\n".join(map(json.dumps, rows)).encode()).json()["accepted"] == 5
    found = sent(running, "kiosk-huyen-01")
    assert {record["data"]["number"] for record in found} == {f"A{n}" for n in range(5)}
    assert len({record["id"] for record in found}) == 5  # sent again, counted once
    assert {record["data"]["unit"] for record in found} == {"go-dau.phuong"}
    assert all(record["data"]["received_at"] for record in found)
    assert "Mẫu" not in json.dumps(found, ensure_ascii=False)


def test_what_is_bad_costs_only_itself_and_a_wrong_clock_costs_nothing(running: Ingest) -> None:
    key = known_key(running, "mixed")
    ahead = (datetime.now(UTC) + timedelta(hours=7)).isoformat()
    rows = [
        ticket("1", "k-mixed", unit="u"),
        ticket("", "k-mixed", unit="u"),
        ticket("2", "k-mixed", unit="u", time=ahead),
    ]
    answer = post(running, key, rows)
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 2
    assert [fault["index"] for fault in answer.json()["rejected"]] == [1]
    late = next(record for record in sent(running, "k-mixed") if record["data"]["number"] == "2")
    assert datetime.fromisoformat(late["time"]) <= datetime.now(UTC)
    assert datetime.fromisoformat(late["data"]["stated_at"]) == datetime.fromisoformat(ahead)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no", 400),
        (b"[" * 9999, 400),
        ([{"happened": "eaten"}], 422),
        ([ticket("1", "nobody")], 422),
    ],
)
def test_nothing_readable_is_told(running: Ingest, body: Any, status: int) -> None:
    key = known_key(running, f"bad-{len(str(body))}")
    answer = post(running, key, body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_key_for_one_source_and_unit_says_so_and_sends_no_other(running: Ingest) -> None:
    key = known_key(running, "limited", sources=["//kiosks/one"], units=["go-dau.phuong"])
    assert post(running, key, ticket("L1")).status_code == 200
    record = next(r for r in sent(running, "kiosk-huyen-01") if r["data"]["number"] == "L1")
    assert record["source"] == "//kiosks/one"
    assert post(running, key, ticket("L2", "stranger", unit="elsewhere")).status_code == 403
    assert httpx.post(f"{running.url}/ingest/v1/tickets", content=b"{}").status_code == 401
