"""``/ops/dossiers/story?code=…``: how one dossier stands, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from nicegui import ui

from ioc.api.dossiers import note
from ioc.history import cursor, dossiers
from ioc.kpi.names import ask_names
from ioc.pages import places
from ioc.pages import words as common
from ioc.pages.dossiers import words
from ioc.pages.dossiers.asked import PAGE
from ioc.pages.dossiers.page import apology, due, status, story, time_left
from ioc.pages.history.words import CHANNELS
from ioc.pages.parts.grid import Cell, Grid
from ioc.pages.parts.link import Link
from ioc.pages.parts.tag import Tag
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase

_PAGE_EVENTS: Final = 100
_LONGEST_CODE: Final = 50
#: What was learned later than this after it happened is said to be.
_AT_ONCE: Final = timedelta(minutes=5)
_COLUMNS: Final = tuple(column.name for column in dossiers.COLUMNS)


@page("/dossiers/story", common.DOSSIERS, named=True)
async def told(visit: Visit) -> None:
    """One dossier. That it was looked at is noted, as the API does."""
    places.explore()
    query = visit.request.query_params
    code = query.get("code", "").strip()[:_LONGEST_CODE]
    after = query.get("after", "")
    place = cursor.read(after, dossiers.EventPlace, code) if after else None
    found = await visit.answer(dossiers.events(visit.reader, code, after=place, limit=_PAGE_EVENTS))
    await note(
        visit.platform.database, visit.reader, "dossier", {"dossier": found.code}, rows=len(found.events)
    )
    row = await visit.answer(dossiers.standing(visit.reader, found.code))
    one = dict(zip(_COLUMNS, row, strict=True))
    ui.page_title(f"{found.code} · {visit.say(common.DOSSIERS)}")
    with Tag("div", css="ops-answer"):
        with Tag("nav"):
            Link(f"← {visit.say(words.BACK)}", PAGE)
        with Tag("section", css="ops-card"):
            Tag("h2", found.code)
            if found.merged_into:
                with Tag("p"):
                    Link(visit.say(words.MERGED, code=found.merged_into), story(found.merged_into))
            await _facts(visit, one)
        with Tag("section", css="ops-card", id="story"):
            Tag("h2", visit.say(words.STORY))
            if not found.events:
                Tag("p", visit.say(words.STORY_NONE), css="ops-dim")
            else:
                head = [
                    Cell(visit.say(phrase))
                    for phrase in (words.WHEN, words.WHAT, words.DETAILS, words.LEARNED, words.SOURCE)
                ]
                Grid(
                    visit.say(words.STORY),
                    head,
                    [_event(visit, event) for event in found.events],
                    hidden_caption=True,
                )
            if found.next is not None:
                query_next = urlencode([("code", code), ("after", cursor.write(found.next, code))])
                Link(visit.say(words.MORE_EVENTS), f"{PAGE}/story?{query_next}").classes("ops-button")


async def _facts(visit: Visit, one: Mapping[str, Any]) -> None:
    units = {unit["code"]: unit for unit in await places.units(visit)}
    procedures = await visit.answer(ask_names("procedure", [one["procedure"]]))
    unit = units.get(one["unit"])
    procedure = one["procedure"] or "–"
    name = procedures.get(procedure)
    channel = CHANNELS.get(one["channel"] or "")
    now = datetime.now(UTC)
    facts = [
        (words.PROCEDURE, Cell(f"{name} ({procedure})" if name else procedure)),
        (words.FIELD, Cell(one["field"] or "–")),
        (words.CHANNEL, Cell(visit.say(channel) if channel else one["channel"] or "–")),
        (words.RECEIVED, Cell(_at(visit, one["received_at"]))),
        (words.DUE_AT, due(visit, one)),
        (words.TIME_LEFT, time_left(visit, one, now)),
        (words.STATUS, status(visit, one)),
        (words.DONE_AT, Cell(_at(visit, one["completed_at"] or one["withdrawn_at"]))),
        (words.APOLOGY, apology(visit, one)),
    ]
    with Tag("dl", css="ops-facts"):
        with Tag("div"):
            Tag("dt", visit.say(words.UNIT))
            with Tag("dd"):
                Link(places.named(visit, unit) if unit else one["unit"], f"/ops/units/{one['unit']}")
        for label, cell in facts:
            with Tag("div"):
                Tag("dt", visit.say(label))
                with Tag("dd", cell.text, css=cell.css):
                    if cell.note:
                        Tag("small", cell.note)


def _at(visit: Visit, moment: datetime | None) -> str:
    return "–" if moment is None else visit.at(moment)


def _event(visit: Visit, event: dossiers.Event) -> list[Cell]:
    kind = words.EVENTS.get(event.type, Phrase(event.type, event.type))
    late = event.recorded_at - event.time > _AT_ONCE
    return [
        Cell(visit.at(event.time), css="when"),
        Cell(visit.say(kind)),
        Cell("; ".join(_parts(visit, event.data))),
        Cell(visit.at(event.recorded_at) if late else "–", css="when"),
        Cell(event.source),
    ]


def _parts(visit: Visit, data: Mapping[str, Any]) -> list[str]:
    return [
        f"{visit.say(label)}: {_said(visit, name, data[name])}"
        for name, label in words.PARTS.items()
        if data.get(name) is not None
    ]


def _said(visit: Visit, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return visit.say(words.TRUE if value else words.FALSE)
    if name == "status" and value in words.STATUSES:
        return visit.say(words.STATUSES[value])
    if name == "channel" and value in CHANNELS:
        return visit.say(CHANNELS[value])
    if name.endswith("_at") and isinstance(value, str):
        try:
            return visit.at(datetime.fromisoformat(value))
        except ValueError:
            return value
    return str(value)
