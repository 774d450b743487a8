"""What stands behind a series: how much was heard of, and how much of it came late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from ioc import topics
from ioc.events import DossierRecord, DossierRecorded, TicketIssued, encode
from ioc.kpi.document import provenance_document
from ioc.kpi.query import SYSTEM_READER, answer, ask
from ioc.kpi.question import Asked
from ioc.settings import Settings
from tests.integration.feeding import feeders
from tests.integration.kpi_data import Connection, add_district, add_unit, empty
from tests.integration.samples import wifi
from tests.integration.test_queues_sink import happened
from tests.servers import Servers

#: A morning in Vietnam, which is another day in UTC than its evening.
MORNING = datetime(2026, 3, 2, 23, tzinfo=UTC)
FIRST, SECOND = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (4, 6))


@pytest.fixture(scope="module")
def own(servers: Servers) -> Iterator[Settings]:
    url = servers.new_database()
    yield servers.settings.model_copy(update={"database_url": SecretStr(url)})
    servers.drop_database(url)


@pytest.fixture
def district(own: Settings) -> Iterator[Connection]:
    """Three communes, one of them only until the year before, under a root that has nothing of its own."""
    with psycopg.connect(own.database_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        connection.execute(
            "TRUNCATE ioc.dossier, ioc.dossier_fact, ioc.dossier_ledger, ioc.dossier_series, ioc.dossier_alias"
        )
        empty(connection)
        add_unit(connection, "root")
        for code in ("u1", "u2", "old"):
            add_unit(connection, code, parent="root")
        connection.execute("UPDATE ioc.unit SET valid_to = '2025-07-01' WHERE code = 'old'")
        add_district(connection, "root")
        yield connection


def feed(
    settings: Settings, topic: str, records: Sequence[bytes], now: datetime, closed: datetime | None = None
) -> None:
    async def run() -> None:
        async with feeders(settings, topic) as (feeder,):
            await feeder.feed(records, now=now, closed_until=closed)
            await feeder.idle()

    asyncio.run(run())


def dossier(code: str, unit: str, time: datetime) -> bytes:
    return encode(
        DossierRecorded(
            specversion="1.0", id=code, source="//test", subject=code, time=time,
            data=DossierRecord(unit=unit, received_at=time),
        )
    )  # fmt: skip


def behind(
    connection: Connection, kpi: str, start: str, end: str, as_of: datetime | None = None, **more: Any
) -> dict[str, Any]:
    asked = Asked(start=start, end=end, as_of=None if as_of is None else as_of.isoformat(), **more)
    found = provenance_document(answer(connection, ask(SYSTEM_READER, kpi, asked)))
    return {name: found[name] for name in ("late_facts", "late_share", "coverage", "newest_fact")}


def test_dossiers_tell_which_units_were_heard_from_and_what_came_late(
    own: Settings, district: Connection
) -> None:
    feed(own, topics.DOSSIERS, [dossier("d1", "u1", MORNING)], FIRST)
    again = [dossier("d1", "u1", MORNING)]
    late = [
        dossier("d2", "u2", MORNING + timedelta(hours=1)),
        dossier("d3", "u1", SECOND - timedelta(hours=1)),
    ]
    feed(own, topics.DOSSIERS, [*again, *late], SECOND, closed=SECOND - timedelta(hours=2))
    now = behind(district, "dossier.received", "2026-03-03", "2026-03-04")
    assert now == {
        "late_facts": 1,
        "late_share": 0.5,
        "coverage": 1.0,
        "newest_fact": "2026-03-06T18:00:00+07:00",
    }
    # the day is the unit's own: the morning of the third is no part of the second
    assert behind(district, "dossier.received", "2026-03-02", "2026-03-03")["coverage"] == 0
    assert behind(district, "dossier.overdue", "2026-03-03", "2026-03-07")["late_share"] == pytest.approx(
        1 / 3
    )
    assert behind(district, "dossier.received", "2026-03-03", "2026-03-04", unit="u2")["late_share"] == 1
    assert behind(district, "dossier.received", "2026-03-03", "2026-03-04", as_of=FIRST) == {
        "late_facts": None, "late_share": None, "coverage": 0.5, "newest_fact": "2026-03-03T06:00:00+07:00",
    }  # fmt: skip


def test_a_unit_counts_while_it_is_valid_and_a_group_once_it_is_heard_from(
    own: Settings, district: Connection
) -> None:
    feed(
        own,
        topics.DOSSIERS,
        [dossier("d1", "u1", MORNING - timedelta(days=300)), dossier("d2", "elsewhere", MORNING)],
        FIRST,
    )
    assert behind(district, "dossier.received", "2025-05-01", "2025-06-01")["coverage"] == pytest.approx(
        1 / 3
    )
    assert behind(district, "dossier.received", "2025-08-01", "2025-09-01")["coverage"] == 0
    assert behind(district, "dossier.received", "2025-08-01", "2025-09-01", unit="old")["coverage"] is None
    feed(own, topics.DOSSIERS, [dossier("d3", "root", MORNING)], FIRST)
    assert behind(district, "dossier.received", "2026-03-03", "2026-03-04")["coverage"] == pytest.approx(
        1 / 3
    )


def test_queues_tell_the_same_of_tickets(own: Settings, district: Connection) -> None:
    first = happened(TicketIssued, 0, unit="u1", day="2026-03-02")
    feed(own, topics.QUEUES, [encode(first)], FIRST)
    second = happened(TicketIssued, 5, unit="u2", number="2", id="late")
    feed(own, topics.QUEUES, [encode(second)], SECOND, closed=SECOND)
    now = behind(district, "queue.issued", "2026-03-02", "2026-03-03")
    assert now == {
        "late_facts": 1,
        "late_share": 0.5,
        "coverage": 1.0,
        "newest_fact": "2026-03-02T08:05:00+07:00",
    }
    assert behind(district, "dossier.received", "2026-03-02", "2026-03-03")["coverage"] == 0
    assert behind(district, "queue.issued", "2026-03-02", "2026-03-03", as_of=FIRST) == {
        "late_facts": None, "late_share": None, "coverage": 0.5, "newest_fact": "2026-03-02T08:00:00+07:00",
    }  # fmt: skip


def test_devices_tell_the_known_share_of_time_then_and_now(own: Settings, district: Connection) -> None:
    start = datetime(2026, 3, 2, 3, tzinfo=UTC)
    times = [start + timedelta(minutes=minute) for minute in range(30)]
    feed(own, topics.WIFI, [wifi("w1", time, unit="u1", interval_s=20) for time in times], FIRST)
    more = [time + timedelta(minutes=30) for time in times]
    feed(
        own, topics.WIFI, [wifi("w1", time, unit="u1", interval_s=20) for time in more], SECOND, closed=SECOND
    )
    span = ("2026-03-02T10:00", "2026-03-02T11:00")
    now = behind(district, "wifi.availability", *span, bucket="1h")
    assert now == {
        "late_facts": 30,
        "late_share": 0.5,
        "coverage": 1.0,
        "newest_fact": "2026-03-02T10:59:00+07:00",
    }
    then = behind(district, "wifi.availability", *span, bucket="1h", as_of=FIRST)
    assert then == {
        "late_facts": None,
        "late_share": None,
        "coverage": 0.5,
        "newest_fact": "2026-03-02T10:29:00+07:00",
    }


def test_of_the_platform_itself_nothing_is_late(district: Connection) -> None:
    found = behind(district, "platform.dead_letters", "2026-03-02", "2026-03-03")
    assert found == {"late_facts": None, "late_share": None, "coverage": None, "newest_fact": None}
