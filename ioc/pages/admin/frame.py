"""What the parts of the administration have in common: the way between them, and what is said after a change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from nicegui import ui

from ioc.access.changes import By, Via
from ioc.access.roles import ADMINISTERING, Role
from ioc.errors import IocError
from ioc.kpi.query import Steps
from ioc.pages import rights
from ioc.pages.admin import words
from ioc.pages.live import Moment
from ioc.pages.parts.link import Link
from ioc.pages.parts.text import Text
from ioc.pages.trouble import refused, stale
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase

_T = TypeVar("_T")
DASH: Final = "–"
#: Who may look at all of it.
ROLES: Final = frozenset({Role.ADMIN.value})
_PARTS: Final[tuple[tuple[str, Phrase], ...]] = (
    ("/admin", words.USERS),
    ("/admin/keys", words.KEYS),
    ("/admin/pack", words.PACK),
    ("/admin/names", words.NAMES),
    ("/admin/sources", words.SOURCES),
    ("/admin/unreadable", words.UNREADABLE),
    ("/admin/processes", words.PROCESSES),
    ("/admin/log", words.LOG),
)


class Frame:
    """The head of a part: where else to go, what was said last, and since when it is old."""

    def __init__(self, visit: Visit, path: str) -> None:
        self._visit = visit
        ui.add_head_html('<link rel="stylesheet" href="/ops/static/admin.css">')
        with ui.element("nav").classes("ops-tabs").props(f'aria-label="{visit.say(words.PARTS)}"'):
            for where, name in _PARTS:
                link = Link(visit.say(name), f"/ops{where}")
                if where == path:
                    link.props["aria-current"] = "page"
        self.stale = Text("p").classes("ops-stale").props('role="alert"')
        self.told = Text("p").classes("ops-said-now").props('role="status" aria-live="polite"')

    @property
    def by(self) -> By:
        """Who changes what is changed here."""
        return By(self._visit.reader, Via.PAGE)

    def tell(self, phrase: Phrase, **names: object) -> None:
        """Say what happened."""
        self.stale.text = ""
        self.told.text = self._visit.say(phrase, **names)

    def old(self, moment: Moment[Any]) -> None:
        """Say since when what is shown is old, and why; nothing while it is not."""
        self.stale.text = stale(self._visit, moment)

    async def change(self, steps: Steps[_T]) -> _T:
        """Drive steps that write, for whoever may administer now.

        :raises IocError: he may not any more, or as the steps do.
        """
        return await rights.change(self._visit, steps, ADMINISTERING)

    async def attempt(self, act: Callable[[], Awaitable[None]], problem: Text | None = None) -> None:
        """Do something; what fails is said beside it, and nothing else is lost."""
        try:
            await act()
        except IocError as error:
            text = refused(self._visit, error)
            if problem is not None:
                problem.text = text
            else:
                self.told.text = ""
                self.stale.text = text


def moment(visit: Visit, at: datetime | None) -> str:
    """A moment; a dash where there is none."""
    return DASH if at is None else visit.at(at)


def nothing() -> Steps[None]:
    """Steps that only ask whether one may."""
    yield "SELECT 1", ()
