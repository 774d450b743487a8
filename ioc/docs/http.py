"""``http.md``: every operation of the API, from its own OpenAPI description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ioc.api import create_app
from ioc.docs.markdown import code, document, table
from ioc.settings import Settings


def description() -> dict[str, Any]:
    """Return the OpenAPI description; needs no server."""
    return create_app(Settings(state_dir=Path("state"))).openapi()


def page() -> str:
    """Return the page."""
    found = description()
    intro = (
        f"{found['info']['description']}\n\nA running platform gives the whole description at `/openapi.json`, and "
        "the same as a page at `/docs`, without scripts or anything from other machines. The first page, at `/`, shows "
        "the district's figures now."
    )
    parts = [
        _operation(path, method, operation)
        for path, operations in found["paths"].items()
        for method, operation in operations.items()
    ]
    return document("HTTP", intro, *parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    text = f"## {method.upper()} {path}\n\n{operation['summary']}."
    if operation.get("description"):
        text += f"\n\n{operation['description']}"
    parameters = operation.get("parameters", [])
    if parameters:
        text += "\n\n" + table(
            ("parameter", "in", "meaning"),
            (
                (
                    code(parameter["name"]),
                    parameter["in"],
                    parameter.get("description", "the one that is meant"),
                )
                for parameter in parameters
            ),
        )
    answers = ", ".join(
        f"{status} {answer['description']}" for status, answer in operation["responses"].items()
    )
    return f"{text}\n\nAnswers: {answers}."
