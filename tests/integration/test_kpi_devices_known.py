"""Device indicators as of an earlier moment are what was answered then, whatever samples have come since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ioc import topics
from ioc.events import CameraProbed, CameraSample, Status, encode
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import SYSTEM_READER, answer, ask
from ioc.kpi.question import Asked
from ioc.settings import Settings
from tests.integration.feeding import feeders
from tests.integration.kpi_answers import SAMPLED_FROM, Answers, answers, camera_events, wifi_events
from tests.integration.samples import wifi
from tests.servers import Servers

THEN = SAMPLED_FROM + timedelta(hours=1)
LATER = THEN + timedelta(seconds=1)
TOPIC_OF = {"camera": topics.CAMERAS, "wifi": topics.WIFI}


@pytest.fixture(scope="module")
def own(servers: Servers) -> Iterator[Settings]:
    url = servers.new_database()
    yield servers.settings.model_copy(update={"database_url": SecretStr(url)})
    servers.drop_database(url)


def without_samples(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "TRUNCATE ioc.camera_sample, ioc.wifi_sample, ioc.device_minute, ioc.device_run, ioc.device_state"
    )
    connection.execute("DELETE FROM ioc.kept_from")


async def learn(
    settings: Settings, subject: str, first: list[bytes], then: list[bytes]
) -> tuple[Answers, Answers, Answers]:
    """Answers before the second part is learned, after it, and after it as of before it."""
    with psycopg.connect(settings.database_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        without_samples(connection)
        async with feeders(settings, TOPIC_OF[subject]) as (feeder,):
            await feeder.feed(first, now=THEN)
            await feeder.idle()
            before = answers(connection, subject)
            await feeder.feed(then, now=LATER)
            await feeder.idle()
        return before, answers(connection, subject), answers(connection, subject, THEN)


@given(
    drawn=st.one_of(
        st.tuples(st.just("camera"), camera_events),
        st.tuples(st.just("wifi"), wifi_events),
    ),
    data=st.data(),
)
# a smaller example takes minutes to find
@hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,)
)
def test_what_was_answered_then_is_answered_as_of_then(
    own: Settings, drawn: tuple[str, list[Any]], data: st.DataObject
) -> None:
    subject, events = drawn
    mixed = [encode(event) for event in data.draw(st.permutations(events))]
    cut = data.draw(st.integers(0, len(mixed)))
    before, _, known_then = asyncio.run(learn(own, subject, mixed[:cut], mixed[cut:]))
    for key, points in before.items():
        assert known_then[key] == points, key


def seen(minute: float, verdict: Status = Status.OK) -> bytes:
    return encode(
        CameraProbed(
            specversion="1.0",
            id=str(minute),
            source="//test",
            subject="c1",
            time=SAMPLED_FROM + timedelta(minutes=minute),
            data=CameraSample(unit="u1", verdict=verdict),
        )
    )


def probed(minute: float, status: Status = Status.OK, clients: int | None = 5) -> bytes:
    return wifi("w1", SAMPLED_FROM + timedelta(minutes=minute), status=status, clients=clients, unit="u1")


def test_a_late_sample_that_ends_an_outage_shows_as_a_correction(own: Settings) -> None:
    first = [seen(3), seen(4, Status.DOWN), seen(6)]
    stages = asyncio.run(learn(own, "camera", first, [seen(5)]))
    lengths = [
        {time: figure[0] for (time, _), figure in found["camera.mttr", None, "1min"].items()}
        for found in stages
    ]
    at = {minute: SAMPLED_FROM + timedelta(minutes=minute) for minute in (5, 6)}
    assert lengths == [{at[6]: 120.0}, {at[5]: 60.0}, {at[6]: 120.0}]


def test_clients_that_were_told_late_were_not_known_before(own: Settings) -> None:
    stages = asyncio.run(learn(own, "wifi", [probed(3), probed(6)], [probed(5, clients=50)]))
    most = [max(f[0] or 0 for f in found["wifi.clients_max", "device", "1d"].values()) for found in stages]
    assert most == [5, 50, 5]


def test_the_clock_stands_at_the_moment(own: Settings) -> None:
    asyncio.run(learn(own, "wifi", [probed(3), probed(4, Status.DOWN, None)], []))
    with psycopg.connect(own.database_dsn, autocommit=True) as connection:
        connection.execute("UPDATE ioc.wifi_sample SET recorded_at = time")
        moment = SAMPLED_FROM + timedelta(minutes=4, seconds=30)
        found = answers(connection, "wifi", moment)
        down = {time: figure[0] for (time, _), figure in found["wifi.down", None, "1min"].items()}
        assert down == {SAMPLED_FROM + timedelta(minutes=3): 0, SAMPLED_FROM + timedelta(minutes=4): 1}


def test_what_samples_no_longer_tell_is_refused_with_the_moment_from_which_on_they_do(own: Settings) -> None:
    asyncio.run(learn(own, "wifi", [probed(3)], []))
    with psycopg.connect(own.database_dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ioc.kept_from (fact, since) VALUES ('wifi_sample', %s)",
            (SAMPLED_FROM - timedelta(hours=20),),
        )
        with pytest.raises(BadQuestionError, match="samples, and these are kept since") as refused:
            answers(connection, "wifi", THEN)
        assert "Begin at 2026-03-02 20:50" in refused.value.remedy
        assert answers(connection, "wifi")


def test_a_device_that_was_heard_from_only_before_samples_are_kept_is_unknown(own: Settings) -> None:
    asyncio.run(learn(own, "wifi", [probed(3), probed(30)], []))
    with psycopg.connect(own.database_dsn, autocommit=True) as connection:
        connection.execute("UPDATE ioc.device_run SET started = started - interval '9 days' WHERE state = 1")
        connection.execute(
            "DELETE FROM ioc.wifi_sample WHERE time < %s", (SAMPLED_FROM + timedelta(minutes=20),)
        )
        connection.execute(
            "INSERT INTO ioc.kept_from (fact, since) VALUES ('wifi_sample', %s)",
            (SAMPLED_FROM - timedelta(days=3),),
        )
        unknown = answers(connection, "wifi", THEN)["wifi.unknown", None, "1min"]
        assert unknown[SAMPLED_FROM + timedelta(minutes=10), None] == (1.0, 60, 60)


def test_the_platforms_own_gauges_are_what_had_been_sampled_and_counts_what_had_been_met(
    own: Settings,
) -> None:
    with psycopg.connect(own.database_dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM ioc.platform_sample")
        connection.execute("DELETE FROM ioc.unreadable_count")
        for minute, lag in ((1, 10), (5, 30)):
            connection.execute(
                "INSERT INTO ioc.platform_sample (time, kpi, topic, value) VALUES (%s, 'platform.lag', 'ioc.wifi', %s)",
                (SAMPLED_FROM + timedelta(minutes=minute), lag),
            )
        hour = SAMPLED_FROM.replace(minute=0)
        connection.execute("INSERT INTO ioc.unreadable_count VALUES ('ioc.wifi', %s, 7)", (hour,))

        def value(kpi: str, as_of: timedelta | None) -> float | None:
            moment = None if as_of is None else (SAMPLED_FROM + as_of).isoformat()
            asked = Asked(
                start=hour.isoformat(), end=(hour + timedelta(hours=1)).isoformat(), bucket="1h", as_of=moment
            )
            return answer(connection, ask(SYSTEM_READER, kpi, asked)).points[0].value

        lags = [value("platform.lag", as_of) for as_of in (None, timedelta(minutes=2), timedelta(minutes=5))]
        assert lags == [30, 10, 30]
        assert value("platform.lag", timedelta(seconds=30)) is None
        assert value("platform.dead_letters", timedelta(minutes=10)) == 7
        with pytest.raises(BadQuestionError, match="kept as one count"):
            value("platform.dead_letters", timedelta(minutes=2))
