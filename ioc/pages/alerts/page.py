"""``/ops/alerts``: what is wrong now and was, and what people do about it. Everything can be done by keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
from nicegui import ui
from nicegui.events import GenericEventArguments

from ioc.access.roles import ACTING
from ioc.alerts import asking as alerts
from ioc.alerts.asking import Place
from ioc.alerts.ordering import Action
from ioc.kpi.query import Steps
from ioc.kpi.units import UNITS
from ioc.pages import words as shared
from ioc.pages.alerts import words
from ioc.pages.alerts.acting import Desk
from ioc.pages.alerts.listing import PAGE, Listed, Listing, counted, listed
from ioc.pages.alerts.panel import Opened, Panel, opened
from ioc.pages.alerts.view import View, number
from ioc.pages.live import Moment
from ioc.pages.parts.dialog import choices
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.trouble import stale
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number as written

_EVERY_S: Final = 2.0
_KEYS: Final = {
    Action.ACK: "a",
    Action.SNOOZE: "s",
    Action.COMMENT: "c",
    Action.ASSIGN: "g",
    Action.CLOSE: "d",
    Action.UNACK: "u",
    Action.UNSNOOZE: "",
}
_MOST_CHOSEN: Final = 1000


@page("/alerts", shared.ALERTS, named=True)
async def show(visit: Visit) -> None:
    """The list, and one alert beside it."""
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/alerts.css">')
    ui.add_head_html('<script src="/ops/static/alerts.js" defer></script>')
    given = View.read(dict(visit.request.query_params))
    menus = await visit.answer(_menus(visit))
    _Page(visit, given, menus).draw()


@dataclass(frozen=True)
class _Menus:
    """What can be chosen from: code → what people read."""

    units: dict[str, str]
    rules: dict[str, str]


def _menus(visit: Visit) -> Steps[_Menus]:
    rows = yield UNITS, {"reader": visit.reader, "day": None}
    found = yield from alerts.rules(visit.reader)
    units = sorted((visit.say(Phrase(row[1], row[2] or row[1])), row[0]) for row in rows)
    rules: dict[str, str] = {}
    for rule in found.rules:
        said = msgspec.json.decode(rule.definition)
        vi = said.get("name_vi") or rule.code
        rules[rule.code] = visit.say(Phrase(vi, said.get("name_en") or vi))
    return _Menus({code: name for name, code in units}, rules)


@dataclass
class _Page:
    """One browser's page.

    :param places: the last alert of each page before this one.
    """

    visit: Visit
    view: View
    menus: _Menus
    places: list[Place] = field(default_factory=list)
    chosen: set[int] = field(default_factory=set)
    found: Listed | None = None
    leave_list: Callable[[], None] | None = None
    leave_one: Callable[[], None] | None = None

    @property
    def acting(self) -> bool:
        """Whether this reader may act."""
        return self.visit.role in ACTING

    def draw(self) -> None:
        """Everything that stays; then what is known."""
        visit = self.visit
        root = ui.element("div").classes("ops-alertpage").props('id="alertpage"')
        root.props["data-lang"] = visit.language.value
        with root:
            self._filters()
            self.stale = Text("p").classes("ops-stale").props('role="alert"')
            self.said = Text("p").classes("ops-said-now").props('role="status" aria-live="polite"')
            with ui.element("div").classes("ops-split"):
                with ui.element("section").classes("ops-listed"):
                    self._bar()
                    self.listing = Listing(visit, acting=self.acting)
                    self._pages()
                self.aside = ui.element("aside").classes("ops-details").props('id="details"')
                self.aside.props["aria-label"] = visit.say(words.DETAILS)
                with self.aside:
                    self.shut = Text("button", "✕").props('type="button" data-shut').classes("ops-shut")
                    self.shut.props["aria-label"] = visit.say(words.SHUT)
                    self.trouble = Text("p").classes("ops-form-problem").props('role="alert"')
                    self.hint = Text("p", visit.say(words.NO_DETAILS)).classes("ops-dim ops-hint")
                    self.panel = Panel(visit)
        self._keys()
        self.desk = Desk(visit, self._tell)
        self._listen()
        self._follow_list()
        self._follow_one()

    # -- what stays ------------------------------------------------------------------------------------

    def _filters(self) -> None:
        visit, view = self.visit, self.view
        bar = (
            ui.element("form").classes("ops-filters").props('id="filters" role="search" action="/ops/alerts"')
        )
        bar.props["aria-label"] = visit.say(words.FILTERS)
        every = {"": visit.say(words.ANY)}
        with bar:
            self._choice(
                words.STATE,
                "state",
                {one.value: visit.say(phrase) for one, phrase in words.STATES.items()},
                view.state.value,
            )
            marks = {
                one.word: f"{sign} {visit.say(phrase)}" for one, (sign, phrase) in words.SEVERITIES.items()
            }
            self._choice(
                words.SEVERITY,
                "severity",
                every | marks,
                None if view.severity is None else view.severity.word,
            )
            if len(self.menus.units) > 1:
                self._choice(words.UNIT, "unit", every | self.menus.units, view.unit)
            kinds = {one.value: visit.say(phrase) for one, phrase in words.KINDS.items()}
            self._choice(words.KIND, "kind", every | kinds, view.kind)
            self._choice(words.RULE, "rule", every | self.menus.rules, view.rule)
            with ui.element("label").classes("ops-filter ops-filter-text"):
                Text("span", visit.say(words.TEXT))
                find = ui.element("input").props('type="search" name="text" maxlength="200" id="find"')
                find.props["placeholder"] = visit.say(words.TEXT_HINT)
                # set once: the field is the browser's own from then on
                find.props["defaultValue"] = view.text or ""
            Text("button", visit.say(words.CLEAR)).props('type="button" data-clear').classes("ops-act")
            keys = Text("button", "?").props('type="button" data-keys').classes("ops-act")
            keys.props["aria-label"] = visit.say(words.KEYS)

    def _choice(self, label: Phrase, name: str, options: dict[str, str], chosen: str | None) -> None:
        with ui.element("label").classes("ops-filter"):
            Text("span", self.visit.say(label))
            choices(ui.element("select").props(f'name="{name}"'), options, chosen)

    def _bar(self) -> None:
        visit = self.visit
        with ui.element("div").classes("ops-bar"):
            with ui.element("div").classes("ops-aim"):
                self.counts = Text("p", visit.say(shared.LOADING)).classes("ops-counts").props('id="counts"')
                if not self.acting:
                    Text("p", visit.say(words.NO_RIGHT)).classes("ops-dim")
                    return
                with ui.element("label").classes("ops-choose-all"):
                    ui.element("input").props('type="checkbox" data-all')
                    Text("span", visit.say(words.CHOOSE_ALL))
            actions = ui.element("div").classes("ops-actions").props('role="toolbar"')
            actions.props["aria-label"] = visit.say(words.WORK)
            with actions:
                for action, phrase in words.ACTIONS.items():
                    button = Text("button", visit.say(phrase)).props(
                        f'type="button" data-act="{action.value}"'
                    )
                    button.classes("ops-act ops-act-first" if action is Action.ACK else "ops-act")
                    if key := _KEYS[action]:
                        button.props["aria-keyshortcuts"] = key
                        button.props["data-key"] = key
            self.on = Text("p").classes("ops-on").props('id="on"')
        self._aim()

    def _pages(self) -> None:
        visit = self.visit
        with ui.element("div").classes("ops-pages"):
            self.before = Text("button", visit.say(words.PREVIOUS)).props('type="button"').classes("ops-act")
            self.range = Text("span").classes("ops-dim")
            self.after = Text("button", visit.say(words.NEXT)).props('type="button"').classes("ops-act")
            self.before.on("click", lambda: self._turn(None))
            self.after.on("click", lambda: self._turn(None if self.found is None else self.found.next))
            self.before.set_visibility(False)
            self.after.set_visibility(False)

    def _keys(self) -> None:
        visit = self.visit
        with ui.element("dialog").classes("ops-dialog").props('id="keys" aria-labelledby="keys-title"'):
            Text("h2", visit.say(words.KEYS)).props('id="keys-title"')
            with ui.element("dl").classes("ops-facts ops-keys"):
                for key, phrase in words.KEY_LIST:
                    with ui.element("dt"):
                        Text("kbd", key)
                    Text("dd", visit.say(phrase))
            with ui.element("form").props('method="dialog"').classes("ops-form-end"):
                Text("button", visit.say(words.KEYS_SHUT)).classes("ops-act ops-act-first")

    # -- what the browser says -------------------------------------------------------------------------

    def _listen(self) -> None:
        ui.on("alerts_open", lambda event: self._open(number(_first(event))))
        ui.on("alerts_filter", self._filtered)
        if self.acting:
            ui.on("alerts_chosen", self._choose)
            ui.on("alerts_act", self._act)

    def _open(self, which: int | None) -> None:
        self.view = replace(self.view, alert=which)
        self._address()
        self._follow_one()
        self._aim()

    def _filtered(self, event: GenericEventArguments) -> None:
        given = _first(event)
        if not isinstance(given, dict):
            return
        view = View.read({str(name): str(value) for name, value in given.items()})
        view = replace(view, alert=self.view.alert)
        if view == self.view:
            return
        self.view = view
        self.places.clear()
        self._anew()

    def _choose(self, event: GenericEventArguments) -> None:
        given = _first(event)
        if isinstance(given, list):
            self.chosen = {found for one in given[:_MOST_CHOSEN] if (found := number(one)) is not None}
            self._aim()

    async def _act(self, event: GenericEventArguments) -> None:
        given = _first(event)
        if not isinstance(given, dict):
            return
        action = next((one for one in Action if one.value == given.get("action")), None)
        if action is None:
            return
        near = number(given.get("near")) or self.view.alert
        await self.desk.begin(action, sorted(self.chosen) or ([] if near is None else [near]))

    def _turn(self, after: Place | None) -> None:
        """To the next page, or without a place to the one before."""
        if after is not None:
            self.places.append(after)
        elif self.places:
            self.places.pop()
        self._anew()
        ui.run_javascript("document.querySelector('#alerts').scrollIntoView({block: 'nearest'})")

    # -- what is shown ---------------------------------------------------------------------------------

    def _tell(self, text: str) -> None:
        self.said.text = text
        self.visit.hurry(self._list_key)
        self.visit.hurry(("alert", self.view.alert))

    def _aim(self) -> None:
        """Say what an action would be done to."""
        if not self.acting:
            return
        visit = self.visit
        if self.chosen:
            self.on.text = visit.say(words.ON_SELECTED, count=written(len(self.chosen), visit.language))
        elif self.view.alert is not None:
            self.on.text = visit.say(words.ON_OPEN, id=self.view.alert)
        else:
            self.on.text = visit.say(words.ON_NONE)

    def _address(self) -> None:
        """Keep the view in the address, so that it can be linked and loaded again."""
        where = f"/ops/alerts{self.view.address}"
        ui.run_javascript(f"alertsAddress({json.dumps(where)})")

    def _anew(self) -> None:
        self._address()
        self.chosen.clear()
        self.listing.clear()
        self._aim()
        self._follow_list()

    @property
    def _list_key(self) -> tuple[object, ...]:
        return ("alerts", replace(self.view, alert=None), self.places[-1] if self.places else None)

    def _follow_list(self) -> None:
        if self.leave_list is not None:
            self.leave_list()
        visit, view, after = self.visit, self.view, self.places[-1] if self.places else None
        self.leave_list = visit.follow(
            self._list_key,
            lambda: visit.answer(listed(visit.reader, view, after)),
            self._show_list,
            every_s=_EVERY_S,
        )

    def _show_list(self, moment: Moment[Listed]) -> None:
        visit = self.visit
        self.stale.text = stale(visit, moment)
        found = moment.value
        if found is None:
            return
        self.found = found
        news = self.listing.show(found, self.view)
        self.listing.mark_open(self.view.alert)
        if news and not self.places:
            self.said.text = visit.say(words.NEW, count=written(news, visit.language))
        count, waiting = (written(one, visit.language) for one in counted(found.counts))
        self.counts.text = visit.say(words.COUNTS, open=count, waiting=waiting)
        gone = self.chosen - {row.id for row in found.rows}
        if gone:
            self.chosen -= gone
            self._aim()
        first = len(self.places) * PAGE
        shown = words.SHOWN if found.next is None else words.MORE_SHOWN
        self.range.text = (
            visit.say(
                shown,
                first=written(first + 1, visit.language),
                last=written(first + len(found.rows), visit.language),
            )
            if found.rows
            else ""
        )
        self.before.set_visibility(bool(self.places))
        self.after.set_visibility(found.next is not None)

    def _follow_one(self) -> None:
        if self.leave_one is not None:
            self.leave_one()
            self.leave_one = None
        visit, which = self.visit, self.view.alert
        self.listing.mark_open(which)
        self.hint.set_visibility(which is None)
        self.shut.set_visibility(which is not None)
        self.aside.classes(**{"remove" if which is None else "add": "ops-shown"})
        self.trouble.text = ""
        self.panel.clear()
        if which is None:
            return
        self.leave_one = visit.follow(
            ("alert", which),
            lambda: visit.answer(opened(visit.reader, which)),
            self._show_one,
            every_s=_EVERY_S,
        )

    def _show_one(self, moment: Moment[Opened | None]) -> None:
        self.trouble.text = stale(self.visit, moment)
        if moment.value is not None:
            self.panel.show(moment.value)
        elif moment.at is not None:
            self.panel.clear()
            self.trouble.text = self.visit.say(words.UNKNOWN)


def _first(event: GenericEventArguments) -> object:
    given = event.args
    return given[0] if isinstance(given, list) and len(given) == 1 else given
