"""``/a/{token}``: what a message's link opens on a phone, without logging in: its alerts, and what can be done.

Opening it changes nothing: mail scanners and previews follow links too. Plain HTML, no script, nothing from outside;
one request shows all (:mod:`ioc.api.my_duty`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse
from starlette.requests import ClientDisconnect

from ioc.alerts import clock
from ioc.alerts.errors import AlertError
from ioc.api import my_duty
from ioc.api.database import Database
from ioc.api.headers import FORM_POLICY
from ioc.api.identity import CurrentDatabase
from ioc.api.my_duty import LONGEST_COMMENT, Reading
from ioc.delivery.answering import Doing, Found, act, look, still_known
from ioc.delivery.links import Claim, ExpiredLinkError, LinkError, Links
from ioc.delivery.woken import woken
from ioc.errors import IocError
from ioc.kpi.query import Steps
from ioc.reports.words import Language

router = APIRouter(include_in_schema=False)
log = structlog.get_logger(__name__)
#: A comment in its longest form, and what goes with it.
_MOST_BODY: Final = 9 * LONGEST_COMMENT + 200
_VIA: Final = "link"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": FORM_POLICY,
}
_BAD_LINK: Final = (
    "Liên kết không đúng hoặc bị cắt. Hãy mở lại từ tin báo.",
    "This link is wrong or was cut. Open it from the message again.",
)
_EXPIRED: Final = (
    "Liên kết đã hết hạn. Hãy dùng tin báo mới hơn, hoặc đăng nhập.",
    "This link has expired. Use a newer message, or log in.",
)
_NOBODY: Final = (
    "Liên kết này không thuộc về ai trong danh sách trực hiện nay.",
    "This link is of nobody who is on the roster's list now.",
)
_NOT_ASKED: Final = (
    "Không rõ phải làm gì: hãy bấm một nút.",
    "It is not clear what to do: press a button.",
)
_NOT_ALLOWED: Final = ("Liên kết này không cho làm việc đó.", "This link is not for that.")
_FAILED: Final = (
    "Hệ thống chưa trả lời được. Hãy thử lại sau ít phút.",
    "The platform can't answer now. Try again in a few minutes.",
)
_GONE: Final = (
    "Tin này không còn cảnh báo nào.",
    "This message is of no alert any more.",
)
_BAD_COMMENT: Final = (
    "Ghi chú trống, quá dài hoặc có ký tự lạ: hãy sửa lại.",
    "The comment is empty, too long, or has odd characters: mend it.",
)
_Token = Annotated[str, Path(max_length=2000)]


def _language(lang: Annotated[str, Query(max_length=100)] = "vi") -> Language:
    return Language.EN if lang == "en" else Language.VI


_Lang = Annotated[Language, Depends(_language)]


@dataclass(frozen=True)
class _Seen:
    """What the database says for a link; nothing is found for somebody who is not known any more."""

    found: Found | None
    now: datetime
    zone: ZoneInfo


@dataclass(frozen=True)
class _Asked:
    """What a form asks for."""

    doing: Doing
    text: str = ""


@router.get("/a/{token}", response_class=HTMLResponse)
async def show(token: _Token, request: Request, database: CurrentDatabase, lang: _Lang) -> HTMLResponse:
    """The alerts, as they are now; changes nothing."""
    claim = _claim(request, token, lang)
    if isinstance(claim, HTMLResponse):
        return claim
    try:
        seen = await database.answer(_see(claim))
    except IocError as error:
        return _failed(error, lang)
    return await _shown(database, claim, seen, lang)


@router.post("/a/{token}", response_class=HTMLResponse)
async def do(token: _Token, request: Request, database: CurrentDatabase, lang: _Lang) -> HTMLResponse:
    """Acknowledge, snooze or comment on what the link is of."""
    claim = _claim(request, token, lang)
    if isinstance(claim, HTMLResponse):
        return claim
    asked = await _asked(request)
    if asked is None:
        return _said(422, _NOT_ASKED, lang)
    if asked.doing not in claim.actions:
        return _said(403, _NOT_ALLOWED, lang)
    if len(asked.text) > LONGEST_COMMENT:
        return await _mend(database, claim, asked, lang)
    try:
        seen = await database.change(_act(claim, asked))
    except AlertError:
        return await _mend(database, claim, asked, lang)
    except IocError as error:
        return _failed(error, lang)
    return await _shown(database, claim, seen, lang, asked.doing)


def _claim(request: Request, token: str, language: Language) -> Claim | HTMLResponse:
    links: Links = request.app.state.links
    try:
        return links.read(token, datetime.now(UTC))
    except ExpiredLinkError:
        return _said(410, _EXPIRED, language)
    except LinkError:
        return _said(404, _BAD_LINK, language)
    except IocError as error:
        return _failed(error, language)


async def _asked(request: Request) -> _Asked | None:
    """What the form asks for; None when it is no such form."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BODY:
                return None
        fields = parse_qs(body.decode("ascii"), max_num_fields=4, keep_blank_values=True)
        (wanted,) = fields.get("do", [])
        (text,) = fields.get("text", [""])
        return _Asked(Doing(wanted), text.replace("\r\n", "\n"))
    except (ValueError, ClientDisconnect):
        return None


