"""What went wrong, in words of the visit's language where the page has them; else in the error's own."""

from __future__ import annotations

from typing import Any, Final

from ioc.errors import IocError, UnavailableError
from ioc.pages import words
from ioc.pages.live import Moment
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase

_AWAY: Final = Phrase("Cơ sở dữ liệu không trả lời.", "The database does not answer.")
_AGAIN: Final = Phrase(
    "Hãy thử lại sau ít giây; lệnh ioc status và ioc doctor cho biết thêm.",
    "Try again in a few seconds; ioc status and ioc doctor say more.",
)
_NOT_DONE: Final = Phrase(
    "Cơ sở dữ liệu không trả lời, chưa có gì được ghi. Hãy thử lại sau ít giây.",
    "The database does not answer, and nothing was stored. Try again in a few seconds.",
)


def stale(visit: Visit, moment: Moment[Any]) -> str:
    """Since when what is shown is old, and why; empty while it is not."""
    if moment.error is None:
        return ""
    why = visit.say(_AWAY) if moment.away else moment.error
    return why if moment.at is None else visit.say(words.STALE, at=visit.at(moment.at), why=why)


def refused(visit: Visit, error: IocError) -> str:
    """Why an action was not done, and what to do."""
    return visit.say(_NOT_DONE) if isinstance(error, UnavailableError) else str(error)


def failed(visit: Visit, error: IocError) -> tuple[str, str]:
    """Why something can't be shown, and what to do."""
    if isinstance(error, UnavailableError):
        return visit.say(_AWAY), visit.say(_AGAIN)
    return error.message, error.remedy or ""
