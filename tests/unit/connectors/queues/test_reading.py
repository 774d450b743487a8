"""What kiosks send becomes facts: dates, units, clocks, makes of machines, and everything hostile."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.queues import mapping
from connectors.queues.broker import route
from connectors.queues.clocks import Clocks
from connectors.queues.reading import MOST_TICKETS, TicketReader
from connectors.shared.mqtt import Message, PartlyReadError
from ioc.errors import InputError, UsageError
from ioc.events import QueueEvent, TicketCalled, TicketCompleted, encode

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
TICKET = {
    "happened": "issued",
    "kiosk": "k1",
    "unit": "u1",
    "number": "A012",
    "time": "2026-03-02T08:29:59+07:00",
}


def told() -> tuple[list[tuple[str, bool, str | None]], Clocks]:
    notes: list[tuple[str, bool, str | None]] = []
    return notes, Clocks(lambda *note: notes.append(note))


def live(**options: Any) -> TicketReader:
    return TicketReader(**{"zone": ZONE, "clocks": Clocks(lambda *_: None), **options})


def one(reader: TicketReader, now: datetime = NOW, kiosk: str | None = None, **changes: Any) -> QueueEvent:
    fact = reader.read(json.dumps({**TICKET, **changes}).encode(), now, kiosk=kiosk)
    assert fact is not None
    return fact


def test_a_live_ticket_keeps_the_time_of_receiving_beside_its_own() -> None:
    fact = one(live())
    assert (fact.time, fact.data.received_at, fact.data.stated_at) == (NOW - timedelta(seconds=1), NOW, None)
    assert one(TicketReader(zone=ZONE)).data.received_at is None


def test_only_known_fields_travel() -> None:
    fact = one(live(), visitor="Nguyễn Văn Mẫu", phone="0900000000", note={"id": "079"})
    assert not {"Mẫu", "0900000000", "079"} & set(encode(fact).decode().split('"'))


def test_the_local_date_is_the_districts_whatever_the_offset() -> None:
    assert one(live(), time="2026-03-01T23:30:00Z").data.date == "2026-03-02"
    assert one(live(), time="2026-03-02T08:10:00").time == datetime(2026, 3, 2, 1, 10, tzinfo=UTC)
    assert one(live(), date="2026-03-01").data.date == "2026-03-01"  # called after midnight


def test_the_pack_says_which_unit_a_kiosk_belongs_to_on_a_day() -> None:
    def unit_of(kiosk: str, day: date) -> str | None:
        return ("old" if day < date(2026, 3, 2) else "new") if kiosk == "k1" else None

    reader = live(unit_of=unit_of)
    assert one(reader).data.unit == "new"
    assert one(reader, time="2026-03-01T08:00:00+07:00").data.unit == "old"
    assert one(reader, number=7).data.number == "7"
    stranger = json.dumps({**TICKET, "kiosk": "k2", "unit": None}).encode()
    with pytest.raises(ValueError, match=r"devices\.csv"):
        reader.read(stranger, NOW)


def test_a_message_may_not_speak_for_another_kiosk() -> None:
    with pytest.raises(ValueError, match="another kiosk"):
        one(live(), kiosk="k9")
    assert live().read(json.dumps({**TICKET, "kiosk": None}).encode(), NOW, kiosk="k9").subject == "k9"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("stated", "told_of"),
    [
        ("2026-03-02T15:30:00+07:00", "7 h (its time zone?)"),
        ("2026-03-02T08:50:00+07:00", "20 min"),
        ("2027-03-02T08:30:00+07:00", "365 days"),
    ],
)
def test_a_clock_ahead_loses_no_ticket_and_is_told(stated: str, told_of: str) -> None:
    notes, clocks = told()
    fact = one(live(clocks=clocks), time=stated)
    assert (fact.time, fact.data.stated_at) == (NOW, datetime.fromisoformat(stated).astimezone(UTC))
    assert fact.data.date == "2026-03-02"
    assert notes[-1][:2] == ("k1", False)
    assert told_of in str(notes[-1][2])
    one(live(clocks=clocks))
    assert notes[-1] == ("k1", True, None)


def test_a_clock_that_lost_its_date_dates_no_ticket() -> None:
    fact = one(live(), time="2000-01-01T00:03:00+07:00", date="2000-01-01")
    assert (fact.time, fact.data.date) == (NOW, "2026-03-02")


def test_sending_again_later_changes_no_id_even_with_a_wrong_clock() -> None:
    for stated in (TICKET["time"], "2026-03-02T15:30:00+07:00"):
        first = one(live(), time=stated)
        again = one(live(), now=NOW + timedelta(minutes=3), time=stated)
        assert first.id == again.id


def test_a_clock_behind_is_told_when_nothing_comes_sooner() -> None:
    notes, clocks = told()
    for minute in range(0, 15, 3):
        clocks.saw("k1", NOW + timedelta(minutes=minute, hours=-3), NOW + timedelta(minutes=minute))
        clocks.saw("k2", NOW, NOW + timedelta(minutes=minute))  # a backlog that drains
    assert (
        "k1",
        False,
        "its messages come 3 h (its time zone?) late at least: its clock, or its line",
    ) in notes
    assert all(healthy for kiosk, healthy, _ in notes if kiosk == "k2")


def test_files_are_history_and_only_the_future_is_refused() -> None:
    reader = TicketReader(zone=ZONE)
    assert one(reader, time="2019-03-02T08:00:00+07:00").data.date == "2019-03-02"
    with pytest.raises(ValueError, match="future"):
        one(reader, time="2027-03-02T08:00:00+07:00")


def test_a_make_of_kiosks_is_read_by_its_mapping(tmp_path: Path) -> None:
    path = tmp_path / "make.toml"
    path.write_text(
        """
