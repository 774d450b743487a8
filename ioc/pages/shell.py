"""The frame of every page: who looks, head, pages to go to, and what is shown when something fails."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from typing import Final
from urllib.parse import quote

import structlog
from nicegui import app as site
from nicegui import ui
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ioc.errors import IocError
from ioc.pages import words
from ioc.pages.parts.link import Link, go
from ioc.pages.parts.text import Text
from ioc.pages.platform import Platform
from ioc.pages.rights import is_still
from ioc.pages.trouble import failed
from ioc.pages.visit import Theme, Visit, resolve
from ioc.pages.words import EN, VI, Phrase
from ioc.reports.words import Language

_log = structlog.get_logger(__name__)
#: Where the pages are, and the files that they load.
ROOT: Final = "/ops"
_STATIC: Final = "/static"
_CHECK_S: Final = 60.0
_DARK: Final = {Theme.AUTO: None, Theme.LIGHT: False, Theme.DARK: True}
_SHOW_CURRENT: Final = (
    "document.querySelector('.ops-menu [aria-current]')?.scrollIntoView({inline: 'center', block: 'nearest'})"
)
#: Pages of the menu, in its order.
MENU: Final[tuple[tuple[str, Phrase], ...]] = (
    ("/wall", words.WALL),
    ("/alerts", words.ALERTS),
    ("/dossiers", words.DOSSIERS),
    ("/devices", words.DEVICES),
    ("/units", words.UNITS),
    ("/duty", words.DUTY),
    ("/shifts", words.SHIFTS),
    ("/history", words.HISTORY),
    ("/admin", words.ADMIN),
)
Build = Callable[[Visit], Awaitable[None]]
_platform: list[Platform] = []


def stand_on(platform: Platform) -> None:
    """Say what the pages of this process ask."""
    _platform[:] = [platform]


def page(
    path: str,
    title: Phrase,
    *,
    named: bool = False,
    roles: frozenset[str] = frozenset(),
    unattended: bool = False,
) -> Callable[[Build], Build]:
    """Register a page below :data:`ROOT`.

    Its builder is given the visit, and draws into the page's main part. An :class:`IocError` that it raises is shown in
    its place, with what to do.

    :param path: such as ``/units/{code}``; what a path's names stand for is in ``visit.request.path_params``.
    :param named: only for people who are logged in; others are led to the form.
    :param roles: only for these; without any, for every role.
    :param unattended: nobody may stand before it: where it can't be shown, the browser tries again by itself.
    """

    def register(build: Build) -> Build:
        async def shown(request: Request) -> Response | None:
            return await _show(
                request, path, title, build, named=named or bool(roles), roles=roles, unattended=unattended
            )

        ui.page(path, response_timeout=30.0)(shown)
        return build

    return register


async def _show(
    request: Request,
    path: str,
    title: Phrase,
    build: Build,
    *,
    named: bool,
    roles: frozenset[str],
    unattended: bool,
) -> Response | None:
    (platform,) = _platform
    trouble: IocError | None = None
    try:
        visit = await resolve(platform, request)
    except HTTPException as error:
        return Response(error.detail, status_code=error.status_code, headers=error.headers)
    except IocError as error:
        visit, trouble = Visit.without_database(platform, request), error
    if named and not visit.named and trouble is None:
        return RedirectResponse(f"/login?next={quote(visit.place)}", status_code=303)
    _appear(visit, title)
    _frame(visit, path, title)
    # the framework's own frame is the landmark "main" already
    with ui.element("div").props('id="main" tabindex="-1"').classes("ops-main"):
        if trouble is not None:
            problem(visit, trouble)
            if unattended:
                ui.add_head_html(f'<script defer src="{ROOT}{_STATIC}/again.js"></script>')
        elif roles and visit.role not in roles:
            _said(visit.say(words.NO_RIGHT))
        else:
            try:
                await build(visit)
            except IocError as error:
                problem(visit, error)
    if visit.named and trouble is None:
        _watch(visit)
    return None


def problem(visit: Visit, error: IocError) -> None:
    """Show what went wrong where a part of a page should be, with what to do and a way to try again."""
    with ui.element("section").classes("ops-problem").props('role="alert"'):
        Text("h2", visit.say(words.FAILED))
        message, remedy = failed(visit, error)
        ui.label(message)
        if remedy:
            ui.label(remedy).classes("ops-dim")
        Link(visit.say(words.RETRY), visit.place).classes("ops-button")


def _said(text: str) -> None:
    ui.label(text).classes("ops-problem").props('role="alert"')


def _appear(visit: Visit, title: Phrase) -> None:
    client = ui.context.client
    # the page is one for all who look at it; what each wants is his own
    client.page = copy.copy(client.page)
    client.page.language = "vi" if visit.language is Language.VI else "en-US"
    client.page.dark = _DARK[visit.theme] if not visit.wall or visit.theme is not Theme.AUTO else True
    place = visit.say(visit.district) or visit.say(words.TITLE)
    ui.page_title(f"{visit.say(title)} · {place}")
    ui.add_head_html(f'<link rel="stylesheet" href="{ROOT}{_STATIC}/ops.css">')
    ui.add_body_html(
        "<noscript><style>#esm-fallback{display:none!important}</style><main class='ops-problem'>"
        f"<p>{escape(visit.say(words.NO_SCRIPT))}</p>"
        f"<a href='/plain?lang={visit.language.value}'>{escape(visit.say(words.PLAIN))}</a></main></noscript>"
    )
    ui.query("body").classes("ops-wall" if visit.wall else "ops-desk")
    ui.query(".nicegui-content").classes("ops-content")


def _frame(visit: Visit, path: str, title: Phrase) -> None:
    Link(visit.say(words.SKIP), "#main").classes("ops-skip")
    with ui.element("header").classes("ops-head"):
        place = visit.say(visit.district) or visit.say(words.TITLE)
        with ui.element("div").classes("ops-name"):
            Text("h1", visit.say(title))
            ui.label(place).classes("ops-dim")
        if not visit.wall:
            with ui.element("nav").classes("ops-menu").props(f'aria-label="{visit.say(words.MENU)}"'):
                for where, name in MENU:
                    if where == "/admin" and visit.role != "admin":
                        continue
                    link = Link(visit.say(name), f"{ROOT}{where}")
                    if path == where or path.startswith(f"{where}/"):
                        link.props('aria-current="page"')
            # where the menu is longer than the screen is wide
            ui.run_javascript(_SHOW_CURRENT)
        with ui.element("div").classes("ops-choices"):
            _choices(visit)


def _choices(visit: Visit) -> None:
    back, as_it_is, in_theme = (
        quote(place, safe="")
        for place in (visit.place, visit.place_without("lang"), visit.place_without("theme"))
    )
    other = EN if visit.language is VI else VI
    Link(visit.say(words.OTHER_LANGUAGE), f"/appearance?lang={other.value}&next={as_it_is}").props(
        f'lang="{other.value}" hreflang="{other.value}"'
    )
    if visit.wall:
        return
    themes = list(Theme)
    coming = themes[(themes.index(visit.theme) + 1) % len(themes)]
    named = {Theme.AUTO: words.AUTO, Theme.LIGHT: words.LIGHT, Theme.DARK: words.DARK}
    Link(visit.say(named[coming]), f"/appearance?theme={coming.value}&next={in_theme}").props(
        f'title="{visit.say(words.THEME)}"'
    )
    if visit.named:
        Link(visit.reader, "/password").classes("ops-reader").props(f'title="{visit.say(words.PASSWORD)}"')
        form = ui.element("form").props('method="post" action="/logout"')
        with form:
            Text("button", visit.say(words.LOG_OUT)).props('type="submit"').classes("ops-link")
    else:
        Link(visit.say(words.LOG_IN), f"/login?next={back}")


def _watch(visit: Visit) -> None:
    """Lead somebody whose session ended, or who was shut out, to the form."""

    async def look() -> None:
        try:
            over = not await is_still(visit)
        except IocError:
            return  # the database is away: nobody is thrown out for that
        if over:
            go(f"/login?next={quote(visit.place)}")

    ui.timer(_CHECK_S, look, immediate=False)


def serve_files() -> None:
    """Give browsers the pages' own files."""
    site.add_static_files(_STATIC, str(files("ioc.pages") / "static"))
