"""The tee: forwards a portal call to the upstream byte for byte, and gives back what it answers.

Only the configured address is ever called, redirects are handed to the client unfollowed, and no proxy of the
environment is used. Nothing of a call or an answer is logged or kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

#: Belong to one connection, or to us; everything else is passed through.
_NOT_FORWARDED: Final = frozenset(
    {
        "host",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "expect",
        "x-api-key",
        "x-forwarded-for",
    }
)
_NOT_RETURNED: Final = (_NOT_FORWARDED - {"content-length"}) | {"date", "server"}
_MOST_CONNECTIONS: Final = 64


class UpstreamAwayError(Exception):
    """The upstream gave no answer.

    :param timed_out: it took too long, else it could not be reached or broke off.
    """

    def __init__(self, timed_out: bool) -> None:
        super().__init__("timed out" if timed_out else "not reached")
        self.timed_out = timed_out


@dataclass(frozen=True)
class UpstreamAnswer:
    """What an upstream answered; ``chunks`` are its body's bytes as sent, compression included."""

    status: int
    headers: list[tuple[bytes, bytes]]
    chunks: AsyncIterator[bytes]


class Tee:
    """A client of upstream portals.

    :param timeout_s: longest wait for an answer to begin, and between two pieces of it.
    """

    def __init__(self, timeout_s: float) -> None:
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0), pool=5.0),
            limits=httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=16),
        )

    async def forward(
        self,
        upstream: str,
        path: str,
        method: str,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        *,
        ours: bool = False,
    ) -> UpstreamAnswer:
        """Send a call on.

        :param upstream: configured address; ``path`` is put behind it and can't lead out of it.
        :param headers: of the call, names in lower case.
        :param ours: the Authorization header holds a key of ours, which is nobody else's business.
        :raises UpstreamAwayError: when no answer begins.
        """
        hidden = _NOT_FORWARDED | {"authorization"} if ours else _NOT_FORWARDED
        named = _named_by_connection(headers)
        request = self._client.build_request(
            method,
            httpx.URL(target(upstream, path)).copy_with(
                query=query or urlsplit(upstream).query.encode() or None
            ),
            headers=[
                (name, value)
                for name, value in headers
                if name.decode("latin-1") not in hidden and name not in named
            ],
            content=body,
        )
        # what the client did not send is not added: upstream sees the client's call
        sent = {name for name, _ in headers}
        for name in ("accept", "accept-encoding", "user-agent"):
            if name.encode() not in sent:
                request.headers.pop(name, None)
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TimeoutException:
            raise UpstreamAwayError(timed_out=True) from None
        except (httpx.TransportError, httpx.InvalidURL):
            raise UpstreamAwayError(timed_out=False) from None
        return UpstreamAnswer(
            response.status_code,
            [
                (name.lower(), value)
                for name, value in response.headers.raw
                if name.decode("latin-1").lower() not in _NOT_RETURNED
            ],
            _chunks(response),
        )

    async def close(self) -> None:
        await self._client.aclose()


def target(upstream: str, path: str) -> str:
    """Return the address that a call for ``path`` below ours goes to: the upstream's, and nothing beside it."""
    steps = [step for step in path.split("/") if step not in ("", ".", "..")]
    if not steps:
        return upstream
    parts = urlsplit(upstream)
    behind = "".join("/" + quote(step, safe="") for step in steps)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{behind}"


def _named_by_connection(headers: list[tuple[bytes, bytes]]) -> set[bytes]:
    return {
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    }


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    finally:
        await response.aclose()
