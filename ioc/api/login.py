"""``/login``, ``/logout``, ``/appearance``: plain forms that begin and end a session, and keep choices in cookies."""

from __future__ import annotations

from html import escape
from typing import Annotated, Final
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.security import HTTPBasicCredentials
from starlette.exceptions import HTTPException

from ioc.access import sessions
from ioc.api.headers import FORM_POLICY
from ioc.api.identity import CurrentDatabase, Gate
from ioc.api.page import STYLE
from ioc.errors import IocError
from ioc.reports.words import Language

router = APIRouter(include_in_schema=False)
HOME: Final = "/ops/wall"
LANGUAGE_COOKIE: Final = "ioc_language"
THEME_COOKIE: Final = "ioc_theme"
MOST_BODY: Final = 8192
#: Characters of an address to come back to; what is longer leads to the first page instead.
_LONGEST_WAY: Final = 2000
_YEAR_S: Final = 365 * 86_400
HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": FORM_POLICY}
_WORDS: Final = {
    "vi": {
        "title": "Đăng nhập",
        "name": "Tên tài khoản",
        "password": "Mật khẩu",
        "go": "Đăng nhập",
        "wrong": "Tên hoặc mật khẩu không đúng.",
        "wait": "Sai mật khẩu nhiều lần. Hãy đợi {wait} giây rồi thử lại.",
        "away": "Hệ thống chưa trả lời được. Hãy thử lại sau ít phút.",
        "first": "Lần đầu: tên là admin, mật khẩu được in ra khi khởi động (lệnh: ioc status).",
        "other": "English",
    },
    "en": {
        "title": "Log in",
        "name": "Name",
        "password": "Password",
        "go": "Log in",
        "wrong": "Name and password do not fit.",
        "wait": "Too many wrong passwords. Wait {wait} s, then try again.",
        "away": "The platform can't answer now. Try again in a few minutes.",
        "first": "The first time: the name is admin, the password was printed at the start (command: ioc status).",
        "other": "Tiếng Việt",
    },
}
FORM_STYLE: Final = (
    STYLE
    + """
main{max-width:24rem;margin:auto}
label{display:block;margin:.75rem 0 .25rem}
input,button{font:inherit;width:100%;padding:.6rem;box-sizing:border-box;border-radius:.4rem;border:1px solid #888}
button{margin-top:1.25rem;background:#0b5394;color:#fff;border-color:#0b5394}
.bad{padding:.75rem 1rem;border-left:.4rem solid #b3261e;background:#b3261e22}
"""
)
_Next = Annotated[str, Query(alias="next")]


def inside(where: str) -> str:
    """The address if it is one of ours, else the first page: a link must not lead on to another site."""
    ours = where.startswith("/") and not where.startswith("//") and "\\" not in where and where.isprintable()
    ours = ours and len(where) <= _LONGEST_WAY
    return where if ours else HOME


@router.get("/login", response_class=HTMLResponse)
async def show(request: Request, where: _Next = HOME, lang: str | None = None) -> HTMLResponse:
    """The form."""
    return _form(request, inside(where), lang)


@router.post("/login", response_class=HTMLResponse)
async def do(request: Request, database: CurrentDatabase) -> Response:
    """Begin a session and go on; a wrong name or password shows the form again."""
    gate: Gate = request.app.state.gate
    said = await fields_of(request)
    where, name = inside(said.get("next", HOME)), said.get("name", "").strip()
    try:
        reader = await gate.of(
            request, HTTPBasicCredentials(username=name, password=said.get("password", ""))
        )
        token = await database.change(sessions.begin(reader, request.headers.get("user-agent", "")))
    except HTTPException as error:
        if error.status_code == 429:
            wait = (error.headers or {}).get("Retry-After", "")
            return _form(request, where, None, status=429, wrong="wait", name=name, wait=wait)
        if error.status_code != 401:
            raise
        return _form(request, where, None, status=401, wrong="wrong", name=name)
    except IocError:
        return _form(request, where, None, status=503, wrong="away", name=name)
    answer = RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        sessions.COOKIE,
        token,
        max_age=sessions.LONGEST_DAYS * 86_400,
        httponly=True,
        samesite="lax",
        secure=_is_tls(request),
    )
    return answer


@router.post("/logout")
async def leave(request: Request, database: CurrentDatabase) -> Response:
    """End the session."""
    gate: Gate = request.app.state.gate
    await gate.of(request, None)
    if token := request.cookies.get(sessions.COOKIE):
        await database.change(sessions.end(token))
    answer = RedirectResponse(HOME, status_code=303, headers={"Cache-Control": "no-store"})
    answer.delete_cookie(sessions.COOKIE)
    return answer


@router.get("/appearance")
async def choose(
    request: Request,
    where: _Next = HOME,
    lang: Annotated[str | None, Query(pattern="^(vi|en)$")] = None,
    theme: Annotated[str | None, Query(pattern="^(auto|light|dark)$")] = None,
) -> Response:
    """Keep a choice of language or appearance in this browser."""
    answer = RedirectResponse(inside(where), status_code=303, headers={"Cache-Control": "no-store"})
    for cookie, value in ((LANGUAGE_COOKIE, lang), (THEME_COOKIE, theme)):
        if value is not None:
            answer.set_cookie(cookie, value, max_age=_YEAR_S, samesite="lax", secure=_is_tls(request))
    return answer


def _is_tls(request: Request) -> bool:
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


async def fields_of(request: Request) -> dict[str, str]:
    """What a form says, each field once.

    :raises HTTPException: 413: it is too large.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BODY:
            raise HTTPException(413, detail=f"A form has {MOST_BODY} bytes at most.")
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def language_of(request: Request, asked: str | None) -> str:
    """The language that is asked for, else that of the browser's choice, else Vietnamese."""
    chosen = asked if asked in _WORDS else request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in _WORDS else Language.VI.value


def _form(
    request: Request,
    where: str,
    lang: str | None,
    *,
    status: int = 200,
    wrong: str = "",
    name: str = "",
    wait: str = "",
) -> HTMLResponse:
    chosen = language_of(request, lang)
    words = _WORDS[chosen]
    other = "en" if chosen == "vi" else "vi"
    # the choice is kept, and so is where somebody was going
    switch = f"/appearance?lang={other}&next={quote(f'/login?next={quote(where)}')}"
    failed = f'<p class="bad" role="alert">{escape(words[wrong].format(wait=wait))}</p>' if wrong else ""
    return HTMLResponse(
        f'<!doctype html><html lang="{chosen}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{words["title"]} · IOC</title>'
        f"<style>{FORM_STYLE}</style></head><body><header><h1>{words['title']}</h1>"
        f'<a href="{escape(switch)}" lang="{other}">{words["other"]}</a></header><main>{failed}'
        f'<form method="post" action="/login"><input type="hidden" name="next" value="{escape(where)}">'
        f'<label for="name">{words["name"]}</label>'
        f'<input id="name" name="name" value="{escape(name)}" autocomplete="username" required autofocus>'
        f'<label for="password">{words["password"]}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        f"<button>{words['go']}</button></form><p><small>{escape(words['first'])}</small></p>"
        "</main></body></html>",
        status_code=status,
        headers={**HEADERS, **({"Retry-After": wait} if wait else {})},
    )
