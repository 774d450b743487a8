"""Decoding a batch: each good record survives, whatever lies beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc import topics
from ioc.events import Status, WifiProbed, WifiSample, decode, encode, event_id, order_key
from streams.batch import Batch, Partition
from streams.decode import BatchDecoder

PARTITION = Partition(topics.WIFI, 0)


def good(number: int = 0, **changes: object) -> WifiProbed:
    event = WifiProbed(
        specversion="1.0",
        id=f"{number}",
        source="//test",
        subject=f"ap-{number}",
        time=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        data=WifiSample(unit="u", status=Status.OK),
    )
    return msgspec.structs.replace(event, **changes)


def batch(values: list[bytes | None], first: int = 100) -> Batch:
    offsets = [first + 2 * place for place in range(len(values))]
    return Batch(PARTITION, first, first + 2 * len(values), 10**6, offsets, values)


def run(values: list[bytes | None]) -> tuple[dict[int, str], dict[int, str]]:
    """Offsets of the readable records with their ids, and of the others with their reasons."""
    offsets, events, bad = BatchDecoder[WifiProbed](topics.WIFI, 300).decode(batch(values).records)[:3]
    return (
        {offset: event.id for offset, event in zip(offsets, events, strict=True)},
        {record.offset: record.reason for record in bad},
    )


@given(st.lists(st.integers(0, 50) | st.binary(max_size=40) | st.none(), max_size=30))
@settings(deadline=None)
def test_good_records_survive_among_any_bytes(found: list[int | bytes | None]) -> None:
    values = [encode(good(item)) if isinstance(item, int) else item for item in found]
    readable, bad = run(values)
    for place, item in enumerate(found):
        offset = 100 + 2 * place
        if isinstance(item, int):
            assert readable[offset] == str(item)
        else:
            assert offset in bad
    assert len(readable) + len(bad) == len(found)


def test_two_events_in_one_record_are_not_one_fact() -> None:
    pair = encode(good(1)) + b"\n" + encode(good(2))
    readable, bad = run([encode(good(0)), pair, encode(good(3))])
    assert readable == {100: "0", 104: "3"}
    assert bad == {102: "not-json"}


def test_a_record_of_two_does_not_make_up_for_an_empty_one() -> None:
    pair = encode(good(1)) + b"\n" + encode(good(2))
    readable, bad = run([pair, b"", encode(good(3))])
    assert readable == {104: "3"}
    assert set(bad) == {100, 102}


def test_halves_that_are_readable_only_together_stay_unreadable() -> None:
    whole = encode(good(1))
    readable, bad = run([whole[:50], whole[50:], encode(good(2))])
    assert readable == {104: "2"}
    assert set(bad) == {100, 102}


def test_a_record_with_line_breaks_between_its_fields_is_read() -> None:
    spread = msgspec.json.format(encode(good(7)), indent=2)
    assert b"\n" in spread
    assert run([spread, encode(good(8))]) == ({100: "7", 102: "8"}, {})


def test_a_clock_that_is_a_little_ahead_is_believed_and_one_far_ahead_is_not() -> None:
    near = good(1, time=datetime.now(UTC) + timedelta(seconds=200))
    far = good(2, time=datetime.now(UTC) + timedelta(seconds=400))
    assert run([encode(near), encode(far)]) == ({100: "1"}, {102: "far-future"})


def test_ids_depend_on_each_part_and_on_nothing_else() -> None:
    at = datetime(2026, 1, 1, 7, tzinfo=UTC)
    assert event_id("s", "d", "w", at) == event_id("s", "d", "w", at.astimezone())
    ids = {
        event_id("s", "d", "w", at),
        event_id("sd", "", "w", at),
        event_id("s", "d", "w", at + timedelta(microseconds=1)),
        event_id("s", "dw", "", at),
    }
    assert len(ids) == 4


def test_order_among_equals_is_time_sequence_id() -> None:
    events = [good(3, sequence="2", time=good().time), good(1, sequence="2", time=good().time), good(0)]
    assert [e.id for e in sorted(events, key=order_key)] == ["0", "1", "3"]


@given(st.integers(0, 1000), st.sampled_from(list(Status)), st.none() | st.integers(0, 500))
def test_encoded_events_decode_to_themselves(number: int, status: Status, clients: int | None) -> None:
    event = good(number, data=WifiSample(unit="u", status=status, clients=clients))
    assert decode(encode(event)) == event
