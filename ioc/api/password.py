"""``/password``: a plain form with which somebody who is logged in changes his own password."""

from __future__ import annotations

from html import escape
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.security import HTTPBasicCredentials
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ioc.access import GUEST, readers, sessions
from ioc.access.changes import By, Via
from ioc.api.identity import CurrentDatabase, Gate, origin_of
from ioc.api.login import FORM_STYLE, HEADERS, HOME, fields_of, language_of
from ioc.errors import IocError, UsageError

router = APIRouter(include_in_schema=False)
_HERE: Final = "/password"
_WORDS: Final = {
    "vi": {
        "title": "Đổi mật khẩu",
        "account": "Tài khoản",
        "old": "Mật khẩu hiện tại",
        "new": "Mật khẩu mới (ít nhất {least} ký tự)",
        "again": "Nhập lại mật khẩu mới",
        "go": "Đổi mật khẩu",
        "wrong": "Mật khẩu hiện tại không đúng.",
        "wait": "Sai mật khẩu nhiều lần. Hãy đợi {wait} giây rồi thử lại.",
        "differ": "Hai lần nhập mật khẩu mới không giống nhau.",
        "same": "Mật khẩu mới phải khác mật khẩu hiện tại.",
        "length": "Mật khẩu có từ {least} đến {most} ký tự.",
        "away": "Hệ thống chưa trả lời được. Hãy thử lại sau ít phút.",
        "done": "Đã đổi mật khẩu. Các phiên đăng nhập khác của tài khoản này đã kết thúc.",
        "home": "Về trang chính",
        "other": "English",
    },
    "en": {
        "title": "Change the password",
        "account": "Account",
        "old": "Present password",
        "new": "New password (at least {least} characters)",
        "again": "New password once more",
        "go": "Change the password",
        "wrong": "The present password is not right.",
        "wait": "Too many wrong passwords. Wait {wait} s, then try again.",
        "differ": "The new password was not typed the same twice.",
        "same": "The new password must differ from the present one.",
        "length": "A password has {least} to {most} characters.",
        "away": "The platform can't answer now. Try again in a few minutes.",
        "done": "The password is changed. Other sessions of this account have ended.",
        "home": "To the first page",
        "other": "Tiếng Việt",
    },
}


@router.get(_HERE, response_class=HTMLResponse)
async def show(request: Request, lang: str | None = None) -> Response:
    """The form."""
    gate: Gate = request.app.state.gate
    reader = await gate.who(request)
    return _to_login() if reader == GUEST else _page(request, reader, lang)


@router.post(_HERE, response_class=HTMLResponse)
async def do(request: Request, database: CurrentDatabase) -> Response:
    """Check the present password, keep the new one, and end the reader's other sessions."""
    gate: Gate = request.app.state.gate
    reader = await gate.who(request)
    if reader == GUEST:
        return _to_login()
    said = await fields_of(request)
    old, new = said.get("old", ""), said.get("new", "")
    if new != said.get("again", ""):
        return _page(request, reader, None, status=422, wrong="differ")
    if new == old:
        return _page(request, reader, None, status=422, wrong="same")
    try:
        stored = await run_in_threadpool(readers.hashed, new)
    except UsageError:
        return _page(request, reader, None, status=422, wrong="length")
    try:
        await gate.reader(HTTPBasicCredentials(username=reader, password=old), origin_of(request))
        await database.change(
            readers.giving_password(
                By(reader, Via.FORM), reader, stored, keep=request.cookies.get(sessions.COOKIE)
            )
        )
    except HTTPException as error:
        if error.status_code == 429:
            wait = (error.headers or {}).get("Retry-After", "")
            return _page(request, reader, None, status=429, wrong="wait", wait=wait)
        # not 401: a browser would ask for a name and password by itself
        return _page(request, reader, None, status=422, wrong="wrong")
    except IocError:
        return _page(request, reader, None, status=503, wrong="away")
    return _page(request, reader, None, done=True)


def _to_login() -> Response:
    return RedirectResponse(f"/login?next={_HERE}", status_code=303, headers={"Cache-Control": "no-store"})


def _page(
    request: Request,
    reader: str,
    lang: str | None,
    *,
    status: int = 200,
    wrong: str = "",
    wait: str = "",
    done: bool = False,
) -> HTMLResponse:
    chosen = language_of(request, lang)
    limits = {"least": readers.LEAST_PASSWORD, "most": readers.MOST_PASSWORD, "wait": wait}
    words = {name: escape(text.format(**limits)) for name, text in _WORDS[chosen].items()}
    other = "en" if chosen == "vi" else "vi"
    said = f'<p class="bad" role="alert">{words[wrong]}</p>' if wrong else ""
    most = readers.MOST_PASSWORD
    form = (
        f'<form method="post" action="{_HERE}">'
        f"<p>{words['account']}: <b>{escape(reader)}</b></p>"
        # password managers want to know whose it is
        f'<input name="name" value="{escape(reader)}" autocomplete="username" hidden>'
        f'<label for="old">{words["old"]}</label><input id="old" name="old" type="password" maxlength="{most}"'
        ' autocomplete="current-password" required autofocus>'
        f'<label for="new">{words["new"]}</label><input id="new" name="new" type="password" maxlength="{most}"'
        f' minlength="{readers.LEAST_PASSWORD}" autocomplete="new-password" required>'
        f'<label for="again">{words["again"]}</label><input id="again" name="again" type="password"'
        f' maxlength="{most}" autocomplete="new-password" required><button>{words["go"]}</button></form>'
    )
    body = f'<p role="status">{words["done"]}</p>' if done else said + form
    return HTMLResponse(
        f'<!doctype html><html lang="{chosen}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{words["title"]} · IOC</title>'
        f"<style>{FORM_STYLE}</style></head><body><header><h1>{words['title']}</h1>"
        f'<a href="?lang={other}" lang="{other}">{words["other"]}</a></header><main>{body}'
        f'<p><a href="{HOME}">{words["home"]}</a></p></main></body></html>',
        status_code=status,
        headers={**HEADERS, **({"Retry-After": wait} if wait else {})},
    )
