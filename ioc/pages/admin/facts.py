"""How facts come in: connectors, what was halted, and the command that mends it."""

from __future__ import annotations

from typing import Final

from nicegui import ui

from ioc.pages import words as shared
from ioc.pages.admin import words
from ioc.pages.admin.frame import DASH, ROLES, Frame
from ioc.pages.admin.once import copyable
from ioc.pages.live import Moment
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.state import State
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number
from ioc.watch.flow import Connector, Flow, PartitionState, SourceHalt, flow

_EVERY_S: Final = 5.0


@page("/admin/sources", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """Connectors, halted sources and partitions."""
    _Sources(visit)


class _Sources:
    """The page in one browser."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.frame = Frame(visit, "/admin/sources")
        self.halts = Part(visit.say(words.HALTS), "halts")
        self.partitions = Part(visit.say(words.PARTITIONS), "partitions")
        self.connectors = Part(visit.say(words.CONNECTORS), "connectors")
        visit.follow("admin sources", lambda: visit.answer(flow(visit.reader)), self.show, every_s=_EVERY_S)

    def show(self, moment: Moment[Flow]) -> None:
        """What is known."""
        self.frame.old(moment)
        if (known := moment.value) is None:
            return
        halted = tuple(one for one in known.partitions if one.halted_reason is not None)
        self.halts.show(known.halts, lambda: self._halts(known.halts))
        self.partitions.show(
            (halted, len(known.partitions)), lambda: self._partitions(halted, len(known.partitions))
        )
        self.connectors.show(known.connectors, lambda: self._connectors(known.connectors))

    def _halts(self, found: tuple[SourceHalt, ...]) -> None:
        visit = self._visit
        if not found:
            Text("p", f"✓ {visit.say(words.NO_HALTS)}")
            return
        Text("p", visit.say(words.HALTS_WHY)).classes("ops-dim")
        with ui.element("ul").classes("ops-items"):
            for one in found:
                with ui.element("li"):
                    Text("b", f"{one.topic}: {one.source}")
                    known = words.REASONS.get(one.reason)
                    said = visit.say(
                        words.HALT,
                        bad=one.bad,
                        records=one.records,
                        reason=one.reason if known is None else visit.say(known),
                        held=one.held,
                        at=visit.at(one.halted_at),
                    )
                    Text("span", said)
                    copyable(visit.say(words.REPAIR, what=one.source), one.repair)

    def _partitions(self, halted: tuple[PartitionState, ...], count: int) -> None:
        visit = self._visit
        if not halted:
            said = visit.say(words.NO_PARTITIONS, count=count) if count else visit.say(words.NOTHING_READ)
            Text("p", f"✓ {said}" if count else said)
            return
        with ui.element("ul").classes("ops-items"):
            for one in halted:
                with ui.element("li"):
                    Text("b", f"{one.topic}/{one.partition}")
                    Text("span", one.halted_reason or "")
                    copyable(visit.say(words.REPAIR, what=f"{one.topic}/{one.partition}"), one.repair)

    def _connectors(self, found: tuple[Connector, ...]) -> None:
        visit = self._visit
        if not found:
            Text("p", visit.say(words.NO_CONNECTORS)).classes("ops-dim")
            return
        heads = (
            words.STATE,
            words.CONNECTOR,
            words.SINCE,
            words.HEARD,
            words.READS,
            words.SPOOLED,
            words.REASON,
        )
        with table(visit, words.CONNECTORS, heads, css="ops-stacked"):
            for one in found:
                with ui.element("tr"):
                    look, phrase = words.CONNECTOR_STATES.get(
                        one.state, ("unknown", Phrase(one.state, one.state))
                    )
                    with ui.element("td"):
                        state = State(visit, look)
                        state.text = visit.say(phrase)
                    with ui.element("th").props('scope="row"'):
                        Text("b", one.name)
                        Text("small", one.source)
                    self._cell(words.SINCE, visit.at(one.since))
                    self._cell(words.HEARD, visit.at(one.last_report))
                    self._cell(words.READS, f"{one.sources} ({one.failing})")
                    self._cell(
                        words.SPOOLED,
                        number(one.spooled_events, visit.language) if one.spooled_events else DASH,
                    )
                    with ui.element("td") as cell:
                        cell.props["data-head"] = visit.say(words.REASON)
                        Text("span", one.reason or DASH)
                        for name in one.failing_sources or ():
                            Text("small", name)

    def _cell(self, head: Phrase, text: str) -> None:
        Text("td", text).props["data-head"] = self._visit.say(head)
