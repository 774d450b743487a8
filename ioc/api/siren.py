"""The siren: ``/siren``, the room's page for when the internet is down, and what it asks the API.

Everything that the page needs comes from this process. It shows what nobody has taken on, sounds until somebody does
or silences it, and says which messages it showed.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from ioc.alerts.actions import Acted, acknowledge, by_the_clock
from ioc.alerts.model import Severity
from ioc.api.asking import only_known_parameters
from ioc.api.identity import ActingReader, CurrentDatabase, NamedReader
from ioc.api.models.siren import (
    SirenAcknowledged,
    SirenAlert,
    SirenMessage,
    SirenScreen,
    SirenShown,
    SirenTaken,
    SirenText,
)
from ioc.api.page import STYLE
from ioc.api.problems import OF_ROLE, RESPONSES
from ioc.delivery import texts
from ioc.delivery.channels import siren
from ioc.delivery.facts import Facts
from ioc.delivery.outbox import CALLS
from ioc.reports.words import Language

VI, EN = Language.VI, Language.EN
_VIA: Final = "siren"
_MOST_LINES: Final = 12
#: Messages milder than this are shown and make no sound.
_LOUD: Final = Severity.MINOR


router = APIRouter(
    prefix="/api/v1/siren",
    tags=["siren"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
page_router = APIRouter(include_in_schema=False)


@router.get("", response_model=SirenScreen, summary="What the siren page shows now")
async def get_siren(reader: NamedReader, database: CurrentDatabase, response: Response) -> SirenScreen:
    """Alerts of `major` and worse in the reader's scope that are open and that nobody has taken on, and messages of
    siren channels that wait to be shown."""
    response.headers["Cache-Control"] = "no-store"
    return _screen(await database.answer(siren.screen(reader)))


@router.post(
    "/shown",
    response_model=SirenTaken,
    summary="Say which messages a siren page showed",
    responses=OF_ROLE,
)
async def post_shown(body: SirenShown, reader: ActingReader, database: CurrentDatabase) -> SirenTaken:
    """A message of a siren channel counts as sent only then."""
    taken = await database.change(
        by_the_clock(lambda now: siren.shown(reader, body.messages, sound=body.sound, now=now))
    )
    return SirenTaken(taken=taken)


@router.post(
    "/acknowledge",
    response_model=SirenTaken,
    summary="Acknowledge alerts from the siren page",
    responses=OF_ROLE,
)
async def post_acknowledge(
    body: SirenAcknowledged, reader: ActingReader, database: CurrentDatabase
) -> SirenTaken:
    """In the reader's name."""
    done: list[Acted] = await database.change(
        by_the_clock(lambda now: acknowledge(reader, body.alerts, reader, now, via=_VIA))
    )
    return SirenTaken(taken=sum(one.changed for one in done))


def _screen(found: siren.Screen) -> SirenScreen:
    return SirenScreen(
        at=found.at.astimezone(found.zone),
        messages=[_message(one, found.zone) for one in found.messages],
        alerts=[
            SirenAlert(
                id=fact.alert_id,
                severity=fact.severity.word,
                since=fact.since.astimezone(found.zone),
                vi=_of(fact, found.zone, VI),
                en=_of(fact, found.zone, EN),
            )
            for fact in found.alerts
        ],
        total=found.total,
    )


def _of(fact: Facts, zone: ZoneInfo, language: Language) -> SirenText:
    lines = [f"{label}: {text}" for label, text in texts.details(fact, zone, language)]
    return SirenText(heading=texts.heading("alert", fact, language), lines=lines)


def _message(one: siren.Shown, zone: ZoneInfo) -> SirenMessage:
    said = None if one.facts else texts.content_text(one.content)
    if said is None:
        said = texts.alert_text(one.kind, one.facts, zone=zone)
    vi, en = (_lines(part) for part in texts.halves(said))
    return SirenMessage(
        id=one.message_id,
        kind=one.kind,
        severity=one.severity.word,
        alerts=[fact.alert_id for fact in one.facts],
        sounds=one.kind in CALLS and one.kind != "synthetic" and one.severity >= _LOUD,
        vi=vi,
        en=en,
    )


def _lines(part: str) -> SirenText:
    heading, *lines = part.split("\n")
    return SirenText(heading=heading, lines=lines[:_MOST_LINES])


# -- the page -------------------------------------------------------------------------------------------

_STYLE: Final = (
    STYLE
    + """
body{max-width:none;margin:0;padding:1rem 2rem}
#lost,#quiet{display:none;padding:1rem 2rem;margin:-1rem -2rem 1rem;font-size:1.6rem;font-weight:700;color:#fff}
#lost{background:#b3261e}#quiet{background:#8a5a00}
.away #lost,.mute #quiet{display:block}
.away main{opacity:.35}
article{border-left:1rem solid #8888;padding:.5rem 1.25rem;margin:1rem 0;background:#8881}
article.critical{border-color:#b3261e;background:#b3261e33}article.major{border-color:#c46a00;background:#c46a0033}
article h2{font-size:clamp(1.6rem,4vw,3.2rem);margin:.25rem 0;line-height:1.2}
article p{font-size:1.3rem;margin:.15rem 0}
button{font:inherit;font-size:1.3rem;padding:.6rem 1.2rem;margin:.5rem .5rem .5rem 0}
button{border-radius:.5rem;border:1px solid #888}
.fine{font-size:2.5rem;text-align:center;margin:20vh 0;opacity:.8}
"""
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline';"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
}
_PAGE: Final = f"""<!doctype html><html lang="vi"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>IOC: còi báo</title><style>{_STYLE}</style></head>
<body class="mute"><div id="lost" role="alert">MẤT LIÊN LẠC VỚI MÁY CHỦ – màn hình này không còn đúng
<small lang="en">The server is lost: this screen is out of date</small></div>
<div id="quiet">Loa đang tắt <button id="on" type="button">Bật loa / Turn the sound on</button></div>
<header><h1>Còi báo IOC</h1><span><span id="clock">–</span></span></header>
<noscript><p>Trang này cần JavaScript. / This page needs JavaScript.</p></noscript>
<main id="main"></main>
<footer><button id="silence" type="button">Tắt tiếng cảnh báo đang hiện / Silence what is shown</button>
<button id="try" type="button">Thử còi / Try the sound</button></footer>
<script src="/siren.js"></script></body></html>"""
_SCRIPT: Final = files("ioc.api").joinpath("siren.js").read_text("utf-8")


@page_router.get("/siren", response_class=HTMLResponse)
async def siren_page(_reader: NamedReader) -> HTMLResponse:
    return HTMLResponse(_PAGE, headers=_HEADERS)


@page_router.get("/siren.js")
async def siren_script() -> Response:
    return Response(
        _SCRIPT,
        media_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
    )
