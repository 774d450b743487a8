"""Units as pages name and order them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from nicegui import ui

from ioc.kpi.units import UNITS, units_document
from ioc.pages.folding import folded
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import Language, day

#: As the API lists it.
Unit = Mapping[str, Any]


def explore() -> None:
    """Load what pages with forms and tables need."""
    ui.add_head_html('<link rel="stylesheet" href="/ops/static/explore.css">')
    ui.add_head_html('<script src="/ops/static/explore.js" defer></script>')


async def units(visit: Visit, on: date | None = None) -> list[Unit]:
    """Units that the reader may ask about, of all days or of one.

    :raises IocError: the database does not answer.
    """
    rows = await visit.platform.database.rows(UNITS, {"reader": visit.reader, "day": on})
    found: list[Unit] = units_document(on, rows)["units"]
    return found


def named(visit: Visit, unit: Unit) -> str:
    """A unit's name; one that no longer holds says until when it did."""
    name = str(unit["name"]["vi" if visit.language is Language.VI else "en"])
    if unit["valid_to"] is None:
        return name
    until = visit.say(Phrase("đến", "until"))
    return f"{name} ({until} {day(_last_day(unit['valid_to']), visit.language)})"


def _last_day(valid_to: str) -> date:
    return date.fromisoformat(valid_to) - timedelta(days=1)


def tree(units: Sequence[Unit]) -> Iterator[tuple[int, Unit]]:
    """Units with their depth, each below its parent; those of today first."""
    codes = {unit["code"] for unit in units}
    below: dict[str | None, list[Unit]] = {}
    for unit in units:
        below.setdefault(unit["parent"] if unit["parent"] in codes else None, []).append(unit)
    seen: set[str] = set()

    def walk(parent: str | None, depth: int) -> Iterator[tuple[int, Unit]]:
        ordered = sorted(
            below.get(parent, ()), key=lambda unit: (unit["valid_to"] is not None, folded(unit["name"]["vi"]))
        )
        for unit in ordered:
            if unit["code"] not in seen:
                seen.add(unit["code"])
                yield depth, unit
                yield from walk(unit["code"], depth + 1)

    yield from walk(None, 0)
    # whoever is below each other has no top
    for unit in units:
        if unit["code"] not in seen:
            yield 0, unit
