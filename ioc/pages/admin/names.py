"""Agency names without a unit: how often each was met, and the line that would explain it."""

from __future__ import annotations

from typing import Final

from nicegui import ui

from ioc.district.agencies import OVERFLOW_KEY, Unmapped
from ioc.district.unmapped import row_for, unmapped
from ioc.pages import words as shared
from ioc.pages.admin import words
from ioc.pages.admin.frame import ROLES, Frame
from ioc.pages.admin.once import copyable
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number

_MOST_SHOWN: Final = 200


@page("/admin/names", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """The names, the most frequent first."""
    Frame(visit, "/admin/names")
    folder = visit.platform.pack
    file = "agencies.csv" if folder is None else str(folder / "agencies.csv")
    Text("p", visit.say(words.NAMES_WHY, file=file)).classes("ops-dim ops-why")
    found = await visit.answer(unmapped())
    with Part(visit.say(words.NAMES), "names").place:
        if found:
            _list(visit, found)
        else:
            Text("p", f"✓ {visit.say(words.NO_NAMES)}")


def _list(visit: Visit, found: list[Unmapped]) -> None:
    heads = (words.AGENCY, words.SEEN, words.FIRST, words.LAST, words.ROW)
    with table(visit, words.NAMES, heads, css="ops-stacked"):
        for one in found[:_MOST_SHOWN]:
            further = one.key == OVERFLOW_KEY
            with ui.element("tr"):
                Text("th", visit.say(words.FURTHER) if further else one.name).props('scope="row"')
                for head, text in (
                    (words.SEEN, number(one.seen, visit.language)),
                    (words.FIRST, visit.at(one.first_seen)),
                    (words.LAST, visit.at(one.last_seen)),
                ):
                    _cell(visit, head, text)
                with ui.element("td"):
                    if not further:
                        copyable(visit.say(words.ROW_OF, name=one.name), row_for(one.name))
    if len(found) > _MOST_SHOWN:
        Text("p", f"+ {number(len(found) - _MOST_SHOWN, visit.language)}").classes("ops-dim")


def _cell(visit: Visit, head: Phrase, text: str) -> None:
    Text("td", text).props["data-head"] = visit.say(head)
