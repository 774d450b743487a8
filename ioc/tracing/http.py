"""Requests have an id: the client's, where it sends one, else a new one; answers carry it back."""

from __future__ import annotations

from typing import Final

from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.tracing.context import begin, parse, within
from ioc.tracing.spans import enabled, span

#: For applications of ours: FastAPI's own telemetry would send what people entered and what errors say.
NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_TRACEPARENT: Final = b"traceparent"
_REQUEST_ID: Final = b"x-request-id"


class Traced:
    """Gives each request its id, and a span where spans are made. Passes everything as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = next((value for name, value in scope["headers"] if name == _TRACEPARENT), None)
        earlier = None if said is None else parse(said.decode("latin-1"))
        if not enabled():
            with within(here := begin(earlier)):
                await self._app(scope, receive, _answering(send, here.trace))
            return
        with span(scope["method"], within_trace=earlier) as made:
            if made.context is None:
                raise RuntimeError("spans ended while one was made")
            try:
                await self._app(scope, receive, _answering(send, made.context.trace))
            finally:
                # of the route, not of the address: that may name a dossier
                route = getattr(scope.get("route"), "path", "none")
                made.rename(f"{scope['method']} {route}")
                made.note(**{"http.request.method": scope["method"], "http.route": route})


def _answering(send: Send, trace: str) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.setdefault("headers", [])
            if not any(name == _REQUEST_ID for name, _ in headers):
                message["headers"] = [*headers, (_REQUEST_ID, trace.encode("ascii"))]
        await send(message)

    return answer
