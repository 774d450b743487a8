"""Charts of an answer: one for each unit of measure, series told apart by colour, sign and dash."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from ioc.kpi.catalogue import Bucket
from ioc.kpi.definition import Kpi
from ioc.kpi.query import Point
from ioc.pages.history import words
from ioc.pages.history.answer import Shown
from ioc.pages.visit import Visit
from ioc.reports.words import Language, day

_SIGNS: Final = ("circle", "rect", "triangle", "diamond", "roundRect", "arrow")
_DASHES: Final[tuple[Any, ...]] = ("solid", [8, 4], [2, 3], [10, 3, 2, 3])
#: Colours of the style sheet, each with a contrast on both grounds.
_COLOURS: Final = 8
#: More points than this, and only some of them carry their sign.
_MOST_SIGNS: Final = 150
_SOME_SIGNS: Final = 12
#: To look at a part of a long series.
_SLIDER: Final = {
    "type": "slider",
    "height": 24,
    "bottom": 6,
    "showDataShadow": False,
    "brushSelect": False,
    "showDetail": False,
    "borderColor": "var(--dim)",
    "fillerColor": "rgba(128, 160, 200, 0.35)",
    "handleStyle": {"color": "var(--accent)", "borderColor": "var(--accent)"},
    "moveHandleStyle": {"color": "var(--dim)"},
}
_COUNTED: Final = {"dossiers", "tickets", "cameras", "access points", "records"}


def scaled(kpi: Kpi, value: float | None) -> float | None:
    """A figure as its axis has it: shares in percent, times in minutes."""
    if value is None:
        return None
    if kpi.unit_of_measure == "share":
        return round(value * 100, 4)
    return round(value / 60, 4) if kpi.unit_of_measure == "s" else value


def label(moment: datetime, bucket: str, visit: Visit) -> str:
    """The begin of a bucket, as short as it can be told."""
    local = moment.astimezone(visit.zone)
    if bucket == Bucket.MONTH:
        return f"{local:%m/%Y}" if visit.language is Language.VI else f"{local:%Y-%m}"
    whole = local.hour == local.minute == local.second == 0
    if bucket == Bucket.DAY and whole:
        return day(local.date(), visit.language)
    return f"{local:%H:%M} {day(local.date(), visit.language)}"


def options(
    visit: Visit, shown: Sequence[Shown], names: Sequence[str], unfinished: int | None
) -> dict[str, Any]:
    """Options of one chart: series of one unit of measure.

    :param names: of the series, in their order.
    :param unfinished: place of the bucket that is not over.
    """
    first = shown[0]
    kpi, bucket = first.answer.question.kpi, first.answer.question.bucket
    labels = [label(moment, bucket, visit) for moment in first.times]
    measure = _measure(visit, kpi)
    long = len(labels) > _MOST_SIGNS
    drawn: list[dict[str, Any]] = []
    for place, (one, name) in enumerate(zip(shown, names, strict=True)):
        look = _look(place)
        drawn.append({**look, "name": name, "data": drawn_data(one, one.line.points, unfinished)})
        drawn[-1]["showAllSymbol"] = not long or bool(
            _lonely([point and point.value for point in one.line.points])
        )
        if one.before is not None:
            drawn.append(
                {
                    **look,
                    "name": f"{name} · {visit.say(words.BEFORE_SERIES)}",
                    "data": [scaled(one.answer.question.kpi, point and point.value) for point in one.before],
                    "lineStyle": {"color": colour(place), "type": [1, 4], "width": 2},
                    "itemStyle": {"color": "var(--card)", "borderColor": colour(place), "borderWidth": 2},
                }
            )
    drawn += _targets(visit, shown, names)
    if unfinished is not None and drawn:
        drawn[0]["markLine"] = _mark(visit.say(words.UNFINISHED), [{"xAxis": unfinished}], "dotted")
    return {
        **_frame(visit, measure),
        "grid": {
            "left": 8 if bucket in (Bucket.DAY, Bucket.MONTH) else 40,
            "right": 24,
            "top": 64,
            "bottom": 48 if long else 8,
            "containLabel": True,
        },
        **({"dataZoom": [_SLIDER]} if long else {}),
        "xAxis": {
            "type": "category",
            "data": labels,
            "axisLabel": {"color": "var(--text)", "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": "var(--dim)"}},
        },
        "yAxis": _value_axis(measure, kpi),
        "series": drawn,
    }


def bars(visit: Visit, shown: Sequence[Shown], names: Sequence[str]) -> dict[str, Any]:
    """Options of a chart of one moment: a bar for each series, beside the one that it is held against."""
    kpi = shown[0].answer.question.kpi
    measure = _measure(visit, kpi)
    sets: list[tuple[str, list[float | None], dict[str, Any]]] = [
        (
            visit.say(words.VALUE),
            [_only(kpi, one.line.points) for one in shown],
            {"color": colour(0)},
        )
    ]
    if any(one.before for one in shown):
        hollow = {"color": "var(--card)", "borderColor": colour(0), "borderWidth": 2, "borderType": "dashed"}
        sets.append((visit.say(words.BEFORE_SERIES), [_only(kpi, one.before or ()) for one in shown], hollow))
    drawn: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": name,
            "data": data,
            "itemStyle": style,
            "barMaxWidth": 26,
            "emphasis": {"disabled": True},
        }
        for name, data, style in sets
    ]
    targets = [one.answer.target_of(point) for one in shown if (point := one.line.points[0]) is not None]
    same = {target.value for target in targets if target is not None}
    if len(same) == 1:
        drawn[0]["markLine"] = _mark(
            f"{visit.say(words.TARGET)}", [{"xAxis": scaled(kpi, same.pop())}], [12, 4, 2, 4]
        )
    return {
        **_frame(visit, measure),
        "grid": {"left": 8, "right": 40, "top": 48, "bottom": 28, "containLabel": True},
        "xAxis": {**_value_axis(measure, kpi), "scale": False, "nameLocation": "middle", "nameGap": 28},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": list(names),
            "axisLabel": {"color": "var(--text)", "width": 170, "overflow": "break"},
            "axisLine": {"lineStyle": {"color": "var(--dim)"}},
        },
        "series": drawn,
    }


def _only(kpi: Kpi, points: Sequence[Point | None]) -> float | None:
    point = points[0] if points else None
    return scaled(kpi, point and point.value)


def colour(place: int) -> str:
    """The colour of a series by its place; the style sheet has one for each ground."""
    return f"var(--series-{place % _COLOURS + 1})"


def _measure(visit: Visit, kpi: Kpi) -> str:
    known = words.MEASURES.get(kpi.unit_of_measure)
    return visit.say(known) if known else kpi.unit_of_measure


def _mark(text: str, data: list[dict[str, Any]], dash: Any) -> dict[str, Any]:
    return {
        "silent": True,
        "symbol": "none",
        "label": {"formatter": text, "color": "var(--text)", "position": "insideEndTop"},
        "lineStyle": {"color": "var(--target)", "type": dash, "width": 1.5},
        "data": data,
    }


def _value_axis(measure: str, kpi: Kpi) -> dict[str, Any]:
    return {
        "type": "value",
        "name": measure,
        "nameTextStyle": {"color": "var(--text)", "align": "left"},
        "scale": kpi.unit_of_measure == "share",
        **({"minInterval": 1} if kpi.unit_of_measure in _COUNTED else {}),
        "axisLabel": {"color": "var(--text)"},
        "splitLine": {"lineStyle": {"color": "var(--line)"}},
    }


def _frame(visit: Visit, measure: str) -> dict[str, Any]:
    """What charts have in common."""
    locale = "vi" if visit.language is Language.VI else "en"
    return {
        "animation": False,
        "textStyle": {"fontFamily": "Roboto, system-ui, sans-serif"},
        "legend": {
            "type": "scroll",
            "top": 0,
            "left": 0,
            "itemWidth": 40,
            "textStyle": {"color": "var(--text)", "fontSize": 13},
            "pageTextStyle": {"color": "var(--text)"},
            "pageIconColor": "var(--accent)",
            "inactiveColor": "var(--dim)",
        },
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "backgroundColor": "var(--card)",
            "borderColor": "var(--line)",
            "textStyle": {"color": "var(--text)"},
            ":valueFormatter": (
                f"(v) => v == null ? {json.dumps(visit.say(words.UNKNOWN))} : "
                f"v.toLocaleString({json.dumps(locale)}, {{maximumFractionDigits: 2}}) + {json.dumps(' ' + measure)}"
            ),
        },
    }


def _look(place: int) -> dict[str, Any]:
    drawn = colour(place)
    return {
        "type": "line",
        "connectNulls": False,
        "showSymbol": True,
        "symbol": _SIGNS[place % len(_SIGNS)],
        "symbolSize": 8,
        "itemStyle": {"color": drawn},
        "lineStyle": {"color": drawn, "width": 2.5, "type": _DASHES[place % len(_DASHES)]},
        "emphasis": {"disabled": True},
    }


def drawn_data(one: Shown, points: Sequence[Point | None], unfinished: int | None) -> list[Any]:
    """Figures of a series as the chart is given them: None is a gap; a point of its own look is an object.

    Of a long series only some points have their sign. One between two gaps has no line either, and keeps its sign.
    """
    kpi = one.answer.question.kpi
    figures = [scaled(kpi, point and point.value) for point in points]
    drawn: list[Any] = list(figures)
    if len(figures) > _MOST_SIGNS and (lonely := _lonely(figures)):
        every = len(figures) // _SOME_SIGNS
        drawn = [
            value
            if value is None or place in lonely or place % every == 0
            else {"value": value, "symbol": "none"}
            for place, value in enumerate(figures)
        ]
    if unfinished is not None and unfinished < len(figures) and figures[unfinished] is not None:
        drawn[unfinished] = {"value": figures[unfinished], "itemStyle": {"opacity": 0.6}, "symbolSize": 13}
    return drawn


def _lonely(figures: Sequence[float | None]) -> set[int]:
    """Places of figures with a gap on either side."""
    padded = (None, *figures, None)
    return {
        place
        for place, value in enumerate(figures)
        if value is not None and padded[place] is None and padded[place + 2] is None
    }


def _targets(visit: Visit, shown: Sequence[Shown], names: Sequence[str]) -> list[dict[str, Any]]:
    """A line for each target in force; one for all series that share it."""
    held: dict[tuple[float | None, ...], list[str]] = {}
    for one, name in zip(shown, names, strict=True):
        values = tuple(
            scaled(one.answer.question.kpi, target.value)
            if point is not None and (target := one.answer.target_of(point)) is not None
            else None
            for point in one.line.points
        )
        if any(value is not None for value in values):
            held.setdefault(values, []).append(name)
    several = len(held) > 1
    return [
        {
            "type": "line",
            "name": visit.say(words.TARGET) + (f": {', '.join(of)}" if several else ""),
            "data": list(values),
            "step": "middle",
            "symbol": "none",
            "silent": True,
            "itemStyle": {"color": "var(--target)"},
            "lineStyle": {"color": "var(--target)", "width": 2, "type": [12, 4, 2, 4]},
            "emphasis": {"disabled": True},
        }
        for values, of in held.items()
    ]
