"""One alert with all that is known of it, beside the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from nicegui import ui

from ioc.alerts import detail
from ioc.alerts.asking import Row
from ioc.alerts.detail import Alert, Event, Message, StepState
from ioc.alerts.errors import UnknownAlertError
from ioc.alerts.model import Severity
from ioc.delivery import texts
from ioc.delivery.facts import Facts, facts_of
from ioc.kpi.query import Steps
from ioc.pages.alerts import words
from ioc.pages.alerts.told import clock, standing
from ioc.pages.parts.link import Link
from ioc.pages.parts.text import Text
from ioc.pages.visit import Visit
from ioc.pages.words import VI, Phrase
from ioc.reports.words import number

_MOST_MEMBERS = 20
_MOST_EXPLAINED = 10
_MOST_TOLD = 30


@dataclass(frozen=True)
class Opened:
    """One alert, what people read of it, and the alerts on either side of it.

    :param explained: open alerts that it explains; one more than are shown where there are more.
    """

    alert: Alert
    facts: Facts
    explained: list[Row]


def opened(reader: str, number_: int) -> Steps[Opened | None]:
    """Steps to one alert; None where there is none that this reader may know of."""
    try:
        found = yield from detail.one(reader, number_)
    except UnknownAlertError:
        return None
    (facts,) = yield from facts_of([number_])
    others = yield from detail.explained(reader, number_, limit=_MOST_EXPLAINED + 1)
    return Opened(found, facts, others)


class Panel:
    """The details of one browser; its parts are drawn anew only where they changed."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._drawn: dict[str, Any] = {}
        self._parts: dict[str, ui.element] = {}
        for name in ("head", "do", "facts", "links", "around", "members", "told", "ahead", "story"):
            self._parts[name] = ui.element("div").classes(f"ops-part-{name}")

    def clear(self) -> None:
        """Nothing is open."""
        self._drawn.clear()
        for part in self._parts.values():
            part.clear()

    def show(self, found: Opened) -> None:
        """Show an alert as it is now."""
        row, facts, alert = found.alert.row, found.facts, found.alert
        self._draw("head", (row.severity, row.name_vi, row.id), lambda: self._head(row))
        self._draw("do", (facts.runbook_vi, facts.runbook_en, row.cleared_at), lambda: self._do(facts))
        self._draw("facts", (row, facts), lambda: self._facts(found))
        self._draw("links", facts, lambda: self._links(facts))
        self._draw("around", (row.inhibited_by, found.explained), lambda: self._around(found))
        self._draw("members", alert.members, lambda: self._members(alert))
        self._draw("told", alert.messages, lambda: self._told(alert))
        self._draw("ahead", alert.steps, lambda: self._ahead(alert))
        self._draw("story", alert.events, lambda: self._story(alert))

    def _draw(self, name: str, seen: object, draw: Callable[[], None]) -> None:
        if name in self._drawn and self._drawn[name] == seen:
            return
        self._drawn[name] = seen
        part = self._parts[name]
        part.clear()
        with part:
            draw()

    # -- parts -----------------------------------------------------------------------------------------

    def _head(self, row: Row) -> None:
        sign, word = words.SEVERITIES[Severity(row.severity)]
        visit = self._visit
        with ui.element("div").classes(f"ops-level-{Severity(row.severity).word} ops-open-head"):
            Text("span", f"{sign} {visit.say(word)}").classes("ops-alert-mark")
            Text("span", visit.say(words.NUMBER, id=row.id)).classes("ops-dim")
        Text("h2", visit.say(Phrase(row.name_vi, row.name_en))).props('id="details-name" tabindex="-1"')

    def _do(self, facts: Facts) -> None:
        runbook = facts.runbook_vi if self._visit.language is VI else facts.runbook_en or facts.runbook_vi
        with ui.element("div").classes("ops-runbook"):
            Text("h3", self._visit.say(words.DO))
            Text("p", runbook or self._visit.say(words.NO_RUNBOOK)).classes("" if runbook else "ops-dim")

    def _facts(self, found: Opened) -> None:
        visit, row, facts, zone = self._visit, found.alert.row, found.facts, found.alert.zone
        state, tone = standing(row, zone, visit.language)
        lines = [
            (words.NOW, state),
            (words.PLACE, texts.place(facts, visit.language)),
            (words.SUBJECT, texts.subject_of(facts, visit.language)),
            (words.SINCE, visit.at(row.since)),
            (words.OPENED, visit.at(row.opened_at)),
            (words.VALUE, texts.value_of(facts, visit.language)),
            (words.TO_WHOM, row.assigned_to),
            (words.AGAIN_AT, row.ack_expires_at and visit.at(row.ack_expires_at)),
        ]
        with ui.element("dl").classes("ops-facts"):
            for label, text in lines:
                if text:
                    Text("dt", visit.say(label))
                    Text("dd", text).classes(f"ops-tone-{tone}" if label is words.NOW else "")

    def _links(self, facts: Facts) -> None:
        found = links(facts)
        if not found:
            return
        with ui.element("nav").classes("ops-see").props(f'aria-label="{self._visit.say(words.LINKS)}"'):
            for phrase, where in found:
                Link(self._visit.say(phrase), where)

    def _around(self, found: Opened) -> None:
        visit = self._visit
        if found.alert.row.inhibited_by is not None:
            with self._part(words.EXPLAINED):
                by = found.alert.row.inhibited_by
                Link(visit.say(words.NUMBER, id=by), f"/ops/alerts?alert={by}")
        if found.explained:
            with self._part(words.EXPLAINS), ui.element("ul").classes("ops-plain"):
                for row in found.explained[:_MOST_EXPLAINED]:
                    with ui.element("li"):
                        name = visit.say(Phrase(row.name_vi, row.name_en))
                        Link(f"{row.id}: {name}", f"/ops/alerts?alert={row.id}")
                        Text("span", f" {row.subject}").classes("ops-dim")
                self._more(len(found.explained) - _MOST_EXPLAINED, unknown=True)

    def _members(self, alert: Alert) -> None:
        if len(alert.members) < 2:
            return
        with self._part(words.MEMBERS), ui.element("ul").classes("ops-plain"):
            for member in alert.members[:_MOST_MEMBERS]:
                with ui.element("li"):
                    Text("span", member.subject)
                    phase = self._visit.say(words.PHASES[member.phase])
                    at = clock(member.since, alert.zone, self._visit.language)
                    Text("span", f" {phase} · {at}").classes("ops-dim")
            self._more(len(alert.members) - _MOST_MEMBERS)

    def _told(self, alert: Alert) -> None:
        visit = self._visit
        with self._part(words.TOLD):
            if not alert.messages:
                Text("p", visit.say(words.TOLD_NONE)).classes("ops-dim")
                return
            with ui.element("ul").classes("ops-plain"):
                for message in alert.messages[:_MOST_TOLD]:
                    with ui.element("li"):
                        Text("strong", message.person or message.channel)
                        Text("span", f" {_sent(visit, alert, message)}")
                        if message.error:
                            Text("span", f" {message.error}").classes("ops-tone-waiting")
                self._more(len(alert.messages) - _MOST_TOLD)

    def _ahead(self, alert: Alert) -> None:
        waiting = [step for step in reversed(alert.steps) if step.state == "waiting"]
        if not waiting:
            return
        with self._part(words.AHEAD), ui.element("ul").classes("ops-plain"):
            for step in waiting:
                at = clock(step.due_at, alert.zone, self._visit.language)
                Text("li", f"{at} · {_step(self._visit, step)}")

    def _story(self, alert: Alert) -> None:
        visit = self._visit
        with self._part(words.STORY), ui.element("ol").classes("ops-story"):
            for event in reversed(alert.events):
                with ui.element("li"):
                    at = Text("time", clock(event.at, alert.zone, visit.language))
                    at.props["datetime"] = event.at.isoformat()
                    with ui.element("div"):
                        Text("span", happened(visit, event))
                        actor = visit.say(words.PLATFORM) if event.actor == "system" else event.actor
                        via = event.detail.get("via")
                        by = f" · {actor} ({via})" if isinstance(via, str) else f" · {actor}"
                        Text("span", by).classes("ops-dim")
                        said = event.detail.get("comment") or event.detail.get("reason")
                        if isinstance(said, str):
                            Text("p", said).classes("ops-said")

    @contextmanager
    def _part(self, title: Phrase) -> Iterator[None]:
        with ui.element("section"):
            Text("h3", self._visit.say(title))
            yield

    def _more(self, rest: int, *, unknown: bool = False) -> None:
        if rest > 0:
            count = "" if unknown else number(rest, self._visit.language)
            Text("li", self._visit.say(words.MORE, count=count)).classes("ops-dim")


