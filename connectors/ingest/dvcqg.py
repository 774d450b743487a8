"""``/ingest/v1/dvcqg``: the portal protocol, answered here or forwarded to the upstream and recorded beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from connectors.ingest.body import Limits, body_of, decoded
from connectors.ingest.cloudevents import read_json
from connectors.ingest.errors import RefusedError, describe_failure, refusal
from connectors.ingest.events import decided
from connectors.ingest.gate import INGEST, Gate, client_address, quota_headers
from connectors.ingest.metrics import Metrics
from connectors.ingest.portal_hub import Caller, PortalHub
from connectors.ingest.portal_look_up import LookUps
from connectors.ingest.tee import Tee, UpstreamAnswer, UpstreamAwayError
from connectors.onestop.portal_call import (
    Code,
    PortalCall,
    Service,
    answer,
    read_call,
    results_answer,
)
from connectors.onestop.portal_recorder import Call
from connectors.onestop.portal_source import PortalSource
from connectors.shared.relay import Fate
from ioc.access.keys import DEFAULT_QUOTA
from ioc.access.quota import Quotas
from ioc.api.ingest_openapi import PORTAL
from ioc.errors import InputError, IocError, UnavailableError

_LARGE: Final = 32 * 1024
#: The upstream's answer waits so long for our own recording at most, in seconds: a fact that is safe before the client
#: hears "done" can't be lost with this process.
_BESIDE_S: Final = 0.5
_MOST_BESIDE: Final = 256
#: A login's answer is short; a longer one is passed on unread.
_LOGIN_ANSWER_BYTES: Final = 64 * 1024
_CODES: Final = {413: Code.TOO_LARGE, 429: Code.TOO_MANY, 401: Code.FORBIDDEN, 403: Code.FORBIDDEN}

router = APIRouter(tags=["ingest"])
log = structlog.get_logger(__name__)


@dataclass
class Portal:
    """Answers calls of the portal protocol."""

    hub: PortalHub
    gate: Gate
    tee: Tee
    look_ups: LookUps
    limits: Limits
    metrics: Metrics
    parser: ThreadPoolExecutor
    most_items: int
    quotas: Quotas = field(default_factory=Quotas)
    beside: set[asyncio.Task[None]] = field(default_factory=set)
    _told: set[tuple[str, str]] = field(default_factory=set)

    async def take(self, request: Request, path: str) -> Response:
        """Answer one call; what is wrong with it is said in the protocol's shape."""
        try:
            async with body_of(request, self.limits) as body:
                source, rest = self.hub.by_path(path)
                if source is None or source.upstream is None:
                    caller = Caller(client_address(request), self.gate.optional(request, INGEST))
                    call = await self._read(request, body)
                    source = source or self.hub.by_caller(caller, call)
                    if source is None:
                        return _answered(404, answer(Code.FORBIDDEN, "no source / không rõ nguồn gửi"))
                    if source.upstream is None:
                        return await self._here(source, caller, call)
                return await self._there(source, request, rest, body)
        except IocError as error:
            return self._refused(error)

    def _refused(self, error: IocError) -> Response:
        told = refusal(error)
        self.metrics.refused.labels(told.kind).inc()
        code = _CODES.get(told.status) or (Code.TRY_LATER if told.status >= 500 else Code.UNREADABLE)
        return _answered(told.status, answer(code, told.message), told.headers)

    async def _read(self, request: Request, body: bytes) -> PortalCall:
        """:raises IocError: when the body can't be read."""
        encoding = request.headers.get("content-encoding", "")
        charset = request.headers.get("content-type", "").lower().partition("charset=")[2].strip(' "')
        if charset and charset not in ("utf-8", "utf8", "us-ascii"):
            raise RefusedError(
                415, "unsupported-media", "The character set is not read.", remedy="Send UTF-8."
            )
        if len(body) > _LARGE:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.parser, self._parse, body, encoding)
        return self._parse(body, encoding)

    def _parse(self, body: bytes, encoding: str) -> PortalCall:
        return read_call(read_json(decoded(body, encoding, self.limits.bytes_)), self.most_items)

    # -- answered here --------------------------------------------------------------------------------------

    async def _here(self, source: PortalSource, caller: Caller, call: PortalCall) -> Response:
        self._count(source, call)
        if call.service == Service.LOGIN:
            return self._log_in(source, caller, call)
        if not self.hub.is_known(source, caller, call.session):
            return _answered(200, answer(Code.NO_SESSION))
        match call.service:
            case Service.UPSERT | Service.PROGRESS:
                return await self._dossiers(source, caller, call)
            case Service.PROCEDURES:
                return _answered(200, answer(Code.OK, result=self.look_ups.procedures(call.wanted)))
            case Service.LOOK_UP:
                return _answered(200, answer(Code.OK, result=await self.look_ups.dossier(call.wanted)))
        return _answered(200, answer(Code.UNKNOWN_SERVICE))

    def _log_in(self, source: PortalSource, caller: Caller, call: PortalCall) -> Response:
        session, wait_s = self.hub.log_in(source, caller, call)
        if wait_s:
            return _answered(429, answer(Code.TOO_MANY), {"Retry-After": str(wait_s)})
        if session is None:
            return _answered(200, answer(Code.LOGIN_REFUSED))
        return _answered(200, answer(Code.OK, session=session))

    async def _dossiers(self, source: PortalSource, caller: Caller, call: PortalCall) -> Response:
        headers = self._charge(source, caller, len(call.items))
        recorded = await asyncio.wrap_future(self.hub.recorder(source).record(_facts_of(call, caller)))
        fate = await decided(recorded.fate)
        self._count_items(source, recorded.results)
        status = 200 if fate is Fate.ACKNOWLEDGED else 202
        return _answered(status, results_answer(recorded.results), headers)

    def _charge(self, source: PortalSource, caller: Caller, count: int) -> dict[str, str]:
        """:raises RefusedError: when the quota of the key, or of the session's source, is used up."""
        if caller.key is not None:
            return quota_headers(self.gate.charge(caller.key, count))
        standing = self.quotas.take(source.name, DEFAULT_QUOTA, min(count, DEFAULT_QUOTA))
        if not standing.allowed:
            raise RefusedError(
                429,
                "quota",
                f"More than {DEFAULT_QUOTA} dossiers came within a minute.",
                headers={**quota_headers(standing), "Retry-After": str(standing.retry_s)},
            )
        return quota_headers(standing)

    # -- forwarded ------------------------------------------------------------------------------------------

    async def _there(self, source: PortalSource, request: Request, path: str, body: bytes) -> Response:
        if source.upstream is None:
            raise RuntimeError("a source without an upstream has no tee")
        recording = asyncio.create_task(self._beside(source, request, body))
        self.beside.add(recording)
        recording.add_done_callback(self.beside.discard)
        try:
            found = await self.tee.forward(
                source.upstream,
                path,
                request.method,
                request.scope.get("query_string", b""),
                request.scope["headers"],
                body,
                ours=request.headers.get("authorization", "").lower().startswith("bearer ioc_"),
            )
        except UpstreamAwayError as error:
            self.metrics.upstream_away.labels(source.name).inc()
            await asyncio.wait({recording}, timeout=_BESIDE_S)
            return _answered(504 if error.timed_out else 502, answer(Code.UPSTREAM_AWAY))
        await asyncio.wait({recording}, timeout=_BESIDE_S)
        return await self._returned(source, body, found)

    async def _returned(self, source: PortalSource, body: bytes, found: UpstreamAnswer) -> Response:
        response: Response
        if b'"password"' in body and len(body) < _LARGE:
            head, rest = await _begin(found.chunks)
            self._learn(source, head if rest is None else b"")
            response = Response(head) if rest is None else StreamingResponse(_joined(head, rest))
        else:
            response = StreamingResponse(found.chunks)
        response.status_code = found.status
        response.raw_headers = found.headers
        return response

    def _learn(self, source: PortalSource, body: bytes) -> None:
        """Remember the session that the upstream gave, as a digest, so that its calls are known to be the source's."""
        try:
            said = read_json(body)
        except InputError:
            return
        if isinstance(said, dict) and str(said.get("error_code", "")).strip("0") == "":
            session = said.get("session")
            if isinstance(session, str) and session:
                self.hub.sessions.learn(source.name, session)

    async def _beside(self, source: PortalSource, request: Request, body: bytes) -> None:
        """Record a call that is forwarded. Nothing that happens here reaches the client."""
        try:
            try:
                call = await self._read(request, body)
            except IocError as error:
                self.metrics.portal_calls.labels(source.name, "unreadable").inc()
                log.info("portal.call_unreadable", source=source.name, reason=error.message)
                return
            self._count(source, call)
            if call.service not in (Service.UPSERT, Service.PROGRESS):
                return
            caller = Caller(client_address(request), self._key_or_none(request))
            known = self.hub.is_known(source, caller, call.session) or source.is_client(caller.address)
            if not known:
                self._unrecorded(source, "unknown-client")
                return
            if len(self.beside) > _MOST_BESIDE:
                self._unrecorded(source, "too-many")
                return
            recorded = await asyncio.wrap_future(self.hub.recorder(source).record(_facts_of(call, caller)))
            await decided(recorded.fate)
            self._count_items(source, recorded.results)
            reasons = [result.reason for result in recorded.results if result.reason is not None]
            if reasons:  # the client is told what the upstream says, so only the log can tell
                log.warning("portal.items_rejected", source=source.name, count=len(reasons), first=reasons[0])
        except UnavailableError as error:
            self._unrecorded(source, "unavailable", error.message)
        except IocError as error:
            self._unrecorded(source, "not-taken", error.message)
        except Exception as error:
            self.metrics.unrecorded.labels(source.name, "failure").inc()
            log.error("portal.recording_failed", source=source.name, **describe_failure(error))

    def _key_or_none(self, request: Request) -> Any:
        try:
            return self.gate.optional(request, INGEST)
        except RefusedError:
            return None

    def _unrecorded(self, source: PortalSource, reason: str, detail: str = "") -> None:
        self.metrics.unrecorded.labels(source.name, reason).inc()
        if (source.name, reason) not in self._told:
            self._told.add((source.name, reason))
            log.error("portal.not_recorded", source=source.name, reason=reason, detail=detail)

    def _count(self, source: PortalSource, call: PortalCall) -> None:
        known = call.service in list(Service)
        self.metrics.portal_calls.labels(source.name, call.service if known else "other").inc()

    def _count_items(self, source: PortalSource, results: Any) -> None:
        rejected = sum(1 for result in results if result.reason is not None)
        self.metrics.portal_items.labels(source.name, "taken").inc(len(results) - rejected)
        self.metrics.portal_items.labels(source.name, "rejected").inc(rejected)


def _facts_of(call: PortalCall, caller: Caller) -> Call:
    return Call(
        upserts=call.service == Service.UPSERT,
        items=call.items,
        agency=call.agency,
        units=None if caller.key is None else caller.key.units,
    )


def _answered(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


async def _begin(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """Read a short answer whole; of a longer one its beginning, with what is left to read."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) > _LOGIN_ANSWER_BYTES:
            return head, chunks
    return head, None


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


@PORTAL.served_by(router)
async def dvcqg(request: Request) -> Response:
    portal: Portal = request.app.state.portal
    return await portal.take(request, "")


@router.api_route(PORTAL.path, methods=["GET", "PUT"], include_in_schema=False)
@router.api_route(PORTAL.path + "/{path:path}", methods=["POST", "GET", "PUT"], include_in_schema=False)
async def dvcqg_below(request: Request, path: str = "") -> Response:
    portal: Portal = request.app.state.portal
    return await portal.take(request, path)
