"""Indicators of one device by day and month, as the indicators' own functions give them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nicegui import ui

from ioc.history.device_now import Device
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import Answer, Steps, ask
from ioc.kpi.question import Asked
from ioc.pages import words as shared
from ioc.pages.devices import words
from ioc.pages.live import Moment
from ioc.pages.parts.text import Text
from ioc.pages.trouble import stale
from ioc.pages.visit import Visit
from ioc.pages.words import VI, Phrase
from ioc.reports.words import figure

_EVERY_S: Final = 60.0
_DAYS: Final = 7
_OF_KIND: Final = {
    "camera": ("camera.availability", "camera.degraded", "camera.unknown", "camera.maintenance"),
    "wifi": ("wifi.availability", "wifi.unknown", "wifi.clients", "wifi.loss", "wifi.rtt_p50"),
}


@dataclass(frozen=True)
class _Row:
    """One indicator: its figures of the last days, and of this month and the one before, by their begin."""

    kpi: str
    days: tuple[tuple[datetime, float | None], ...]
    months: tuple[tuple[datetime, float | None], ...]


class Figures:
    """The part of the page."""

    def __init__(self, visit: Visit, device: Device) -> None:
        self._visit, self._device = visit, device
        with ui.element("section").classes("ops-part").props('aria-labelledby="figures-title"'):
            with ui.element("div").classes("ops-part-head"):
                Text("h3", visit.say(words.FIGURES)).props('id="figures-title"')
            self.place = ui.element("div").classes("ops-part-body")
        kpis = _OF_KIND.get(device.kind, ())
        with self.place:
            text = visit.say(shared.LOADING if kpis else words.NO_FIGURES)
            Text("p", text).classes("ops-dim").props('role="status"')
        if kpis:
            visit.follow(
                ("device figures", device.code),
                lambda: visit.answer(_ask(visit.reader, device, kpis)),
                self._show,
                every_s=_EVERY_S,
            )

    def _show(self, moment: Moment[tuple[_Row, ...]]) -> None:
        visit = self._visit
        self.place.clear()
        with self.place:
            if told := stale(visit, moment):
                Text("p", told).classes("ops-stale")
            if moment.value:
                self._table(moment.value)

    def _table(self, rows: tuple[_Row, ...]) -> None:
        visit, zone = self._visit, self._device.zone
        days = [at for at, _ in rows[0].days]
        box = ui.element("div").classes("ops-scroll").props('tabindex="0" role="group"')
        box.props["aria-labelledby"] = "figures-title"
        with box, ui.element("table").classes("ops-table"):
            with ui.element("thead"), ui.element("tr"):
                Text("th", visit.say(words.INDICATOR)).props('scope="col"')
                for phrase in (words.LAST_MONTH, words.THIS_MONTH)[-len(rows[0].months) :]:
                    Text("th", visit.say(phrase)).props('scope="col"').classes("ops-number")
                for place, at in enumerate(days):
                    is_today = place == len(days) - 1
                    written = f"{at.astimezone(zone):{'%d/%m' if visit.language is VI else '%m-%d'}}"
                    head = visit.say(words.TODAY) if is_today else written
                    Text("th", head).props('scope="col"').classes("ops-number")
            with ui.element("tbody"):
                for row in rows:
                    kpi = CATALOGUE[row.kpi]
                    with ui.element("tr"):
                        name = Text("th", visit.say(Phrase(kpi.name_vi, kpi.name_en))).props('scope="row"')
                        name.props["title"] = visit.say(Phrase(kpi.formula_vi, kpi.formula_en))
                        for _, value in (*row.months, *row.days):
                            Text("td", figure(kpi, value, visit.language)).classes("ops-number")


def _ask(reader: str, device: Device, kpis: tuple[str, ...]) -> Steps[tuple[_Row, ...]]:
    ((now,),) = yield "SELECT now()", ()
    today = now.astimezone(device.zone).date()
    first = today - timedelta(days=_DAYS - 1)
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    found = []
    for kpi in kpis:
        days = yield from ask(reader, kpi, _asked(device, "1d", first.isoformat()))
        months = yield from ask(reader, kpi, _asked(device, "1mo", month.isoformat()))
        found.append(_Row(kpi, _values(days), _values(months)))
    return tuple(found)


def _asked(device: Device, bucket: str, start: str) -> Asked:
    return Asked(unit=device.unit, bucket=bucket, start=start, where=(f"device={device.code}",))


def _values(found: Answer) -> tuple[tuple[datetime, float | None], ...]:
    return tuple((point.time, point.value) for point in found.points)
