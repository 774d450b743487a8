"""The wall: the district's figures now, for the room."""

from __future__ import annotations

from nicegui import ui

from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import Current, current
from ioc.pages import words
from ioc.pages.live import Moment
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.reports.words import figure

_EVERY_S = 1.0


@page("/wall", words.WALL)
async def wall(visit: Visit) -> None:
    """Figures of the district, each in a tile."""
    tiles = ui.element("div").classes("ops-tiles")

    def show(moment: Moment[tuple[Current, ...]]) -> None:
        tiles.clear()
        with tiles:
            for found in moment.value or ():
                kpi = CATALOGUE[found.kpi]
                with ui.element("section").classes("ops-tile"):
                    ui.label(visit.say(words.Phrase(kpi.name_vi, kpi.name_en))).classes("ops-dim")
                    ui.label(figure(kpi, found.value, visit.language)).classes("ops-figure")

    visit.follow("wall", lambda: visit.answer(current(visit.reader)), show, every_s=_EVERY_S)