[ticket]
happened = { key = "type", values = { CALL = "called", DONE = "completed", PING = "" } }
number = "ticket.no"
time = "at"
kiosk = "machine"
counter = "desk"
[time]
format = "epoch_ms"
""",
        "utf-8",
    )
    reader = live(mapping=mapping.load(path), unit_of=lambda *_: "u1")
    body = {
        "type": "CALL",
        "ticket": {"no": 12},
        "at": NOW.timestamp() * 1000,
        "machine": "k1",
        "desk": 3,
        "name": "Mẫu",
    }
    lines = [body, {**body, "type": "DONE"}, {**body, "type": "PING"}, {**body, "type": "EAT"}]
    reading = reader.read_many("\n".join(map(json.dumps, lines)).encode(), NOW)
    assert [type(fact) for fact in reading.events] == [TicketCalled, TicketCompleted]
    assert (reading.events[0].data.number, reading.events[0].data.counter, reading.events[0].time) == (
        "12",
        "3",
        NOW,
    )
    assert [(fault.index, "happened" in fault.reason) for fault in reading.faults] == [(3, True)]
    assert "Mẫu" not in b"".join(map(encode, reading.events)).decode()


@pytest.mark.parametrize(
    "text", ["", "[ticket]\nnumber='n'", "[ticket]\nhappened='h'\nnumber='n'\ntime='t'\nvisitor='v'", "{"]
)
def test_a_mapping_that_can_not_be_used_is_explained(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(InputError, match="can't be used"):
        mapping.load(tmp_path / "m.toml")


def test_one_array_lines_and_what_is_bad_among_them() -> None:
    rows = [TICKET, {**TICKET, "number": ""}, {**TICKET, "number": "A013"}, 7]
    for body in (json.dumps(rows), "\n".join(map(json.dumps, rows))):
        reading = live().read_many(body.encode(), NOW)
        assert [fact.data.number for fact in reading.events] == ["A012", "A013"]
        assert [fault.index for fault in reading.faults] == [1, 3]
    broken = live().read_many(b"\n".join([json.dumps(TICKET).encode(), b"{", b"\xff"]), NOW)
    assert [(fault.index, fault.reason) for fault in broken.faults] == [
        (1, "it is not JSON"),
        (2, "it is not JSON"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"nothing",
        b"\xff\xfe\x00",
        b"[" * 5000,
        b'{"a":' * 100_000,
        b"[" + b"[]," * 100_000 + b"[]]",
        b"x\n" * 1_000_000,
        json.dumps([TICKET] * (MOST_TICKETS + 1)).encode(),
    ],
)
def test_a_message_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(InputError):
        live().read_many(body, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "0001-01-01T00:00:00+07:00"},
        {"time": "9999-12-31T23:59:59-12:00"},
        {"number": "1\u0000"},
        {"kiosk": "k\n1"},
        {"number": 10**30},
        {"date": "2026-02-30"},
        {"happened": ["issued"]},
        {"service": "x" * 300},
        {"counter": {"a": 1}},
    ],
)
def test_what_is_hostile_costs_only_itself(changes: dict[str, Any]) -> None:
    reading = live().read_many(json.dumps([{**TICKET, **changes}, TICKET]).encode(), NOW)
    assert reading.events[-1].data.number == "A012"
    assert [fault.index for fault in reading.faults] == [0]
    file = TicketReader(zone=ZONE)
    with pytest.raises((ValueError, msgspec.DecodeError)):
        file.read(json.dumps({**TICKET, **changes}).encode(), NOW)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
near = st.fixed_dictionaries({}, optional={key: st.just(value) | anything for key, value in TICKET.items()} | {
    "date": anything, "service": anything, "counter": anything, "to_service": anything,
})  # fmt: skip


@given(
    st.binary(max_size=300)
    | st.one_of(anything, near, st.lists(near, max_size=4)).map(lambda it: json.dumps(it).encode())
)
def test_no_bytes_break_the_reader(body: bytes) -> None:
    try:
        reading = live().read_many(body, NOW, kiosk=None)
    except InputError:
        return
    for fact in reading.events:
        assert fact.data.date
        assert abs(fact.time - NOW) <= timedelta(days=36)
        encode(fact)
    assert all(fault.reason for fault in reading.faults)


def message(topic: str, *rows: Any) -> Message:
    return Message(topic, json.dumps(list(rows)).encode(), NOW)


def test_the_topic_names_the_kiosk() -> None:
    wanted, read = route("q/{kiosk}/events", live())
    assert wanted == "q/+/events"
    nameless = {key: value for key, value in TICKET.items() if key != "kiosk"}
    assert [fact.subject for fact in read(message("q/k7/events", nameless))] == ["k7"]
    with pytest.raises(PartlyReadError, match="1 tickets can't be read: it names another") as caught:
        read(message("q/k7/events", TICKET, nameless))
    assert [fact.subject for fact in caught.value.events] == ["k7"]


@pytest.mark.parametrize("topic", ["", "a/#/b", "a+/b", "{kiosk}/{kiosk}", "a/{machine}", "a\n", "x" * 2000])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(UsageError, match="no topic"):
        route(topic, live())
