"""Who may change what from the pages. Asked anew with every change: a page may stay open for days."""

from __future__ import annotations

from typing import TypeVar

from starlette.exceptions import HTTPException

from ioc.access.errors import RoleError
from ioc.access.roles import ACTING, Role, require
from ioc.errors import IocError
from ioc.kpi.query import Steps
from ioc.pages import words
from ioc.pages.visit import Visit

_T = TypeVar("_T")


class NotAllowedError(IocError):
    """The reader may not do this, or not any more."""


async def is_still(visit: Visit) -> bool:
    """Whether whoever looks is still logged in as when the page was opened.

    :raises IocError: the database does not answer: nobody knows.
    """
    try:
        return await visit.platform.gate.who(visit.request) == visit.reader
    except HTTPException:
        return False


async def change(visit: Visit, steps: Steps[_T], roles: frozenset[Role] = ACTING) -> _T:
    """Drive steps that write, in one transaction, for whoever looks at the page.

    :raises NotAllowedError: the session is over, or the reader has none of these roles any more.
    :raises IocError: as the steps do.
    """
    if not await is_still(visit):
        raise NotAllowedError(visit.say(words.ENDED))

    def allowed() -> Steps[_T]:
        yield from require(visit.reader, roles)
        return (yield from steps)

    try:
        return await visit.platform.database.change(allowed())
    except RoleError as error:
        raise NotAllowedError(visit.say(words.NO_ACTION)) from error
