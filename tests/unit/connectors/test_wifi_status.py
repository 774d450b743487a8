"""Status messages of access points become samples; what is old, hostile or unknown does not."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.shared.mqtt import Message
from connectors.wifi.status import StatusReader
from connectors.wifi.targets import PlaceEntry
from ioc.events import Status, WifiProbed, decode, encode

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
READER = StatusReader("urn:test", {"ap-1": (PlaceEntry("ap-1", "u1", "p1"), 30.0)}.get)


def read(payload: bytes, device: str = "ap-1", *, retained: bool = False) -> list[WifiProbed]:
    found = list(READER.read(Message("t", payload, NOW, retained), device))
    assert [decode(encode(event)) for event in found] == found
    return found  # type: ignore[return-value]


def said(**fields: object) -> bytes:
    return json.dumps({"status": "ok", **fields}).encode()


def test_a_message_is_a_sample_at_its_place_and_nobody_is_in_it() -> None:
    (event,) = read(said(clients=4, rtt_ms=2.5, mac="aa:bb:cc:dd:ee:ff", time="2026-03-02T07:59:00+07:00"))
    assert (event.subject, event.data.unit, event.data.point, event.data.interval_s) == (
        "ap-1",
        "u1",
        "p1",
        30.0,
    )
    assert (event.data.status, event.data.clients, event.time) == (Status.OK, 4, NOW - timedelta(minutes=1))
    assert b"aa:bb" not in encode(event)


def test_a_last_will_is_no_second_witness() -> None:
    assert [event.data.status for event in read(b"online") + read(b" Offline ")] == [
        Status.OK,
        Status.UNKNOWN,
    ]


def test_a_retained_message_counts_only_when_it_says_when() -> None:
    assert read(said(), retained=True) == []
    assert len(read(said(time="2026-03-01T00:00:00Z"), retained=True)) == 1


def test_a_clock_ahead_does_not_count() -> None:
    assert read(said(time="2031-01-01T00:00:00Z"))[0].time == NOW


@pytest.mark.parametrize(
    ("payload", "device"),
    [
        (b"", "ap-1"),
        (b"\xff\xfe", "ap-1"),
        (b"[" * 100_000, "ap-1"),
        (said(status="fine"), "ap-1"),
        (said(clients=-1), "ap-1"),
        (said(clients=10**9), "ap-1"),
        (said(time="2026-03-01T00:00:00"), "ap-1"),
        (said(), "stranger"),
        (said(), ""),
        (said(), "x" * 60),
        (said(), "ap\n1"),
    ],
)
def test_what_can_not_be_read_is_told(payload: bytes, device: str) -> None:
    with pytest.raises((ValueError, msgspec.DecodeError)):
        read(payload, device)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_sample_or_told(payload: bytes) -> None:
    with suppress(ValueError, msgspec.DecodeError):
        read(payload)
