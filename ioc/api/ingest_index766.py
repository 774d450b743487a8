"""What ``POST /ingest/v1/index766`` is, for OpenAPI: the ingest process serves it, the API forwards it."""

from __future__ import annotations

from typing import Any, Final

from ioc.api.ingest_openapi import EVENTS, Operation, Responses

_DESCRIPTION: Final = (
    "What the national portal published for units and months: points of a component, the two counts of its share, or "
    "both. Figures are kept as facts: the same again changes nothing, another one of the same publication is a "
    "correction, and both stay. Points `withdrawn` take a figure back. Counts of 0 say that there was nothing. What "
    "can't be taken is named by its place and costs no other; 422 when nothing can."
)
_FIGURE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["period", "unit", "component", "published_at"],
    "properties": {
        "period": {"type": "string", "description": "Month: 2026-03."},
        "unit": {"type": "string", "description": "Code of a unit of the district pack."},
        "component": {"type": "string", "description": "As `ioc index766 template` lists them."},
        "points": {"type": ["number", "string", "null"]},
        "numerator": {"type": ["integer", "null"]},
        "denominator": {"type": ["integer", "null"]},
        "published_at": {"type": "string", "description": "Date or time; Vietnam's where it has no offset."},
    },
}
_BODY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["figures"],
    "properties": {
        "source": {"type": "string", "description": "Who says so; without it, index766."},
        "figures": {"type": "array", "items": _FIGURE},
    },
}
_TAKEN: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "new": {"type": "integer"},
        "corrected": {"type": "integer"},
        "unchanged": {"type": "integer"},
        "disagreeing": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "Places whose points are not those that the formula gives for their counts.",
        },
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "index": {"type": "integer"},
                    "where": {"type": "string"},
                    "what": {"type": "string"},
                },
            },
        },
    },
}
_RESPONSES: Final[Responses] = {
    **{status: answer for status, answer in EVENTS.responses.items() if status not in (202, 409)},
    200: {
        "description": "Those taken are stored.",
        "headers": EVENTS.responses[200]["headers"],
        "content": {"application/json": {"schema": _TAKEN}},
    },
    503: {**EVENTS.responses[503], "description": "The database is away; nothing was stored."},
}
_EXTRA: Final[dict[str, Any]] = {
    "parameters": [
        parameter for parameter in EVENTS.extra["parameters"] if parameter["name"] == "Content-Encoding"
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"oneOf": [_BODY, {"type": "array", "items": _FIGURE}]}}},
    },
    "security": EVENTS.extra["security"],
}

INDEX766: Final = Operation(
    "index766",
    "/ingest/v1/index766",
    "Take published figures of the index of Decision 766",
    _DESCRIPTION,
    _RESPONSES,
    _EXTRA,
)
