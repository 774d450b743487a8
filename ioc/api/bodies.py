"""Request bodies of the API, bounded in size and time whatever serves them."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.problems import problem
from ioc.kpi.errors import KpiError
from ioc.settings import Settings

_T = TypeVar("_T")

#: What people and programs ask with is short; facts go to the ingest process.
_MOST_BYTES: Final = 1024 * 1024
_WITHIN_S: Final = 30.0
_INGEST: Final = "/ingest/"
#: Ingest refuses a slow body itself, in the protocol of its client; this is for when it does not.
_SPARE_S: Final = 5.0


class BoundedBodies:
    """Refuses bodies that are too large (413) or too slow (408). What comes in is passed on piece by piece.

    :param app: what serves the requests.
    :param settings: say what a body for the ingest process may be.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._ingest = settings.ingest_max_bytes, settings.ingest_body_s + _SPARE_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most, within_s = self._ingest if scope["path"].startswith(_INGEST) else (_MOST_BYTES, _WITHIN_S)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if declared.isdigit() and int(declared) > most:
            await _too_large(most)(scope, receive, send)
            return
        exchange = _Exchange(receive, send, most, within_s)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            if exchange.refusal is None:
                raise
        if exchange.refusal is not None and not exchange.answered:
            await exchange.refusal(scope, receive, send)


class _Exchange:
    """One request and its answer.

    To the application a refused body looks like a client that went away: every part of it knows how to end then, which
    is not so of an error in the middle of a body. What it still says is replaced by the refusal.
    """

    def __init__(self, receive: Receive, send: Send, most: int, within_s: float) -> None:
        self._receive, self._send = receive, send
        self._most = self._left = most
        self._within_s = within_s
        self._until: float | None = None
        self._whole = False
        self.refusal: Response | None = None
        self.answered = False

    async def receive(self) -> Message:
        """The next piece of the body."""
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        if self._whole:  # what comes now is the client's going away, whenever that is
            return await self._receive()
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self._within_s
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.refusal = problem(
                408,
                kind="too-slow",
                title="Too slow",
                detail=f"The body did not arrive within {self._within_s:.0f} s.",
            )
            return {"type": "http.disconnect"}
        if message["type"] != "http.request":
            self._whole = True
            return message
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.refusal = _too_large(self._most)
            return {"type": "http.disconnect"}
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer."""
        if self.refusal is not None and not self.answered:
            return
        self.answered = True
        await self._send(message)


def _too_large(most: int) -> Response:
    return problem(413, kind="too-large", title="Too large", detail=f"A body has {most} bytes at most.")


class RefusedBodyError(KpiError):
    """A body that is no JSON document of this operation."""

    slug = "bad-body"


class _LargeBodyError(KpiError):
    slug = "too-large"
    status = 413


class _OtherBodyError(KpiError):
    slug = "unsupported-media-type"
    status = 415


async def read_json(request: Request, kind: type[_T], *, most: int, example: str) -> _T:
    """Read a request's body, which must say that it is JSON; an empty one is ``{}``.

    A form of another page, sent by a browser that remembers a reader's password, can't say so.

    :param most: bytes.
    :param example: of a body that would do, for the remedy.
    :raises KpiError: it says something else, is too large, or can't be read.
    """
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/json":
        raise _OtherBodyError(
            f"The body is {said[:60] or 'of no type'}, not JSON.",
            remedy="Send Content-Type: application/json.",
        )
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise _LargeBodyError(f"A body has {most} bytes at most here.", remedy="Send it in parts.")
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise RefusedBodyError(f"The body can't be read: {error}.", remedy=f"Send {example}.") from None
