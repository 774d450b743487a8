"""The id of what is being worked on, as W3C Trace Context has it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import structlog

#: Name of the header, of requests and of Kafka's records.
TRACEPARENT: Final = "traceparent"
_HEADER: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
#: What another system may send of it; ours have 55 signs.
_LONGEST: Final = 128
_HERE: ContextVar[Context | None] = ContextVar("ioc_trace", default=None)


@dataclass(frozen=True, slots=True)
class Context:
    """A trace and a span within it, in hexadecimal.

    :param sampled: whether whoever began it records it.
    """

    trace: str
    span: str
    sampled: bool = False

    def header(self) -> str:
        """As ``traceparent`` carries it: always 55 signs."""
        return f"00-{self.trace}-{self.span}-{'01' if self.sampled else '00'}"


def parse(header: str | None) -> Context | None:
    """Read ``traceparent``; None where there is none, or it is not one: it comes from anybody."""
    if header is None or len(header) > _LONGEST:
        return None
    found = _HEADER.fullmatch(header.strip())
    if found is None or header.startswith("ff") or (header.startswith("00") and found[4]):
        return None
    trace, span = found[1], found[2]
    if trace == _NO_TRACE or span == _NO_SPAN:
        return None
    return Context(trace, span, bool(int(found[3], 16) & 1))


def begin(earlier: Context | None = None) -> Context:
    """A span of its own: within an earlier trace, or the first of a new one."""
    return Context(
        os.urandom(16).hex() if earlier is None else earlier.trace,
        os.urandom(8).hex(),
        earlier is not None and earlier.sampled,
    )


def current() -> Context | None:
    """What is being worked on here; None outside of any request or turn."""
    return _HERE.get()


def traceparent() -> bytes:
    """The header to send on; empty outside of any request or turn."""
    here = _HERE.get()
    return b"" if here is None else here.header().encode("ascii")


@contextmanager
def within(context: Context) -> Iterator[None]:
    """Work on something: what is logged and sent meanwhile carries its id."""
    token = _HERE.set(context)
    bound = structlog.contextvars.bind_contextvars(trace=context.trace)
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        _HERE.reset(token)