def _see(claim: Claim) -> Steps[_Seen]:
    now, zone = yield from clock.here()
    known = yield from still_known(claim.person)
    found = (yield from look(claim.message_id)) if known else None
    return _Seen(found, now, zone)


def _act(claim: Claim, asked: _Asked) -> Steps[_Seen]:
    now, zone = yield from clock.here()
    known = yield from still_known(claim.person)
    found: Found | None = None
    if known:
        found = yield from look(claim.message_id)
        if found.facts:
            found = yield from act(claim.message_id, asked.doing, claim.person, now, _VIA, asked.text)
    return _Seen(found, now, zone)


# -- the page -------------------------------------------------------------------------------------------


async def _shown(
    database: Database,
    claim: Claim,
    seen: _Seen,
    language: Language,
    doing: Doing | None = None,
    *,
    mend: str | None = None,
) -> HTMLResponse:
    """All of it; ``mend``: a comment that could not be kept, to be written again."""
    found = seen.found
    if found is None:
        return _said(403, _NOBODY, language)
    if not found.facts:
        return _page(200, my_duty.said(*_GONE, language), language)
    facts, reading = found.facts, Reading(seen.zone, language, seen.now)
    first = (
        my_duty.outcome(facts, found.acted, doing, claim.person, reading)
        if mend is None
        else my_duty.said(*_BAD_COMMENT, language, bad=True)
    )
    above, below = "", ""
    try:
        more = await database.answer(woken(claim.person, [fact.alert_id for fact in facts], seen.now))
        above, below = my_duty.beside(facts, more, reading)
    except IocError as error:
        # what is wrong, and the button, are worth more than the rest
        log.warning("what goes with a link could not be answered", error=error.message)
    form = my_duty.comment_form(reading, mend or "") if Doing.COMMENT in claim.actions else ""
    body = first + my_duty.alerts(facts, claim.actions, reading) + above + form + below
    return _page(200 if mend is None else 422, body, language, switch=True)


async def _mend(database: Database, claim: Claim, asked: _Asked, language: Language) -> HTMLResponse:
    """Show the page with a comment that can't be kept as it is."""
    try:
        seen = await database.answer(_see(claim))
    except IocError as error:
        return _failed(error, language)
    return await _shown(database, claim, seen, language, mend=asked.text[:LONGEST_COMMENT])


def _failed(error: IocError, language: Language) -> HTMLResponse:
    log.warning("a link could not be answered", error=error.message)
    return _page(503, my_duty.said(*_FAILED, language, bad=True), language, {"Retry-After": "5"})


def _said(status: int, text: tuple[str, str], language: Language) -> HTMLResponse:
    return _page(status, my_duty.said(*text, language, bad=True), language)


def _page(
    status: int,
    body: str,
    language: Language,
    headers: Mapping[str, str] | None = None,
    *,
    switch: bool = False,
) -> HTMLResponse:
    return HTMLResponse(
        my_duty.page(language, body, switch=switch),
        status_code=status,
        headers={**_HEADERS, **(headers or {})},
    )
