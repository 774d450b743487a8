"""Bodies: compression, budget, idempotent answers, and readers that meet anything at all."""

from __future__ import annotations

import contextlib
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ingest.body import ByteBudget, decoded
from connectors.ingest.cloudevents import BATCH, read_json, read_request
from connectors.ingest.errors import RefusedError
from connectors.ingest.idempotency import KEPT_S, Answer, Answers
from connectors.ingest.tee import target
from ioc.errors import InputError, IocError

NOW = datetime(2026, 11, 2, tzinfo=UTC)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=2000))
def test_gzip_comes_back_as_it_was(body: bytes) -> None:
    assert decoded(gzip.compress(body), "gzip", 2000) == body
    assert decoded(gzip.compress(body) + gzip.compress(body), "GZIP", 4000) == body * 2


@given(st.binary(max_size=500), st.integers(0, 100))
def test_anything_as_gzip_is_an_error_or_bounded(body: bytes, limit: int) -> None:
    for candidate in (body, gzip.compress(body)[:-1], b"\x1f\x8b" + body):
        with contextlib.suppress(IocError):
            assert len(decoded(candidate, "gzip", limit)) <= limit


def test_a_bomb_ends_at_the_limit() -> None:
    with pytest.raises(RefusedError) as caught:
        decoded(gzip.compress(b"\0" * 50_000_000), "gzip", 1000)
    assert caught.value.status == 413


def test_what_is_held_is_bounded() -> None:
    budget = ByteBudget(10)
    budget.take(10)
    with pytest.raises(RefusedError) as caught:
        budget.take(1)
    assert caught.value.status == 503
    assert "Retry-After" in caught.value.headers
    budget.give_back(10)
    budget.take(10)


@given(st.binary(max_size=300) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_json_is_read_or_an_error_of_ours(body: bytes) -> None:
    with contextlib.suppress(InputError):
        read_json(body)


@given(st.binary(max_size=300) | st.lists(ANY_JSON, max_size=3).map(lambda value: json.dumps(value).encode()))
def test_events_are_read_or_an_error_of_ours(body: bytes) -> None:
    with contextlib.suppress(IocError):
        read_request(
            {"content-type": BATCH}, body, now=NOW, future_tolerance=timedelta(minutes=5), max_events=100
        )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_answers_are_kept_for_a_while_and_by_sender() -> None:
    clock = Clock()
    answers, answer = Answers(clock), Answer(200, b"{}", "application/json")
    assert answers.begin("a", "1", b"x") is None
    with pytest.raises(RefusedError) as under_way:
        answers.begin("a", "1", b"x")
    assert under_way.value.status == 409
    answers.end("a", "1", answer)
    assert answers.begin("a", "1", b"x") == answer
    with pytest.raises(RefusedError) as other:
        answers.begin("a", "1", b"y")
    assert other.value.status == 422
    assert answers.begin("b", "1", b"x") is None, "senders do not see each other's answers"
    clock.now = KEPT_S
    assert answers.begin("a", "1", b"y") is None


@pytest.mark.parametrize("status", [408, 429, 500, 503, None])
def test_what_may_end_otherwise_is_not_kept(status: int | None) -> None:
    answers = Answers(Clock())
    assert answers.begin("a", "1", b"x") is None
    answers.end("a", "1", None if status is None else Answer(status, b"", ""))
    assert answers.begin("a", "1", b"y") is None


def test_kept_answers_are_bounded() -> None:
    answers = Answers(Clock())
    for number in range(20_000):
        answers.begin("a", str(number), b"")
    assert len(answers._held) <= 10_000


@given(st.text(max_size=60))
def test_no_path_leads_out_of_the_upstream(path: str) -> None:
    found: Any = target("https://portal.example:8443/mapi/g?x=1", path.encode("utf-8", "replace").decode())
    assert found.startswith("https://portal.example:8443/mapi/g")
    assert "/../" not in found
