"""What is shown below the pages' root where there is no page, and where making one failed."""

from __future__ import annotations

from html import escape
from typing import Final

import structlog
from fastapi.exception_handlers import http_exception_handler
from nicegui import app as site
from nicegui import ui
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ioc.api.login import HOME, language_of
from ioc.api.page import STYLE
from ioc.pages import words
from ioc.pages.parts.link import Link
from ioc.pages.parts.text import Text
from ioc.reports.words import Language

_log = structlog.get_logger(__name__)
_HEADERS: Final = {"Cache-Control": "no-store"}


def install() -> None:
    """Put these in the place of the framework's own, which speak English and lead nowhere."""
    site.exception_handler(404)(_not_found)
    site.on_page_exception(_failed)


async def _not_found(request: Request, error: Exception) -> Response:
    endpoint = request.scope.get("endpoint")
    if isinstance(error, HTTPException) and endpoint not in (None, site):
        # a file of the pages that is not there: no person reads that
        return await http_exception_handler(request, error)
    language = Language(language_of(request, request.query_params.get("lang")))
    title, home = words.NOT_FOUND.said(language), words.HOME.said(language)
    return HTMLResponse(
        f'<!doctype html><html lang="{language.value}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)} · IOC</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f'<p>{escape(words.NOT_FOUND_HINT.said(language))}</p><p><a href="{HOME}">{escape(home)}</a></p>'
        "</main></body></html>",
        status_code=404,
        headers=_HEADERS,
    )


def _failed(error: Exception) -> None:
    """Say that it failed, and nothing of what the error says, which may be somebody's data."""
    request = ui.context.client.request
    _log.error("pages.page_failed", path=request.url.path, exc_info=error)
    language = Language(language_of(request, request.query_params.get("lang")))
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/ops.css">')
    with (
        ui.element("div").props('id="main"').classes("ops-main"),
        ui.element("section").classes("ops-problem").props('role="alert"'),
    ):
        Text("h1", words.FAILED.said(language))
        Text("p", words.FAILED_HINT.said(language))
        Link(words.RETRY.said(language), str(request.url)).classes("ops-button")
        Link(words.HOME.said(language), HOME)
