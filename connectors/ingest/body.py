"""Request bodies, bounded: in bytes as sent and after decompression, in time, and all together in memory."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request

from connectors.ingest.errors import RefusedError, busy, too_large
from ioc.errors import InputError

#: More parts than this in one gzip body are no compression but an attack on the processor.
_MOST_GZIP_MEMBERS: Final = 16


class ByteBudget:
    """Bytes of bodies that may be held at a time, all requests together. For one event loop."""

    def __init__(self, total: int) -> None:
        self._left = total

    def take(self, count: int) -> None:
        """:raises RefusedError: 503 when too much is held already."""
        if count > self._left:
            raise busy("Too many large requests are being read at the moment.", retry_s=1)
        self._left -= count

    def give_back(self, count: int) -> None:
        self._left += count


@dataclass(frozen=True)
class Limits:
    """What a body may be.

    :param bytes_: most bytes, as sent and after decompression.
    :param within_s: longest time from its first byte to its last.
    """

    bytes_: int
    within_s: float
    budget: ByteBudget


@asynccontextmanager
async def body_of(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    """Read a body as it was sent; its bytes count against the budget until the block ends.

    :raises RefusedError: too large (413; a declared length is refused before anything is read), too slow (408), or too
        much is held (503).
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.bytes_:
        raise too_large(limits.bytes_)
    held = 0
    chunks: list[bytes] = []
    try:
        try:
            async with asyncio.timeout(limits.within_s):
                async for chunk in request.stream():
                    if held + len(chunk) > limits.bytes_:
                        raise too_large(limits.bytes_)
                    limits.budget.take(len(chunk))
                    held += len(chunk)
                    chunks.append(chunk)
        except TimeoutError:
            raise RefusedError(
                408, "too-slow", f"The body did not arrive within {limits.within_s:.0f} s."
            ) from None
        except ClientDisconnect:
            raise RefusedError(400, "cut-off", "The connection ended before the body did.") from None
        yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
    finally:
        limits.budget.give_back(held)


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a ``Content-Encoding``.

    :param limit: most bytes of the outcome; no more are ever made.
    :raises RefusedError: 413 beyond the limit, 415 for an encoding other than gzip.
    :raises InputError: when the body is no gzip.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, limit)
    raise RefusedError(
        415,
        "unsupported-encoding",
        "The content encoding is not read.",
        remedy="Send the body as it is, or with gzip.",
    )


def _gunzip(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    left, rest = limit, body
    while rest or not parts:
        if len(parts) == _MOST_GZIP_MEMBERS:
            raise InputError(f"The gzip body has more than {_MOST_GZIP_MEMBERS} members.")
        reader = zlib.decompressobj(wbits=31)
        try:
            part = reader.decompress(rest, left + 1)
        except zlib.error:
            raise InputError(
                "The body is not gzip.", remedy="Compress it, or leave Content-Encoding out."
            ) from None
        if len(part) > left:
            raise too_large(limit, "The decompressed body")
        if not reader.eof:
            raise InputError("The gzip body ends too early.")
        parts.append(part)
        left -= len(part)
        rest = reader.unused_data
    return b"".join(parts)
