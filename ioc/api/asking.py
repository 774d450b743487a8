"""What every list and series of the API has in common: strict parameters, cursors' pages, entity tags."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from fastapi import Query, Request
from fastapi.responses import Response

from ioc.kpi.errors import BadQuestionError

#: A reader may keep the answer, and asks each time whether it still holds.
_ASK_AGAIN: Final = "private, no-cache"

Limit = Annotated[int, Query(ge=1, le=1000, description="Most entries in one answer.")]
After = Annotated[str | None, Query(description="`next` of the page before, as it was given.")]


def split(text: str | None, name: str) -> list[str] | None:
    """Return what stands between commas, each once.

    :raises BadQuestionError: nothing does.
    """
    if text is None:
        return None
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise BadQuestionError(f"{name} names nothing.", remedy="Leave it out, or separate codes by commas.")
    return found


# -- parameters -----------------------------------------------------------------------------------------


async def only_known_parameters(request: Request) -> None:
    """Refuse a query parameter that the operation does not have, and one that is given twice where one counts.

    A misspelt filter that is passed over would give an answer to another question.

    :raises BadQuestionError: naming the parameter and what there is.
    """
    known = _parameters(request)
    given = request.query_params
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            listed = ", ".join(sorted(known)) or "none"
            raise BadQuestionError(
                f"There is no parameter {name[:50]!r} here.",
                remedy=f"Did you mean {near[0]}?" if near else f"Parameters are: {listed}.",
            )
        if not known[name] and len(given.getlist(name)) > 1:
            raise BadQuestionError(
                f"The parameter {name} is given more than once.",
                remedy="Give it once; lists are separated by commas.",
            )


def _parameters(request: Request) -> Mapping[str, bool]:
    """Query parameters of the operation that answers, and whether each may be repeated."""
    path, method = request.scope["route"].path, request.method.lower()
    held: dict[tuple[str, str], dict[str, bool]] = request.app.state.__dict__.setdefault(
        "query_parameters", {}
    )
    found = held.get((path, method))
    if found is None:
        operation = request.app.openapi()["paths"].get(path, {}).get(method, {})
        found = held[path, method] = {
            parameter["name"]: _is_list(parameter["schema"])
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "query"
        }
    return found


def _is_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(_is_list(one) for one in schema.get("anyOf", ()))


# -- answers --------------------------------------------------------------------------------------------


def conditional(
    request: Request, document: Mapping[str, Any], *, same_without: Mapping[str, Any] | None = None
) -> Response:
    """Return a document with its entity tag, or 304 where the asker holds it already.

    The tag is made of the document's content: it changes when, and only when, the answer does.

    :param same_without: the document without what changes each time it is asked for, such as the moment of asking.
    """
    body = msgspec.json.encode(document)
    told = body if same_without is None else msgspec.json.encode(same_without)
    tag = f'W/"{hashlib.sha256(told).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": _ASK_AGAIN, "Vary": "Authorization"}
    if _holds(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _holds(asked: str | None, tag: str) -> bool:
    if asked is None:
        return False
    plain = tag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") in (plain, "*") for one in asked.split(","))


#: For the OpenAPI description of what gives an entity tag.
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The answer is still the one that If-None-Match names."}
}
