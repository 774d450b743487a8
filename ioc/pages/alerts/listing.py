"""The list of alerts: rows stay the same elements while they change, so that focus, selection and place are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nicegui import ui

from ioc.alerts import asking
from ioc.alerts.asking import Counts, Place, Row
from ioc.delivery.facts import Facts, facts_of
from ioc.kpi.query import Steps
from ioc.pages.alerts import words
from ioc.pages.alerts.told import Told, told
from ioc.pages.alerts.view import View
from ioc.pages.parts.link import Link
from ioc.pages.parts.text import Text
from ioc.pages.visit import Visit

#: Alerts of one page.
PAGE: Final = 50


@dataclass(frozen=True)
class Listed:
    """One page of a view, and how many alerts are open in its unit."""

    rows: list[Row]
    facts: Mapping[int, Facts]
    next: Place | None
    counts: Counts


def listed(reader: str, view: View, after: Place | None) -> Steps[Listed]:
    """Steps to a page of a view.

    :raises KpiError: there is no such unit for this reader.
    """
    page = yield from asking.page(reader, view.wanted, order=view.order, after=after, limit=PAGE)
    facts = yield from facts_of([row.id for row in page.rows])
    counts = yield from asking.counts(reader, view.unit)
    return Listed(page.rows, {fact.alert_id: fact for fact in facts}, page.next, counts)


class _RowView:
    """One row on the screen."""

    def __init__(self, visit: Visit, said: Told, *, acting: bool) -> None:
        self.said = said
        self.item = ui.element("li").classes(f"ops-alert ops-level-{said.level}")
        self.item.props(f'data-alert="{said.id}"')
        with self.item:
            if acting:
                box = ui.element("input").props('type="checkbox"').classes("ops-alert-box")
                box.props["aria-label"] = visit.say(words.CHOOSE, id=said.id)
            self.mark = Text("span", said.mark).classes("ops-alert-mark")
            with ui.element("div").classes("ops-alert-what"):
                self.name = Link(said.name, f"/ops/alerts?alert={said.id}").classes("ops-alert-name")
                self.where = Text("span", said.where).classes("ops-alert-where")
            with ui.element("div").classes("ops-alert-how"):
                self.state = Text("span", said.state).classes(f"ops-alert-state ops-tone-{said.tone}")
                self.given = Text("span", said.given).classes("ops-alert-given")
            with ui.element("div").classes("ops-alert-when"):
                self.at = Text("time", said.at)
                self.at.props["datetime"] = said.since
                Text("span").classes("ops-age").props["data-since"] = said.since

    def show(self, said: Told) -> None:
        """Change what changed."""
        before, self.said = self.said, said
        if before == said:
            return
        self.name.text, self.where.text = said.name, said.where
        self.mark.text, self.state.text, self.given.text = said.mark, said.state, said.given
        self.at.text = said.at
        if before.tone != said.tone:
            self.state.classes(remove=f"ops-tone-{before.tone}", add=f"ops-tone-{said.tone}")
        if before.level != said.level:
            self.item.classes(remove=f"ops-level-{before.level}", add=f"ops-level-{said.level}")


class Listing:
    """The list of one browser."""

    def __init__(self, visit: Visit, *, acting: bool) -> None:
        self._visit, self._acting = visit, acting
        self._rows: dict[int, _RowView] = {}
        self._open: int | None = None
        self.is_fresh = True
        """Whether the next page of rows is looked at anew: nothing in it counts as news."""
        self._list = ui.element("ul").classes("ops-alerts").props('role="list" id="alerts"')
        self._list.props["aria-label"] = visit.say(words.LIST)
        self.nothing = ui.element("div").classes("ops-empty")
        with self.nothing:
            self._why = Text("p").classes("ops-empty-head")
            self._hint = Text("p").classes("ops-dim")
        self.nothing.set_visibility(False)

    def show(self, found: Listed, view: View) -> int:
        """Show these rows; returns how many of them are news."""
        visit = self._visit
        zone = found.counts.zone
        said = [told(row, found.facts.get(row.id), zone, visit.language) for row in found.rows]
        here = {one.id for one in said}
        for gone in [number for number in self._rows if number not in here]:
            self._rows.pop(gone).item.delete()
        news = 0
        for place, one in enumerate(said):
            row = self._rows.get(one.id)
            if row is None:
                with self._list:
                    row = self._rows[one.id] = _RowView(visit, one, acting=self._acting)
                if not self.is_fresh:
                    row.item.classes("ops-new")
                    news += 1
                if one.id == self._open:
                    row.item.classes("ops-open")
            else:
                row.show(one)
            self._put(row, place)
        self.is_fresh = False
        is_narrow = view.is_narrow
        self._why.text = visit.say(words.NONE_FIT if is_narrow else words.EMPTY)
        self._hint.text = visit.say(words.EMPTY_WHY)
        self.nothing.set_visibility(not said)
        return news

    def _put(self, row: _RowView, place: int) -> None:
        children: Sequence[ui.element] = self._list.default_slot.children
        if children[place] is not row.item:
            row.item.move(target_index=place)

    def mark_open(self, number: int | None) -> None:
        """Show which row the details belong to."""
        for which, add in ((self._open, False), (number, True)):
            row = None if which is None else self._rows.get(which)
            if row is not None:
                row.item.classes(**{"add" if add else "remove": "ops-open"})
                row.name.props('aria-current="true"' if add else "", remove="" if add else "aria-current")
        self._open = number

    def clear(self) -> None:
        """Begin anew, for another view."""
        for row in self._rows.values():
            row.item.delete()
        self._rows.clear()
        self.is_fresh = True


def counted(counts: Counts) -> tuple[int, int]:
    """How many alerts are open, and how many of them wait for somebody."""
    each = counts.severities.values()
    waiting = sum(one.waiting for one in each)
    return waiting + sum(one.held + one.acknowledged for one in each), waiting
