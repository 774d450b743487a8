"""The district pack: what the database holds of it, what lies in its folder, and how that is brought in."""

from __future__ import annotations

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from ioc.district.applied import Applied, InFolder, applied, in_folder
from ioc.district.problems import Problem
from ioc.pages import words as shared
from ioc.pages.admin import words
from ioc.pages.admin.frame import DASH, ROLES, Frame
from ioc.pages.admin.once import copyable
from ioc.pages.parts.part import Part, table
from ioc.pages.parts.text import Text
from ioc.pages.shell import page
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number

_MOST_SHOWN = 200


@page("/admin/pack", shared.ADMIN, roles=ROLES)
async def show(visit: Visit) -> None:
    """What is in use, and what lies in the folder."""
    Frame(visit, "/admin/pack")
    held = await visit.answer(applied())
    folder = visit.platform.pack
    # it reads files and checks them, for a second or so
    found = None if folder is None else await run_in_threadpool(in_folder, folder)
    with ui.element("div").classes("ops-two-parts"):
        with Part(visit.say(words.IN_DATABASE), "held").place:
            _held(visit, held)
        with Part(visit.say(words.IN_FOLDER), "folder").place:
            _folder(visit, held, found)
    if found is None:
        return
    if found.certainty:
        with Part(visit.say(words.CERTAINTY), "certainty").place:
            _certainty(visit, found)
    with Part(visit.say(words.PROBLEMS), "problems").place:
        _problems(visit, words.PROBLEMS, found.errors)
    if found.notes:
        with Part(visit.say(words.NOTES), "notes").place:
            _problems(visit, words.NOTES, found.notes)


def _facts(visit: Visit, rows: list[tuple[Phrase, str]]) -> None:
    with ui.element("dl").classes("ops-facts"):
        for name, text in rows:
            Text("dt", visit.say(name))
            Text("dd", text)


def _held(visit: Visit, held: Applied | None) -> None:
    if held is None:
        Text("p", visit.say(words.NOT_APPLIED))
        return
    counts = (
        (words.UNITS, held.units),
        (words.POINTS, held.points),
        (words.DEVICES, held.devices),
        (words.AGENCIES, held.agencies),
        (words.TARGETS, held.targets),
        (words.PROCEDURES, held.procedures),
    )
    _facts(
        visit,
        [
            (words.PACK, f"{visit.say(Phrase(held.name_vi, held.name_en))} ({held.code})"),
            (words.VERSION, held.version),
            (words.DIGEST, held.digest or DASH),
            (words.APPLIED_AT, visit.at(held.at)),
            (words.ROOT, held.root),
            (words.ZONE, held.time_zone),
            *((name, number(count, visit.language)) for name, count in counts),
        ],
    )


def _folder(visit: Visit, held: Applied | None, found: InFolder | None) -> None:
    if found is None:
        Text("p", visit.say(words.NO_FOLDER))
        return
    _facts(
        visit,
        [
            (words.FOLDER, found.folder),
            (words.VERSION, found.version or DASH),
            (words.DIGEST, found.digest or DASH),
        ],
    )
    same = found.is_in(held)
    if same:
        Text("p", f"✓ {visit.say(words.SAME)}")
    Text("p", visit.say(words.APPLY_AGAIN if same else words.OTHER)).classes("ops-dim")
    for command in ("check", "apply"):
        copyable(f"ioc district {command}", f"ioc district {command} {found.folder}")
    Text("p", visit.say(words.ALSO_CHECK)).classes("ops-dim")


def _certainty(visit: Visit, found: InFolder) -> None:
    marks = tuple(words.MARKS.values())
    with table(visit, words.CERTAINTY, (words.FILE, *marks)):
        for name, counts in found.certainty:
            with ui.element("tr"):
                Text("th", name).props('scope="row"')
                for mark in words.MARKS:
                    Text("td", number(counts.get(mark, 0), visit.language))


def _problems(visit: Visit, name: Phrase, found: tuple[Problem, ...]) -> None:
    if not found:
        Text("p", f"✓ {visit.say(words.NO_PROBLEMS)}")
        return
    with table(visit, name, (words.FILE, words.LINE, words.WHAT)):
        for one in found[:_MOST_SHOWN]:
            with ui.element("tr"):
                Text("th", one.file).props('scope="row"')
                Text("td", str(one.line) if one.line else DASH)
                with ui.element("td"):
                    Text("span", one.message)
                    if one.remedy:
                        Text("small", one.remedy)
    if len(found) > _MOST_SHOWN:
        Text("p", f"+ {number(len(found) - _MOST_SHOWN, visit.language)}").classes("ops-dim")
