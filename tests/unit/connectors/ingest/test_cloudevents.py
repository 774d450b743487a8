"""What the HTTP binding takes and refuses."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ingest.cloudevents import (
    BATCH,
    EARLIEST,
    STRUCTURED,
    RejectedEventsError,
    UnsupportedMediaError,
    read_request,
)
from ioc.errors import InputError
from ioc.events import AnyEvent, DossierRated, TicketIssued
from streams import decode as streams_decode

NOW = datetime(2025, 8, 1, 9, 0, tzinfo=UTC)
RATED: dict[str, Any] = {
    "specversion": "1.0",
    "type": "ioc.dossier.rated.v1",
    "id": "r1",
    "source": "test",
    "subject": "H53-250801-0001",
    "time": "2025-08-01T08:00:00Z",
    "data": {"unit": "25663", "satisfied": True},
}


def read(media: str, body: bytes, **headers: str) -> list[AnyEvent]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_request(
        {"content-type": media, **named},
        body,
        now=NOW,
        future_tolerance=timedelta(minutes=5),
        max_events=3,
    )


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_structured_event_is_read_and_extensions_are_dropped() -> None:
    (event,) = read(f"{STRUCTURED}; charset=UTF-8", as_json({**RATED, "traceparent": "00-ab"}))
    assert isinstance(event, DossierRated)
    assert (event.id, event.data.satisfied) == ("r1", True)
    assert not hasattr(event, "traceparent")


def test_binary_event_is_percent_decoded() -> None:
    (event,) = read(
        "application/json",
        as_json({"unit": "25663", "kiosk": "k1", "date": "2025-08-01", "number": "A01"}),
        ce_specversion="1.0",
        ce_type="ioc.queue.issued.v1",
        ce_id="t1",
        ce_source="Euro%20%E2%82%AC",
        ce_subject="k1",
        ce_time="2025-08-01T08:00:00+07:00",
    )
    assert isinstance(event, TicketIssued)
    assert event.source == "Euro €"
    assert event.data.number == "A01"


def test_batch_names_every_bad_event_and_takes_none() -> None:
    late = {**RATED, "time": "2025-08-01T09:06:00Z"}
    private = {**RATED, "data": {"unit": "25663", "satisfied": "Nguyen Van A"}}
    with pytest.raises(RejectedEventsError) as refused:
        read(BATCH, as_json([late, RATED, private]))
    assert [one.index for one in refused.value.rejected] == [0, 2]
    assert "far-future" in refused.value.rejected[0].reason
    assert "$.data.satisfied" in refused.value.rejected[1].reason


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(RejectedEventsError) as refused:
        read(STRUCTURED, as_json({**RATED, "type": "Nguyen Van A"}))
    assert "Nguyen" not in refused.value.rejected[0].reason


def test_batch_has_a_limit_and_may_be_empty() -> None:
    assert read(BATCH, b"[]") == []
    with pytest.raises(InputError, match="limit is 3"):
        read(BATCH, as_json([RATED] * 4))
    with pytest.raises(InputError, match="array"):
        read(BATCH, as_json(RATED))


@pytest.mark.parametrize("media", ["", "text/plain", "application/json", f"{STRUCTURED}; charset=latin-1"])
def test_other_media_types_are_unsupported(media: str) -> None:
    with pytest.raises(UnsupportedMediaError):
        read(media, as_json(RATED))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"id": "\xff"}', "not UTF-8"),
        (b'{"id": "a", "id": "b"}', "same name twice"),
        (b'{"id": NaN}', "NaN"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"id": ' + b"9" * 5000 + b"}", "too long"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_broken_json_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(STRUCTURED, body)


def test_half_a_surrogate_pair_is_refused() -> None:
    body = as_json({**RATED, "id": "SURROGATE"}).replace(b"SURROGATE", b"\\ud800")
    with pytest.raises(RejectedEventsError) as refused:
        read(STRUCTURED, body)
    assert "surrogate" in refused.value.rejected[0].reason


@pytest.mark.parametrize("name", ["time", "recordedat"])
def test_the_far_past_is_refused_as_the_streams_would(name: str) -> None:
    assert EARLIEST == streams_decode.EARLIEST
    with pytest.raises(RejectedEventsError) as refused:
        read(STRUCTURED, as_json({**RATED, name: "0001-01-01T00:00:00+14:00"}))
    assert "far-past" in refused.value.rejected[0].reason


def test_nul_is_refused_and_its_spelling_as_text_is_not() -> None:
    with pytest.raises(RejectedEventsError) as refused:
        read(STRUCTURED, as_json({**RATED, "id": "a\0"}))
    assert refused.value.rejected[0].reason == "a text holds NUL"
    (event,) = read(STRUCTURED, as_json({**RATED, "id": "a\\u0000"}))
    assert event.id == "a\\u0000"


@given(st.sampled_from([STRUCTURED, BATCH, "application/json"]), st.binary(max_size=200))
def test_any_bytes_give_events_or_a_clear_error(media: str, body: bytes) -> None:
    with suppress(InputError):
        assert isinstance(read(media, body, ce_specversion="1.0"), list)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(RATED)), _JSON)
def test_any_value_in_any_attribute_gives_an_event_or_a_clear_error(name: str, value: Any) -> None:
    with suppress(InputError):
        assert len(read(STRUCTURED, as_json({**RATED, name: value}))) == 1
