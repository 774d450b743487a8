"""Where the figures of an answer come from: definitions, completeness, late facts, how areas are made up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ioc.kpi.query import Answer
from ioc.pages.history import words
from ioc.pages.history.answer import Found
from ioc.pages.parts.grid import Cell, Grid
from ioc.pages.parts.tag import Tag
from ioc.pages.visit import Visit
from ioc.pages.words import Phrase
from ioc.reports.words import number


def draw(visit: Visit, found: Found, unit_name: Callable[[str | None], str]) -> None:
    """Draw the section."""
    say = visit.say
    with Tag("section", css="ops-card"):
        Tag("h2", say(words.PROVENANCE))
        head = [
            Cell(say(words.SERIES)),
            Cell(say(words.COMPLETE)),
            Cell(say(words.COVERAGE), css="num"),
            Cell(say(words.LATE), css="num"),
            Cell(say(words.NEWEST)),
            Cell(say(words.CLOSED)),
            Cell(say(words.AS_OF_SHORT)),
        ]
        Grid(
            say(words.PROVENANCE),
            head,
            [_row(visit, answer, unit_name) for answer in found.answers],
            hidden_caption=True,
        )
        for answer in found.answers:
            if answer.areas is not None:
                _areas(visit, answer.areas, unit_name, unit_name(answer.question.unit))
        Tag("h3", say(words.DEFINITIONS))
        with Tag("dl", css="ops-terms"):
            for kpi in dict.fromkeys(answer.question.kpi for answer in found.answers):
                with Tag("dt", say(Phrase(kpi.name_vi, kpi.name_en))):
                    version = say(words.VERSION, version=kpi.version)
                    Tag("small", f" {kpi.id}, {version}", css="ops-dim")
                better = words.BETTER.get(kpi.direction.value)
                formula = say(Phrase(kpi.formula_vi, kpi.formula_en))
                Tag("dd", f"{formula} ({say(better)})" if better else formula)


def _row(visit: Visit, answer: Answer, unit_name: Callable[[str | None], str]) -> list[Cell]:
    behind = answer.provenance
    kpi = answer.question.kpi
    complete = bool(behind["complete"])
    late, share = behind["late_facts"], behind["late_share"]
    return [
        Cell(visit.say(Phrase(kpi.name_vi, kpi.name_en)), unit_name(answer.unit)),
        Cell(f"{'✓' if complete else '…'} {visit.say(words.YES if complete else words.NO)}"),
        Cell(_share(visit, behind["coverage"]), css="num"),
        Cell(
            "–" if late is None else number(float(late), visit.language),
            "" if share is None else _share(visit, share),
            css="num",
        ),
        Cell(_at(visit, behind["newest_fact"])),
        Cell(_at(visit, behind["closed_until"])),
        Cell(
            visit.say(words.NOW) if answer.question.as_of is None else visit.at(answer.question.as_of),
        ),
    ]


def _areas(visit: Visit, areas: dict[str, Any], unit_name: Callable[[str | None], str], whole: str) -> None:
    parts = [f"{unit_name(part['unit'])} {_share(visit, float(part['share']))}" for part in areas["shares"]]
    if parts:
        Tag("p", f"{visit.say(words.COMPOSED)} ({whole}): {'; '.join(dict.fromkeys(parts))}.")
    left = [f"{unit_name(part['unit'])} → {unit_name(part['into'])}" for part in areas["left_out"]]
    if left:
        Tag("p", f"{visit.say(words.LEFT_OUT)}: {'; '.join(left)}.")


def _share(visit: Visit, value: float | None) -> str:
    return "–" if value is None else f"{number(value * 100, visit.language, 1)} %"


def _at(visit: Visit, text: str | None) -> str:
    return "–" if text is None else visit.at(datetime.fromisoformat(text))
