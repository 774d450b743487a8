"""Ids of requests: the caller's where it is one, never anything else that a caller sends."""

from __future__ import annotations

import contextvars

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ioc import tracing
from ioc.tracing.context import Context, begin, current, parse, traceparent, within

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_header_is_read_and_written_as_it_came() -> None:
    context = parse(f"00-{TRACE}-{SPAN}-01")
    assert context == Context(TRACE, SPAN, sampled=True)
    assert context.header() == f"00-{TRACE}-{SPAN}-01"
    assert begin(context).trace == TRACE
    assert begin(context).span != SPAN
    assert begin().trace != begin().trace


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "x",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01" + "-" + "a" * 5000,
        f"00-{TRACE}-{SPAN}-01\r\nX-Evil: 1",
    ],
)
def test_what_is_no_header_is_not_taken(header: str | None) -> None:
    assert parse(header) is None


def test_a_later_version_may_say_more() -> None:
    assert parse(f"cc-{TRACE}-{SPAN}-01-what-comes") == Context(TRACE, SPAN, sampled=True)


@given(st.text(max_size=200))
def test_nothing_that_is_sent_raises(header: str) -> None:
    found = parse(header)
    assert found is None or len(found.header()) == 55


def test_what_is_logged_meanwhile_carries_the_id_and_what_comes_after_does_not() -> None:
    assert traceparent() == b""
    context = begin()
    with within(context):
        assert structlog.contextvars.get_contextvars() == {"trace": context.trace}
        assert traceparent() == context.header().encode()
        with within(inner := begin(context)):
            assert current() == inner
        assert current() == context
        # another thread that takes the context over has it too
        assert contextvars.copy_context().run(current) == context
    assert current() is None
    assert structlog.contextvars.get_contextvars() == {}


def test_without_a_collector_a_span_is_nothing() -> None:
    assert not tracing.enabled()
    with tracing.span("x", links=[begin()], a=1) as made:
        made.note(b=2)
        made.rename("y")
        assert made.context is None
        assert current() is None
