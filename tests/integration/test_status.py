"""``ioc status`` and ``/health/ready`` say how the platform stands: what is wrong, since when, what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ioc.settings import Settings
from tests.integration.asking import asking
from tests.integration.kpi_data import Connection
from tests.integration.streaming import run_ioc
from tests.servers import Servers

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    with servers.place() as found:
        yield found


@pytest.fixture
def session(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        found.execute("TRUNCATE ioc.heartbeat, ioc.partition_offset, ioc.reading, ioc.process_metrics")
        yield found


def clock(session: Connection) -> datetime:
    row = session.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


def beat(session: Connection, *roles: str, ago: timedelta = timedelta()) -> None:
    for role in roles:
        session.execute(
            "INSERT INTO ioc.heartbeat (name, kind, host, at, interval_s, stopped)"
            " VALUES (%s, %s, 'box', clock_timestamp() - %s, 3600, false)"
            " ON CONFLICT (name) DO UPDATE SET at = excluded.at, interval_s = 5",
            (f"{role}@box", role, ago),
        )


def partition(session: Connection, *, lag: int = 0, moved: timedelta = timedelta()) -> None:
    session.execute(
        "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end, updated_at)"
        " VALUES ('k', 'ioc.wifi', 't', 0, 5, 5 + %s, clock_timestamp() - %s)",
        (lag, moved),
    )


async def health(place: Settings) -> tuple[int, dict[str, Any]]:
    async with asking(place) as client:
        answer = await client.get("/health/ready")
        return answer.status_code, answer.json()


async def test_well_degraded_and_down_are_told_apart_everywhere(place: Settings, session: Connection) -> None:
    beat(session, "stream", "serve", "ingest", "evaluate", "deliver", "auditor")
    partition(session)
    status, body = await health(place)
    assert (status, body["status"], body["troubles"]) == (200, "ok", [])
    shown = run_ioc(place, "status")
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "ok: everything works.")

    before = clock(session)
    beat(session, "deliver", ago=5 * MINUTE)
    status, body = await health(place)
    assert (status, body["status"], body["reasons"]) == (200, "degraded", [])
    silent = next(one for one in body["troubles"] if "deliver@box" in one["what"])
    assert datetime.fromisoformat(silent["since"]) == pytest.approx(before - 5 * MINUTE, abs=MINUTE)
    assert silent["do"]
    shown = run_ioc(place, "status")
    assert shown.returncode == 1
    assert shown.stdout.startswith("degraded: ")
    assert "no process of deliver lives" in shown.stdout
    assert "-> run: ioc deliver" in shown.stdout
    assert "(since " in shown.stdout

    session.execute("TRUNCATE ioc.partition_offset")
    partition(session, lag=7, moved=2 * MINUTE)
    status, body = await health(place)
    assert (status, body["status"]) == (503, "down")
    assert "has 7 records to read and has not moved" in body["reasons"][0]
    assert body["troubles"][0]["level"] == "down", "the worst comes first"
    assert body["degraded"], "what is degraded is told beside it"
    told = run_ioc(place, "status", "--json")
    facts = json.loads(told.stdout)
    assert (told.returncode, facts["level"], facts["up"]) == (2, "down", False)
    assert facts["troubles"][0]["do"] == "see the log of stream"


def test_where_nothing_lives_it_is_not_up_and_says_how_to_start_it(
    place: Settings, session: Connection
) -> None:
    shown = run_ioc(place, "status")
    assert shown.returncode == 3
    assert "-> ioc up" in shown.stdout
    assert json.loads(run_ioc(place, "status", "--json").stdout)["level"] == "not up"


async def test_figures_of_the_platform_follow_what_stands(place: Settings, session: Connection) -> None:
    beat(session, "stream", "evaluate", "deliver", "auditor")
    beat(session, "deliver", ago=5 * MINUTE)
    session.execute(
        "INSERT INTO ioc.process_metrics (name, at, samples) VALUES"
        " ('stream@box', now(), '[[\"ioc_stream_stalled_seconds\", {}, 3.5]]'),"
        " ('deliver@box', now(), '[[\"ioc_process_memory_bytes\", {}, 1.0]]')"
    )
    async with asking(place) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    assert 'ioc_process_up{process="stream@box",role="stream"} 1.0' in lines
    assert 'ioc_process_up{process="deliver@box",role="deliver"} 0.0' in lines
    assert 'ioc_stream_stalled_seconds{process="stream@box"} 3.5' in lines
    assert not any(line.startswith("ioc_process_memory_bytes{") and "deliver" in line for line in lines)
