"""De-identified exports over HTTP: somebody who asks everything and subtracts gets nothing but whole groups."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from itertools import combinations
from random import Random

import httpx
import psycopg
import pytest
import pytest_asyncio

from ioc.settings import Settings
from tests.integration.asking import asking
from tests.integration.history_place import PASSWORD, Case, add_cases, add_places, day
from tests.integration.kpi_data import Connection
from tests.servers import Servers

_PLANNER = ("planner", PASSWORD)
_SMALLEST = 5
Row = tuple[str, str, str, str, str]


def _cases() -> list[Case]:
    """Three months of a district: some common procedures, many rare ones."""
    random = Random(7)
    found: list[Case] = []
    for month in ("01", "02", "03"):
        for unit, size in (("go-1", 90), ("go-2", 40), ("go", 3)):
            for _ in range(size):
                received = day(f"2026-{month}-{random.randint(1, 28):02}")
                done = received + timedelta(days=random.randint(1, 3))
                late = random.random() < 0.1
                found.append(
                    Case(
                        code=f"c{len(found)}",
                        unit=unit,
                        received=received,
                        completed=done if random.random() < 0.9 else None,
                        late=late,
                        procedure=f"p{min(int(random.expovariate(0.7)), 9)}",
                        channel=random.choice(["online", "online", "counter", None]),
                    )
                )
    return found


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    with servers.place() as found:
        with psycopg.connect(found.database_dsn, autocommit=True) as connection:
            add_places(connection)
            add_cases(connection, _cases())
            connection.execute("INSERT INTO ioc.disclosure_key (key) VALUES (%s)", (bytes(32),))
        yield found


@pytest_asyncio.fixture
async def client(place: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place) as found:
        yield found


@pytest.fixture
def connection(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        yield found


async def _counts(
    client: httpx.AsyncClient,
    start: str = "2026-01-01",
    end: str = "2026-04-01",
    unit: str = "",
    reader: str = "planner",
) -> dict[Row, int]:
    query = f"deidentified=true&from={start}&to={end}{unit and f'&unit={unit}'}"
    answer = await client.get(f"/api/v1/exports/dossiers?{query}", auth=(reader, PASSWORD))
    assert answer.status_code == 200, answer.text
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["month", "unit", "procedure", "channel", "outcome", "dossiers"]
    found = {(row[0], row[1], row[2], row[3], row[4]): int(row[5]) for row in rows[1:]}
    assert len(found) == len(rows) - 1
    return found


def _true_counts(connection: Connection) -> Counter[Row]:
    rows = connection.execute(
        "SELECT to_char(m.month, 'YYYY-MM-DD'), c.unit, coalesce(c.procedure, '(none)'),"
        " coalesce(c.channel, '(none)'), c.outcome, c.dossiers"
        " FROM (VALUES (date '2026-01-01'), ('2026-02-01'), ('2026-03-01')) AS m (month)"
        " CROSS JOIN LATERAL ioc.disclosure_counts(m.month, true) c"
    ).fetchall()
    return Counter({(row[0], row[1], row[2], row[3], row[4]): row[5] for row in rows})


async def test_totals_are_exact_and_no_group_is_small(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    counts = await _counts(client)
    assert min(counts.values()) >= _SMALLEST
    # the same as the indicator counts, month by month
    series = await client.get(
        "/api/v1/kpis/dossier.received/series?from=2026-01-01&to=2026-04-01&bucket=1mo", auth=_PLANNER
    )
    for point in series.json()["points"]:
        shown = sum(n for row, n in counts.items() if row[0] == point["time"][:10])
        assert shown == point["value"]
    # and something is shown of each dimension, though most cells are small
    true = _true_counts(connection)
    assert sum(1 for n in true.values() if n < _SMALLEST) > len(true) / 2
    assert any("(others)" not in row for row in counts)
    assert sum(n for row, n in counts.items() if row[1] != "(others)") > sum(true.values()) / 4


async def test_whoever_subtracts_gets_whole_groups(client: httpx.AsyncClient) -> None:
    """Everything that can be asked is a sum over one partition: no difference of two answers splits a group."""
    whole = await _counts(client)
    months = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")
    asked: list[dict[Row, int]] = [whole]
    # adjacent and overlapping periods, the district and its units, readers of a unit and of everything
    for start, end in combinations(months, 2):
        asked += [await _counts(client, start, end, unit) for unit in ("", "go", "go-1", "go-2")]
    asked.append(await _counts(client, reader="clerk"))
    asked.append(await _counts(client, unit="go", reader="chief"))
    for answer in asked:
        assert answer.items() <= whole.items()
    for one, other in combinations(asked, 2):
        difference = Counter(one)
        difference.subtract(other)
        assert all(n == 0 or abs(n) >= _SMALLEST for n in difference.values())
        left = sum(one.values()) - sum(other.values())
        # what is left is itself a sum of whole groups, and so of none that is small
        assert left == sum(n for row, n in whole.items() if row in one) - sum(
            n for row, n in whole.items() if row in other
        )


async def test_a_unit_does_not_show_what_its_district_hides(client: httpx.AsyncClient) -> None:
    """The district's own three dossiers a month are too few: not even the difference to its communes tells them."""
    for month, after in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")):
        district = await _counts(client, month, after)
        named = {row[1] for row in district} - {"(others)"}
        assert "go" not in named
        communes = Counter(await _counts(client, month, after, "go-1")) + Counter(
            await _counts(client, month, after, "go-2")
        )
        left = sum(district.values()) - sum(communes.values())
        assert left >= _SMALLEST  # a commune is hidden with them, and its own export does not show it either
        assert len(named) == 1


async def test_what_is_learned_later_changes_no_edition(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    before = await _counts(client)
    add_cases(connection, [Case(code="later", unit="go", received=day("2026-02-03"), procedure="p9")])
    connection.execute("UPDATE ioc.dossier SET procedure = 'p8' WHERE code = 'c1'")
    assert await _counts(client) == before
    answer = await client.get(
        "/api/v1/exports/dossiers?deidentified=true&from=2026-01-01&as_of=2026-02-01", auth=_PLANNER
    )
    assert answer.status_code == 422


async def test_a_month_with_too_few_gives_nothing_and_may_be_filled_yet(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    span = ("2025-11-01", "2025-12-01")
    add_cases(connection, [Case(code=f"n{n}", received=day("2025-11-05")) for n in range(_SMALLEST - 1)])
    assert await _counts(client, *span) == {}
    add_cases(connection, [Case(code=f"m{n}", received=day("2025-11-06")) for n in range(20)])
    assert sum((await _counts(client, *span)).values()) == 20 + _SMALLEST - 1


async def test_a_month_is_given_when_it_has_settled(client: httpx.AsyncClient, place: Settings) -> None:
    now = datetime.now().astimezone()
    answer = await client.get(
        f"/api/v1/exports/dossiers?deidentified=true&from={now:%Y-%m}-01&to=2199-01-01", auth=_PLANNER
    )
    assert answer.status_code == 422
    assert "so far until" in answer.json()["detail"]
