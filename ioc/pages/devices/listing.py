"""The list of devices: what needs somebody first, kept up to date, each view with an address of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nicegui import ui

from ioc.history import device_now
from ioc.history.device_now import Device, Page, Places
from ioc.kpi.query import Steps
from ioc.pages import words as shared
from ioc.pages.devices import said, words
from ioc.pages.devices.view import View
from ioc.pages.live import Moment
from ioc.pages.parts.dialog import choices
from ioc.pages.parts.link import Link
from ioc.pages.parts.state import STATES, State
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.trouble import stale
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number

_EVERY_S: Final = 2.0
_PAGE: Final = 50


@dataclass(frozen=True)
class _Known:
    """What the page shows.

    :param minute: of the answer; ages are told to the minute.
    """

    page: Page
    counts: dict[str, int]
    minute: datetime


@page("/devices", shared.DEVICES)
async def show(visit: Visit) -> None:
    """The filters, how many are in which state, and the list."""
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/devices.css">')
    view = View.read(dict(visit.request.query_params))
    _filters(visit, view, await visit.answer(device_now.places(visit.reader)))
    listing = _Listing(visit, view)
    visit.follow(
        ("devices", view), lambda: visit.answer(_ask(visit.reader, view)), listing.show, every_s=_EVERY_S
    )


def _ask(reader: str, view: View) -> Steps[_Known]:
    found = yield from device_now.listed(reader, view.wanted, after=view.after, limit=_PAGE, worst_first=True)
    devices = yield from device_now.with_samples(found.devices)
    counts = yield from device_now.counts(reader, view.wanted)
    return _Known(Page(devices, found.next), counts, datetime.now(UTC).replace(second=0, microsecond=0))


def _filters(visit: Visit, view: View, places: Places) -> None:
    every = {"": visit.say(words.ANY)}
    bar = ui.element("form").classes("ops-filters").props('role="search" method="get" action="/ops/devices"')
    bar.props["aria-label"] = visit.say(words.FILTERS)
    with bar:
        if len(places.units) > 1:
            _choice(visit, words.UNIT, "unit", every | _named(visit, places.units), view.unit)
        if len(places.points) > 1:
            _choice(visit, words.POINT, "point", every | _named(visit, places.points), view.point)
        kinds = {kind: visit.say(phrase) for kind, phrase in words.KINDS.items()}
        _choice(visit, words.KIND, "kind", every | kinds, view.kind)
        states = {state: visit.say(phrase) for state, phrase in STATES.items()}
        _choice(visit, words.STATE, "state", every | states, view.state)
        with ui.element("label").classes("ops-filter ops-filter-text"):
            Text("span", visit.say(words.TEXT))
            find = ui.element("input").props(
                f'type="search" name="text" maxlength="{device_now.LONGEST_TEXT}"'
            )
            find.props["placeholder"] = visit.say(words.TEXT_HINT)
            find.props["defaultValue"] = view.text or ""
        Text("button", visit.say(words.APPLY)).props('type="submit"').classes("ops-act ops-act-first")
        if view.is_narrow:
            Link(visit.say(words.CLEAR), "/ops/devices").classes("ops-act")


def _named(visit: Visit, rows: tuple[tuple[str, str, str], ...]) -> dict[str, str]:
    return {code: visit.say(Phrase(vi or code, en or vi or code)) for code, vi, en in rows}


def _choice(visit: Visit, label: Phrase, name: str, options: dict[str, str], chosen: str | None) -> None:
    with ui.element("label").classes("ops-filter"):
        Text("span", visit.say(label))
        choices(ui.element("select").props(f'name="{name}"'), options, chosen)


class _Row:
    """One device of the list; only what changed is changed."""

    def __init__(self, visit: Visit, device: Device, now: datetime) -> None:
        self._visit = visit
        with ui.element("tr"):
            with ui.element("td").classes("ops-device-state"):
                self.state = State(visit, device.state)
            with ui.element("th").props('scope="row"').classes("ops-device-name"):
                Link(said.name(device), f"/ops/devices/{device.code}")
                kind = visit.say(words.KINDS[device.kind])
                self.small = Text("small", f"{kind} · {device.code}").classes("ops-dim")
                if not device.declared:
                    Text("small", visit.say(words.UNDECLARED)).classes("ops-dim")
            with ui.element("td").props(f'data-head="{visit.say(words.PLACE)}"'):
                Text("span", said.place(visit, device))
            self.since = self._cell(words.SINCE)
            self.why = self._cell(words.REASON)
            self.measured = self._cell(words.MEASURED)
        self.tell(device, now)

    def _cell(self, head: Phrase) -> Text:
        cell = ui.element("td")
        cell.props["data-head"] = self._visit.say(head)
        with cell:
            return Text("span")

    def tell(self, device: Device, now: datetime) -> None:
        """Show how it is now."""
        visit = self._visit
        self.state.tell(device.state)
        model = device.sample.model if device.sample is not None else None
        kind = visit.say(words.KINDS[device.kind])
        for element, text in (
            (self.small, " · ".join(filter(None, (kind, device.code, model)))),
            (self.since, said.DASH if device.since is None else visit.at(device.since)),
            (self.why, said.why(visit, device) or said.DASH),
            (self.measured, said.measured(visit, device, now)),
        ):
            if element.text != text:
                element.text = text


class _Listing:
    """The counts and the table."""

    def __init__(self, visit: Visit, view: View) -> None:
        self._visit, self._view = visit, view
        self._rows: dict[str, _Row] = {}
        self._counts: dict[str, Text] = {}
        self.stale = Text("p").classes("ops-stale").props('role="alert"')
        self.counts = ui.element("nav").classes("ops-state-counts")
        self.counts.props["aria-label"] = visit.say(words.COUNTS)
        self.place = ui.element("div")
        with self.place:
            Text("p", visit.say(shared.LOADING)).classes("ops-dim").props('role="status"')

    def show(self, moment: Moment[_Known]) -> None:
        """What is known; where it is old, since when and why."""
        self.stale.text = self._old(moment)
        if (known := moment.value) is None:
            return
        self._count(known.counts)
        codes = [device.code for device in known.page.devices]
        if codes != list(self._rows) or not codes:
            self._draw(known)
            return
        for device in known.page.devices:
            self._rows[device.code].tell(device, known.minute)

    def _old(self, moment: Moment[_Known]) -> str:
        return stale(self._visit, moment)

    def _count(self, counts: dict[str, int]) -> None:
        visit, view = self._visit, self._view
        told = {"": sum(counts.values()), **counts}
        if not self._counts:
            with self.counts:
                for state in told:
                    link = Link("", view.address(state=state or None)).classes("ops-state-count")
                    link.props["data-state"] = state or "all"
                    if (view.state or "") == state:
                        link.props["aria-current"] = "true"
                    with link:
                        if state:
                            State(visit, state)
                        else:
                            Text("span", visit.say(words.ALL))
                        self._counts[state] = Text("b")
        for state, count in told.items():
            text = number(count, visit.language)
            if self._counts[state].text != text:
                self._counts[state].text = text

    def _draw(self, known: _Known) -> None:
        visit, view = self._visit, self._view
        self.place.clear()
        self._rows.clear()
        with self.place:
            if not known.page.devices:
                with ui.element("div").classes("ops-empty"):
                    Text("p", visit.say(words.EMPTY)).classes("ops-empty-head")
                    Text("p", visit.say(words.EMPTY_FILTER if view.is_narrow else words.EMPTY_WHY))
                return
            with ui.element("table").classes("ops-table ops-devices"):
                Text("caption", visit.say(words.LIST)).classes("ops-unseen")
                with ui.element("thead"), ui.element("tr"):
                    for head in (
                        words.STATE,
                        words.DEVICE,
                        words.PLACE,
                        words.SINCE,
                        words.REASON,
                        words.MEASURED,
                    ):
                        Text("th", visit.say(head)).props('scope="col"')
                with ui.element("tbody"):
                    for device in known.page.devices:
                        self._rows[device.code] = _Row(visit, device, known.minute)
            self._pages(known)

    def _pages(self, known: _Known) -> None:
        visit, view = self._visit, self._view
        counts = known.counts
        total = counts[view.state] if view.state else sum(counts.values())
        with ui.element("nav").classes("ops-pages").props(f'aria-label="{visit.say(shared.MENU)} 2"'):
            if view.after is not None:
                Link(visit.say(words.FIRST), view.address(state=view.state)).classes("ops-act")
            Text("span", visit.say(words.SHOWN, shown=len(known.page.devices), total=total)).classes(
                "ops-dim"
            )
            if known.page.next is not None:
                where = view.address(state=view.state, after=known.page.next)
                Link(visit.say(words.NEXT), where).classes("ops-act")
