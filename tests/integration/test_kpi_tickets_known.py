"""Queue indicators as of an earlier moment are what was answered then, whatever has been learned since."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ioc import topics
from ioc.events import QueueEvent, TicketIssued, TicketStarted, encode
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import SYSTEM_READER, answer, ask
from ioc.kpi.question import Asked
from ioc.settings import Settings
from tests.integration.feeding import feeders
from tests.integration.test_queues_sink import BASE, happened, happenings

THEN = BASE + timedelta(days=4)
LATER = THEN + timedelta(seconds=1)
# surges have their own comparison: they are made of weeks, and list units of which nothing is known yet
QUEUES = [kpi for kpi in CATALOGUE if kpi.startswith("queue.") and kpi != "queue.surge"]


def answers(
    connection: psycopg.Connection[Any], as_of: str | None = None
) -> dict[tuple[str, str | None], Any]:
    found = {}
    for kpi in QUEUES:
        for by in (None, "service", "unit"):
            asked = Asked(
                start="2026-03-02T00:00:00Z", end="2026-03-05T00:00:00Z", bucket="15min" if by is None else "1d",
                by=by, as_of=as_of,
            )  # fmt: skip
            points = answer(connection, ask(SYSTEM_READER, kpi, asked)).points
            found[kpi, by] = sorted(points, key=lambda p: (p.time, p.dim or ""))
    return found


async def learn(settings: Settings, first: list[QueueEvent], then: list[QueueEvent]) -> tuple[Any, Any, Any]:
    """Answers before the second part is learned, after it, and after it as of before it."""
    with psycopg.connect(settings.database_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        connection.execute("TRUNCATE ioc.ticket, ioc.ticket_fact")
        async with feeders(settings, topics.QUEUES) as (feeder,):
            await feeder.feed([encode(event) for event in first], now=THEN)
            before = answers(connection)
            await feeder.feed([encode(event) for event in then], now=LATER)
        return before, answers(connection), answers(connection, THEN.isoformat())


@given(known=happenings, data=st.data())
@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_was_answered_then_is_answered_as_of_then(
    place: Settings, known: list[QueueEvent], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(known))
    cut = data.draw(st.integers(0, len(mixed)))
    before, _, known_then = asyncio.run(learn(place, mixed[:cut], mixed[cut:]))
    assert known_then == before


def test_a_ticket_learned_later_and_a_wait_corrected_later_show_as_corrections(place: Settings) -> None:
    first = [happened(TicketIssued, 0), happened(TicketStarted, 20), happened(TicketIssued, 1, number="2")]
    then = [happened(TicketStarted, 5, id="earlier"), happened(TicketIssued, 2, number="3")]
    before, after, known_then = asyncio.run(learn(place, first, then))
    at = BASE.replace(minute=0)
    issued, soon = ("queue.issued", None), ("queue.served_within_15m", None)
    assert [{p.time: p.value for p in a[issued]}[at] for a in (before, after, known_then)] == [2, 3, 2]
    assert {p.time: p.value for p in after[soon]}[at] == 1.0
    assert {p.time: p.value for p in known_then[soon]}[at + timedelta(minutes=15)] == 0.0
    assert {p.time: p.denominator for p in known_then[soon]}[at] == 0
