"""Records that could not be read: counted by reason, looked at one by one with a trace, sent once more when mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from ioc.kpi.query import Steps
from ioc.pages import words as shared
from ioc.pages.admin import words
from ioc.pages.admin.frame import ROLES, Frame, nothing
from ioc.pages.live import Moment
from ioc.pages.parts.dialog import Dialog
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.platform import dead_letters
from ioc.platform.dead_letters import HELD, Group, Letter, Looked, Wanted
from ioc.reports.words import number

_EVERY_S: Final = 5.0
_MOST_LISTED: Final = 50
_MOST_DETAIL: Final = 300


@dataclass(frozen=True)
class _Known:
    """What the page shows; ``letters`` of the group that is chosen, else of all."""

    groups: tuple[Group, ...]
    letters: tuple[Letter, ...]


@page("/admin/unreadable", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """The counts, and single records below."""
    _Unreadable(visit)


def _ask(topic: str | None, reason: str | None) -> Steps[_Known]:
    groups = yield from dead_letters.groups()
    letters = yield from dead_letters.listed(topic=topic, reason=reason, limit=_MOST_LISTED)
    return _Known(tuple(groups), tuple(letters))


class _Unreadable:
    """The page in one browser."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        given = visit.request.query_params
        self._topic, self._reason = _text(given.get("topic")), _text(given.get("reason"))
        self._key = ("admin unreadable", self._topic, self._reason)
        self.frame = Frame(visit, "/admin/unreadable")
        Text("p", visit.say(words.UNREADABLE_WHY)).classes("ops-dim ops-why")
        self.groups = Part(visit.say(words.UNREADABLE), "groups")
        title = visit.say(words.LIST)
        if self._topic or self._reason:
            title = visit.say(words.LIST_OF, topic=self._topic or "*", reason=self._why(self._reason or "*"))
        self.letters = Part(title, "letters")
        self.dialog = Dialog("record", forget=True)
        visit.follow(
            self._key, lambda: visit.answer(_ask(self._topic, self._reason)), self.show, every_s=_EVERY_S
        )

    def show(self, moment: Moment[_Known]) -> None:
        """What is known."""
        self.frame.old(moment)
        if (known := moment.value) is None:
            return
        self.groups.show(known.groups, lambda: self._groups(known.groups))
        self.letters.show(known.letters, lambda: self._letters(known.letters))

    def _why(self, reason: str) -> str:
        known = words.REASONS.get(reason)
        return reason if known is None else self._visit.say(known)

    def _groups(self, found: tuple[Group, ...]) -> None:
        visit = self._visit
        if not found:
            Text("p", f"✓ {visit.say(words.NO_UNREADABLE)}")
            return
        heads = (words.TOPIC, words.WHY, words.COUNT, words.OLDEST_AT, words.NEWEST_AT, words.RETRY)
        with table(visit, words.UNREADABLE, heads, css="ops-stacked"):
            for one in found:
                with ui.element("tr"):
                    with ui.element("th").props('scope="row"'):
                        link = ui.element("a")
                        link.props["href"] = f"/ops/admin/unreadable?topic={one.topic}&reason={one.reason}"
                        with link:
                            Text("span", one.topic)
                    self._cell(words.WHY, self._why(one.reason))
                    self._cell(words.COUNT, number(one.records, visit.language))
                    self._cell(words.OLDEST_AT, visit.at(one.oldest))
                    self._cell(words.NEWEST_AT, visit.at(one.newest))
                    with ui.element("td"):
                        if one.reason == HELD:
                            Text("span", visit.say(words.HELD_HINT)).classes("ops-dim")
                            continue
                        button = (
                            Text("button", visit.say(words.RETRY)).props('type="button"').classes("ops-act")
                        )
                        button.props["aria-label"] = visit.say(
                            words.RETRY_OF, topic=one.topic, reason=self._why(one.reason)
                        )
                        button.on("click", lambda one=one: self._ask_retry(one))

    def _letters(self, found: tuple[Letter, ...]) -> None:
        visit = self._visit
        if not found:
            Text("p", f"✓ {visit.say(words.NO_UNREADABLE)}")
            return
        heads = (words.RECORD, words.AT, words.TOPIC, words.SOURCE, words.WHY, words.SIZE, words.LOOK)
        with table(visit, words.LIST, heads, css="ops-stacked"):
            for one in found:
                with ui.element("tr"):
                    Text("th", str(one.number)).props('scope="row"')
                    self._cell(words.AT, visit.at(one.recorded_at))
                    self._cell(words.TOPIC, f"{one.topic}/{one.partition}")
                    self._cell(words.SOURCE, one.source)
                    with ui.element("td") as cell:
                        cell.props["data-head"] = visit.say(words.WHY)
                        Text("span", self._why(one.reason))
                        if one.detail:
                            Text("small", one.detail[:_MOST_DETAIL])
                    self._cell(words.SIZE, number(one.size, visit.language))
                    with ui.element("td"):
                        button = (
                            Text("button", visit.say(words.LOOK)).props('type="button"').classes("ops-act")
                        )
                        button.props["aria-label"] = visit.say(words.LOOK_OF, number=one.number)
                        button.on("click", lambda one=one: self._ask_look(one))

    def _cell(self, head: Phrase, text: str) -> None:
        Text("td", text).props["data-head"] = self._visit.say(head)

    # -- looking ---------------------------------------------------------------------------------------

    def _ask_look(self, one: Letter) -> None:
        visit = self._visit
        problem: list[Text] = []

        def fill() -> None:
            Text("p", visit.say(words.LOOK_SURE, number=one.number, reader=visit.reader))
            self._choose(words.LOOK_NOW, lambda: self._look(one.number), problem)

        self.dialog.open(visit.say(words.LOOK_OF, number=one.number), fill)

    def _choose(self, sure: Phrase, act: object, problem: list[Text]) -> None:
        visit = self._visit
        problem.append(Text("p").classes("ops-form-problem").props('role="alert"'))
        with ui.element("div").classes("ops-form-end"):
            cancel = (
                Text("button", visit.say(words.CANCEL)).props('type="button" autofocus').classes("ops-act")
            )
            cancel.on("click", self.dialog.close)
            button = Text("button", visit.say(sure)).props('type="button"').classes("ops-act ops-act-first")
            button.on("click", lambda: self.frame.attempt(act, problem[0]))  # type: ignore[arg-type]

    async def _look(self, which: int) -> None:
        looked = await self.frame.change(dead_letters.look(self._visit.reader, which))
        self.dialog.open(self._visit.say(words.LOOK_OF, number=which), lambda: self._content(looked))

    def _content(self, looked: Looked) -> None:
        visit, one = self._visit, looked.letter
        Text("p", f"{one.topic}/{one.partition} · {one.offset} · {one.source}").classes("ops-dim")
        Text("p", f"{self._why(one.reason)}: {one.detail[:2000]}" if one.detail else self._why(one.reason))
        if not one.is_whole:
            Text("p", visit.say(words.CUT, kept=one.kept, size=one.size)).classes("ops-dim")
        shown = Text("pre", looked.text).classes("ops-raw").props('tabindex="0" role="group"')
        shown.props["aria-label"] = visit.say(words.CONTENT)
        with ui.element("div").classes("ops-form-end"):
            close = Text("button", visit.say(words.CLOSE)).props('type="button" autofocus')
            close.classes("ops-act ops-act-first").on("click", self.dialog.close)

    # -- sending again ---------------------------------------------------------------------------------

    def _ask_retry(self, one: Group) -> None:
        visit = self._visit
        problem: list[Text] = []
        names = {"topic": one.topic, "reason": self._why(one.reason)}

        def fill() -> None:
            records = number(one.records, visit.language)
            Text("p", visit.say(words.RETRY_SURE, records=records, **names))
            self._choose(words.RETRY, lambda: self._retry(one), problem)

        self.dialog.open(visit.say(words.RETRY_OF, **names), fill)

    async def _retry(self, one: Group) -> None:
        # whether one may is asked first: sending is not one transaction
        await self.frame.change(nothing())
        wanted = Wanted(topic=one.topic, reason=one.reason)
        settings = self._visit.platform.settings
        done = await run_in_threadpool(dead_letters.retry, settings, wanted, self.frame.by)
        self.dialog.close()
        self.frame.tell(words.RETRIED, sent=done.sent, left=done.left)
        self._visit.hurry(self._key)


def _text(given: str | None) -> str | None:
    return (given or "").replace("\x00", "")[:200] or None
