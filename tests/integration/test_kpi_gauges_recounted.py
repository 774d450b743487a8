"""Gauges of tickets and devices at any moment equal a plain recount of the facts themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ioc import topics
from ioc.events import CameraProbed, Status, encode
from ioc.kpi.query import SYSTEM_READER, answer, ask
from ioc.kpi.question import Asked
from ioc.settings import Settings
from tests.integration.feeding import feeders
from tests.integration.kpi_answers import SAMPLED_FROM, camera_events, wifi_events
from tests.integration.test_queues_sink import BASE, happenings, plainly
from tests.servers import Servers

STORED = datetime(2026, 4, 1, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
#: Clients from which on an access point is saturated, where the pack says nothing.
LIMIT = 50

#: Often exactly when something happens.
moments = st.lists(
    st.builds(
        lambda minute, second, us: timedelta(minutes=minute, seconds=second, microseconds=us),
        st.integers(1, 75),
        st.sampled_from([0, 0, 15, 45]),
        st.sampled_from([0, 0, 1, -1]),
    ),
    min_size=3,
    max_size=3,
)
# a smaller example takes minutes to find
plan = hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,)
)


@pytest.fixture(scope="module")
def own(servers: Servers) -> Iterator[Settings]:
    url = servers.new_database()
    yield servers.settings.model_copy(update={"database_url": SecretStr(url)})
    servers.drop_database(url)


async def store(settings: Settings, topic: str, events: Sequence[Any]) -> None:
    async with feeders(settings, topic) as (feeder,):
        await feeder.connection.execute(
            "TRUNCATE ioc.ticket, ioc.ticket_fact, ioc.camera_sample, ioc.wifi_sample, ioc.device_minute,"
            " ioc.device_run, ioc.device_state"
        )
        await feeder.feed([encode(event) for event in events], now=STORED)
        await feeder.idle()


def gauge(connection: psycopg.Connection[Any], kpi: str, at: datetime) -> float | None:
    """The value just before a moment: at the end of a range that ends with it."""
    asked = Asked(start=(at - timedelta(hours=5)).isoformat(), end=at.isoformat(), bucket="1h")
    return answer(connection, ask(SYSTEM_READER, kpi, asked)).points[-1].value


@given(events=happenings, after=moments)
@plan
def test_whoever_waits_is_counted(own: Settings, events: list[Any], after: list[timedelta]) -> None:
    asyncio.run(store(own, topics.QUEUES, events))
    tickets = []
    for _, day, _, _, _, _, issued, _, started, completed, no_show, cancelled, _ in plainly(events):
        lapses = datetime.combine(date.fromisoformat(str(day)) + timedelta(days=1), time(), tzinfo=ZONE)
        tickets.append((issued, started or no_show or cancelled or completed or lapses))
    with psycopg.connect(own.database_dsn, autocommit=True) as connection:
        for moment in [
            *(BASE + delta for delta in after),
            BASE.replace(hour=17),
            BASE.replace(hour=17, microsecond=1),
        ]:
            known = any(issued is not None and issued < moment for issued, _ in tickets)
            waiting = sum(issued is not None and issued < moment <= ended for issued, ended in tickets)
            assert gauge(connection, "queue.waiting", moment) == (waiting if known else None), moment


def held(events: Sequence[Any], moment: datetime) -> list[Any]:
    """What the newest sample of each device says just before a moment, while it holds and anything is known."""
    newest: dict[str, Any] = {}
    for event in sorted(events, key=lambda e: e.time):
        if event.time < moment:
            newest[event.subject] = event
    return [
        e
        for e in newest.values()
        if moment <= e.time + timedelta(seconds=3 * e.data.interval_s) and status(e) is not Status.UNKNOWN
    ]


def status(event: Any) -> Status:
    found: Status = event.data.verdict if isinstance(event, CameraProbed) else event.data.status
    return found


@given(cameras=camera_events, points=wifi_events, after=moments)
@plan
def test_what_lasts_of_devices_is_counted(
    own: Settings, cameras: list[Any], points: list[Any], after: list[timedelta]
) -> None:
    kinds = (
        (topics.CAMERAS, cameras, {
            "camera.down": lambda e: status(e) is Status.DOWN,
            "camera.frozen": lambda e: bool(e.data.frozen),
            "camera.stalled": lambda e: bool(e.data.stalled),
        }),
        (topics.WIFI, points, {
            "wifi.down": lambda e: status(e) is Status.DOWN,
            "wifi.saturated": lambda e: (e.data.clients or 0) >= LIMIT,
        }),
    )  # fmt: skip
    for topic, events, gauges in kinds:
        asyncio.run(store(own, topic, events))
        with psycopg.connect(own.database_dsn, autocommit=True) as connection:
            for moment in (SAMPLED_FROM + delta / 2 for delta in after):
                known = held(events, moment)
                for kpi, holds in gauges.items():
                    wanted = sum(map(holds, known)) if known else None
                    assert gauge(connection, kpi, moment) == wanted, (kpi, moment)
