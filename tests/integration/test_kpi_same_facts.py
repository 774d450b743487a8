"""The same facts in any order, repeated, in any batches and partitions, make the same answers of every indicator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ioc import topics
from ioc.events import encode
from ioc.settings import Settings
from tests.integration.feeding import feeders
from tests.integration.kpi_answers import Answers, answers, camera_events, wifi_events
from tests.integration.test_dossiers_sink import facts as dossier_events
from tests.integration.test_queues_sink import happenings as queue_events
from tests.servers import Servers

STORED = datetime(2026, 4, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Subject:
    """Where facts go, what they are, and what they leave behind."""

    topic: str
    events: st.SearchStrategy[list[Any]]
    tables: str


SUBJECTS: Mapping[str, Subject] = {
    "dossier": Subject(
        topics.DOSSIERS,
        dossier_events,
        # sums of the ledger are emptied with it
        "ioc.dossier, ioc.dossier_fact, ioc.dossier_ledger, ioc.dossier_series, ioc.dossier_alias",
    ),
    "queue": Subject(topics.QUEUES, queue_events, "ioc.ticket, ioc.ticket_fact"),
    "camera": Subject(
        topics.CAMERAS,
        camera_events,
        "ioc.camera_sample, ioc.device_minute, ioc.device_run, ioc.device_state",
    ),
    "wifi": Subject(
        topics.WIFI, wifi_events, "ioc.wifi_sample, ioc.device_minute, ioc.device_run, ioc.device_state"
    ),
}


@pytest.fixture(scope="module")
def own(servers: Servers) -> Iterator[Settings]:
    url = servers.new_database()
    yield servers.settings.model_copy(update={"database_url": SecretStr(url)})
    servers.drop_database(url)


async def told(
    settings: Settings, name: str, batches: Sequence[tuple[int, Sequence[Any]]], *, partitions: int = 1
) -> tuple[Answers, Answers]:
    """Answers after these batches, each for its partition: plainly, and as of now."""
    subject = SUBJECTS[name]
    with psycopg.connect(settings.database_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        connection.execute(f"TRUNCATE {subject.tables}".encode())
        async with feeders(settings, subject.topic, partitions=partitions) as found:
            for partition, events in batches:
                await found[partition].feed([encode(event) for event in events], now=STORED)
            for feeder in found:
                await feeder.idle()
        return answers(connection, name), answers(connection, name, datetime.now(UTC))


@pytest.mark.parametrize("name", SUBJECTS)
def test_order_repetition_batches_and_partitions_change_no_answer(own: Settings, name: str) -> None:
    @given(events=SUBJECTS[name].events, data=st.data())
    # a smaller example takes minutes to find
    @hypothesis_settings(
        max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,)
    )
    def holds(events: list[Any], data: st.DataObject) -> None:
        once, once_now = asyncio.run(told(own, name, [(0, events)]))
        keys = sorted({event.subject for event in events})
        partition_of = dict(
            zip(
                keys,
                data.draw(st.lists(st.integers(0, 1), min_size=len(keys), max_size=len(keys))),
                strict=True,
            )
        )
        again = data.draw(st.permutations([*events, *events[: len(events) // 2]]))
        size = data.draw(st.integers(1, 5))
        batches = []
        for start in range(0, len(again), size):
            piece = again[start : start + size]
            batches += [(p, [e for e in piece if partition_of[e.subject] == p]) for p in (0, 1)]
        mixed, mixed_now = asyncio.run(told(own, name, batches, partitions=2))
        for key, figures in once.items():
            assert mixed[key] == figures, key
            assert once_now[key] == figures, key
            assert mixed_now[key] == figures, key

    holds()
