"""Tiles: a figure with its window, target, verdict and trend."""

from __future__ import annotations

from collections.abc import Sequence

from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.definition import Direction, Kpi
from ioc.kpi.query import Point
from ioc.kpi.targets import Status, Target, judge
from ioc.pages.parts.markup import Markup, join, tag
from ioc.pages.wall import words
from ioc.pages.wall.board import Board
from ioc.pages.wall.choice import Tile
from ioc.pages.wall.sparkline import sparkline
from ioc.pages.words import Phrase
from ioc.reports.words import Language, figure


def value_of(tile: Tile, board: Board, language: Language, *, far: bool) -> Markup:
    """The figure and what it is held against."""
    kpi = CATALOGUE[tile.kpi]
    found = board.figures[tile.kpi]
    target = board.target(tile.kpi)
    name = name_of(tile, far=far).said(language)
    known = found.value is not None
    window = words.WINDOWS[kpi.current_window].said(language)
    return join(
        tag("span", name, cls="tile-name"),
        tag(
            "span",
            *_amount(kpi, found.value, language),
            cls="tile-value" if known else "tile-value tile-none",
        ),
        tag(
            "span",
            window,
            cls="tile-small",
        ),
        _verdict(kpi, target, found.value, language),
        _held_against(kpi, target, language),
    )


def name_of(tile: Tile, *, far: bool) -> Phrase:
    """What it is called: on the large screen in fewer words."""
    kpi = CATALOGUE[tile.kpi]
    return tile.far if far and tile.far is not None else Phrase(kpi.name_vi, kpi.name_en)


def trend_of(tile: Tile, points: Sequence[Point], language: Language) -> Markup:
    """Its small line."""
    kpi = CATALOGUE[tile.kpi]
    values = [point.value for point in points]
    known = [value for value in values if value is not None]
    span = tile.trend.said.said(language)
    if known:
        low, high, last = (figure(kpi, value, language) for value in (min(known), max(known), known[-1]))
        said = words.TREND.said(language).format(span=span, low=low, high=high, last=last)
    else:
        said = words.NO_TREND.said(language).format(span=span)
    return join(
        sparkline(values, said),
        tag("span", span, attributes={"aria-hidden": "true"}, cls="tile-span"),
    )


def _amount(kpi: Kpi, value: float | None, language: Language) -> tuple[Markup, ...]:
    """The number, and its unit of measure smaller beside it."""
    number, _, unit = figure(kpi, value, language).partition(" ")
    return (tag("b", number), *((tag("span", f" {unit}", cls="tile-unit"),) if unit else ()))


def _verdict(kpi: Kpi, target: Target | None, value: float | None, language: Language) -> Markup | None:
    if value is None:
        status = Status.UNKNOWN
    elif target is None or kpi.direction is Direction.NONE:
        return None
    else:
        status = judge(kpi, target, value)
    sign, word = words.VERDICTS[status]
    return tag(
        "span",
        tag("span", f"{sign} ", attributes={"aria-hidden": "true"}),
        word.said(language),
        cls=f"verdict verdict-{status.value}",
    )


def _held_against(kpi: Kpi, target: Target | None, language: Language) -> Markup | None:
    if target is None or kpi.direction is Direction.NONE:
        return None
    up = kpi.direction is Direction.UP
    sign = (">" if up else "<") if target.strict else ("≥" if up else "≤")
    said = words.TARGET.said(language).format(sign=sign, value=figure(kpi, target.value, language))
    return tag("span", said, cls="tile-target")
