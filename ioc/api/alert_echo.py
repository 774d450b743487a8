"""``POST /api/v1/alerts/echo``: where synthetic alerts come back."""

from __future__ import annotations

import time
from typing import Annotated, Final

from fastapi import APIRouter, Header, HTTPException, Request, Response
from starlette import status

from ioc.alerts import clock
from ioc.alerts.loading import load_book
from ioc.api.identity import CurrentDatabase
from ioc.api.problems import RESPONSES
from ioc.delivery.channels.webhook import SIGNATURE_HEADER, sign
from ioc.kpi.query import Steps
from ioc.watch import echo, synthetic
from ioc.watch.synthetic import Pace, Returned

router = APIRouter(prefix="/api/v1", tags=["alerts"], responses=RESPONSES)
_MOST_BYTES: Final = 256 * 1024


@router.post(
    "/alerts/echo",
    status_code=status.HTTP_204_NO_CONTENT,
    response_class=Response,
    summary="A synthetic alert comes back",
)
async def hear(
    request: Request,
    database: CurrentDatabase,
    signature: Annotated[str, Header(alias=SIGNATURE_HEADER, description="`t=SECONDS,v1=HEX`")] = "",
) -> Response:
    """For the platform's own `echo` channel: the body is the message that it sent, signed with the platform's key.

    A message that came back before, or of an alert that is over, changes nothing and is answered alike.
    """
    body = await request.body()
    at = echo.signed_at(signature)
    if at is None or len(body) > _MOST_BYTES:
        raise HTTPException(403, detail="Only the platform itself sends messages here.")
    key = await database.change(echo.key_of())
    if not echo.fits(signature, sign(key, at, body), time.time()):
        raise HTTPException(403, detail="Only the platform itself sends messages here.")
    await database.change(_back(echo.message_key(body), request.app.state.synthetic_pace))
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _back(message: str, pace: Pace) -> Steps[list[Returned]]:
    now = yield from clock.now()
    book = yield from load_book()
    return (yield from synthetic.back(book, message, now, pace))
