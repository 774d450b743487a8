"""A part of a page with a heading, and tables in it."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from ioc.pages.parts.text import Text
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase


class Part:
    """A part of a page that is drawn anew only when what it shows is another.

    :param name: unlike others of the page, for the heading's id.
    """

    def __init__(self, title: str, name: str) -> None:
        with ui.element("section").classes("ops-part").props(f'aria-labelledby="{name}-title"'):
            with ui.element("div").classes("ops-part-head"):
                Text("h3", title).props(f'id="{name}-title"')
                #: For links and buttons beside the heading.
                self.beside = ui.element("div").classes("ops-part-beside")
            self.place = ui.element("div").classes("ops-part-body")
        self._shown: object = self

    def show(self, what: object, fill: Callable[[], None]) -> None:
        """Draw with ``fill``, unless the same is shown already."""
        if what == self._shown:
            return
        self._shown = what
        self.place.clear()
        with self.place:
            fill()


def table(visit: Visit, name: Phrase, heads: tuple[Phrase, ...], *, css: str = "") -> ui.element:
    """A table that can be scrolled sideways, by keyboard too; returns its body for the rows."""
    box = ui.element("div").classes("ops-scroll").props('tabindex="0" role="group"')
    box.props["aria-label"] = visit.say(name)
    with box, ui.element("table").classes(f"ops-table {css}".strip()):
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                Text("th", visit.say(head)).props('scope="col"')
        return ui.element("tbody")
