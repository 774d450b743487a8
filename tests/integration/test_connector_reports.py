"""What connectors say about themselves: from the process over Kafka and the database to the API."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connectors.shared.health import Health
from connectors.shared.relay import Relay
from connectors.shared.reporter import Reporter
from ioc import topics
from ioc.events import ConnectorReport, ConnectorReported, ConnectorState, encode
from ioc.settings import Settings
from tests.integration.asking import asking
from tests.integration.feeding import feeders
from tests.integration.streaming import fetch, run_ioc, scalar, wait_counted, wait_until, worker

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def _the_moment() -> None:
    """Reports are seconds old when they are looked at: the module may have been read long before its tests run."""
    global NOW
    NOW = datetime.now(UTC).replace(microsecond=0)


def report(number: int, state: ConnectorState, name: str = "wifi", **facts: Any) -> ConnectorReported:
    time = NOW + timedelta(seconds=number)
    return ConnectorReported(
        specversion="1.0",
        id=f"{name}-{number:04d}",
        source=facts.pop("source", "//box/connectors"),
        subject=name,
        time=time,
        data=ConnectorReport(**{"state": state, "since": time, "interval_s": 60.0, **facts}),
    )


async def test_the_newest_report_is_the_state_and_changes_are_history(settings: Settings) -> None:
    ok, failing, stopped = ConnectorState.OK, ConnectorState.FAILING, ConnectorState.STOPPED
    reports = [
        report(-50, ok, changed=True, sources=3),
        report(
            -40,
            failing,
            changed=True,
            sources=3,
            failing=1,
            failing_sources=("ap-2",),
            reason="ap-2: timeout",
        ),
        report(-30, failing, sources=3, failing=2, failing_sources=("ap-1", "ap-2")),
        report(-300, ok, "silent", changed=True),
        report(-300, stopped, "stopped", changed=True),
        report(-20, ConnectorState.SPOOLING, changed=True, source="//other/connectors", spooled_events=7),
    ]
    async with feeders(settings, topics.CONNECTORS) as (feeder,):
        await feeder.feed([encode(one) for one in reports])
        await feeder.feed([encode(one) for one in reports])
        await feeder.feed([b"{}", encode(reports[0]).replace(b'"ok"', b'"glorious"')])
        assert (feeder.facts, feeder.duplicates) == (6, 6)
        assert [reason for _, reason in feeder.bad] == ["invalid", "invalid"]
        now = await feeder.rows(
            "SELECT name, source, state, failing, failing_sources, spooled_events FROM ioc.connector_now"
            " ORDER BY name, source"
        )
        assert now == [
            ("silent", "//box/connectors", "unknown", 0, [], 0),
            ("stopped", "//box/connectors", "stopped", 0, [], 0),
            ("wifi", "//box/connectors", "failing", 2, ["ap-1", "ap-2"], 0),
            ("wifi", "//other/connectors", "spooling", 0, [], 7),
        ]
        changes = await feeder.rows(
            "SELECT c.name, h.state, h.reason FROM ioc.connector_change h JOIN ioc.connector c USING (connector_id)"
            " WHERE c.name = 'wifi' ORDER BY h.time"
        )
        assert changes == [
            ("wifi", "ok", None),
            ("wifi", "failing", "ap-2: timeout"),
            ("wifi", "spooling", None),
        ]
        assert await feeder.rows("SELECT count(*) FROM ioc.window_close") == [(0,)]


@given(
    st.lists(st.tuples(st.sampled_from(list(ConnectorState)), st.booleans()), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_and_repetition_gives_the_same(
    settings: Settings, states: list[tuple[ConnectorState, bool]], chance: random.Random
) -> None:
    name = f"c{uuid4().hex[:16]}"
    reports = [report(n - 100, state, name, changed=changed) for n, (state, changed) in enumerate(states)]
    shuffled = [chance.choice(reports) for _ in range(4)] + chance.sample(reports, len(reports))

    async def check() -> None:
        async with feeders(settings, topics.CONNECTORS) as (feeder,):
            while shuffled:
                take = chance.randint(1, 4)
                await feeder.feed([encode(one) for one in shuffled[:take]])
                del shuffled[:take]
            found = await feeder.rows("SELECT state, time FROM ioc.connector WHERE name = %s", name)
            assert found == [(reports[-1].data.state.value, reports[-1].time)]
            changes = await feeder.rows(
                "SELECT h.report_id FROM ioc.connector_change h JOIN ioc.connector c USING (connector_id)"
                " WHERE c.name = %s ORDER BY h.time",
                name,
            )
            assert [row[0] for row in changes] == [one.id for one in reports if one.data.changed]

    asyncio.run(check())


async def test_from_the_connector_to_the_api_and_the_status(settings: Settings) -> None:
    settings = settings.model_copy(update={"spool_free_bytes": 0})
    state = "SELECT state FROM ioc.connector_now WHERE name = 'cameras'"

    def is_now(wanted: str) -> bool:
        return fetch(settings, state) == [(wanted,)]

    health = Health("source")
    health.note("cam-1", True)
    with worker(settings, "--topic", topics.CONNECTORS):
        with Relay(settings, "cameras") as relay, Reporter(relay, [health], interval_s=20.0):
            await asyncio.to_thread(wait_until, lambda: is_now("ok"), within_s=60, what="ok")
            health.note("cam-2", False, "no RTSP")
            await asyncio.to_thread(wait_until, lambda: is_now("failing"), within_s=30, what="failing")
            async with asking(settings, raising=True) as client:
                answer = await client.get("/api/v1/connectors")
            shown = await asyncio.to_thread(run_ioc, settings, "status", "--json")
        await asyncio.to_thread(wait_until, lambda: is_now("stopped"), within_s=30, what="stopped")
        wait_counted(settings, [topics.CONNECTORS])
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["connectors"]
    assert (found["name"], found["state"], found["sources"], found["failing"]) == ("cameras", "failing", 2, 1)
    assert (found["reason"], found["failing_sources"]) == ("cam-2: no RTSP", ["cam-2"])
    (told,) = json.loads(shown.stdout)["connectors"]
    assert (told["name"], told["state"], told["failing"]) == ("cameras", "failing", 1)
    changes = "SELECT state FROM ioc.connector_change ORDER BY time"
    assert fetch(settings, changes) == [("ok",), ("failing",), ("stopped",)]
    assert scalar(settings, "SELECT count(*) FROM ioc.unreadable") == 0


@pytest.mark.parametrize("sources", [0, 60])
def test_a_report_lists_at_most_fifty_sources(settings: Settings, sources: int) -> None:
    from ioc.events import decode
    from tests.integration.test_connectors_kafka import records

    health = Health("source")
    for number in range(sources):
        health.note(f"cam-{number:03d}", False, "x" * 300)
    with Relay(settings, "cameras") as relay, Reporter(relay, [health]):
        pass
    import msgspec

    reports = [
        msgspec.json.decode(record.value, type=ConnectorReported)
        for record in records(settings, topics.CONNECTORS)
    ]
    assert [one.data.state for one in reports] == [
        ConnectorState.FAILING if sources else ConnectorState.OK,
        ConnectorState.STOPPED,
    ]
    assert reports[0].data.failing == sources
    assert len(reports[0].data.failing_sources) == min(sources, 50)
    with pytest.raises(msgspec.ValidationError):  # no outside sender may say so
        decode(encode(reports[0]))
