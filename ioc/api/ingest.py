"""``/ingest/v1/``: forwarded to the ingest process, so that one address serves everything.

Bodies are passed on piece by piece; nothing is read, kept or logged here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import httpx
from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from ioc import tracing
from ioc.api.ingest_index766 import INDEX766
from ioc.api.ingest_openapi import OPERATIONS
from ioc.api.problems import problem
from ioc.settings import Settings

_MOST_CONNECTIONS: Final = 100
#: Longer than the ingest process takes for an answer that it gives at all.
_ANSWER_S: Final = 90.0
_CONNECT_S: Final = 2.0
_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    }
)
_METHODS: Final = ["GET", "POST", "PUT"]

router = APIRouter(tags=["ingest"])


class IngestForwarder:
    """A client of the ingest process.

    :param settings: where it listens.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = httpx.URL(settings.ingest_url)
        timeout_s = max(_ANSWER_S, settings.portal_timeout_s + 5.0)
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S, pool=_CONNECT_S),
            limits=httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=20),
        )

    async def forward(self, request: Request) -> Response:
        """Pass a request on and its answer back."""
        peer = request.client.host if request.client is not None else ""
        headers = [
            pair
            for pair in request.scope["headers"]
            if pair[0] not in _HOP and pair[0] not in {b"x-forwarded-for", b"traceparent"}
        ]
        headers.append((b"traceparent", tracing.traceparent()))
        earlier = request.headers.get("x-forwarded-for")
        headers.append((b"x-forwarded-for", (f"{earlier}, {peer}" if earlier else peer).encode("latin-1")))
        target = self._url.copy_with(
            raw_path=request.scope["raw_path"]
            + (b"?" + query if (query := request.scope["query_string"]) else b"")
        )
        body = None if request.method == "GET" else _sent(request)
        try:
            answer = await self._client.send(
                self._client.build_request(request.method, target, headers=headers, content=body), stream=True
            )
        except ClientDisconnect:
            return problem(
                400, kind="cut-off", title="Cut off", detail="The connection ended before the body did."
            )
        except httpx.PoolTimeout:
            return _away("Too many requests to the ingest process are under way.", kind="busy", retry_s=1)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return _away("The ingest process is not up.", kind="ingest-away", retry_s=5)
        except httpx.TransportError:
            return _away("The ingest process gave no answer.", kind="ingest-away", retry_s=5)
        response = StreamingResponse(_returned(answer), answer.status_code)
        response.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.lower() not in _HOP and name.lower() != b"date"
        ]
        return response

    async def close(self) -> None:
        await self._client.aclose()


def _away(detail: str, *, kind: str, retry_s: int) -> Response:
    return problem(
        503,
        kind=kind,
        title=kind.replace("-", " ").capitalize(),
        headers={"Retry-After": str(retry_s)},
        detail=detail,
        remedy="Send it again later with the same ids; ioc status shows whether `ingest` runs.",
    )


async def _sent(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


async def _returned(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


async def _forward(request: Request) -> Response:
    forwarder: IngestForwarder = request.app.state.ingest
    return await forwarder.forward(request)


for _operation in (*OPERATIONS, INDEX766):
    _operation.served_by(router)(_forward)
# whatever else ingest has there: its own description, addresses of one-stop systems
router.add_api_route("/ingest/v1/{path:path}", _forward, methods=_METHODS, include_in_schema=False)
