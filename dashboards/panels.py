"""Panels as the boards use them: each asks its queries, says what it shows, and looks alike on every board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model

from dashboards import query, words
from dashboards.model import Language
from dashboards.words import Mark
from ioc.kpi.catalogue import find
from ioc.kpi.definition import Direction, Kpi
from ioc.pages.words import Phrase

_DASHED: Final = {"fill": "dash", "dash": [8, 8]}


class _Panel(Protocol):
    """What the SDK's builders of panels have in common."""

    def build(self) -> model.Panel: ...
    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: model.DataSourceRef) -> Self: ...
    def height(self, h: int) -> Self: ...
    def span(self, w: int) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def links(self, links: list[cogbuilder.Builder[model.DashboardLink]]) -> Self: ...
    def decimals(self, decimals: float) -> Self: ...


P = TypeVar("P", bound=_Panel)


@dataclass(frozen=True, slots=True)
class Place:
    """What the builders of one board in one language need: its words, and where links lead."""

    language: Language

    def say(self, phrase: Phrase) -> str:
        """A text in the board's language."""
        return phrase.said(self.language)

    def board(self, key: str) -> str:
        """Address of another board in the same language, with the variables and time of this one."""
        return f"/d/ioc-{key}-{self.language}?${{unit:queryparam}}&${{__url_time_range}}"

    def page(self, path: str) -> str:
        """Address of a page of the operations room."""
        return f"${{ioc_url:raw}}/ops/{path}?lang={self.language}"

    def no_value(self) -> str:
        """What stands where a figure is unknown: never a zero."""
        return self.say(words.NO_VALUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """In the grid's own units: 24 wide."""

    w: int
    h: int


TILE: Final = Size(w=4, h=4)
HALF: Final = Size(w=12, h=9)
THIRD: Final = Size(w=8, h=9)
WHOLE: Final = Size(w=24, h=10)


def _link(title: str, url: str) -> cogbuilder.Builder[model.DashboardLink]:
    return dashboard.DashboardLink(title).type(model.DashboardLinkType.LINK).url(url)


def dress(
    panel: P,
    place: Place,
    title: str,
    description: str,
    size: Size,
    links: Mapping[str, str],
) -> P:
    """What every panel has: title, description, data source, size, words for what is unknown, links."""
    panel.title(title).description(description).datasource(query.SOURCE)
    panel.span(size.w).height(size.h).no_value(place.no_value())
    if links:
        panel.links([_link(name, url) for name, url in links.items()])
    return panel


def mappings(marks: Mapping[Any, Mark], language: Language) -> list[model.ValueMapping]:
    return [
        model.ValueMap(
            options={
                str(value): model.ValueMappingResult(
                    text=f"{mark.sign} {mark.word.said(language)}", color=mark.colour, index=place
                )
                for place, (value, mark) in enumerate(marks.items())
            }
        )
    ]


def _said(kpi: Kpi, language: Language, more: str = "") -> str:
    held = f"\n\n{words.TARGETS_ARE_DATA.said(language)}" if kpi.direction is not Direction.NONE else ""
    return words.formula_of(kpi, language) + held + (f"\n\n{more}" if more else "")


def _measured(panel: P, kpi: Kpi, language: Language) -> P:
    panel.unit(words.unit_of(kpi, language))
    decimals = words.decimals_of(kpi)
    if decimals is not None:
        panel.decimals(decimals)
    return panel


def linked(title: str, url: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(
        id_val="links", value=[{"title": title, "url": url, "targetBlank": False}]
    )


def hidden() -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val="custom.hidden", value=True)


def coloured(marks: Mapping[Any, Mark], language: Language) -> list[model.DynamicConfigValue]:
    return [
        model.DynamicConfigValue(id_val="mappings", value=mappings(marks, language)),
        model.DynamicConfigValue(id_val="custom.displayMode", value="color-text"),
        model.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
    ]


# -- figures of indicators ------------------------------------------------------------------------------


def tile(place: Place, kpi_id: str, *, size: Size = TILE, to: str | None = None) -> stat.Panel:
    """The newest figure of an indicator, with how it stands to its target.

    :param to: board that tells more of it.
    """
    kpi, language = find(kpi_id), place.language
    name = words.name_of(kpi, language)
    links = {name: place.board(to)} if to else {}
    said = _said(kpi, language, words.WINDOWS[kpi.current_window].said(language))
    panel = dress(stat.Panel(), place, name, said, size, links)
    _measured(panel, kpi, language)
    return (
        panel.with_target(query.tile(kpi_id, language))
        .with_transformation(
            model.DataTransformerConfig(
                id_val="rowsToFields",
                options={
                    "mappings": [
                        {"fieldName": "name", "handlerKey": "field.name"},
                        {"fieldName": "value", "handlerKey": "field.value"},
                        {"fieldName": "colour", "handlerKey": "color"},
                    ]
                },
            )
        )
        .reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields(""))
        .color_mode(shapes.BigValueColorMode.VALUE)
        .graph_mode(shapes.BigValueGraphMode.NONE)
        .text_mode(shapes.BigValueTextMode.VALUE_AND_NAME)
        .justify_mode(shapes.BigValueJustifyMode.AUTO)
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart: an indicator, and how it is asked for."""

    query: query.PostgresQuery
    dashed: bool = False
    colour: str | None = None


def chart(
    place: Place,
    kpi_id: str,
    lines: Sequence[Line],
    *,
    title: str,
    size: Size = HALF,
    more: str = "",
    bars: bool = False,
    stacked: bool = False,
    links: Mapping[str, str] | None = None,
) -> timeseries.Panel:
    """Series over time, all in the unit of measure of one indicator. What is unknown is a gap in the line.

    :param more: what is said beside the indicator's formula.
    """
    kpi, language = find(kpi_id), place.language
    panel = dress(timeseries.Panel(), place, title, _said(kpi, language, more), size, links or {})
    _measured(panel, kpi, language)
    drawn(panel, bars=bars, stacked=stacked)
    _asked(panel, lines)
    if kpi.unit_of_measure == "share":
        panel.axis_soft_max(1)
    return panel.axis_soft_min(0)


def drawn(panel: timeseries.Panel, *, bars: bool, stacked: bool) -> None:
    """How series look on every board: a gap in the data is a gap in the line."""
    style = shapes.GraphDrawStyle.BARS if bars else shapes.GraphDrawStyle.LINE
    panel.span_nulls(False).draw_style(style).line_width(2).fill_opacity(60 if bars else 8)
    panel.show_points(shapes.VisibilityMode.AUTO).line_interpolation(shapes.LineInterpolation.LINEAR)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(shapes.LegendDisplayMode.LIST)
        .placement(shapes.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    ).tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.NONE))
    if stacked:
        panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))


def _asked(panel: timeseries.Panel, lines: Sequence[Line]) -> None:
    for place, line in enumerate(lines):
        panel.with_target(line.query.named(chr(ord("A") + place)))
        properties = []
        if line.dashed:
            properties += [
                model.DynamicConfigValue(id_val="custom.drawStyle", value="line"),
                model.DynamicConfigValue(id_val="custom.lineStyle", value=_DASHED),
                model.DynamicConfigValue(id_val="custom.lineWidth", value=1),
                model.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
                model.DynamicConfigValue(id_val="custom.showPoints", value="never"),
                model.DynamicConfigValue(id_val="custom.stacking", value={"mode": "none", "group": "B"}),
            ]
        if line.colour is not None:
            properties.append(
                model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": line.colour})
            )
        if properties:
            panel.override_by_query(chr(ord("A") + place), properties)


def trend(
    place: Place,
    kpi_ids: Sequence[str],
    *,
    title: Phrase | None = None,
    size: Size = HALF,
    bars: bool = False,
    to: str | None = None,
) -> timeseries.Panel:
    """Indicators of one unit of measure over time; of one that has a better and a worse, its target too."""
    kpis = [find(kpi_id) for kpi_id in kpi_ids]
    language = place.language
    if len({kpi.unit_of_measure for kpi in kpis}) != 1:
        raise ValueError(f"{', '.join(kpi_ids)} are not of one unit of measure")
    lines = [Line(query.series(kpi.id, language, label=words.name_of(kpi, language))) for kpi in kpis]
    if len(kpis) == 1 and kpis[0].direction is not Direction.NONE:
        lines.append(Line(query.target(kpi_ids[0], language), dashed=True, colour="text"))
    return chart(
        place,
        kpi_ids[0],
        lines,
        title=words.name_of(kpis[0], language) if title is None else place.say(title),
        size=size,
        bars=bars,
        more="\n\n".join(words.formula_of(kpi, language) for kpi in kpis[1:]),
        links={place.say(words.BOARDS): place.board(to)} if to else None,
    )


def divided(
    place: Place, kpi_id: str, by: str, *, title: Phrase, size: Size = HALF, stacked: bool = True
) -> timeseries.Panel:
    """An indicator over time, divided by a dimension."""
    line = Line(query.series(kpi_id, place.language, label="", by=by))
    return chart(place, kpi_id, [line], title=place.say(title), size=size, bars=stacked, stacked=stacked)


def bars(
    place: Place, kpi_id: str, by: str, *, title: Phrase, head: Phrase, most: int = 15, size: Size = HALF
) -> bargauge.Panel:
    """The newest figure of each value of a dimension, the greatest first."""
    kpi, language = find(kpi_id), place.language
    label = words.name_of(kpi, language)
    panel = dress(bargauge.Panel(), place, place.say(title), words.formula_of(kpi, language), size, {})
    _measured(panel, kpi, language)
    return (
        panel.with_target(query.parts(kpi_id, language, by=by, most=most, head=place.say(head), label=label))
        .reduce_options(common.ReduceDataOptions().values(True).limit(most).calcs(["lastNotNull"]).fields(""))
        .orientation(shapes.VizOrientation.HORIZONTAL)
        .display_mode(shapes.BarGaugeDisplayMode.BASIC)
        .value_mode(shapes.BarGaugeValueMode.TEXT)
        .show_unfilled(True)
        .min(0)
        .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.FIXED).fixed_color("blue"))
    )


def by_units(
    place: Place, kpi_ids: Sequence[str], *, title: Phrase, size: Size = WHOLE, to: str
) -> table.Panel:
    """A row for each unit of today, with how it stands to its targets; a unit's name leads to a board of it alone."""
    language = place.language
    kpis = [find(kpi_id) for kpi_id in kpi_ids]
    names = {kpi.id: words.name_of(kpi, language) for kpi in kpis}
    stands = Phrase("Đánh giá", "Verdict").said(language)
    lacks = Phrase("Chưa đạt", "Missed").said(language)
    said = "\n\n".join(words.formula_of(kpi, language) for kpi in kpis)
    panel = dress(
        table.Panel(), place, place.say(title), f"{said}\n\n{words.TARGETS_ARE_DATA.said(language)}", size, {}
    )
    head = place.say(words.UNIT)
    asked = query.units(kpi_ids, language, head=head, stands=stands, lacks=lacks, names=names)
    panel.with_target(asked).unit("none").show_header(True)
    link = f"/d/ioc-{to}-{language}?var-unit=${{__data.fields.code}}&${{__url_time_range}}"
    panel.override_by_name(head, [linked(head, link)])
    for kpi in kpis:
        properties = [model.DynamicConfigValue(id_val="unit", value=words.unit_of(kpi, language))]
        decimals = words.decimals_of(kpi)
        if decimals is not None:
            properties.append(model.DynamicConfigValue(id_val="decimals", value=decimals))
        panel.override_by_name(names[kpi.id], properties)
    marks = {place: words.STATUSES[status] for place, status in enumerate(words.STATUSES_BY_WORTH)}
    panel.override_by_name(stands, coloured(marks, language))
    panel.override_by_name("code", [hidden()])
    return panel
