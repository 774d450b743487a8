"""``/api/v1/stream``: what happens to alerts and the newest figures, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from ioc.access import GUEST
from ioc.alerts import following
from ioc.alerts.following import BATCH, Scope
from ioc.api.asking import only_known_parameters, split
from ioc.api.database import Database, Shared
from ioc.api.feed import Feed, Follower
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.kpis import wall
from ioc.api.problems import RESPONSES
from ioc.errors import IocError, UnavailableError
from ioc.kpi.catalogue import CATALOGUE, find
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.question import Areas

router = APIRouter(
    prefix="/api/v1", tags=["alerts"], responses=RESPONSES, dependencies=[Depends(only_known_parameters)]
)
_BEAT_S: Final = 15.0
_TICK_S: Final = 10.0
#: A stream ends after this, and its client comes back: rights that changed count from then on.
_LONGEST_S: Final = 900.0
_GREATEST: Final = 2**63 - 1
_MOST_DIGITS: Final = len(str(_GREATEST))
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Authorization"}
_EXAMPLE: Final = (
    'id: 90233\nevent: alert\ndata: {"id":90233,"at":"2026-11-25T07:21:40+07:00","kind":"acknowledged",'
    '"actor":"truc-ban-1","detail":{"via":"telegram"},"alert":{"id":4711,"rule":"camera.down","severity":"major"}}\n\n'
)
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events without an end.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


class Only(StrEnum):
    """A part of the stream."""

    ALERTS = "alerts"
    FIGURES = "figures"


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses=_STREAM,
    summary="What happens to alerts, and the newest figures, as it happens",
)
async def stream(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    only: Annotated[Only | None, Query(description="alerts or figures; without it, both.")] = None,
    ids: Annotated[
        str | None, Query(description="Indicators of the figures, separated by commas; without it, all.")
    ] = None,
    last: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="`id` of the last event received: goes on after it."),
    ] = None,
    after: Annotated[str | None, Query(description="The same, for clients that can't set a header.")] = None,
) -> StreamingResponse:
    """Server-sent events: `alert` for each thing that happens to an alert of the reader's units; `figures` with the
    newest figures when they changed, looked at every ten seconds; `begin` and `reset` (more was missed than is told
    again) ask to list the alerts anew; a comment every 15 seconds. An event may come twice after a reconnection: its
    own `id` tells.

    The guest gets figures alone. A stream ends after 15 minutes, or when its client is too slow; clients come back with
    the last `id` and miss nothing.
    """
    wanted = [find(one).id for one in split(ids, "ids") or CATALOGUE]
    place = _place(last if last is not None else after)
    parts = set(Only) if only is None else {only}
    if reader == GUEST:
        parts.discard(Only.ALERTS)
    feed: Feed = request.app.state.feed
    ticks: Shared = request.app.state.ticks

    async def figures() -> dict[str, Any]:
        return await ticks.get(
            (reader, tuple(wanted)), lambda: wall(database, reader, wanted, None, Areas.AS_WAS)
        )

    told = _Told(database, reader, place, figures if Only.FIGURES in parts else None)
    pieces = told.pieces(None)
    if Only.ALERTS in parts:
        scope = await database.answer(following.scope(reader))
        feed.admit(reader)
        pieces = told.following(feed, scope)
    return StreamingResponse(pieces, media_type="text/event-stream; charset=utf-8", headers=_HEADERS)


class _Told:
    """What one client is told.

    :param place: number of the last event that it received.
    :param figures: asks for the newest ones; None: it is not told of any.
    """

    def __init__(
        self,
        database: Database,
        reader: str,
        place: int | None,
        figures: Callable[[], Awaitable[dict[str, Any]]] | None,
    ) -> None:
        self._database = database
        self._reader = reader
        self._place = place
        self._figures = figures
        self._shown: object = None

    async def following(self, feed: Feed, scope: Scope) -> AsyncIterator[bytes]:
        """Pieces of the stream, with what happens to alerts."""
        try:
            async with feed.follow(self._reader, scope) as (follower, position):
                # what was read already is told from the database, what is read from now on by the feed
                async for piece in self._missed(scope, position.newest, position.safe):
                    yield piece
                async for piece in self.pieces(follower):
                    yield piece
        except UnavailableError as error:
            yield f": {error.message}\n\n".encode()

    async def pieces(self, follower: Follower | None) -> AsyncIterator[bytes]:
        """Pieces of the stream, until its time is over or its client lost the thread."""
        loop = asyncio.get_running_loop()
        beat, tick, end = 0.0, 0.0, loop.time() + _LONGEST_S
        while (now := loop.time()) < end and not (follower and follower.lost and follower.coming.empty()):
            if now >= beat:
                beat = now + _BEAT_S
                yield b": here\n\n"
            if self._figures is not None and now >= tick:
                tick = now + _TICK_S
                told = await self._tick()
                if told:
                    yield told
            within_s = min(beat, end, *([tick] if self._figures is not None else [])) - loop.time()
            if follower is None:
                await asyncio.sleep(max(within_s, 0.0))
                continue
            try:
                place, happened = await asyncio.wait_for(follower.coming.get(), max(within_s, 0.0))
            except TimeoutError:
                continue
            yield _event("alert", following.document(happened, follower.scope.zone), place)

    async def _missed(self, scope: Scope, newest: int, safe: int) -> AsyncIterator[bytes]:
        """What happened since the place that the client names, up to where the feed goes on."""
        if self._place is None:
            yield _event("begin", {}, safe)
            return
        if self._place > newest:
            yield _event("reset", {"why": "there is no such event yet"}, safe)
            return
        try:
            found = await self._database.answer(following.since(self._reader, self._place, newest))
        except IocError:
            yield _event("reset", {"why": "what was missed can't be read"}, safe)
            return
        if len(found) > BATCH:
            yield _event("reset", {"why": f"more than {BATCH} events were missed"}, safe)
            return
        for happened in found:
            yield _event("alert", following.document(happened, scope.zone), min(happened.id, safe))

    async def _tick(self) -> bytes:
        if self._figures is None:
            return b""
        try:
            document = await self._figures()
        except IocError:
            return b""  # the next one may be answered
        if document["figures"] == self._shown:
            return b""
        self._shown = document["figures"]
        return _event("figures", document)


def _event(kind: str, document: dict[str, Any], place: int | None = None) -> bytes:
    head = f"event: {kind}\n" if place is None else f"id: {place}\nevent: {kind}\n"
    return head.encode() + b"data: " + msgspec.json.encode(document) + b"\n\n"


def _place(text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    plain = text.strip()
    # longer ones are not even made into a number: the interpreter refuses those of thousands of digits
    if not (plain.isascii() and plain.isdigit() and len(plain) <= _MOST_DIGITS) or int(plain) > _GREATEST:
        raise BadQuestionError(
            f"{text[:40]!r} is no id of an event.", remedy="Give the last id received, or leave it out."
        )
    return int(plain)
