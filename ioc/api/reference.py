"""``/docs``: the API's own description as a plain page, without scripts or anything from other machines."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ioc.api.page import PLAIN_HEADERS, STYLE

router = APIRouter()


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    return HTMLResponse(reference_page(request.app.openapi()), headers=PLAIN_HEADERS)


def reference_page(description: dict[str, Any]) -> str:
    """Return every operation of an OpenAPI description with its parameters and answers, as HTML."""
    info = description["info"]
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API {escape(info['version'])}</title><style>{STYLE}</style></head><body>"
        f"<header><h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
        '<a href="/">Trang chính</a></header>'
        f'<main><p>{escape(info["description"])}</p><p>For programs: <a href="/openapi.json">/openapi.json</a></p>'
        f"{operations}</main></body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    # an address without a part to fill in can be tried with a click
    shown = escape(f"{method.upper()} {path}")
    if method == "get" and "{" not in path:
        shown = f'<a href="{escape(path)}">{shown}</a>'
    answers = ", ".join(
        f"{escape(status)} {escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    text = operation.get("description", "")
    return (
        f"<section><h2>{shown}</h2><p><strong>{escape(operation['summary'])}.</strong> {escape(text)}</p>"
        f"{_parameters(operation.get('parameters', []))}<p><small>Answers: {answers}.</small></p></section>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(parameter['name'])}</code></td>"
        f"<td>{'required' if parameter.get('required') else 'optional'}</td>"
        f"<td>{escape(parameter.get('description', 'the one that is meant'))}</td></tr>"
        for parameter in parameters
    )
    return f"<table><tbody>{rows}</tbody></table>"
