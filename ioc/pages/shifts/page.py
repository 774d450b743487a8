"""``/ops/shifts``: what happened in a shift, what is open, and what is written down for those who come next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from ioc.access.roles import ACTING
from ioc.alerts.audit import Entry
from ioc.alerts.detail import Event
from ioc.duty.log import LONGEST_NOTE, note
from ioc.errors import IocError
from ioc.pages import rights
from ioc.pages import words as shared
from ioc.pages.alerts.panel import happened as in_words
from ioc.pages.alerts.told import told
from ioc.pages.live import Moment
from ioc.pages.parts.dialog import Dialog, Fields, field, form
from ioc.pages.parts.link import Link
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.shifts import words
from ioc.pages.shifts.drawn import MOST_DONE, MOST_ENTRIES, MOST_OPEN, Drawn, drawn
from ioc.pages.trouble import refused, stale
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number

_EVERY_S: Final = 10.0
#: What a hand-over writes by itself needs room beside the note.
_ROOM: Final = 500


@page("/shifts", shared.SHIFTS, named=True)
async def show(visit: Visit) -> None:
    """One shift of a roster; without an address, the one that goes on."""
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/duty.css">')
    query = visit.request.query_params
    at: datetime | None = None
    with suppress(ValueError, OverflowError):
        found = datetime.fromisoformat(query.get("at", "").replace(" ", "+"))
        at = found.astimezone(UTC) if found.tzinfo is not None else None
    roster = query.get("roster", "").replace("\x00", "")[:200] or None
    if await visit.answer(drawn(visit.reader, roster, at)) is None:
        with ui.element("section").classes("ops-empty"):
            Text("p", visit.say(words.NO_ROSTER)).classes("ops-empty-head")
            Text("p", visit.say(words.NO_ROSTER_WHY)).classes("ops-dim")
        return
    _Page(visit, roster, at).draw()


class _Page:
    """One browser's page."""

    def __init__(self, visit: Visit, roster: str | None, at: datetime | None) -> None:
        self.visit, self.roster, self.at = visit, roster, at
        self._found: Drawn | None = None
        self._drawn: dict[str, object] = {}

    def draw(self) -> None:
        """What stays; then what is known."""
        visit = self.visit
        with ui.element("div").classes("ops-shifts"):
            self.stale = Text("p").classes("ops-stale").props('role="alert"')
            self.said = Text("p").classes("ops-said-now").props('role="status" aria-live="polite"')
            self.parts = {"head": ui.element("section").classes("ops-card ops-shift-head")}
            with ui.element("div").classes("ops-shift-columns"):
                with ui.element("div"):
                    for name in ("alerts", "done"):
                        self.parts[name] = ui.element("section").classes("ops-card")
                with ui.element("section").classes("ops-card"):
                    Text("h2", visit.say(words.LOG))
                    if visit.role in ACTING and self.at is None:
                        self._writing()
                    self.parts["entries"] = ui.element("div")
        self.dialog = Dialog("shift-dialog")
        visit.follow(
            self._key,
            lambda: visit.answer(drawn(visit.reader, self.roster, self.at)),
            self._show,
            every_s=_EVERY_S,
        )

    @property
    def _key(self) -> tuple[object, ...]:
        return ("shift", self.roster, self.at)

    # -- writing ---------------------------------------------------------------------------------------

    def _writing(self) -> None:
        visit = self.visit

        async def send(fields: Fields) -> None:
            problem.text = ""
            try:
                await self._write(fields.get("text", ""), words.WRITTEN)
            except IocError as error:
                problem.text = refused(self.visit, error)
            else:
                ui.run_javascript("document.getElementById('f-text').value = ''")

        with form(send).classes("ops-no-print"):
            field(
                visit.say(words.ENTRY),
                "text",
                "textarea",
                visit.say(words.ENTRY_HINT),
                rows="2",
                maxlength=str(LONGEST_NOTE),
                required="required",
            )
            problem = Text("p").classes("ops-form-problem").props('role="alert"')
            with ui.element("div").classes("ops-form-end"):
                for phrase, ask in ((words.TAKE_OVER, self._take_over), (words.HAND_OVER, self._hand_over)):
                    button = Text("button", visit.say(phrase)).props('type="button"').classes("ops-act")
                    button.on("click", ask)
                Text("button", visit.say(words.WRITE)).props('type="submit"').classes("ops-act ops-act-first")

    async def _write(self, text: str, done: Phrase) -> None:
        """Write a line, as whoever looks."""
        visit = self.visit
        code = self.roster if self._found is None else self._found.roster.code
        await rights.change(visit, note(visit.reader, code, text, visit.reader))
        self.said.text = visit.say(done)
        visit.hurry(self._key)

    def _hand_over(self) -> None:
        found = self._found
        if found is not None:
            head = f"{self.visit.say(words.HAND_OVER)}. {self._summary(found)}"
            self._ask(words.HAND_OVER, words.FOR_NEXT, head, words.HANDED, needed=True)

    def _take_over(self) -> None:
        head = f"{self.visit.say(words.TAKE_OVER)}."
        self._ask(words.TAKE_OVER, words.TAKEN_NOTE, head, words.RECEIVED, needed=False)

    def _ask(self, title: Phrase, label: Phrase, head: str, done: Phrase, *, needed: bool) -> None:
        """Ask for a note; what is written begins with ``head``."""
        visit = self.visit

        async def send(fields: Fields) -> None:
            problem.text = ""
            said = fields.get("note", "").strip()
            try:
                await self._write(f"{head}\n{said}" if said else head, done)
            except IocError as error:
                problem.text = refused(self.visit, error)
            else:
                self.dialog.close()

        problem: Text

        def draw() -> None:
            nonlocal problem
            with form(send):
                with ui.element("div").classes("ops-would"):
                    Text("h3", visit.say(words.GOES_ALONG))
                    Text("p", head)
                most = str(LONGEST_NOTE - _ROOM)
                box = field(
                    visit.say(label),
                    "note",
                    "textarea",
                    visit.say(words.ENTRY_HINT),
                    rows="4",
                    maxlength=most,
                )
                if needed:
                    box.props["required"] = "required"
                problem = Text("p").classes("ops-form-problem").props('role="alert"')
                with ui.element("div").classes("ops-form-end"):
                    cancel = Text("button", visit.say(words.CANCEL)).props('type="button"').classes("ops-act")
                    cancel.on("click", js_handler="(e) => e.target.closest('dialog').close()")
                    Text("button", visit.say(title)).props('type="submit"').classes("ops-act ops-act-first")

        self.dialog.open(visit.say(title), draw)

    def _summary(self, found: Drawn) -> str:
        language = self.visit.language
        return self.visit.say(
            words.SUMMARY,
            opened=number(found.happened.opened, language),
            cleared=number(found.happened.cleared, language),
            taken=number(found.happened.acknowledged, language),
            open=number(found.open, language),
            waiting=number(found.waiting, language),
        )

    # -- what is shown ---------------------------------------------------------------------------------

    def _show(self, moment: Moment[Drawn | None]) -> None:
        self.stale.text = stale(self.visit, moment)
        found = moment.value
        if found is None:
            return
        self._found = found
        self._draw("head", (found.shift, found.is_now), lambda: self._head(found))
        seen = (found.happened, found.open, found.waiting, found.worst, found.facts)
        self._draw("alerts", seen, lambda: self._alerts(found))
        self._draw("done", found.done, lambda: self._done(found))
        self._draw("entries", found.entries, lambda: self._entries(found))

    def _draw(self, name: str, seen: object, draw: Callable[[], None]) -> None:
        if name in self._drawn and self._drawn[name] == seen:
            return
        self._drawn[name] = seen
        part = self.parts[name]
        part.clear()
        with part:
            draw()

    def _address(self, roster: str, at: datetime | None) -> str:
        parts = {"roster": roster, "at": at and at.astimezone(UTC).isoformat()}
        return "/ops/shifts?" + urlencode({name: value for name, value in parts.items() if value})

    def _head(self, found: Drawn) -> None:
        visit, shift = self.visit, found.shift
        code = found.roster.code
        if len(found.rosters) > 1:
            with ui.element("nav").classes("ops-views ops-no-print") as nav:
                nav.props["aria-label"] = visit.say(words.ROSTERS)
                for roster in found.rosters:
                    link = Link(
                        _named(visit, roster.name_vi, roster.name_en), self._address(roster.code, self.at)
                    )
                    link.classes("ops-act")
                    if roster.code == code:
                        link.props('aria-current="true"')
        with ui.element("div").classes("ops-shift-title"):
            name = _named(visit, found.roster.name_vi, found.roster.name_en)
            when = visit.say(words.SHIFT, start=visit.at(shift.start), end=visit.at(shift.end))
            Text("h2", f"{name} · {when}")
            state = words.GOES_ON if found.is_now else words.IS_OVER
            Text("span", visit.say(state)).classes("ops-well" if found.is_now else "ops-dim")
            with ui.element("nav").classes("ops-views ops-no-print") as nav:
                nav.props["aria-label"] = visit.say(words.VIEWS)
                earlier = self._address(code, shift.start - timedelta(seconds=1))
                Link(f"‹ {visit.say(words.EARLIER)}", earlier).classes("ops-act")
                if not found.is_now:
                    Link(visit.say(words.THIS), self._address(code, None)).classes("ops-act")
                    Link(f"{visit.say(words.LATER)} ›", self._address(code, shift.end)).classes("ops-act")
                button = Text("button", visit.say(words.PRINT)).props('type="button"').classes("ops-act")
                button.on("click", js_handler="() => window.print()")
        with ui.element("dl").classes("ops-facts"):
            for layer, people in shift.people:
                Text("dt", f"{visit.say(words.ON)}: {layer}")
                Text("dd", found.called(people) or visit.say(words.NOBODY))
            Text("dt", visit.say(words.NEXT))
            Text("dd", found.called(shift.next) or visit.say(words.NOBODY))

    def _alerts(self, found: Drawn) -> None:
        visit, counts = self.visit, found.happened
        Text("h2", visit.say(words.ALERTS))
        figures = [
            (counts.opened, words.OPENED),
            (counts.cleared, words.CLEARED),
            (counts.acknowledged, words.TAKEN),
        ]
        if found.is_now:
            figures += [(found.open, words.OPEN_NOW), (found.waiting, words.WAITING_NOW)]
        with ui.element("ul").classes("ops-counted"):
            for count, phrase in figures:
                with ui.element("li"):
                    Text("strong", number(count, visit.language))
                    Text("span", visit.say(phrase))
        if not found.is_now:
            return
        Text("h3", visit.say(words.STILL_OPEN))
        if not found.worst:
            Text("p", visit.say(words.NOTHING_OPEN)).classes("ops-dim")
            return
        with ui.element("ul").classes("ops-lines"):
            for row in found.worst[:MOST_OPEN]:
                said = told(row, found.facts.get(row.id), visit.zone, visit.language)
                with ui.element("li"):
                    Link(f"{said.mark}: {said.name}", f"/ops/alerts?alert={row.id}")
                    Text("span", f"{said.where} · {said.at} · {said.state}").classes("ops-dim")
            if len(found.worst) > MOST_OPEN:
                with ui.element("li"):
                    Text("span", visit.say(words.AND_MORE)).classes("ops-dim")
        Link(visit.say(words.ALL_ALERTS), "/ops/alerts").classes("ops-no-print")

    def _done(self, found: Drawn) -> None:
        visit = self.visit
        Text("h2", visit.say(words.DONE))
        if not found.done:
            Text("p", visit.say(words.NOTHING_DONE)).classes("ops-dim")
            return
        with ui.element("ul").classes("ops-lines"):
            for entry in found.done[:MOST_DONE]:
                with ui.element("li"):
                    Text("span", f"{visit.at(entry.at)} · {entry.actor}").classes("ops-dim")
                    _what(visit, entry)
            if len(found.done) > MOST_DONE:
                Text("li", visit.say(words.AND_MORE)).classes("ops-dim")

    def _entries(self, found: Drawn) -> None:
        visit = self.visit
        if not found.entries:
            Text("p", visit.say(words.NO_ENTRIES)).classes("ops-dim")
            return
        with ui.element("ol").classes("ops-lines ops-entries"):
            for entry in found.entries[:MOST_ENTRIES]:
                with ui.element("li"):
                    author = visit.say(words.SYSTEM) if entry.author == "system" else entry.author
                    Text("span", f"{visit.at(entry.at)} · {author}").classes("ops-dim")
                    Text("p", entry.text).classes("ops-said")
            if len(found.entries) > MOST_ENTRIES:
                Text("li", visit.say(words.AND_MORE)).classes("ops-dim")


def _what(visit: Visit, entry: Entry) -> None:
    """What somebody did, with a link to where it can be seen."""
    kind, _, which = entry.about.partition(":")
    if kind == "alert":
        event = Event(entry.id, entry.at, entry.what.removeprefix("alert."), entry.actor, entry.detail)
        subject = entry.detail.get("subject") or ""
        Link(f"{in_words(visit, event)} · {subject}", f"/ops/alerts?alert={which}")
        said = entry.detail.get("comment") or entry.detail.get("reason")
        if isinstance(said, str):
            Text("p", said).classes("ops-said")
        return
    phrase = words.DUTY.get(entry.what)
    people = [entry.detail.get("person"), entry.detail.get("other"), entry.detail.get("name")]
    parts = (entry.what if phrase is None else visit.say(phrase), *(str(one) for one in people if one))
    Text("span", " · ".join(parts))


def _named(visit: Visit, vi: str, en: str) -> str:
    return visit.say(Phrase(vi, en or vi))
