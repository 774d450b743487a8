"""Puts the pages into the process that serves."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

import nicegui
from fastapi import FastAPI, Request
from nicegui import app as site
from nicegui import ui
from nicegui.translations import translations
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import RedirectResponse, Response

from ioc.api.login import HOME
from ioc.pages import lost, shell, words
from ioc.pages.platform import Platform
from ioc.settings import Settings

#: Modules that register pages when they are imported.
PAGES: Final = (
    "ioc.pages.wall",
    "ioc.pages.alerts.page",
    "ioc.pages.duty.page",
    "ioc.pages.shifts.page",
    "ioc.pages.dossiers.page",
    "ioc.pages.dossiers.story",
    "ioc.pages.history.page",
    "ioc.pages.devices",
    "ioc.pages.units.page",
    "ioc.pages.units.unit",
    "ioc.pages.admin",
)
#: A browser that was away for this long finds its page as it was; then it loads it anew, in seconds.
_AWAY_S: Final = 30.0
#: The pages' framework makes its scripts from templates, which takes unsafe-eval; nothing may come from elsewhere.
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; media-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'self'; manifest-src 'self'; worker-src 'self' blob:"
)
#: What is below this never changes: the framework's version is part of the address.
_FOREVER: Final = f"/_nicegui/{nicegui.__version__}/"


def install(app: FastAPI, settings: Settings, pack: Path | None = None) -> None:
    """Add the pages to an application of :func:`ioc.api.create_app`; once in a process.

    :param pack: folder of the district pack, for who keeps it.
    """
    shell.stand_on(
        Platform(
            settings=settings,
            database=app.state.database,
            gate=app.state.gate,
            desk=app.state.exports,
            shared=app.state.shared,
            pack=pack,
        )
    )
    for name in PAGES:
        import_module(name)
    shell.serve_files()
    lost.install()
    for language in (words.VI, words.EN):
        translations["vi" if language is words.VI else "en-US"] = {
            "connection_lost": words.LOST.said(language),
            "trying_to_reconnect": words.AGAIN.said(language),
            "message_too_long": words.TOO_LONG.said(language),
            "message_too_long_body": words.TOO_LONG_BODY.said(language),
        }

    async def first() -> Response:
        return RedirectResponse(HOME, status_code=307)

    app.add_api_route("/", first, include_in_schema=False)
    app.add_api_route(shell.ROOT, first, include_in_schema=False)
    site.add_api_route("/", first, include_in_schema=False)

    @site.middleware("http")
    async def headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
        answer = await call_next(request)
        answer.headers["Content-Security-Policy"] = _POLICY
        if _FOREVER in request.url.path:
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer

    ui.run_with(
        app,
        mount_path=shell.ROOT,
        title=words.TITLE.vi,
        language="vi",
        dark=None,
        tailwind=False,
        reconnect_timeout=_AWAY_S,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
