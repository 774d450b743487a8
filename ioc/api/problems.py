"""Errors as RFC 9457 problem documents: every answer that is not a success has this form."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ioc.errors import InputError, IocError, UnavailableError, UsageError
from ioc.kpi.errors import KpiError

MEDIA_TYPE = "application/problem+json"
#: Seconds after which what failed so may be tried again.
_RETRY_S: Final[dict[int, str]] = {HTTPStatus.SERVICE_UNAVAILABLE: "5", HTTPStatus.TOO_MANY_REQUESTS: "30"}
_log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(
        description="Name of the kind of problem, a relative URI; about:blank when the status says it all."
    )
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="HTTP status.")
    detail: str | None = Field(None, description="What was wrong, and where.")
    remedy: str | None = Field(None, description="What to do about it.")
    errors: list[dict[str, Any]] | None = Field(
        None, description="Each parameter that can't be read, and why."
    )


#: For the OpenAPI document: which problems an operation may answer with.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (401, 404, 422, 429, 503)
}

#: The same of operations that a role is needed for.
OF_ROLE: Final[dict[int | str, dict[str, Any]]] = {
    403: {
        "description": "The reader's role does not let him act.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


def problem(
    status: int,
    *,
    kind: str | None = None,
    title: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """Return a problem document as a response."""
    phrase = HTTPStatus(status).phrase
    body = {
        "type": "about:blank" if kind is None else f"/problems/{kind}",
        "title": title or phrase,
        "status": status,
        **{name: value for name, value in more.items() if value},
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _of_error(error: IocError) -> JSONResponse:
    if isinstance(error, KpiError):
        status, kind = error.status, error.slug
    elif isinstance(error, UnavailableError):
        status, kind = 503, "unavailable"
    elif isinstance(error, UsageError | InputError):
        status, kind = 422, "bad-request"
    else:
        status, kind = 500, "failure"
    headers = {"Retry-After": _RETRY_S[status]} if status in _RETRY_S else None
    title = kind.replace("-", " ").capitalize()
    return problem(status, kind=kind, title=title, headers=headers, detail=error.message, remedy=error.remedy)


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    @app.exception_handler(IocError)
    async def _ours(_request: Request, error: IocError) -> JSONResponse:
        return _of_error(error)

    @app.exception_handler(RequestValidationError)
    async def _unreadable(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
            for fault in error.errors()
        ]
        return problem(
            422, kind="bad-request", title="Bad request", detail="The request can't be read.", errors=faults
        )

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
        if detail is None and error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"There is nothing at {request.url.path}."
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, detail=detail, headers=headers)

    @app.exception_handler(Exception)
    async def _failure(request: Request, error: Exception) -> JSONResponse:
        # by its route: a path may hold the token of a link
        route = getattr(request.scope.get("route"), "path", "none")
        _log.error("request failed", route=route, exc_info=error)
        return problem(
            500,
            kind="failure",
            title="Failure",
            detail="The platform failed to answer; its log says why.",
        )
