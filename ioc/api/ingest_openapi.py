"""What the ingest operations are, for OpenAPI: the ingest process serves them, the API forwards them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fastapi import APIRouter
from starlette.responses import Response

from ioc.api.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]
Endpoint: TypeAlias = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """A POST of the ingest process, as both of its addresses describe it.

    :param extra: request body, parameters and security.
    """

    name: str
    path: str
    summary: str
    description: str
    responses: Responses
    extra: dict[str, Any]

    def served_by(self, router: APIRouter) -> Callable[[Endpoint], Endpoint]:
        """Decorate what serves it."""

        def add(endpoint: Endpoint) -> Endpoint:
            router.add_api_route(
                self.path,
                endpoint,
                methods=["POST"],
                name=self.name,
                summary=self.summary,
                description=self.description,
                response_model=None,
                responses=self.responses,
                openapi_extra=self.extra,
            )
            return endpoint

        return add


_PROBLEM: Final[dict[str, Any]] = {
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
}
_QUOTA: Final[dict[str, Any]] = {
    name: {"description": meaning, "schema": {"type": kind}}
    for name, kind, meaning in (
        ("RateLimit-Policy", "string", "The key's quota: events (q) in a window of seconds (w)."),
        (
            "RateLimit",
            "string",
            "Events that may be sent now (r), seconds until the quota is whole again (t).",
        ),
        ("RateLimit-Limit", "integer", "Events a minute."),
        ("RateLimit-Remaining", "integer", "Events that may be sent now."),
        ("RateLimit-Reset", "integer", "Seconds until the quota is whole again."),
    )
}
_RETRY: Final[dict[str, Any]] = {
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


_ACCEPTED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["accepted", "fate"],
    "properties": {
        "accepted": {"type": "integer", "description": "Events taken: all of the request."},
        "fate": {
            "enum": ["acknowledged", "spooled"],
            "description": "acknowledged: Kafka has them; spooled: on disk, to be forwarded.",
        },
    },
}
_EVENTS_DESCRIPTION: Final = (
    "One event (structured or binary mode) or a batch; a request is taken as a whole or not at all. The same event ids "
    "again are harmless. With an Idempotency-Key the same request gets the same answer for ten minutes."
)
_EVENTS_RESPONSES: Final[Responses] = {
    200: {"description": "Kafka acknowledged all events.", "headers": _QUOTA, "content": _json(_ACCEPTED)},
    202: {"description": "All events are safe on disk.", "headers": _QUOTA, "content": _json(_ACCEPTED)},
    400: {"description": "The body as a whole can't be read.", **_PROBLEM},
    401: {"description": "No key, or one that is unknown, revoked or expired.", **_PROBLEM},
    403: {"description": "The key may not do this; events are named by their place.", **_PROBLEM},
    408: {"description": "The request did not arrive in time.", **_PROBLEM},
    409: {"description": "The first request with this Idempotency-Key is under way.", **_PROBLEM},
    413: {"description": "Too many bytes or events.", **_PROBLEM},
    415: {"description": "A content type or encoding that is not read.", **_PROBLEM},
    422: {"description": "Events can't be read; each is named by its place.", **_PROBLEM},
    429: {"description": "The quota is used up.", "headers": {**_QUOTA, **_RETRY}, **_PROBLEM},
    503: {"description": "The spool is full, or too much is under way.", "headers": _RETRY, **_PROBLEM},
}
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {"type": "string", "description": "See docs/reference/events.md."},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
}
_EVENTS_EXTRA: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Any text of 1 to 255 characters, new for each request.",
            "schema": {"type": "string", "maxLength": 255},
        },
        {
            "name": "Content-Encoding",
            "in": "header",
            "required": False,
            "description": "gzip, or absent.",
            "schema": {"type": "string"},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": _EVENT},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _EVENT}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "Data of an event whose attributes are ce-* headers.",
                }
            },
        },
    },
    "security": [{"ApiKey": []}, {"Bearer": []}],
}
_TICKETS_DESCRIPTION: Final = (
    "One JSON object for each thing that happened to a ticket; an array of them, or one a line. What can't be read is "
    "named by its place in `rejected` and costs no other; 422 when nothing can. The same again is harmless."
)
_TAKEN: Final[dict[str, Any]] = {
    **_ACCEPTED,
    "properties": {
        **_ACCEPTED["properties"],
        "accepted": {"type": "integer", "description": "Tickets taken."},
        "rejected": {
            "type": "array",
            "description": "Those left out; absent when there are none.",
            "items": {
                "type": "object",
                "properties": {"index": {"type": "integer"}, "reason": {"type": "string"}},
            },
        },
    },
}
_TICKETS_RESPONSES: Final[Responses] = {
    **_EVENTS_RESPONSES,
    200: {"description": "Kafka has those taken.", "headers": _QUOTA, "content": _json(_TAKEN)},
    202: {"description": "Those taken are safe on disk.", "headers": _QUOTA, "content": _json(_TAKEN)},
}
_TICKET: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["happened", "number", "time", "kiosk"],
    "properties": {
        "happened": {
            "enum": [
                "issued", "called", "recalled", "started", "completed", "no-show", "transferred", "cancelled"
            ]
        },
        "number": {"type": ["string", "integer"]},
        "time": {"type": "string", "description": "ISO 8601; local time when it has no offset."},
        "kiosk": {"type": "string", "description": "Its code in devices.csv of the district pack."},
        "unit": {"type": "string", "description": "For kiosks that the pack does not name."},
        "date": {"type": "string", "format": "date", "description": "Local day on the ticket."},
        "service": {"type": "string"},
        "counter": {"type": ["string", "integer"]},
        "to_service": {"type": "string"},
    },
}  # fmt: skip
_TICKETS_EXTRA: Final[dict[str, Any]] = {
    **_EVENTS_EXTRA,
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"oneOf": [_TICKET, {"type": "array", "items": _TICKET}]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "A ticket a line."}},
        },
    },
}
SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key of ioc key create.",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "A key of ioc key create."},
}

_PORTAL_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {
        "error_code": {"type": "string", "description": '"00" when all is well.'},
        "message": {"type": "string"},
        "session": {"type": "string", "description": "After a login."},
        "result": {"type": "array", "items": {"type": "object"}},
    },
}
_PORTAL_DESCRIPTION: Final = (
    "One address with `service` in the body, as one-stop systems call the national portal. With an upstream every call "
    "is forwarded to it byte for byte, its answer is returned as it was, and dossiers are recorded beside it."
)
_PORTAL_RESPONSES: Final[Responses] = {
    200: {
        "description": 'The call was answered; error_code "00" means that all of it was taken.',
        "content": _json(_PORTAL_ANSWER),
    },
    202: {"description": "Taken, and safe on disk.", "content": _json(_PORTAL_ANSWER)},
    **{
        status: {"description": HTTPStatus(status).phrase, "content": _json(_PORTAL_ANSWER)}
        for status in (400, 404, 408, 413, 415, 429, 502, 503, 504)
    },
}
_PORTAL_EXTRA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": _json(
            {
                "type": "object",
                "properties": {
                    "service": {
                        "type": "string",
                        "description": "DongBoHoSoMC, CapNhatTienDoHoSoMC, LayThuTuc, TraCuuHoSo; absent in a login.",
                    },
                    "username": {"type": "string"},
                    "password": {"type": "string"},
                    "session": {"type": "string"},
                    "madonvi": {"type": "string"},
                    "isUpdating": {"type": "string"},
                    "data": {"type": "array", "items": {"type": "object"}},
                },
            }
        ),
    }
}

EVENTS: Final = Operation(
    "events",
    "/ingest/v1/events",
    "Take facts as CloudEvents",
    _EVENTS_DESCRIPTION,
    _EVENTS_RESPONSES,
    _EVENTS_EXTRA,
)
TICKETS: Final = Operation(
    "tickets",
    "/ingest/v1/tickets",
    "Take queue tickets as kiosks write them",
    _TICKETS_DESCRIPTION,
    _TICKETS_RESPONSES,
    _TICKETS_EXTRA,
)
PORTAL: Final = Operation(
    "dvcqg",
    "/ingest/v1/dvcqg",
    "Take the calls that a one-stop system makes to the national portal",
    _PORTAL_DESCRIPTION,
    _PORTAL_RESPONSES,
    _PORTAL_EXTRA,
)
OPERATIONS: Final = (EVENTS, TICKETS, PORTAL)
