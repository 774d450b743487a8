"""Accounts: who may log in, what each may see and do, and which browsers are logged in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from ioc.access import changes, readers, sessions
from ioc.access.passwords import generate
from ioc.access.readers import GUEST, Reader
from ioc.access.roles import Role
from ioc.kpi.query import Steps
from ioc.kpi.units import UNITS
from ioc.pages import words as shared
from ioc.pages.admin import once, words
from ioc.pages.admin.frame import DASH, ROLES, Frame, moment
from ioc.pages.live import Moment
from ioc.pages.parts.dialog import Dialog, Fields, choices, field, form
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number

_EVERY_S: Final = 5.0
_KEY: Final = "admin users"
_MOST_CHANGES: Final = 30
#: What the choice of what is seen says for a reader of everything, and of the district.
_EVERY, _DISTRICT = "*", "@district"


@dataclass(frozen=True)
class _Known:
    """What the page shows.

    :param mistakes: name, and how often a wrong password was tried with it lately.
    :param units: code, names.
    """

    readers: tuple[Reader, ...]
    sessions: tuple[sessions.Session, ...]
    changes: tuple[changes.Change, ...]
    units: tuple[tuple[str, str, str | None], ...]
    mistakes: tuple[tuple[str, int], ...]


@page("/admin", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """The accounts, and what was changed lately."""
    _Users(visit)


def _ask(visit: Visit) -> Steps[_Known]:
    found = yield from readers.listed()
    logged_in = yield from sessions.of()
    changed = yield from changes.listed(limit=_MOST_CHANGES)
    rows = yield UNITS, {"reader": visit.reader, "day": None}
    lockout = visit.platform.gate.lockout
    mistakes = tuple((one.name, lockout.mistakes(one.name)) for one in found)
    return _Known(
        tuple(found),
        tuple(logged_in),
        tuple(changed),
        tuple((row[0], row[1], row[2]) for row in rows),
        mistakes,
    )


class _Users:
    """The page in one browser."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._known: _Known | None = None
        self.frame = Frame(visit, "/admin")
        self.list = Part(visit.say(words.USERS), "users")
        with self.list.beside:
            add = (
                Text("button", visit.say(words.ADD_USER))
                .props('type="button"')
                .classes("ops-act ops-act-first")
            )
            add.on("click", self._ask_new)
        self.sessions = Part(visit.say(words.SESSION_LIST), "sessions")
        self.changes = Part(visit.say(words.CHANGES), "changes")
        self.dialog = Dialog("account")
        self.once = Dialog("secret", forget=True)
        visit.follow(_KEY, lambda: visit.answer(_ask(visit)), self.show, every_s=_EVERY_S)

    def show(self, moment: Moment[_Known]) -> None:
        """What is known."""
        self.frame.old(moment)
        if (known := moment.value) is None:
            return
        self._known = known
        self.list.show((known.readers, known.mistakes, known.sessions), lambda: self._list(known))
        self.sessions.show(known.sessions, lambda: self._sessions(known.sessions))
        self.changes.show(known.changes, lambda: self._changes(known.changes))

    def _list(self, known: _Known) -> None:
        visit = self._visit
        counts = Counter(session.reader for session in known.sessions)
        mistakes = dict(known.mistakes)
        heads = (words.NAME, words.ROLE, words.SEES, words.STATE, words.SESSIONS, words.MADE, words.EDIT)
        with table(visit, words.USERS, heads, css="ops-stacked"):
            for one in known.readers:
                with ui.element("tr").props(f'data-state="{"open" if one.active else "closed"}"') as row:
                    row.props["data-account"] = one.name
                    with ui.element("th").props('scope="row"'):
                        Text("b", one.name)
                        if not one.is_person:
                            Text("small", visit.say(words.GUEST if one.name == GUEST else words.SYSTEM))
                    self._cell(words.ROLE, visit.say(words.ROLES[Role(one.role)]) if one.is_person else DASH)
                    self._cell(words.SEES, self._sees(known, one))
                    self._cell(words.STATE, self._state(one, mistakes.get(one.name, 0)))
                    self._cell(words.SESSIONS, number(counts[one.name], visit.language))
                    self._cell(words.MADE, moment(visit, one.created_at))
                    with ui.element("td"):
                        if one.is_person or one.name == GUEST:
                            edit = (
                                Text("button", visit.say(words.EDIT))
                                .props('type="button"')
                                .classes("ops-act")
                            )
                            edit.props["aria-label"] = visit.say(words.EDIT_OF, name=one.name)
                            edit.on("click", lambda name=one.name: self._ask_change(name))

    def _cell(self, head: Phrase, text: str) -> None:
        Text("td", text).props["data-head"] = self._visit.say(head)

    def _state(self, one: Reader, mistakes: int) -> str:
        said = [self._visit.say(words.OPEN if one.active else words.CLOSED)]
        if one.is_person and not one.has_password:
            said.append(self._visit.say(words.NO_PASSWORD))
        if mistakes:
            said.append(self._visit.say(words.MISTAKES, count=mistakes))
        return ", ".join(said)

    def _sees(self, known: _Known, one: Reader) -> str:
        if one.root_unit is None:
            return self._visit.say(words.DISTRICT if one.district_only else words.EVERY_UNIT)
        return self._units(known).get(one.root_unit, one.root_unit)

    def _units(self, known: _Known) -> dict[str, str]:
        named = (
            (code, self._visit.say(Phrase(vi or code, en or vi or code))) for code, vi, en in known.units
        )
        return dict(sorted(named, key=lambda unit: unit[1]))

    def _sessions(self, found: tuple[sessions.Session, ...]) -> None:
        visit = self._visit
        if not found:
            Text("p", visit.say(words.NO_SESSIONS)).classes("ops-dim")
            return
        heads = (words.NAME, words.SINCE, words.USED, words.BROWSER)
        with table(visit, words.SESSION_LIST, heads, css="ops-stacked"):
            for one in found[:100]:
                with ui.element("tr"):
                    Text("th", one.reader).props('scope="row"')
                    self._cell(words.SINCE, visit.at(one.made_at))
                    self._cell(words.USED, visit.at(one.seen_at))
                    self._cell(words.BROWSER, one.agent or DASH)

    def _changes(self, found: tuple[changes.Change, ...]) -> None:
        visit = self._visit
        if not found:
            Text("p", visit.say(words.NO_CHANGES)).classes("ops-dim")
            return
        heads = (words.AT, words.WHO, words.WHAT, words.SUBJECT, words.DETAIL)
        with table(visit, words.CHANGES, heads, css="ops-stacked"):
            for one in found:
                with ui.element("tr"):
                    Text("td", visit.at(one.at))
                    self._cell(words.WHO, f"{one.actor} ({one.via})")
                    known = words.WHATS.get(one.what)
                    self._cell(words.WHAT, one.what if known is None else visit.say(known))
                    self._cell(words.SUBJECT, one.subject)
                    self._cell(
                        words.DETAIL,
                        ", ".join(f"{name}: {value}" for name, value in one.detail.items()) or DASH,
                    )

    # -- making ----------------------------------------------------------------------------------------

    def _limits(self, known: _Known, chosen: Reader | None) -> None:
        visit = self._visit
        options = {
            _EVERY: visit.say(words.EVERY_UNIT),
            _DISTRICT: visit.say(words.DISTRICT),
            **self._units(known),
        }
        now = _EVERY
        if chosen is not None:
            now = chosen.root_unit or (_DISTRICT if chosen.district_only else _EVERY)
        choices(field(visit.say(words.SEES), "sees", "select"), options, now)

    def _roles(self, chosen: str) -> None:
        visit = self._visit
        hint = visit.say(words.ROLE_HINT)
        options = {role.value: visit.say(phrase) for role, phrase in words.ROLES.items()}
        choices(field(visit.say(words.ROLE), "role", "select", hint=hint), options, chosen)

    def _end(self, problem: list[Text]) -> None:
        visit = self._visit
        problem.append(Text("p").classes("ops-form-problem").props('role="alert"'))
        with ui.element("div").classes("ops-form-end"):
            cancel = Text("button", visit.say(words.CANCEL)).props('type="button"').classes("ops-act")
            cancel.on("click", self.dialog.close)
            Text("button", visit.say(words.SAVE)).props('type="submit"').classes("ops-act ops-act-first")

    def _ask_new(self) -> None:
        visit, known = self._visit, self._known
        if known is None:
            return
        problem: list[Text] = []

        def fill() -> None:
            with form(lambda fields: self.frame.attempt(lambda: self._make(fields), problem[0])):
                field(
                    visit.say(words.USER_NAME),
                    "name",
                    hint=visit.say(words.USER_NAME_HINT),
                    required="required",
                    maxlength=str(readers.MOST_NAME),
                    autocapitalize="none",
                )
                self._roles(Role.VIEWER.value)
                self._limits(known, None)
                self._end(problem)

        self.dialog.open(visit.say(words.ADD_USER), fill)

    async def _make(self, fields: Fields) -> None:
        name = fields.get("name", "").strip()
        password = generate()
        stored = await run_in_threadpool(readers.hashed, password)
        root, district_only = _limit(fields)
        steps = readers.adding(
            self.frame.by, name, stored, role=_role(fields), root_unit=root, district_only=district_only
        )
        await self.frame.change(steps)
        self._done(words.ADDED, name)
        self._show_password(name, password)

    def _show_password(self, name: str, password: str) -> None:
        visit = self._visit
        once.show(
            visit,
            self.once,
            visit.say(words.PASSWORD_TITLE, name=name),
            visit.say(words.PASSWORD_ONCE),
            visit.say(words.PASSWORD),
            password,
        )

    def _done(self, phrase: Phrase, name: str, **more: object) -> None:
        self.dialog.close()
        self.frame.tell(phrase, name=name, **more)
        self._visit.hurry(_KEY)

    # -- changing --------------------------------------------------------------------------------------

    def _ask_change(self, name: str) -> None:
        visit, known = self._visit, self._known
        one = None if known is None else next((found for found in known.readers if found.name == name), None)
        if known is None or one is None:
            return
        problem: list[Text] = []

        def fill() -> None:
            if one.is_person:
                with form(lambda fields: self.frame.attempt(lambda: self._change(one, fields), problem[0])):
                    self._roles(one.role)
                    self._limits(known, one)
                    self._end(problem)
            else:
                problem.append(Text("p").classes("ops-form-problem").props('role="alert"'))
            with ui.element("div").classes("ops-more-acts"):
                self._acts(one, dict(known.mistakes).get(name, 0), problem)

        self.dialog.open(visit.say(words.EDIT_OF, name=name), fill)

    def _acts(self, one: Reader, mistakes: int, problem: list[Text]) -> None:
        acts = []
        if one.is_person:
            acts.append((words.NEW_PASSWORD, self._new_password))
            acts.append((words.END_SESSIONS, self._end_sessions))
        acts.append((words.CLOSE_USER, self._close) if one.active else (words.OPEN_USER, self._open))
        if mistakes:
            acts.append((words.RELEASE, self._release))
        for phrase, act in acts:
            button = Text("button", self._visit.say(phrase)).props('type="button"').classes("ops-act")
            button.on("click", lambda act=act: self.frame.attempt(lambda: act(one.name), problem[0]))

    async def _change(self, one: Reader, fields: Fields) -> None:
        root, district_only = _limit(fields)

        def steps() -> Steps[None]:
            yield from readers.giving_role(self.frame.by, one.name, _role(fields))
            yield from readers.limiting(self.frame.by, one.name, root, district_only=district_only)

        await self.frame.change(steps())
        self._done(words.CHANGED, one.name)

    async def _new_password(self, name: str) -> None:
        password = generate()
        stored = await run_in_threadpool(readers.hashed, password)
        # whoever gives himself a new one stays logged in here
        keep = self._visit.request.cookies.get(sessions.COOKIE) if name == self._visit.reader else None
        await self.frame.change(readers.giving_password(self.frame.by, name, stored, keep=keep))
        self._visit.platform.gate.lockout.release(name)
        self._done(words.PASSWORD_MADE, name)
        self._show_password(name, password)

    async def _end_sessions(self, name: str) -> None:
        ended = await self.frame.change(readers.ending_sessions(self.frame.by, name))
        self._done(words.ENDED, name, count=ended)

    async def _close(self, name: str) -> None:
        await self.frame.change(readers.closing(self.frame.by, name))
        self._done(words.CLOSED_NOW, name)

    async def _open(self, name: str) -> None:
        await self.frame.change(readers.opening(self.frame.by, name))
        self._done(words.OPENED_NOW, name)

    async def _release(self, name: str) -> None:
        await self.frame.change(readers.releasing(self.frame.by, name))
        self._visit.platform.gate.lockout.release(name)
        self._done(words.RELEASED, name)


def _role(fields: Fields) -> Role:
    given = fields.get("role", "")
    return next((role for role in Role if role.value == given), Role.VIEWER)


def _limit(fields: Fields) -> tuple[str | None, bool]:
    """The unit that somebody is limited to, and whether it is the district."""
    given = fields.get("sees", _DISTRICT)
    if given in (_EVERY, _DISTRICT):
        return None, given == _DISTRICT
    return given, False
