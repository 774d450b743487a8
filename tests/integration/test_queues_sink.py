"""Queue facts on the real database: tickets come out the same however their facts come in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ioc import topics
from ioc.events import (
    QueueEvent,
    Ticket,
    TicketCalled,
    TicketCancelled,
    TicketCompleted,
    TicketIssued,
    TicketNoShow,
    TicketRecalled,
    TicketStarted,
    TicketTransferred,
    encode,
)
from ioc.settings import Settings
from tests.integration.feeding import Feeder, feeders

BASE = datetime(2026, 3, 2, 1, tzinfo=UTC)
KINDS: list[Any] = [
    TicketIssued,
    TicketCalled,
    TicketRecalled,
    TicketStarted,
    TicketCompleted,
    TicketNoShow,
    TicketTransferred,
    TicketCancelled,
]
_COLUMNS = (
    "kiosk, date::text, number, u.code, service, counter, issued_at, called_at, started_at, completed_at,"
    " no_show_at, cancelled_at, recalls"
)


def happened(
    kind: Any, minute: float, number: str = "1", day: str = "2026-03-02", kiosk: str = "k1", **more: Any
) -> QueueEvent:
    event: QueueEvent = kind(
        specversion="1.0",
        id=more.pop("id", f"{kind.__name__}-{minute}"),
        source="//kiosk",
        subject=kiosk,
        time=BASE + timedelta(minutes=minute),
        data=Ticket(**{"unit": "u1", "kiosk": kiosk, "date": day, "number": number, **more}),
    )
    return event


happenings = st.lists(
    st.builds(
        happened,
        st.sampled_from(KINDS),
        st.integers(0, 60),
        number=st.sampled_from(["1", "A-2"]),
        day=st.sampled_from(["2026-03-02", "2026-03-03"]),
        service=st.sampled_from([None, "land", "trade"]),
        counter=st.sampled_from([None, "3"]),
        to_service=st.sampled_from([None, "health"]),
        unit=st.sampled_from(["u1", "u2"]),
        id=st.integers(0, 10_000).map(str),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda e: e.id,
)


async def store(settings: Settings, batches: list[list[QueueEvent]]) -> tuple[Any, Feeder]:
    async with feeders(settings, topics.QUEUES) as (feeder,):
        await feeder.connection.execute("TRUNCATE ioc.ticket, ioc.ticket_fact, ioc.unreadable")
        for batch in batches:
            await feeder.feed([encode(event) for event in batch])
        tickets = await feeder.rows(
            f"SELECT {_COLUMNS} FROM ioc.ticket JOIN ioc.unit u USING (unit_id) ORDER BY kiosk, date, number, round"  # noqa: S608
        )
        return tickets, feeder


def given_again(event: QueueEvent, before: list[QueueEvent]) -> bool:
    """Whether a number is given to somebody else, after the facts before."""
    issued = [e.time for e in before if isinstance(e, TicketIssued)]
    if not isinstance(event, TicketIssued) or not issued:
        return False
    ended = [e.time for e in before if isinstance(e, TicketCompleted | TicketNoShow | TicketCancelled)]
    over = bool(ended) and max(ended) >= max(issued)
    return event.time - max(issued) >= timedelta(minutes=1 if over else 10)


def plainly(known: list[QueueEvent]) -> list[tuple[object, ...]]:
    numbers: dict[tuple[str, str, str], list[list[QueueEvent]]] = {}
    for event in sorted(known, key=lambda e: (e.time, e.sequence, e.id)):
        rounds = numbers.setdefault((event.data.kiosk, event.data.date, event.data.number), [[]])
        if given_again(event, [fact for of_round in rounds for fact in of_round]):
            rounds.append([])
        rounds[-1].append(event)
    rows: list[tuple[object, ...]] = []
    for key, facts in ((key, facts) for key, rounds in sorted(numbers.items()) for facts in rounds):

        def first(kind: Any, facts: list[QueueEvent] = facts) -> datetime | None:
            return next((e.time for e in facts if isinstance(e, kind)), None)

        services = [e.data.to_service or e.data.service for e in facts]
        counters = [e.data.counter for e in facts]
        rows.append(
            (
                *key,
                facts[0].data.unit,
                next((s for s in reversed(services) if s), None),
                next((c for c in reversed(counters) if c), None),
                first(TicketIssued),
                first(TicketCalled),
                first(TicketStarted),
                max((e.time for e in facts if isinstance(e, TicketCompleted)), default=None),
                first(TicketNoShow),
                first(TicketCancelled),
                sum(isinstance(e, TicketRecalled) for e in facts),
            )
        )
    return rows


@given(known=happenings, data=st.data())
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_order_repetition_and_batches_change_nothing(
    place: Settings, known: list[QueueEvent], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(known), max_size=4))
    shuffled = data.draw(st.permutations(known + again))
    cut = data.draw(st.integers(0, len(shuffled)))
    tickets, feeder = asyncio.run(store(place, [part for part in (shuffled[:cut], shuffled[cut:]) if part]))
    assert tickets == plainly(known)
    assert (feeder.facts, feeder.duplicates, feeder.bad) == (len(known), len(again), [])


def test_numbers_begin_anew_each_day_and_at_each_machine(place: Settings) -> None:
    batch = [
        happened(TicketIssued, 1),
        happened(TicketIssued, 2, kiosk="k2"),
        happened(TicketIssued, 3 + 24 * 60, day="2026-03-03"),
        happened(TicketStarted, 9 + 24 * 60, day="2026-03-03"),
    ]
    tickets, _ = asyncio.run(store(place, [batch]))
    assert [row[:3] for row in tickets] == [
        ("k1", "2026-03-02", "1"),
        ("k1", "2026-03-03", "1"),
        ("k2", "2026-03-02", "1"),
    ]
    assert [row[8] for row in tickets] == [None, BASE + timedelta(minutes=9 + 24 * 60), None]


def test_a_number_given_twice_in_a_day_is_two_tickets(place: Settings) -> None:
    """The kiosk was switched off and on at ten, or counted to 999 and began anew."""
    story = [
        happened(TicketIssued, 0, service="land"),
        happened(TicketStarted, 5),
        happened(TicketCompleted, 9),
        happened(TicketIssued, 120, service="trade"),
        happened(TicketCalled, 125),
        happened(TicketStarted, 126),
    ]
    for order in (story, story[::-1]):
        tickets, _ = asyncio.run(store(place, [[event] for event in order]))
        assert [row[:3] for row in tickets] == [("k1", "2026-03-02", "1")] * 2
        assert [row[4] for row in tickets] == ["land", "trade"]
        minutes = [[t and (t - BASE).total_seconds() / 60 for t in row[6:10]] for row in tickets]
        assert minutes == [[0, None, 5, 9], [120, 125, 126, None]]


def test_a_number_issued_again_at_once_is_a_clock_set_right(place: Settings) -> None:
    tickets, _ = asyncio.run(store(place, [[happened(TicketIssued, 0), happened(TicketIssued, 9)]]))
    assert [row[6] for row in tickets] == [BASE]
    tickets, _ = asyncio.run(
        store(place, [[happened(TicketIssued, 0), happened(TicketIssued, 15)], [happened(TicketIssued, 8)]])
    )
    assert [row[6] for row in tickets] == [BASE]  # what came late shows that it was one ticket all the time


def test_a_service_without_a_beginning_is_known_as_far_as_it_goes(place: Settings) -> None:
    tickets, _ = asyncio.run(store(place, [[happened(TicketCompleted, 9)], [happened(TicketCalled, 5)]]))
    assert tickets[0][6:] == (
        None,
        BASE + timedelta(minutes=5),
        None,
        BASE + timedelta(minutes=9),
        None,
        None,
        0,
    )


@pytest.mark.parametrize("day", ["2026-02-30", "0000-01-01", "٢٠٢٦-٠١-٠١", "2026-01-01\\n", "2026-1-1"])
def test_what_is_no_day_is_unreadable_and_the_rest_is_stored(place: Settings, day: str) -> None:
    async def run() -> None:
        async with feeders(place, topics.QUEUES) as (feeder,):
            await feeder.connection.execute("TRUNCATE ioc.ticket, ioc.ticket_fact, ioc.unreadable")
            good = encode(happened(TicketIssued, 1))
            wrong = encode(happened(TicketIssued, 2)).replace(b"2026-03-02", day.encode(), 2)
            wrong = wrong.replace(b'"time":"' + day.encode(), b'"time":"2026-03-02')
            await feeder.feed([good, wrong, encode(happened(TicketStarted, 3))])
            assert feeder.bad == [(1, "invalid")]
            assert feeder.facts == 2

    asyncio.run(run())


def test_late_facts_are_counted_by_unit_once(place: Settings) -> None:
    async def run() -> None:
        async with feeders(place, topics.QUEUES) as (feeder,):
            await feeder.connection.execute("TRUNCATE ioc.ticket, ioc.ticket_fact, ioc.unreadable")
            late, timely = happened(TicketIssued, 1), happened(TicketStarted, 3)
            closed = BASE + timedelta(minutes=2)
            await feeder.feed([encode(e) for e in (late, late, timely)], closed_until=closed)
            await feeder.feed([encode(e) for e in (late, happened(TicketCompleted, 5))], closed_until=closed)
            ((unit,),) = await feeder.rows("SELECT unit_id FROM ioc.unit WHERE code = 'u1'")
            assert feeder.late == {unit: 1}
            assert (feeder.facts, feeder.duplicates) == (3, 2)

    asyncio.run(run())


def test_a_text_that_looks_like_an_escape_is_stored_as_it_is(place: Settings) -> None:
    event = happened(TicketIssued, 1, service="a\\u0000b")
    assert b"\\\\u0000" in msgspec.json.encode(event)
    tickets, feeder = asyncio.run(store(place, [[event]]))
    assert feeder.bad == []
    assert tickets[0][4] == "a\\u0000b"


def test_a_transferred_ticket_begins_once_and_is_completed_when_the_last_service_is(place: Settings) -> None:
    story = [
        happened(TicketIssued, 0, service="land"),
        happened(TicketStarted, 5, counter="1"),
        happened(TicketCompleted, 9),
        happened(TicketTransferred, 10, to_service="trade"),
        happened(TicketStarted, 20, counter="2"),
        happened(TicketCompleted, 30),
    ]
    for order in (story, story[::-1]):
        tickets, _ = asyncio.run(store(place, [[event] for event in order]))
        ((*_, unit, service, counter, issued, _, started, completed, _, _, _),) = tickets
        assert (unit, service, counter) == ("u1", "trade", "2")
        assert [(t - BASE).total_seconds() / 60 for t in (issued, started, completed)] == [0, 5, 30]
