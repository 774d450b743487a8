"""Dossier facts on the real database: order, repetition and cut into batches change nothing, corrections do."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ioc import topics
from ioc.district.worktime import WorkCalendar
from ioc.dossiers.ledger import contributions
from ioc.dossiers.reducer import Fact, reduce
from ioc.events import (
    Applicant,
    Channel,
    DossierApologised,
    DossierApology,
    DossierEvent,
    DossierMerge,
    DossierMerged,
    DossierPaid,
    DossierPayment,
    DossierProgress,
    DossierProgressed,
    DossierRated,
    DossierRating,
    DossierRecord,
    DossierRecorded,
    DossierSupplement,
    DossierSupplemented,
    encode,
)
from ioc.settings import Settings
from streams.dossiers.projector import rebuild
from streams.registry import Registry
from tests.integration.feeding import Feeder, feeders

BASE = datetime(2024, 3, 28, 6, tzinfo=UTC)
#: When facts are stored that don't say when they were learned.
STORED = datetime(2024, 6, 1, tzinfo=UTC)
CALENDAR = WorkCalendar(holidays_of=None)
ZONE = CALENDAR.zone

moments = st.integers(0, 240).map(lambda hours: BASE + timedelta(hours=hours))
units = st.sampled_from(["u1", "u2"])
statuses = st.sampled_from([None, *range(12)])
bodies = st.one_of(
    st.builds(
        DossierRecord,
        unit=units,
        channel=st.sampled_from([None, *Channel]),
        field=st.sampled_from([None, "", "đất đai"]),
        procedure=st.sampled_from([None, "p\\u0000"]),
        status=statuses,
        received_at=st.none() | st.just(BASE),
        rejected_at=st.none() | st.just(BASE),
        returned_at=st.none() | st.just(BASE),
        due_at=st.none() | moments,
        aliases=st.sampled_from([(), ("G1",), ("G1", "G2")]),
        applicant=st.sampled_from([None, *Applicant]),
        fee_vnd=st.none() | st.integers(0, 10**12),
        paid_online=st.none() | st.booleans(),
        result_digital=st.none() | st.booleans(),
    ),
    st.builds(DossierProgress, unit=units, status=statuses, due_at=st.none() | moments),
    st.builds(DossierApology, unit=units, new_due_at=st.none() | moments),
    st.builds(DossierRating, unit=units, satisfied=st.booleans(), score=st.none() | st.integers(0, 100)),
    st.builds(
        DossierPayment,
        unit=units,
        amount_vnd=st.integers(0, 10**12),
        online=st.none() | st.booleans(),
        payment=st.sampled_from([None, "p1", "p2"]),
    ),
    st.builds(
        DossierSupplement,
        unit=units,
        received=st.booleans(),
        old_due_at=st.none() | moments,
        new_due_at=st.none() | moments,
    ),
    st.builds(DossierMerge, unit=units, into=st.sampled_from([None, "d9"])),
)
ENVELOPES: dict[type, Any] = {
    DossierRecord: DossierRecorded,
    DossierProgress: DossierProgressed,
    DossierApology: DossierApologised,
    DossierRating: DossierRated,
    DossierPayment: DossierPaid,
    DossierSupplement: DossierSupplemented,
    DossierMerge: DossierMerged,
}


@st.composite
def events(draw: st.DrawFn) -> DossierEvent:
    data = draw(bodies)
    event: DossierEvent = ENVELOPES[type(data)](
        specversion="1.0",
        id=str(draw(st.integers(0, 10_000))),
        source=draw(st.sampled_from(["//a", "//b"])),
        subject=draw(st.sampled_from(["d1", "d2"])),
        time=draw(moments),
        sequence=draw(st.sampled_from(["", "1"])),
        # before, between and after one another, and later than what is stored at once
        recordedat=draw(st.none() | st.integers(0, 4).map(lambda d: BASE + timedelta(days=20 + 20 * d))),
        data=data,
    )
    return event


facts = st.lists(events(), min_size=1, max_size=8, unique_by=lambda e: (e.subject, e.source, e.id))


async def empty(feeder: Feeder) -> None:
    await feeder.connection.execute(
        "TRUNCATE ioc.dossier, ioc.dossier_fact, ioc.dossier_ledger, ioc.dossier_series, ioc.dossier_alias,"
        " ioc.unreadable"
    )


async def store(settings: Settings, batches: list[list[DossierEvent]]) -> tuple[Any, Any, Feeder]:
    """Return projections and ledger that the batches leave behind."""
    async with feeders(settings, topics.DOSSIERS) as (feeder,):
        await empty(feeder)
        for batch in batches:
            await feeder.feed([encode(event) for event in batch], now=STORED)
        ledger = await feeder.rows(
            "SELECT d.code, u.code, s.channel, s.field, s.procedure, measure, effective_at, amount, l.recorded_at,"
            " sum(delta)"
            " FROM ioc.dossier_ledger l JOIN ioc.dossier d USING (dossier_id)"
            " JOIN ioc.dossier_series s USING (series_id) JOIN ioc.unit u ON u.unit_id = s.unit_id"
            " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING sum(delta) <> 0"
        )
        projections = await feeder.rows(
            "SELECT d.code, u.code, channel, field, procedure, status, step, received_at, original_due_at, due_at,"
            " completed_at, withdrawn_at, newest_fact, facts, recorded_at, applicant, rejected_at, returned_at,"
            " fee_vnd, paid_vnd, paid_online, result_digital, apologised_at, promised_at, rated_at, satisfied, score,"
            " merged_into,"
            " ARRAY(SELECT alias FROM ioc.dossier_alias a WHERE a.code = d.code ORDER BY alias)"
            " FROM ioc.dossier d JOIN ioc.unit u USING (unit_id) ORDER BY d.code"
        )
        numbers = [row[0] for row in await feeder.rows("SELECT dossier_id FROM ioc.dossier")]
        async with feeder.connection.transaction():
            pool = feeder.registry.pool
            assert await rebuild(feeder.connection, Registry(pool), numbers) == (0, 0)
        return projections, Counter({row[:-1]: row[-1] for row in ledger}), feeder


def plainly(known: list[DossierEvent], as_of: datetime) -> Counter[tuple[object, ...]]:
    """What all dossiers contribute by what was known at a moment."""
    found: Counter[tuple[object, ...]] = Counter()
    for code in {event.subject for event in known}:
        then = [
            Fact(e.time, e.sequence, e.id, min(e.recordedat or STORED, STORED), e.data, e.source)
            for e in known
            if e.subject == code and min(e.recordedat or STORED, STORED) <= as_of
        ]
        for (series, measure, at, amount), n in contributions(reduce(then), lambda _: CALENDAR).items():
            found[code, *series, int(measure), at, amount] += n
    return found


@given(known=facts, data=st.data())
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_order_repetition_and_batches_change_nothing(
    place: Settings, known: list[DossierEvent], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(known), max_size=4))
    shuffled = data.draw(st.permutations(known + again))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(shuffled)), max_size=3)))
    batches = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True) if a < b]
    projections, ledger, _ = asyncio.run(store(place, [known]))
    found, entries, feeder = asyncio.run(store(place, batches))
    assert found == projections
    assert entries == ledger
    assert (feeder.facts, feeder.duplicates, feeder.bad) == (len(known), len(again), [])
    for day in (0, 20, 45, 60, 100):
        as_of = BASE + timedelta(days=day)
        then: Counter[tuple[object, ...]] = Counter()
        for (*key, recorded_at), n in entries.items():
            if recorded_at <= as_of:
                then[tuple(key)] += n
        assert {k: n for k, n in then.items() if n} == plainly(known, as_of)


def recorded(code: str, hours: float, **more: Any) -> DossierRecorded:
    envelope = {name: more.pop(name) for name in ("id", "source", "recordedat", "time") if name in more}
    at = BASE + timedelta(hours=hours)
    content: dict[str, Any] = {"unit": "u1", "received_at": BASE, **more}
    return DossierRecorded(
        **(
            {"specversion": "1.0", "id": f"{code}-{hours}", "source": "//a", "time": at} | envelope  # type: ignore[arg-type]
        ),
        subject=code,
        data=DossierRecord(**content),
    )


def test_a_fact_learned_earlier_than_others_rewrites_what_was_known_in_between(place: Settings) -> None:
    late = BASE + timedelta(days=30)
    first = recorded("d1", 1, channel=Channel.ONLINE, recordedat=late)
    correction = recorded("d1", 0.5, channel=Channel.POST, recordedat=BASE + timedelta(days=10))
    _, alone, _ = asyncio.run(store(place, [[first]]))
    assert {key[-1] for key in alone} == {late}
    _, both, _ = asyncio.run(store(place, [[first], [correction]]))
    assert min(key[-1] for key in both) == BASE + timedelta(days=10)
    _, at_once, _ = asyncio.run(store(place, [[correction, first]]))
    assert both == at_once


def test_nothing_is_learned_in_the_future(place: Settings) -> None:
    ahead = recorded("d1", 1, recordedat=STORED + timedelta(days=365))
    _, ledger, _ = asyncio.run(store(place, [[ahead]]))
    assert {key[-1] for key in ledger} == {STORED}


def test_two_sources_with_one_id_are_two_facts_in_any_order(place: Settings) -> None:
    pair: list[DossierEvent] = [
        recorded("d1", 1, id="1", source=source, channel=channel)
        for source, channel in (("//b", Channel.POST), ("//a", Channel.ONLINE))
    ]
    one, _, feeder = asyncio.run(store(place, [pair]))
    other, _, _ = asyncio.run(store(place, [[pair[1]], [pair[0]]]))
    assert one == other
    assert one[0][2] == "post"
    assert feeder.facts == 2


def test_of_one_id_the_first_stands(place: Settings) -> None:
    pair: list[DossierEvent] = [recorded("d1", 1, id="1", status=2), recorded("d1", 2, id="1", status=9)]
    for batches in ([pair], [[pair[0]], [pair[1]]]):
        projections, _, feeder = asyncio.run(store(place, batches))
        assert projections[0][5] == 2
        assert (feeder.facts, feeder.duplicates) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"received_at": BASE + timedelta(days=2)},
        {"received_at": datetime(1, 1, 1, tzinfo=UTC)},
        {"completed_at": BASE + timedelta(days=2)},
        {"withdrawn_at": datetime(1989, 1, 1, tzinfo=UTC)},
        {"due_at": datetime(9999, 12, 31, tzinfo=UTC)},
        {"due_at": datetime(1980, 1, 1, tzinfo=UTC)},
        {"submitted_at": BASE + timedelta(days=2)},
        {"rejected_at": BASE + timedelta(days=2)},
        {"returned_at": datetime(1989, 1, 1, tzinfo=UTC)},
    ],
)
def test_impossible_dates_are_unreadable_and_the_rest_is_stored(
    place: Settings, wrong: dict[str, Any]
) -> None:
    batch: list[DossierEvent] = [recorded("d1", 1), recorded("d2", 1, **wrong), recorded("d3", 1)]
    projections, _, feeder = asyncio.run(store(place, [batch]))
    assert [row[0] for row in projections] == ["d1", "d3"]
    assert feeder.bad == [(1, "invalid")]


def said(code: str, hours: float, data: Any) -> DossierEvent:
    event: DossierEvent = ENVELOPES[type(data)](
        specversion="1.0",
        id=f"{code}-{hours}-{type(data).__name__}",
        source="//a",
        subject=code,
        time=BASE + timedelta(hours=hours),
        data=data,
    )
    return event


def test_fees_papers_letters_and_ratings_are_stored_with_their_dossier(place: Settings) -> None:
    late = BASE + timedelta(days=5)
    batch = [
        recorded(
            "d1",
            1,
            due_at=BASE,
            applicant=Applicant.BUSINESS,
            service_level=4,
            submitted_at=BASE - timedelta(hours=1),
            fee_vnd=150_000,
            payable_online=True,
            digitised=True,
            reused=False,
            from_store=True,
            result_digital=True,
            aliases=("G22.1", "d1"),
        ),
        said("d1", 2, DossierPayment(unit="u1", amount_vnd=100_000, online=True, payment="p1")),
        said("d1", 3, DossierPayment(unit="u1", amount_vnd=50_000, online=True)),
        said("d1", 4, DossierPayment(unit="u1", amount_vnd=90_000, online=True, payment="p1")),
        said("d1", 5, DossierApology(unit="u1", reason="workload", old_due_at=BASE, new_due_at=late)),
        said("d1", 6, DossierRating(unit="u1", satisfied=True, score=90)),
    ]

    async def run() -> Any:
        async with feeders(place, topics.DOSSIERS) as (feeder,):
            await empty(feeder)
            await feeder.feed([encode(event) for event in batch], now=STORED)
            assert feeder.bad == []
            return await feeder.rows(
                "SELECT applicant, service_level, submitted_at, fee_vnd, paid_vnd, payable_online, paid_online,"
                " digitised, reused, from_store, result_digital, apologised_at, promised_at, satisfied, score, due_at,"
                " (SELECT array_agg(alias) FROM ioc.dossier_alias a WHERE a.code = d.code) FROM ioc.dossier d"
            )

    (row,) = asyncio.run(run())
    flags = (True, True, True, False, True, True)
    assert row[:5] == ("business", 4, BASE - timedelta(hours=1), 150_000, 140_000)
    assert row[5:11] == flags
    assert row[11:] == (BASE + timedelta(hours=5), late, True, 90, BASE, ["G22.1"])


def test_a_dossier_that_was_another_ones_second_code_counts_no_more_and_keeps_its_facts(
    place: Settings,
) -> None:
    batch = [recorded("d1", 1), recorded("d2", 1), said("d2", 2, DossierMerge(unit="u1", into="d1"))]
    for order in (batch, batch[::-1]):
        projections, ledger, feeder = asyncio.run(store(place, [[event] for event in order]))
        assert feeder.bad == []
        assert {key[0] for key, count in ledger.items() if count} >= {"d1"}
        assert sum(count for key, count in ledger.items() if key[0] == "d2") == 0
        assert [(row[0], row[13], row[27]) for row in projections] == [("d1", 1, None), ("d2", 2, "d1")]
    own_code, _, feeder = asyncio.run(store(place, [[said("d1", 2, DossierMerge(unit="u1", into="d1"))]]))
    assert (own_code, feeder.bad) == ([], [(0, "invalid")])


def test_late_facts_are_counted_by_unit_once(place: Settings) -> None:
    async def run() -> None:
        async with feeders(place, topics.DOSSIERS) as (feeder,):
            await empty(feeder)
            closed = BASE + timedelta(hours=2)
            late, timely = recorded("d1", 1), recorded("d1", 3)
            await feeder.feed([encode(e) for e in (late, late, timely)], closed_until=closed)
            await feeder.feed([encode(e) for e in (late, recorded("d1", 4))], closed_until=closed)
            ((unit,),) = await feeder.rows("SELECT unit_id FROM ioc.unit WHERE code = 'u1'")
            assert feeder.late == {unit: 1}
            assert (feeder.facts, feeder.duplicates) == (3, 2)

    asyncio.run(run())


def test_texts_of_all_kinds_come_back_as_they_were(place: Settings) -> None:
    texts = ["đất đai – xây dựng", "", "a\\u0000b", '"quoted"', "\\", "line\nbreak", "😀"]
    batch: list[DossierEvent] = [recorded(f"d{n}", 1, field=text) for n, text in enumerate(texts)]
    projections, ledger, feeder = asyncio.run(store(place, [batch]))
    assert feeder.bad == []
    assert [row[3] for row in projections] == texts
    assert {key[3] for key in ledger} == set(texts)


def test_two_writers_of_the_same_dossiers_wait_for_one_another(place: Settings) -> None:
    """Wrong keys may bring one dossier through two partitions: sums stay right, nobody deadlocks for good."""

    async def run() -> None:
        async with feeders(place, topics.DOSSIERS, partitions=2) as (one, two):
            await empty(one)

            async def write(feeder: Feeder, source: str, status: int) -> None:
                for n in range(10):
                    codes = [f"d{k}" for k in (range(8) if status == 4 else reversed(range(8)))]
                    batch = [recorded(c, n / 10, source=source, status=status) for c in codes]
                    await feeder.feed([encode(e) for e in batch])

            await asyncio.gather(write(one, "//a", 4), write(two, "//b", 9))
            numbers = [row[0] for row in await one.rows("SELECT dossier_id FROM ioc.dossier ORDER BY 1")]
            assert len(numbers) == 8
            async with one.connection.transaction():
                assert await rebuild(one.connection, one.registry, numbers) == (0, 0)
            assert await one.rows("SELECT count(*), min(facts), max(facts) FROM ioc.dossier") == [(8, 20, 20)]

    asyncio.run(run())


def test_a_dossier_with_a_thousand_steps_is_reduced_in_time(place: Settings) -> None:
    async def run() -> float:
        async with feeders(place, topics.DOSSIERS) as (feeder,):
            await empty(feeder)
            steps = [
                DossierProgressed(
                    specversion="1.0",
                    id=str(n),
                    source="//a",
                    subject="d1",
                    time=BASE + timedelta(minutes=n),
                    recordedat=BASE + timedelta(minutes=n),
                    data=DossierProgress(unit="u1", status=4 + n % 2, due_at=BASE + timedelta(hours=n % 7)),
                )
                for n in range(1000)
            ]
            await feeder.feed([encode(recorded("d1", 0)), *map(encode, steps)])
            begun = asyncio.get_running_loop().time()
            await feeder.feed([encode(recorded("d1", 100))])
            return asyncio.get_running_loop().time() - begun

    assert asyncio.run(run()) < 20.0
    with psycopg.connect(place.database_dsn) as connection:
        assert connection.execute("SELECT facts FROM ioc.dossier").fetchall() == [(1002,)]


def test_the_same_dimensions_again_take_no_new_number(place: Settings) -> None:
    """Numbers of dimensions are 32 bits wide: one taken with every batch would be used up within months."""

    async def story() -> list[int]:
        async with feeders(place, topics.DOSSIERS) as (feeder,):
            await empty(feeder)
            taken = []
            for number in range(5):
                await feeder.feed([encode(_recorded(f"same-{number}"))], now=STORED)
                rows = await feeder.rows(
                    "SELECT last_value FROM pg_sequences"
                    " WHERE quote_ident(schemaname) || '.' || quote_ident(sequencename)"
                    " = pg_get_serial_sequence('ioc.dossier_series', 'series_id')"
                )
                taken.append(rows[0][0])
            assert await feeder.rows("SELECT count(*) FROM ioc.dossier_series") == [(1,)]
            return taken

    taken = asyncio.run(story())
    assert len(set(taken)) == 1


def _recorded(code: str) -> DossierRecorded:
    return DossierRecorded(
        specversion="1.0",
        id=code,
        source="//a",
        subject=code,
        time=BASE,
        data=DossierRecord(unit="u1", channel=Channel.ONLINE, field=None, procedure="p", received_at=BASE),
    )
