"""Published figures of the index over HTTP, into a real database."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from connectors.ingest.app import create_app
from ioc.settings import Settings
from tests.integration.ingesting import bearer, make_key
from tests.integration.kpi_data import add_unit
from tests.servers import Servers

GOOD = {
    "period": "2026-03",
    "unit": "go-1",
    "component": "transparency.content",
    "points": 1.5,
    "published_at": "2026-04-05",
}


@dataclass(frozen=True)
class Place:
    """A running ingest application with its database and keys."""

    runner: asyncio.Runner
    client: httpx.AsyncClient
    settings: Settings
    keys: dict[str, str]

    def post(self, body: Any, key: str = "any", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(content, {**bearer(self.keys[key]), **headers})

    def send(self, content: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.runner.run(self.client.post("/ingest/v1/index766", content=content, headers=headers))

    def empty(self) -> None:
        with psycopg.connect(self.settings.database_dsn) as connection:
            connection.execute("DELETE FROM ioc.index766_fact")


@pytest.fixture(scope="module")
def running(servers: Servers) -> Iterator[Place]:
    database = servers.new_database()
    with psycopg.connect(database, autocommit=True) as connection:
        add_unit(connection, "go-1")
        add_unit(connection, "go-2")
    settings = servers.new_settings(database=database, with_topics=False, ingest_max_events=50)
    keys = {
        "any": make_key(settings, "any"),
        "one": make_key(settings, "one", units=["go-1"], sources=["portal"]),
        "few": make_key(settings, "few", quota_per_minute=2),
    }
    app = create_app(settings)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest")
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        yield Place(runner, client, settings, keys)
        runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture
def place(running: Place) -> Place:
    running.empty()
    return running


def stored(place: Place) -> list[tuple[Any, ...]]:
    with psycopg.connect(place.settings.database_dsn) as connection:
        return connection.execute(
            "SELECT u.code, f.component, f.points, f.numerator, f.denominator, s.name FROM ioc.index766_fact f"
            " JOIN ioc.unit u USING (unit_id) JOIN ioc.source s USING (source_id) ORDER BY f.fact_id"
        ).fetchall()


def test_figures_are_taken_once_corrected_and_the_bad_named_by_place(
    place: Place,
) -> None:
    counts = {
        **GOOD,
        "points": None,
        "component": "transparency.dossier_sync",
        "numerator": 9,
        "denominator": 10,
    }
    bad = {**GOOD, "period": "2999-01"}
    answer = place.post({"source": "portal", "figures": [GOOD, bad, counts, {**GOOD, "unit": "nowhere"}]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["new"], body["corrected"], body["unchanged"]) == (2, 0, 0)
    assert [(fault["index"], fault["where"]) for fault in body["rejected"]] == [(1, "period"), (3, "unit")]
    assert place.post([GOOD, counts]).json()["unchanged"] == 2
    packed = gzip.compress(json.dumps([{**GOOD, "points": 2, "numerator": 1, "denominator": 2}]).encode())
    corrected = (place.post(packed, **{"Content-Encoding": "gzip"})).json()
    assert (corrected["corrected"], corrected["disagreeing"]) == (1, [0])
    assert stored(place) == [
        ("go-1", "transparency.content", 1.5, None, None, "portal"),
        ("go-1", "transparency.dossier_sync", None, 9, 10, "portal"),
        ("go-1", "transparency.content", 2, 1, 2, "index766"),
    ]


@pytest.mark.parametrize(
    ("body", "key", "status"),
    [
        (b"", "any", 400),
        (b"[" * 9999, "any", 400),
        ([], "any", 400),
        ([1], "any", 400),
        ({"figures": [GOOD], "source": ""}, "any", 400),
        ([{**GOOD, "points": "many"}], "any", 422),
        ([GOOD] * 51, "any", 413),
        ([GOOD] * 3, "few", 413),
        ([GOOD], "one", 403),
        ({"source": "portal", "figures": [{**GOOD, "unit": "go-2"}]}, "one", 422),
    ],
)
def test_what_can_not_be_taken_is_a_problem_and_stores_nothing(
    place: Place, body: Any, key: str, status: int
) -> None:
    answer = place.post(body, key)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
        answer.text
    )
    assert answer.json()["detail"]
    assert stored(place) == []


def test_without_a_key_nothing_is_read_and_without_a_database_it_is_told(
    place: Place,
) -> None:
    assert place.send(b"[]", {}).status_code == 401
    with psycopg.connect(place.settings.database_dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE ioc.index766_fact RENAME TO gone")
        answer = place.post([GOOD])
        connection.execute("ALTER TABLE ioc.gone RENAME TO index766_fact")
    assert answer.status_code == 503
    assert "nothing was stored" in answer.json()["detail"]
    assert place.post([GOOD]).json()["new"] == 1
