"""What the ingest process answers when it does not take a request: problems (RFC 9457)."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.ingest.cloudevents import RejectedEventsError, UnsupportedMediaError
from ioc.api import problems
from ioc.errors import InputError, IocError, UnavailableError

_LISTED: Final = 100

log = structlog.get_logger(__name__)


class RefusedError(IocError):
    """A request is not taken.

    :param status: of the answer.
    :param kind: last part of the problem's type.
    :param headers: of the answer, besides.
    :param errors: each fault and its place.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        remedy: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status, self.kind = status, kind
        self.headers = dict(headers or {})
        self.errors = [dict(fault) for fault in errors]


def too_large(limit: int, what: str = "The body") -> RefusedError:
    """:param limit: in bytes."""
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        f"{what} is larger than {limit} bytes.",
        remedy="Send smaller batches.",
    )


def busy(message: str, *, retry_s: int, kind: str = "busy") -> RefusedError:
    """What can't be taken now: it may be sent again, with the same ids."""
    return RefusedError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        kind,
        message,
        remedy=f"Send the same events again after {retry_s} s; what arrived already is not counted twice.",
        headers={"Retry-After": str(retry_s)},
    )


def faults_of(error: RejectedEventsError) -> list[dict[str, object]]:
    """The first hundred bad events by their place in the request."""
    return [
        {"index": one.index, "where": f"events.{one.index}", "what": one.reason}
        for one in error.rejected[:_LISTED]
    ]


def refusal(error: IocError) -> RefusedError:
    """Turn any error of ours into what the client is told."""
    match error:
        case RefusedError():
            return error
        case RejectedEventsError():
            return RefusedError(
                422, "bad-events", error.message, remedy=error.remedy, errors=faults_of(error)
            )
        case UnsupportedMediaError():
            return RefusedError(415, "unsupported-media", error.message, remedy=error.remedy)
        case InputError():
            return RefusedError(400, "unreadable", error.message, remedy=error.remedy)
        case UnavailableError():
            return busy(error.message, retry_s=5, kind="unavailable")
    return RefusedError(500, "failure", error.message, remedy=error.remedy)


def respond(error: IocError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem document of an error; ``headers`` are added to its own."""
    told = refusal(error)
    return problems.problem(
        told.status,
        kind=told.kind,
        title=told.kind.replace("-", " ").capitalize(),
        headers={**(headers or {}), **told.headers},
        detail=told.message,
        remedy=told.remedy,
        errors=told.errors,
    )


def describe_failure(error: BaseException) -> dict[str, Any]:
    """What a log may say of a failure of ours: never the message, which may repeat what was sent."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "error": type(error).__name__,
        "at": [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames],
    }


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""
    problems.install(app)

    @app.exception_handler(IocError)
    async def _ours(_request: Request, error: IocError) -> Response:
        return respond(error)

    @app.exception_handler(Exception)
    async def _failure(request: Request, error: Exception) -> Response:
        log.error("ingest.failed", path=request.url.path, **describe_failure(error))
        return respond(RefusedError(500, "failure", "The platform failed to answer; its log says where."))
