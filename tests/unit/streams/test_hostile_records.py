"""Whatever bytes come: the good records survive with their offsets, the others are told apart, nothing is raised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ioc import topics
from ioc.events import TicketIssued, WifiProbed
from streams.batch import Batch, Partition
from streams.decode import MAX_RECORD_BYTES, BatchDecoder
from streams.unreadable import Unreadable

NOW = datetime.now(UTC).replace(microsecond=0)


def record(number: int = 1, **changes: object) -> bytes:
    fields: dict[str, object] = {
        "specversion": "1.0",
        "type": "ioc.wifi.probed.v1",
        "id": f"id-{number}",
        "source": "//test",
        "subject": "ap",
        "time": NOW,
        "data": {"unit": "u", "status": "ok"},
    }
    return msgspec.json.encode(
        {name: value for name, value in (fields | changes).items() if value is not None}
    )


def decode(
    values: list[bytes | None], topic: str = topics.WIFI
) -> tuple[list[int], list[WifiProbed], list[Unreadable]]:
    # a hole before each record: offsets are not places
    offsets = [100 + 2 * place for place in range(len(values))]
    decoder: BatchDecoder[WifiProbed] = BatchDecoder(topic, 300.0)
    end = 100 + 2 * len(values)
    return decoder.decode(Batch(Partition(topic, 0), 100, end, end, offsets, values).records)[:3]


GOOD = record()
DATA = b'"data":{'
BAD: dict[str, tuple[bytes | None, str]] = {
    "tombstone": (None, "empty"),
    "empty": (b"", "empty"),
    "blanks": (b" \n ", "not-json"),
    "not JSON": (b"hello", "not-json"),
    "a number": (b"7", "invalid"),
    "half": (GOOD[:40], "not-json"),
    "two in one": (GOOD + GOOD, "not-json"),
    "two lines in one": (GOOD + b"\n" + GOOD, "not-json"),
    "unreadable bytes": (b"\x89PNG\r\n\x1a\n\x00\xff", "not-json"),
    "not UTF-8": (GOOD.replace(b"id-1", b"\xff\xfe"), "not-json"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "not-json"),
    "bare NUL": (GOOD.replace(b"id-1", b"a\x00b"), "not-json"),
    "NUL in the id": (GOOD.replace(b"id-1", b"a\\u0000b"), "invalid"),
    "NUL in the unit": (GOOD.replace(b'"u"', b'"\\u0000u"'), "invalid"),
    "only NUL in the subject": (GOOD.replace(b'"ap"', b'"\\u0000"'), "invalid"),
    "half a surrogate": (GOOD.replace(b"id-1", b"\\ud800"), "not-json"),
    "deep nesting": (GOOD[:-1] + b',"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "not-json"),
    "deep nesting unclosed": (GOOD[:-1] + b',"x":' + b'{"a":' * 50_000, "not-json"),
    "too large": (GOOD[:-1] + b',"x":"' + b"x" * MAX_RECORD_BYTES + b'"}', "too-large"),
    "unknown type": (record(type="ioc.wifi.guessed.v1"), "unknown-type"),
    "another topic's type": (record(type="ioc.camera.probed.v1"), "unknown-type"),
    "no type": (record(type=None), "invalid"),
    "empty type": (record(type="", impossible=""), "invalid"),
    "null type": (GOOD.replace(b'"ioc.wifi.probed.v1"', b"null"), "unknown-type"),
    "no id": (record(id=None), "invalid"),
    "empty id": (record(id=""), "invalid"),
    "no data": (record(data=None), "invalid"),
    "missing field": (record(data={"unit": "u"}), "invalid"),
    "wrong specversion": (record(specversion="0.3"), "invalid"),
    "long subject": (record(subject="x" * 51), "invalid"),
    "huge number": (GOOD.replace(DATA, DATA + b'"clients":' + b"9" * 5000 + b","), "invalid"),
    "absurd clients": (record(data={"unit": "u", "status": "ok", "clients": 2**31 - 1}), "invalid"),
    "negative clients": (record(data={"unit": "u", "status": "ok", "clients": -1}), "invalid"),
    "not finite": (GOOD.replace(DATA, DATA + b'"rtt_ms":NaN,'), "not-json"),
    "infinite": (GOOD.replace(DATA, DATA + b'"rtt_ms":1e999,'), "invalid"),
    "local time": (record(time="2026-01-01T00:00:00"), "invalid"),
    "no such day": (record(time="2026-02-30T00:00:00Z"), "invalid"),
    "far future": (record(time=NOW + timedelta(days=1)), "far-future"),
    "end of time": (record(time="9999-12-31T23:59:59.999999-14:00"), "far-future"),
    "far past": (record(time="1989-12-31T23:59:59Z"), "far-past"),
    "before time": (record(time="0001-01-01T00:00:00+14:00"), "far-past"),
    "learned before time": (record(recordedat="0001-01-01T00:00:00+14:00"), "far-past"),
    "first half": (b'{"a":[{}', "not-json"),
    "second half": (b"{}]}", "invalid"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_has_its_reason_and_its_neighbours_are_kept(name: str) -> None:
    value, reason = BAD[name]
    offsets, events, bad = decode([record(1), value, record(2)])
    assert [event.id for event in events] == ["id-1", "id-2"]
    assert offsets == [100, 104]
    assert [(found.offset, found.reason, found.value) for found in bad] == [(102, reason, value)]
    assert bad[0].detail


def test_lines_that_are_good_only_together_are_not_taken_for_records() -> None:
    cut = GOOD.index(b",") + 1
    for values in (
        [GOOD[:cut], GOOD[cut:], GOOD + GOOD],
        [GOOD + GOOD, b" "],
        [GOOD + b"\n", GOOD],
        [GOOD[:-1] + b',"x":[{}', b"{}]}", GOOD + GOOD],
        [GOOD[:-1] + b',"x":"}', b'{"}', GOOD + GOOD],
    ):
        offsets, events, bad = decode([record(7), *values, record(8)])
        whole = [100 + 2 * place for place, value in enumerate(values, 1) if value.strip() == GOOD]
        last = 100 + 2 * (len(values) + 1)
        assert offsets == [100, *whole, last]
        assert [event.id for event in events] == ["id-7", *["id-1"] * len(whole), "id-8"]
        assert len(bad) == len(values) - len(whole)


def test_nul_is_left_out_of_free_text_and_what_only_looks_like_it_is_kept() -> None:
    padded = GOOD.replace(DATA, DATA + b'"model":"UniFi\\u0000\\u0000","reason":"a\\\\u0000b\\\\\\u0000c",')
    _, events, bad = decode([padded, record(2)])
    assert not bad
    assert events[0].data.model == "UniFi"
    assert events[0].data.reason == "a\\u0000b\\c"


def test_the_tolerance_for_clocks_that_are_ahead() -> None:
    now = datetime.now(UTC)  # not the module's: a long run of tests comes here minutes later
    offsets, _, bad = decode([record(time=now + timedelta(seconds=s)) for s in (290, 320)])
    assert offsets == [100]
    assert [found.reason for found in bad] == ["far-future"]


def test_blanks_and_line_ends_around_a_record_do_no_harm() -> None:
    offsets, events, bad = decode([b" " + record(1) + b"\r\n", record(2) + b"\n", record(3)])
    assert offsets == [100, 102, 104]
    assert [event.id for event in events] == ["id-1", "id-2", "id-3"]
    assert not bad


def test_an_empty_batch() -> None:
    assert decode([]) == ([], [], [])


def test_a_day_in_other_digits_is_no_date() -> None:
    ticket = {"unit": "u", "kiosk": "k", "date": "2026-01-01", "number": "1"}
    good = record(type="ioc.queue.issued.v1", data=ticket)
    offsets, events, _ = decode([good, good[:-1], good], topics.QUEUES)
    assert offsets == [100, 104]
    assert all(isinstance(event, TicketIssued) for event in events)


pieces = st.sampled_from(
    [
        GOOD,
        GOOD[:30],
        GOOD[30:],
        b"{",
        b"}",
        b"[",
        b"]",
        b"{}",
        b"\n",
        b" ",
        b'"',
        b",",
        b"\\u0000",
        b"\x00",
        b"\xff",
    ]
)
anything = st.none() | st.binary(max_size=60) | st.lists(pieces, max_size=6).map(b"".join)
numbered = st.integers(0, 9).map(record)


@given(st.lists(numbered | numbered | anything, max_size=12))
@example([b'{"a":[{}', b"{}]}", GOOD + GOOD])
def test_among_arbitrary_bytes_the_good_records_survive(values: list[bytes | None]) -> None:
    plain = msgspec.json.Decoder(WifiProbed)  # every piece that decodes has its type
    wanted = []
    for place, value in enumerate(values):
        try:
            wanted.append((100 + 2 * place, plain.decode(value or b"")))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    offsets, events, bad = decode(values)
    assert list(zip(offsets, events, strict=True)) == wanted
    assert sorted(offsets + [found.offset for found in bad]) == [100 + 2 * p for p in range(len(values))]
