"""The platform's own processes and servers: what is wrong and what to do, who lives, what was measured."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from nicegui import ui

from ioc.alerts.readings import READINGS
from ioc.pages import words as shared
from ioc.pages.admin import words
from ioc.pages.admin.frame import DASH, ROLES, Frame
from ioc.pages.live import Moment
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.state import State
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import VI, Phrase
from ioc.reports.words import number
from ioc.watch import standing
from ioc.watch.reading import KeptReading
from ioc.watch.standing import Level, Standing, Trouble
from ioc.watch.state import Heartbeat

_EVERY_S: Final = 5.0
_LEVELS: Final = {Level.DOWN: "down", Level.DEGRADED: "degraded", Level.OK: "ok"}


@page("/admin/processes", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """Troubles, processes, readings."""
    _Processes(visit)


class _Processes:
    """The page in one browser."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.frame = Frame(visit, "/admin/processes")
        self.troubles = Part(visit.say(words.TROUBLES), "troubles")
        self.processes = Part(visit.say(words.PROCESSES), "processes")
        self.readings = Part(visit.say(words.READINGS), "readings")
        visit.follow("admin processes", lambda: visit.answer(standing.look()), self.show, every_s=_EVERY_S)

    def show(self, moment: Moment[Standing]) -> None:
        """What is known."""
        self.frame.old(moment)
        if (known := moment.value) is None:
            return
        watched = known.watched
        self.troubles.show(known.troubles, lambda: self._troubles(known.troubles))
        self.processes.show(watched.heartbeats, lambda: self._list(watched.heartbeats, watched.now))
        told = tuple((one.name, one.instance, one.known(watched.now)) for one in watched.readings)
        self.readings.show(told, lambda: self._readings(watched.readings, watched.now))

    def _troubles(self, found: tuple[Trouble, ...]) -> None:
        visit = self._visit
        if not found:
            Text("p", f"✓ {visit.say(words.NO_TROUBLES)}")
            return
        with ui.element("ul").classes("ops-items"):
            for one in found:
                with ui.element("li").props('lang="en"'):
                    with ui.element("span"):
                        State(visit, _LEVELS[one.level])
                        Text("span", f" {one.what}")
                    since = (
                        "" if one.since is None else f"{visit.say(words.SINCE).lower()} {visit.at(one.since)}"
                    )
                    Text("small", " · ".join(filter(None, (one.do, since)))).classes("ops-dim")

    def _list(self, found: tuple[Heartbeat, ...], now: datetime) -> None:
        visit = self._visit
        if not found:
            Text("p", visit.say(words.NO_PROCESSES)).classes("ops-dim")
            return
        heads = (words.STATE, words.PROCESS, words.MACHINE, words.BEAT, words.STARTED, words.VERSION)
        with table(visit, words.PROCESSES, heads, css="ops-stacked"):
            for one in found:
                with ui.element("tr"):
                    with ui.element("td"):
                        look, phrase = (
                            ("maintenance", words.STOPPED)
                            if one.stopped
                            else ("down", words.SILENT)
                            if one.is_silent(now)
                            else ("ok", words.LIVES)
                        )
                        State(visit, look).text = visit.say(phrase)
                    Text("th", one.name).props('scope="row"')
                    self._cell(words.MACHINE, one.host)
                    since = (now - one.at).total_seconds()
                    ago = visit.say(words.AGO, seconds=number(max(since, 0), visit.language))
                    self._cell(words.BEAT, visit.at(one.at) if one.stopped or one.is_silent(now) else ago)
                    self._cell(words.STARTED, self._started(one))
                    self._cell(words.VERSION, str(one.detail.get("version") or DASH))

    def _started(self, one: Heartbeat) -> str:
        try:
            at = datetime.fromisoformat(str(one.detail["started_at"]))
        except (KeyError, ValueError):
            return DASH
        return self._visit.at(at if at.tzinfo else at.replace(tzinfo=UTC))

    def _readings(self, found: tuple[KeptReading, ...], now: datetime) -> None:
        visit = self._visit
        if not found:
            Text("p", visit.say(words.NO_READINGS)).classes("ops-dim")
            return
        heads = (words.READING, words.INSTANCE, words.VALUE, words.HEARD)
        with table(visit, words.READINGS, heads, css="ops-stacked"):
            for one in found:
                with ui.element("tr"):
                    meaning = READINGS.get(one.name)
                    with ui.element("th").props('scope="row"'):
                        if meaning is not None:
                            Text("span", meaning.vi if visit.language is VI else meaning.en)
                        Text("small", one.name)
                    self._cell(words.INSTANCE, one.instance)
                    self._cell(words.VALUE, self._value(one, now))
                    self._cell(words.HEARD, visit.at(one.at))

    def _value(self, one: KeptReading, now: datetime) -> str:
        value = one.known(now)
        if value is None:
            return self._visit.say(words.UNKNOWN)
        if one.unit == "share":
            return f"{number(value * 100, self._visit.language, 1)} %"
        decimals = 0 if float(value).is_integer() else 2
        return f"{number(value, self._visit.language, decimals)} {one.unit}"

    def _cell(self, head: Phrase, text: str) -> None:
        Text("td", text).props["data-head"] = self._visit.say(head)
