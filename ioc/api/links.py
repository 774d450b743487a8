"""``/a/{token}``: what a message's link opens on a phone, without logging in: its alerts, and two buttons.

Opening it changes nothing: mail scanners and previews follow links too. Plain HTML, no script, nothing from outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from starlette.requests import ClientDisconnect

from ioc.alerts import clock
from ioc.api.identity import CurrentDatabase
from ioc.api.page import STYLE
from ioc.delivery import texts
from ioc.delivery.answering import Doing, Found, act, look, still_known
from ioc.delivery.facts import Facts
from ioc.delivery.links import Claim, ExpiredLinkError, LinkError, Links
from ioc.errors import IocError
from ioc.kpi.query import Steps
from ioc.reports.words import Language, at, number

router = APIRouter(include_in_schema=False)
log = structlog.get_logger(__name__)
_MOST_BODY: Final = 1024
_MOST_LISTED: Final = 30
_VIA: Final = "link"
VI, EN = Language.VI, Language.EN
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}
_STYLE: Final = (
    STYLE
    + """
main{max-width:36rem;margin:auto}
button{font:inherit;font-size:1.2rem;width:100%;padding:.9rem;margin:.4rem 0;border-radius:.5rem;border:1px solid #8888}
button.ack{background:#0a6b2d;color:#fff}
.said{padding:.75rem 1rem;border-left:.4rem solid #0a6b2d;background:#0a6b2d22}
.bad{border-color:#b3261e;background:#b3261e22}
dt{opacity:.75;font-size:.85rem}dd{margin:0 0 .5rem}
"""
)
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
_Token = Annotated[str, Path(max_length=2000)]


@dataclass(frozen=True)
class _Seen:
    """What the database says for a link; nothing is found for somebody who is not known any more."""

    found: Found | None
    now: datetime
    zone: ZoneInfo


@router.get("/a/{token}", response_class=HTMLResponse)
async def show(token: _Token, request: Request, database: CurrentDatabase) -> HTMLResponse:
    """The alerts, as they are now; acknowledges nothing."""
    claim = _claim(request, token)
    if isinstance(claim, HTMLResponse):
        return claim
    try:
        seen = await database.answer(_see(claim))
    except IocError as error:
        return _failed(error)
    return _shown(claim, seen)


@router.post("/a/{token}", response_class=HTMLResponse)
async def do(token: _Token, request: Request, database: CurrentDatabase) -> HTMLResponse:
    """Acknowledge or snooze what the link is of."""
    claim = _claim(request, token)
    if isinstance(claim, HTMLResponse):
        return claim
    doing = await _asked(request)
    if doing is None:
        return _page(422, _said(*_NOT_ASKED, bad=True))
    if doing not in claim.actions:
        return _page(403, _said(*_NOT_ALLOWED, bad=True))
    try:
        seen = await database.change(_act(claim, doing))
    except IocError as error:
        return _failed(error)
    return _shown(claim, seen, doing)


def _claim(request: Request, token: str) -> Claim | HTMLResponse:
    links: Links = request.app.state.links
    try:
        return links.read(token, datetime.now(UTC))
    except ExpiredLinkError:
        return _page(410, _said(*_EXPIRED, bad=True))
    except LinkError:
        return _page(404, _said(*_BAD_LINK, bad=True))
    except IocError as error:
        return _failed(error)


async def _asked(request: Request) -> Doing | None:
    """What the form asks for; None when it is no such form."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST_BODY:
                return None
        (wanted,) = parse_qs(body.decode("ascii"), max_num_fields=4).get("do", [])
        return Doing(wanted)
    except (ValueError, ClientDisconnect):
        return None


def _see(claim: Claim) -> Steps[_Seen]:
    now, zone = yield from clock.here()
    known = yield from still_known(claim.person)
    found = (yield from look(claim.message_id)) if known else None
    return _Seen(found, now, zone)


def _act(claim: Claim, doing: Doing) -> Steps[_Seen]:
    now, zone = yield from clock.here()
    known = yield from still_known(claim.person)
    found: Found | None = None
    if known:
        found = yield from look(claim.message_id)
        if found.facts:
            found = yield from act(claim.message_id, doing, claim.person, now, _VIA)
    return _Seen(found, now, zone)


# -- the page -------------------------------------------------------------------------------------------


def _failed(error: IocError) -> HTMLResponse:
    log.warning("a link could not be answered", error=error.message)
    return _page(503, _said(*_FAILED, bad=True), {"Retry-After": "5"})


def _shown(claim: Claim, seen: _Seen, doing: Doing | None = None) -> HTMLResponse:
    found = seen.found
    if found is None:
        return _page(403, _said(*_NOBODY, bad=True))
    if not found.facts:
        return _page(200, _said(*_GONE))
    parts = [_outcome(found, claim, doing, seen), _alerts(found.facts, seen.zone), _form(found.facts, claim)]
    return _page(200, "".join(parts))


def _outcome(found: Found, claim: Claim, doing: Doing | None, seen: _Seen) -> str:
    """What was done just now, or by somebody before."""
    facts = found.facts
    if doing is Doing.SNOOZE:
        return (
            _said("Đã hoãn 1 giờ.", "Snoozed for 1 hour.")
            if found.changed
            else _said("Không còn gì để hoãn.", "Nothing is left to snooze.")
        )
    if doing is Doing.ACKNOWLEDGE and found.changed:
        return _said(f"Đã xác nhận: {claim.person}.", f"Acknowledged by {claim.person}.")
    taken = [fact for fact in facts if fact.acknowledged_by is not None]
    if len(taken) < len(facts):
        return ""
    people = ", ".join(sorted({str(fact.acknowledged_by) for fact in taken}))
    first = min((fact.acknowledged_at for fact in taken if fact.acknowledged_at), default=seen.now)
    return _said(
        f"{people} đã xác nhận lúc {at(first, seen.zone, VI)}.",
        f"{people} acknowledged at {at(first, seen.zone, EN)}.",
    )


def _alerts(facts: Sequence[Facts], zone: ZoneInfo) -> str:
    if len(facts) == 1:
        return _one(facts[0], zone)
    rows = "".join(_row(fact, zone) for fact in facts[:_MOST_LISTED])
    rest = len(facts) - _MOST_LISTED
    more = (
        f'<p>… và {number(rest, VI)} cảnh báo nữa<small lang="en">and {number(rest, EN)} more</small></p>'
        if rest > 0
        else ""
    )
    return f"<h1>{number(len(facts), VI)} cảnh báo / alerts</h1><ul>{rows}</ul>{more}"


def _one(fact: Facts, zone: ZoneInfo) -> str:
    def listed(language: Language) -> str:
        return "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>"
            for label, text in texts.details(fact, zone, language)
        )

    return (
        f"<h1>{escape(texts.heading('alert', fact, VI))}</h1><dl>{listed(VI)}</dl>"
        f'<details lang="en"><summary>English</summary><p>{escape(texts.heading("alert", fact, EN))}</p>'
        f"<dl>{listed(EN)}</dl></details>"
    )


def _row(fact: Facts, zone: ZoneInfo) -> str:
    state = ""
    if fact.cleared_at is not None:
        state = f" · hết lúc / until {at(fact.cleared_at, zone, VI)}"
    elif fact.acknowledged_by is not None:
        state = f" · đã xác nhận / acknowledged: {fact.acknowledged_by}"
    return (
        f"<li>{escape(texts.heading('alert', fact, VI))}"
        f"<small>{escape(at(fact.since, zone, VI) + state)}</small></li>"
    )


def _form(facts: Sequence[Facts], claim: Claim) -> str:
    """Buttons for what can still be done."""
    buttons = ""
    if Doing.ACKNOWLEDGE in claim.actions and any(fact.acknowledged_by is None for fact in facts):
        buttons += _button(Doing.ACKNOWLEDGE, "Xác nhận", "Acknowledge")
    if Doing.SNOOZE in claim.actions and any(fact.cleared_at is None for fact in facts):
        buttons += _button(Doing.SNOOZE, "Hoãn 1 giờ", "Snooze 1 hour")
    return f'<form method="post" autocomplete="off">{buttons}</form>' if buttons else ""


def _button(doing: Doing, vi: str, en: str) -> str:
    return f'<button class="{doing.value}" name="do" value="{doing.value}">{vi}<small lang="en">{en}</small></button>'


def _said(vi: str, en: str, *, bad: bool = False) -> str:
    return (
        f'<p class="said{" bad" if bad else ""}" role="status"><strong>{escape(vi)}</strong>'
        f'<small lang="en">{escape(en)}</small></p>'
    )


def _page(status: int, body: str, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>IOC: cảnh báo</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>",
        status_code=status,
        headers={**_HEADERS, **(headers or {})},
    )
