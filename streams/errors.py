"""What can go wrong in a stream worker."""

from __future__ import annotations

from ioc.errors import IocError


class StreamError(IocError):
    """Base of the stream workers' errors."""


class FencedError(StreamError):
    """Another worker owns the partition now: this one must not write to it any more."""


class HaltedError(StreamError):
    """A partition can't go on until somebody chooses a repair."""
