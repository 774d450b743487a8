"""A kiosk's day as it writes it, out of order and with gaps, becomes the indicators that it should."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from connectors.queues.reading import TicketReader
from ioc import topics
from ioc.events import encode
from ioc.kpi import find
from ioc.kpi.query import answer, series
from ioc.kpi.question import Question
from ioc.settings import Settings
from tests.integration.feeding import feeders
from tests.integration.kpi_data import add_district, add_unit, empty

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = datetime(2026, 3, 2, tzinfo=ZONE)
#: What happened to each number of the day, in minutes after 7:00. Two were never completed, one never started, one was
#: told of by its call alone.
TOLD: dict[str, dict[str, int]] = {
    "A001": {"issued": 0, "called": 5, "started": 5, "completed": 12},
    "A002": {"issued": 1, "called": 12, "started": 13},
    "A003": {"issued": 2, "called": 20, "recalled": 21, "no-show": 25},
    "A004": {"issued": 3, "cancelled": 30},
    "A005": {"issued": 4, "called": 40, "started": 41},
    "A006": {"issued": 5},
    "A007": {"called": 50},
}


def lines(day: datetime, told: dict[str, dict[str, int]]) -> list[bytes]:
    """The day's tickets as the kiosk writes them."""
    return [
        json.dumps(
            {
                "happened": happened,
                "number": number,
                "kiosk": "k1",
                "time": (day + timedelta(hours=7, minutes=minute)).isoformat(),
                "date": day.date().isoformat(),
            }
        ).encode()
        for number, facts in told.items()
        for happened, minute in facts.items()
    ]


def store(place: Settings, told: list[bytes], batches: int) -> None:
    reader = TicketReader(zone=ZONE, unit_of=lambda _kiosk, _day: "u1")
    records = [encode(fact) for line in told if (fact := reader.read(line, datetime.now(UTC))) is not None]

    async def run() -> None:
        async with feeders(place, topics.QUEUES) as (feeder,):
            for part in range(batches):
                await feeder.feed(records[part::batches])
            assert feeder.bad == []

    asyncio.run(run())


def figures(place: Settings, kpi: str, start: datetime, days: int = 1) -> list[tuple[Any, Any, Any]]:
    question = Question(kpi=find(kpi), start=start, end=start + timedelta(days=days), bucket="1d", unit="u1")
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        points = answer(connection, series("system", question))
    return [(point.value, point.numerator, point.denominator) for point in points]


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_out_of_order_and_without_a_completion(place: Settings, seed: int | None) -> None:
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        empty(connection)
        add_unit(connection, "u1")
        add_district(connection, "u1")
    told = lines(DAY, TOLD) + lines(DAY + timedelta(days=1), {"A001": {"issued": 0, "started": 10}})
    if seed is not None:
        random.Random(seed).shuffle(told)
        told += told[:5]
    store(place, told, batches=1 if seed is None else 4)
    assert figures(place, "queue.issued", DAY, days=2) == [(6, 6, None), (1, 1, None)], (
        "A001 of the next day is another ticket; A007's issue never came"
    )
    # waits of 5, 12 and 37 minutes, whether or not anybody said that the service ended
    assert figures(place, "queue.served_within_15m", DAY) == [(pytest.approx(2 / 3), 2, 3)]
    # nothing ended A006, A007 is known by its call: both lapse at the end of the day, the next day's first instant
    assert figures(place, "queue.waiting", DAY, days=2)[-1][0] == 0, "nobody waits for yesterday's number"
    assert figures(place, "queue.abandonment_rate", DAY, days=2) == [
        (pytest.approx(1 / 5), 1, 5),
        (pytest.approx(2 / 3), 2, 3),
    ]
    assert figures(place, "queue.no_show_rate", DAY, days=2) == [(pytest.approx(1 / 4), 1, 4), (0, 0, 1)]
