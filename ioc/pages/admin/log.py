"""The access log: who looked at single dossiers, took files away, opened unreadable records."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from nicegui import ui

from ioc.access import readers
from ioc.history.access_log import Entry, listed
from ioc.kpi.question import read_moment
from ioc.pages import words as shared
from ioc.pages.admin import words
from ioc.pages.admin.frame import DASH, ROLES, Frame
from ioc.pages.parts.dialog import choices
from ioc.pages.parts.link import Link
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number

_PAGE: Final = 100
_WHATS: Final = (
    "dossier",
    "dossiers",
    "export.dossiers",
    "export.series",
    "export.samples",
    "export.states",
    "unreadable",
)


@page("/admin/log", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """The filter, and a page of entries, newest first."""
    Frame(visit, "/admin/log")
    given = {name: value.replace("\x00", "")[:100] for name, value in visit.request.query_params.items()}
    reader, what, since = (given.get(name) or None for name in ("reader", "what", "from"))
    before = given.get("before", "")
    people = [one.name for one in await visit.answer(readers.listed())]
    Text("p", visit.say(words.LOG_WHY)).classes("ops-dim ops-why")
    _filter(visit, people, reader, what, since)
    found = await visit.answer(
        listed(
            reader=reader,
            what=what,
            since=None if since is None else read_moment(since, visit.zone, what="from"),
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
            limit=_PAGE + 1,
        )
    )
    with Part(visit.say(words.LOG), "log").place:
        if not found:
            Text("p", visit.say(words.NO_ENTRIES)).classes("ops-dim")
            return
        _list(visit, found[:_PAGE])
    asked = {name: value for name, value in (("reader", reader), ("what", what), ("from", since)) if value}
    with ui.element("nav").classes("ops-pages").props(f'aria-label="{visit.say(words.LOG)}"'):
        if before:
            Link(visit.say(words.NEWEST), f"/ops/admin/log?{urlencode(asked)}").classes("ops-act")
        if len(found) > _PAGE:
            older = urlencode({**asked, "before": found[_PAGE - 1].number})
            Link(visit.say(words.MORE), f"/ops/admin/log?{older}").classes("ops-act")


def _filter(visit: Visit, people: list[str], reader: str | None, what: str | None, since: str | None) -> None:
    bar = (
        ui.element("form").classes("ops-filters").props('role="search" method="get" action="/ops/admin/log"')
    )
    bar.props["aria-label"] = visit.say(words.FILTER_LOG)
    every = {"": visit.say(words.EVERYBODY)}
    with bar:
        for name, label, options, chosen in (
            ("reader", words.READER, {one: one for one in people}, reader),
            ("what", words.ASKED, {one: one for one in _WHATS}, what),
        ):
            with ui.element("label").classes("ops-filter"):
                Text("span", visit.say(label))
                choices(ui.element("select").props(f'name="{name}"'), every | options, chosen)
        with ui.element("label").classes("ops-filter"):
            Text("span", visit.say(words.FROM_DAY))
            start = ui.element("input").props('type="date" name="from"')
            start.props["defaultValue"] = since or ""
        Text("button", visit.say(words.FILTER)).props('type="submit"').classes("ops-act ops-act-first")


def _list(visit: Visit, found: list[Entry]) -> None:
    heads = (words.AT, words.READER, words.ASKED, words.FILTERS, words.ROWS, words.OUTCOME)
    with table(visit, words.LOG, heads, css="ops-stacked"):
        for one in found:
            with ui.element("tr"):
                Text("td", f"{one.at.astimezone(visit.zone):%H:%M:%S} {visit.at(one.at).split(' ', 1)[1]}")
                outcome = words.OUTCOMES.get(one.outcome or "")
                for head, text in (
                    (words.READER, one.reader),
                    (words.ASKED, one.what),
                    (
                        words.FILTERS,
                        ", ".join(f"{name}: {_plain(value)}" for name, value in one.filters.items()) or DASH,
                    ),
                    (words.ROWS, DASH if one.rows is None else number(one.rows, visit.language)),
                    (words.OUTCOME, visit.say(outcome or words.UNDER_WAY)),
                ):
                    _cell(visit, head, text)


def _cell(visit: Visit, head: Phrase, text: str) -> None:
    Text("td", text).props["data-head"] = visit.say(head)


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