def links(facts: Facts) -> list[tuple[Phrase, str]]:
    """Pages that say more about what an alert is of."""
    kind, _, code = facts.subject.partition(":")
    found: list[tuple[Phrase, str]] = []
    if kind == "device":
        found.append((words.OF_DEVICE, f"/ops/devices/{quote(code, safe='')}"))
    if kind == "dossier":
        found.append((words.OF_DOSSIER, f"/ops/dossiers/story?code={quote(code, safe='')}"))
    if kind == "kpi":
        indicator, _, unit = code.partition("@")
        found.append((words.OF_HISTORY, f"/ops/history?{urlencode({'ids': indicator, 'units': unit})}"))
    if facts.unit is not None:
        found.append((words.OF_UNIT, f"/ops/units/{quote(facts.unit, safe='')}"))
    if facts.point is not None:
        found.append((words.OF_POINT, f"/ops/devices?point={quote(facts.point, safe='')}"))
        found.append((words.ON_WALL, "/ops/wall#wall-plan"))
    return found


def happened(visit: Visit, event: Event) -> str:
    """An event in words; one of a kind that has none here keeps its own name."""
    phrase = words.EVENTS.get(event.kind)
    if phrase is None:
        return event.kind
    names = {name: _plain(visit, event.detail.get(name)) for name in ("to", "until", "by")}
    people = event.detail.get("people")
    if isinstance(people, dict):
        names["people"] = ", ".join(f"{who} ({', '.join(map(str, ways))})" for who, ways in people.items())
    names.setdefault("people", "")
    if not names["people"]:
        channels = event.detail.get("channels")
        names["people"] = ", ".join(map(str, channels)) if isinstance(channels, list) else ""
    return visit.say(phrase, **names).rstrip()


def _plain(visit: Visit, value: object) -> str:
    if value is None:
        return visit.say(words.TO_NOBODY)
    text = str(value)
    try:
        return visit.at(datetime.fromisoformat(text)) if "T" in text else text
    except ValueError:
        return text


def _sent(visit: Visit, alert: Alert, message: Message) -> str:
    state = words.MESSAGES.get(message.state)
    said = message.state if state is None else visit.say(state)
    at = clock(message.ended_at or message.created_at, alert.zone, visit.language)
    channel = f"{message.channel} · " if message.person else ""
    return f"{channel}{said} {at}"


def _step(visit: Visit, step: StepState) -> str:
    if step.kind == "escalate":
        return visit.say(words.STEP, step=step.step + 1)
    return visit.say(words.REMIND if step.kind == "remind" else words.OVER)
