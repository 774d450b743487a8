"""One look at a page: who looks, in which language, and how it should appear."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from nicegui import Client, ui
from starlette.datastructures import URL
from starlette.requests import Request

from ioc.access import GUEST
from ioc.access.roles import Role, role_of
from ioc.api.login import LANGUAGE_COOKIE, THEME_COOKIE
from ioc.errors import IocError
from ioc.kpi.query import Steps
from ioc.pages.live import Moment
from ioc.pages.platform import Platform
from ioc.pages.words import Phrase
from ioc.reports.words import Language, at

_T = TypeVar("_T")
_ZONE: Final = "Asia/Ho_Chi_Minh"


class Theme(StrEnum):
    """How a page appears."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Visit:
    """Who looks at a page, and how.

    :param reader: whom every question is asked for; his rights are the database's to keep.
    :param role: viewer, planner, operator, leader or admin.
    :param wall: for a large screen that is read from five metres away.
    :param zone: clock of the district.
    :param district: names of the district's root unit; empty where no pack is applied.
    """

    platform: Platform
    request: Request
    reader: str
    role: str
    language: Language
    theme: Theme
    wall: bool
    zone: ZoneInfo
    district: Phrase

    @classmethod
    def without_database(cls, platform: Platform, request: Request) -> Visit:
        """A visit of which only the browser's own wishes are known."""
        return cls(platform, request, GUEST, Role.VIEWER, *_wishes(request), ZoneInfo(_ZONE), Phrase("", ""))

    @property
    def named(self) -> bool:
        """Whether somebody is logged in."""
        return self.reader != GUEST

    @property
    def place(self) -> str:
        """Path and query of the page, to come back to."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    def place_without(self, name: str) -> str:
        """The same without one wish in the address, which would win over a choice that is made now."""
        return str(URL(self.place).remove_query_params(name))

    def say(self, phrase: Phrase, **names: object) -> str:
        """A text in the language of the visit."""
        return phrase.said(self.language).format(**names) if names else phrase.said(self.language)

    def at(self, moment: datetime) -> str:
        """A moment on the district's clock."""
        return at(moment, self.zone, self.language)

    async def answer(self, steps: Steps[_T]) -> _T:
        """Drive the steps of a question.

        :raises IocError: the database does not answer, or refuses.
        """
        return await self.platform.database.answer(steps)

    def follow(
        self,
        key: Hashable,
        compute: Callable[[], Awaitable[_T]],
        show: Callable[[Moment[_T]], None],
        *,
        every_s: float,
        at_once: bool = False,
    ) -> Callable[[], None]:
        """Show something whenever it changes, for as long as the page is open in a browser.

        Elements may be made and changed in ``show``; it is not called while the browser is out of reach, and is once
        more when it is back. The key is made the reader's own. Returns what ends it before the page is closed.

        :param at_once: also while the page is built, where others look already, so that it comes with the page.
        """
        client: Client = ui.context.client
        slot = ui.context.slot
        newest: list[Moment[_T]] = []
        is_over = False
        building = at_once

        def tell(moment: Moment[_T]) -> None:
            if is_over:
                return
            newest[:] = [moment]
            if building or (not client.is_deleted and client.has_socket_connection):
                with slot:
                    show(moment)

        def again() -> None:
            if newest:
                tell(newest[0])

        client.on_connect(again)
        leave = self.platform.live.follow((self.reader, key), compute, tell, every_s=every_s)
        building = False

        def end() -> None:
            nonlocal is_over
            is_over = True
            newest.clear()
            leave()

        client.on_delete(end)
        return end

    def hurry(self, key: Hashable) -> None:
        """Ask at once what :meth:`follow` shows under this key."""
        self.platform.live.hurry((self.reader, key))


async def resolve(platform: Platform, request: Request) -> Visit:
    """Find out who looks, and how.

    :raises HTTPException: 401: a wrong name or password was sent.
    """
    reader = await platform.gate.who(request)
    zone, district, role = ZoneInfo(_ZONE), Phrase("", ""), Role.VIEWER
    try:
        role = await platform.database.answer(role_of(reader))
        zone, district = await platform.shared.get(
            ("pages district", reader), lambda: _district(platform, reader)
        )
    except IocError:
        pass  # the page itself will say that the database is away
    return Visit(platform, request, reader, role, *_wishes(request), zone, district)


def _wishes(request: Request) -> tuple[Language, Theme, bool]:
    query, cookies = request.query_params, request.cookies
    return (
        _choice(Language, query.get("lang"), cookies.get(LANGUAGE_COOKIE), Language.VI),
        _choice(Theme, query.get("theme"), cookies.get(THEME_COOKIE), Theme.AUTO),
        query.get("mode") == "wall",
    )


async def _district(platform: Platform, reader: str) -> tuple[ZoneInfo, Phrase]:
    rows = await platform.database.rows(
        "SELECT ioc.unit_zone(%(reader)s, NULL), u.name_vi, u.name_en"
        " FROM ioc.unit_start(%(reader)s, NULL) AS s (code) LEFT JOIN ioc.unit u ON u.code = s.code LIMIT 1",
        {"reader": reader},
    )
    if not rows:
        return ZoneInfo(_ZONE), Phrase("", "")
    zone, vi, en = rows[0]
    return ZoneInfo(zone), Phrase(vi or "", en or "")


_E = TypeVar("_E", bound=StrEnum)


def _choice(kind: type[_E], asked: str | None, kept: str | None, otherwise: _E) -> _E:
    known: dict[Any, _E] = {one.value: one for one in kind}
    return known.get(asked) or known.get(kept) or otherwise
