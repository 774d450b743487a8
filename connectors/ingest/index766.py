"""``POST /ingest/v1/index766``: what the national portal published of the index of Decision 766.

These are a few hundred figures a month that somebody waits for: they go straight into the database, and the answer
says what became of each. While the database is away the answer is 503, and the same figures are sent again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from connectors.ingest.body import Limits, body_of, decoded
from connectors.ingest.errors import RefusedError, refusal, respond
from connectors.ingest.gate import Gate, quota_headers
from connectors.ingest.metrics import Metrics
from ioc.access.keys import INGEST, Key
from ioc.api.ingest_index766 import INDEX766
from ioc.errors import InputError, IocError
from ioc.index766.facts import Figure, FigureError, keep, read_figure

#: Whose facts these are unless the sender says so: the portal's, through this door.
DEFAULT_SOURCE: Final = "index766"
_LISTED: Final = 100

router = APIRouter(tags=["ingest"])


class _Wrapped(msgspec.Struct):
    """The whole body; ``source`` names who says so."""

    figures: list[dict[str, Any]]
    source: msgspec.UnsetType | str = msgspec.UNSET


class Fault(msgspec.Struct, frozen=True):
    """A figure that was not taken, by its place in the request."""

    index: int
    where: str
    what: str


class Taken(msgspec.Struct, frozen=True):
    """The answer."""

    new: int
    corrected: int
    unchanged: int
    disagreeing: list[int]
    """Places whose points are not those that the formula gives for their counts; the points were taken."""
    rejected: list[Fault]


class Index766Intake:
    """Takes figures of one request."""

    def __init__(self, dsn: str, most: int, gate: Gate, limits: Limits, metrics: Metrics) -> None:
        self._dsn, self._most = dsn, most
        self._gate, self._limits, self._metrics = gate, limits, metrics

    async def take(self, request: Request) -> Response:
        """Answer one request; raises nothing that is the client's fault."""
        try:
            key = self._gate.admit(request, INGEST)
            self._gate.charge(key, 1)
        except RefusedError as error:
            self._metrics.refused.labels(error.kind).inc()
            return respond(error)
        try:
            async with body_of(request, self._limits) as body:
                encoding = request.headers.get("content-encoding", "")
                taken = await run_in_threadpool(self._keep, key, body, encoding)
        except IocError as error:
            told = refusal(error)
            self._metrics.refused.labels(told.kind).inc()
            return respond(told, quota_headers(self._gate.standing(key)))
        headers = quota_headers(self._gate.standing(key))
        return Response(msgspec.json.encode(taken), 200, headers, "application/json")

    def _keep(self, key: Key, body: bytes, encoding: str) -> Taken:
        source, said = _read(decoded(body, encoding, self._limits.bytes_))
        if key.sources is not None and source not in key.sources:
            raise RefusedError(403, "not-allowed", "The key may not speak for this source.")
        if len(said) > self._most:
            raise RefusedError(
                413, "too-many", f"A request has {self._most} figures at most.", remedy="Send several."
            )
        if len(said) > 1:
            self._gate.charge(key, len(said) - 1, paid=1)
        read = [(place, _figure(item, key)) for place, item in enumerate(said)]
        found, stored = keep(self._dsn, read, source=source)
        rejected = [Fault(place, error.column, error.reason) for place, error in found.bad]
        if rejected and not found.good:
            raise RefusedError(
                422,
                "bad-figures",
                "None of the figures can be taken.",
                errors=[msgspec.to_builtins(fault) for fault in rejected[:_LISTED]],
            )
        return Taken(
            stored.new, stored.corrected, stored.unchanged + found.repeated, found.disagreeing, rejected
        )


def _read(body: bytes) -> tuple[str, list[dict[str, Any]]]:
    try:
        whole = msgspec.json.decode(body, type=_Wrapped | list[dict[str, Any]])
    except (msgspec.DecodeError, RecursionError):
        raise InputError(
            "The body is neither a list of figures nor an object with `figures`.",
            remedy='Send {"figures": [{"period": "2026-03", "unit": …, "component": …, "points": …, …}]}.',
        ) from None
    figures, source = (whole, msgspec.UNSET) if isinstance(whole, list) else (whole.figures, whole.source)
    if not figures:
        raise InputError("The body holds no figure.", remedy="Send at least one.")
    name = DEFAULT_SOURCE if source is msgspec.UNSET else str(source)
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise InputError("source has 1 to 200 printable characters.")
    return name, figures


def _figure(item: dict[str, Any], key: Key) -> Figure | FigureError:
    try:
        figure = read_figure(item, now=datetime.now(UTC))
    except FigureError as error:
        return error
    if key.units is not None and figure.unit not in key.units:
        return FigureError("unit", "the key may not send figures of this unit")
    return figure


@INDEX766.served_by(router)
async def index766(request: Request) -> Response:
    intake: Index766Intake = request.app.state.index766
    return await intake.take(request)
