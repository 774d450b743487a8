"""``POST /ingest/v1/events``: CloudEvents over HTTP, structured, binary and in batches."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from connectors.ingest.body import Limits, body_of, decoded
from connectors.ingest.cloudevents import Rejected, RejectedEventsError, read_request
from connectors.ingest.errors import RefusedError, busy, faults_of, refusal, respond
from connectors.ingest.gate import INGEST, Gate, forbidden, quota_headers
from connectors.ingest.idempotency import Answer, Answers
from connectors.ingest.metrics import Metrics
from connectors.shared.relay import Fate, Relay, SpoolFullError
from ioc import events as facts
from ioc.access.keys import Key
from ioc.api.ingest_openapi import EVENTS
from ioc.errors import IocError
from ioc.settings import Settings

#: A larger body is read and parsed in a thread, so that it delays no other answer by more than a moment.
_LARGE: Final = 32 * 1024
#: The relay decides far sooner; a client is not left hanging when it does not.
_DECIDED_S: Final = 30.0

router = APIRouter(tags=["ingest"])


class Accepted(msgspec.Struct, omit_defaults=True):
    """The answer to a request that was taken."""

    accepted: int
    fate: Fate
    rejected: tuple[Rejected, ...] = ()
    """What was left out, where a request may be taken in part."""


@dataclass(frozen=True)
class Handed:
    """What a request handed over to the relay."""

    count: int
    future: Future[Fate]
    rejected: tuple[Rejected, ...] = ()


@dataclass
class EventIntake:
    """Takes CloudEvents for the relay."""

    settings: Settings
    relay: Relay
    gate: Gate
    answers: Answers
    limits: Limits
    metrics: Metrics
    parser: ThreadPoolExecutor

    async def take(self, request: Request) -> Response:
        """Answer one request; raises nothing that is the client's fault."""
        try:
            key = self.gate.admit(request, INGEST)
            self.gate.charge(key, 1)
        except RefusedError as error:
            self.metrics.refused.labels(error.kind).inc()
            return respond(error)
        try:
            async with body_of(request, self.limits) as body:
                answer = await self._once(request, key, body)
            return Response(
                answer.body,
                answer.status,
                quota_headers(self.gate.standing(key)),
                answer.media_type,
            )
        except IocError as error:
            told = refusal(error)
            self.metrics.refused.labels(told.kind).inc()
            return respond(told, quota_headers(self.gate.standing(key)))

    async def _once(self, request: Request, key: Key, body: bytes) -> Answer:
        name = request.headers.get("idempotency-key")
        if name is None:
            return await self._answer(request, key, body)
        mark = hashlib.sha256(request.headers.get("content-type", "").encode() + b"\0" + body).digest()
        earlier = self.answers.begin(key.id, name, mark)
        if earlier is not None:
            return earlier
        answer: Answer | None = None
        try:
            answer = await self._answer(request, key, body)
        except IocError as error:
            response = respond(refusal(error))
            answer = Answer(response.status_code, bytes(response.body), str(response.media_type))
            raise
        finally:
            self.answers.end(key.id, name, answer)
        return answer

    async def _answer(self, request: Request, key: Key, body: bytes) -> Answer:
        if len(body) > _LARGE:
            loop = asyncio.get_running_loop()
            here = contextvars.copy_context().run
            handed = await loop.run_in_executor(self.parser, here, self.hand_over, request, key, body)
        else:
            handed = self.hand_over(request, key, body)
        count = handed.count
        try:
            fate = await decided(handed.future)
        except SpoolFullError as error:
            self.gate.give_back(key, count)
            raise busy(error.message, retry_s=30, kind="spool-full") from None
        except IocError:
            self.gate.give_back(key, count)
            raise
        self.metrics.events.labels(fate.value).inc(count)
        status = 200 if fate is Fate.ACKNOWLEDGED else 202
        return Answer(status, msgspec.json.encode(Accepted(count, fate, handed.rejected)), "application/json")

    def hand_over(self, request: Request, key: Key, body: bytes) -> Handed:
        """Read a request's body and give its facts to the relay.

        :raises IocError: when nothing of it is taken.
        """
        settings = self.settings
        many = read_request(
            request.headers,
            decoded(body, request.headers.get("content-encoding", ""), self.limits.bytes_),
            now=datetime.now(UTC),
            future_tolerance=timedelta(seconds=settings.future_tolerance_s),
            max_events=settings.ingest_max_events,
        )
        return self.give(key, many)

    def give(self, key: Key, many: Sequence[facts.AnyEvent], rejected: tuple[Rejected, ...] = ()) -> Handed:
        """Check what the key may send, take its quota, and hand the facts over.

        :raises RefusedError: when the key may not, or its quota is used up.
        """
        _check_limits(key, many)
        if len(many) > 1:
            self.gate.charge(key, len(many) - 1, paid=1)
        return Handed(len(many), self.relay.accept(many), rejected)


async def decided(future: Future[Fate]) -> Fate:
    """Wait until the relay has decided.

    :raises RefusedError: when it does not, which leaves open whether the events arrived.
    :raises UnavailableError: of the relay's own.
    """
    try:
        async with asyncio.timeout(_DECIDED_S):
            # shielded: the relay must find its future as it left it
            return await asyncio.shield(asyncio.wrap_future(future))
    except TimeoutError:
        raise busy("Neither Kafka nor the disk took the events in time.", retry_s=10) from None


def _check_limits(key: Key, many: Sequence[facts.AnyEvent]) -> None:
    if key.sources is None and key.topics is None and key.units is None:
        return
    found = [
        Rejected(place, reason)
        for place, event in enumerate(many)
        if (reason := forbidden(key, event.source, facts.topic_of(event), event.data.unit)) is not None
    ]
    if found:
        error = RejectedEventsError(tuple(found))
        raise RefusedError(
            403,
            "not-allowed",
            "The key may not send some of these events; none of the request was taken.",
            remedy="Use a key that may; ioc key list shows what each is limited to.",
            errors=faults_of(error),
        )


@EVENTS.served_by(router)
async def events(request: Request) -> Response:
    intake: EventIntake = request.app.state.intake
    return await intake.take(request)
