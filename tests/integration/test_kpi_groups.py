"""Reporting groups whose members change with the day: each counts while it is one."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ioc.dossiers.ledger import Measure
from ioc.kpi.query import answer, ask, current
from ioc.kpi.question import Areas, Asked
from tests.integration.areas import ZONE, DatedUnit, Edge, add_units, at
from tests.integration.kpi_data import Connection, LedgerEntry, add_district, add_entries, empty

JOINED, LEFT = date(2025, 3, 1), date(2025, 9, 15)
#: group, member, first day, first day after
Member = tuple[str, str, date | None, date | None]


def _add_members(connection: Connection, members: Sequence[Member]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ioc.unit_member (group_code, member_code, valid_from, valid_to)"
            " VALUES (%s, %s, coalesce(%s, '0001-01-01'::date), %s)",
            members,
        )


@pytest.fixture
def cluster(connection: Connection) -> Connection:
    """``cluster`` has ``own`` below it for good, ``guest`` with ``part`` below it from March to mid-September 2025."""
    empty(connection)
    add_units(
        connection,
        [
            DatedUnit("cluster"),
            DatedUnit("own", "cluster"),
            DatedUnit("guest"),
            DatedUnit("part", "guest"),
            DatedUnit("before", end=date(2025, 2, 1)),
        ],
        [Edge("before", "own", 1, date(2025, 2, 1))],
    )
    _add_members(connection, [("cluster", "guest", JOINED, LEFT)])
    add_district(connection, "cluster")
    return connection


def _received(unit: str, day: str) -> LedgerEntry:
    return LedgerEntry(unit, Measure.RECEIVED, at(day), at(day))


def _values(connection: Connection, kpi: str, **more: str) -> list[float | None]:
    asked = Asked(**{"unit": "cluster", "start": "2025-01-01", "end": "2026-01-01", "bucket": "1mo", **more})  # type: ignore[arg-type]
    return [point.value for point in answer(connection, ask("system", kpi, asked)).points]


def test_a_member_counts_from_its_first_day_to_its_last(cluster: Connection) -> None:
    add_entries(
        cluster,
        [
            _received("own", "2025-01-05"),
            *(_received("part", day) for day in ("2025-02-28", "2025-03-01", "2025-09-14", "2025-09-15")),
            _received("guest", "2025-06-01"),
        ],
    )
    assert _values(cluster, "dossier.received") == [1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0]
    daily = _values(cluster, "dossier.received", start="2025-09-14", end="2025-09-16", bucket="1d")
    assert daily == [1, 0]
    split = answer(
        cluster,
        ask(
            "system", "dossier.received", Asked(start="2025-03-01", end="2025-04-01", bucket="1mo", by="unit")
        ),
    )
    assert [(point.dim, point.value) for point in split.points] == [("part", 1)]


def test_gauges_count_who_is_a_member_at_the_moment_and_current_figures_who_is_one_today(
    cluster: Connection,
) -> None:
    add_entries(
        cluster,
        [
            LedgerEntry(unit, measure, at("2025-01-05"), at("2025-01-05"))
            for unit in ("own", "part", "before")
            for measure in (Measure.RECEIVED, Measure.OPEN)
        ],
    )
    assert _values(cluster, "dossier.open") == [1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1]
    assert [figure.value for figure in answer(cluster, current("system", ["dossier.open"], ["cluster"]))] == [
        1
    ]
    # today's area: who left has gone with all it ever did, and what became a member's is there
    assert _values(cluster, "dossier.open", areas="remapped") == [2] * 12
    (figure,) = answer(cluster, current("system", ["dossier.open"], ["cluster"], Areas.REMAPPED))
    assert (figure.value, figure.estimated) == (2, False)


def test_a_quantile_is_unknown_where_the_members_change_within_its_bucket(cluster: Connection) -> None:
    add_entries(
        cluster,
        [
            _received("own", "2025-01-05"),
            *(
                LedgerEntry("own", Measure.PROCESSING, at(day), at(day), amount=amount)
                for day, amount in (("2025-09-02", 1000), ("2025-09-20", 3000), ("2025-10-20", 5000))
            ),
        ],
    )
    assert _values(cluster, "dossier.processing_days_p50")[8:10] == [None, 5]
    days = {"start": "2025-09-02", "end": "2025-09-21", "bucket": "1d"}
    assert [value for value in _values(cluster, "dossier.processing_days_p50", **days) if value] == [1, 3]


def test_a_reader_of_a_group_reads_its_members(cluster: Connection) -> None:
    cluster.execute("INSERT INTO ioc.reader (name, root_unit) VALUES ('chief', 'cluster')")
    add_entries(cluster, [_received("part", "2025-06-01")])
    asked = Asked(unit="part", start="2025-06-01", end="2025-07-01", bucket="1mo")
    assert [point.value for point in answer(cluster, ask("chief", "dossier.received", asked)).points] == [1]


_DAYS = (date(2025, 2, 1), date(2025, 5, 10), date(2025, 8, 1), date(2025, 11, 20))
_START, _END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def _belongs(unit: str, day: date, parents: dict[str, str | None], members: Sequence[Member]) -> bool:
    if unit == "root":
        return True
    above = [parent for parent in (parents[unit],) if parent is not None]
    above += [
        group
        for group, member, start, end in members
        if member == unit and (start is None or start <= day) and (end is None or day < end)
    ]
    return any(_belongs(group, day, parents, members) for group in above)


@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_sums_are_those_of_the_members_of_each_day(connection: Connection, seed: int) -> None:
    rng = random.Random(seed)
    codes = ["root", *(f"u{number}" for number in range(rng.randint(1, 7)))]
    parents: dict[str, str | None] = {"root": None}
    for number, code in enumerate(codes[1:], 1):
        parents[code] = rng.choice((None, *codes[:number]))
    members: list[Member] = []
    for group, member in ((rng.choice(codes[: n + 1]), codes[n + 1]) for n in range(len(codes) - 1)):
        edges = sorted(rng.sample(_DAYS, rng.choice((2, 4))))
        members += [(group, member, start, end) for start, end in list(pairwise(edges))[::2]]
    span = int((_END - _START).total_seconds())
    times = [_START + timedelta(seconds=rng.randrange(span)) for _ in range(rng.randint(1, 25))]
    entries = [LedgerEntry(rng.choice(codes), Measure.RECEIVED, moment, moment) for moment in times]
    with connection.transaction(force_rollback=True):
        empty(connection)
        add_units(connection, [DatedUnit(code, parents[code]) for code in codes], [])
        _add_members(connection, members)
        add_district(connection, "root")
        add_entries(connection, entries)
        found = connection.execute(
            "SELECT time, numerator FROM ioc.kpi_series('system', 'dossier.received', 'root', %s, %s, '1mo')",
            (_START, _END),
        ).fetchall()
    expected: dict[tuple[int, int], int] = defaultdict(int)
    for entry in entries:
        local = entry.effective_at.astimezone(ZONE)
        expected[local.year, local.month] += _belongs(entry.unit, local.date(), parents, members)
    months = [moment.astimezone(ZONE) for moment, _ in found]
    assert [value or 0 for _, value in found] == [expected[month.year, month.month] for month in months]
    assert months[0] == datetime.combine(_START.astimezone(ZONE).date(), time(7), tzinfo=ZONE)
