# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""Panels of what is no indicator: lists, states over time, the map of the points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, geomap, statetimeline, table, timeseries
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import geomap as maps

from dashboards import query, words
from dashboards.panels import HALF, WHOLE, Place, Size, coloured, drawn, dress, hidden, linked, mappings
from dashboards.words import Mark
from ioc.pages.words import Phrase

#: A picture of one clear point, in place of map tiles: nothing is loaded from elsewhere.
_NO_TILES: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a list."""

    name: Phrase
    sql: str
    marks: Mapping[Any, Mark] | None = None
    """How its values are shown, where they are states."""
    unit: str | None = None
    link: str | None = None
    """Address that a value leads to."""
    hidden: bool = False
    width: int | None = None


def rows(
    place: Place,
    function: str,
    arguments: Sequence[str],
    columns: Sequence[Column],
    *,
    title: Phrase,
    said: Phrase,
    size: Size = HALF,
    links: Mapping[str, str] | None = None,
    tail: str = "",
) -> table.Panel:
    """A list of ``ioc_board`` that is no indicator's.

    :param said: what is listed, for the panel's description.
    """
    language = place.language
    panel = dress(table.Panel(), place, place.say(title), place.say(said), size, links or {})
    panel.with_target(
        query.listed(function, arguments, {one.name.said(language): one.sql for one in columns}, tail=tail)
    )
    panel.unit("none").show_header(True)
    for one in columns:
        properties = [] if one.marks is None else coloured(one.marks, language)
        if one.unit is not None:
            properties.append(model.DynamicConfigValue(id_val="unit", value=one.unit))
        if one.link is not None:
            properties.append(linked(one.name.said(language), one.link))
        if one.hidden:
            properties.append(hidden())
        if one.width is not None:
            properties.append(model.DynamicConfigValue(id_val="custom.width", value=one.width))
        if properties:
            panel.override_by_name(one.name.said(language), properties)
    return panel


def timeline(
    place: Place, kind: int, *, title: Phrase, said: Phrase, size: Size = WHOLE
) -> statetimeline.Panel:
    """States of devices of one kind over time, a line each."""
    panel = dress(
        statetimeline.Panel(),
        place,
        place.say(title),
        place.say(said),
        size,
        {place.say(Phrase("Trang thiết bị", "Page of devices")): place.page("devices")},
    )
    asked = query.listed(
        "device_states",
        [str(kind), query.UNIT, query.FROM, query.TO],
        {"time": '"time"', "metric": "device", "value": "state"},
        form=query.Format.SERIES,
    )
    return (
        panel.with_target(asked)
        .unit("none")
        .mappings(mappings(words.STATES, place.language))
        # devices share their times in one table: where another one changes, a state goes on; unknown is a state of its own
        .override_by_field_type("number", [model.DynamicConfigValue(id_val="custom.spanNulls", value=True)])
        .merge_values(True)
        .show_value(shapes.VisibilityMode.NEVER)
        .align_value(shapes.TimelineValueAlignment.LEFT)
        .color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .legend(
            common.VizLegendOptions()
            .display_mode(shapes.LegendDisplayMode.LIST)
            .placement(shapes.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
        .tooltip(
            common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.SINGLE).sort(shapes.SortOrder.NONE)
        )
    )


def points(place: Place, *, size: Size) -> geomap.Panel:
    """Where the reception points are, each in the colour of the worst that stands there. Loads no map from anywhere."""
    title = Phrase("Các điểm tiếp nhận", "Reception points")
    said = Phrase(
        "Vị trí của từng điểm (points.csv) với trạng thái xấu nhất của thiết bị tại đó: hỏng, rồi suy giảm, rồi không rõ. Chấm to"
        " hơn là có cảnh báo đang mở. Điểm không có toạ độ không hiện ở đây, có trong danh sách bên cạnh. Không tải bản đồ nền từ bên"
        " ngoài.",
        "Where each point is (points.csv), with the worst state of the devices there: down, then degraded, then unknown. A larger dot"
        " has open alerts. A point without a position is missing here and stands in the list beside. No tiles are loaded from outside.",
    )
    columns = {
        "name": "name",
        "unit": "unit",
        "state": "state",
        "alerts": "alerts",
        "latitude": "latitude",
        "longitude": "longitude",
    }
    panel = dress(
        geomap.Panel(),
        place,
        place.say(title),
        place.say(said),
        size,
        {place.say(words.OPERATIONS): place.page("wall")},
    )
    asked = query.listed(
        "points",
        [query.UNIT, query.text(place.language.value)],
        columns,
        tail="WHERE latitude IS NOT NULL AND longitude IS NOT NULL",
    )
    layer = shapes.MapLayerOptions(
        type_val="markers",
        name=place.say(title),
        location=shapes.FrameGeometrySource(
            mode=shapes.FrameGeometrySourceMode.COORDS, latitude="latitude", longitude="longitude"
        ),
        tooltip=True,
        config={
            "showLegend": True,
            "style": {
                "color": {"field": "state", "fixed": "dark-green"},
                "size": {"field": "alerts", "fixed": 8, "min": 8, "max": 16},
                "opacity": 0.9,
                "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
                "text": {"mode": "field", "field": "name", "fixed": ""},
                "textConfig": {
                    "fontSize": 11,
                    "offsetX": 0,
                    "offsetY": 14,
                    "textAlign": "center",
                    "textBaseline": "top",
                },
            },
        },
    )
    panel.with_target(asked).unit("none").override_by_name(
        "state", [model.DynamicConfigValue(id_val="mappings", value=mappings(words.STATES, place.language))]
    )
    return (
        panel.basemap(
            _Shaped(
                shapes.MapLayerOptions(
                    type_val="xyz", name="Basemap", config={"url": _NO_TILES, "attribution": ""}
                )
            )
        )
        .layers([_Shaped(layer)])
        .view(geomap.MapViewConfig().id("fit").all_layers(True).padding(20))
        .controls(
            geomap.ControlsOptions()
            .show_zoom(True)
            .mouse_wheel_zoom(False)
            .show_attribution(False)
            .show_scale(True)
        )
        .tooltip(geomap.TooltipOptions().mode(maps.TooltipMode.DETAILS))
    )


class _Shaped(cogbuilder.Builder[shapes.MapLayerOptions]):
    """A layer that is built already."""

    def __init__(self, layer: shapes.MapLayerOptions) -> None:
        self._layer = layer

    def build(self) -> shapes.MapLayerOptions:
        return self._layer


def counted(
    place: Place, function: str, arguments: Sequence[str], *, title: Phrase, said: Phrase, size: Size
) -> timeseries.Panel:
    """How many alerts over time, stacked by severity."""
    language = place.language
    panel = dress(timeseries.Panel(), place, place.say(title), place.say(said), size, {})
    names = {
        str(number): f"{mark.sign} {mark.word.said(language)}" for number, mark in words.SEVERITIES.items()
    }
    cases = " ".join(f"WHEN {number} THEN {query.text(name)}" for number, name in names.items())
    asked = query.listed(
        function,
        arguments,
        {"time": '"time"', "metric": f"CASE severity {cases} END", "value": "alerts"},
        form=query.Format.SERIES,
    )
    panel.with_target(asked).unit("locale").decimals(0)
    drawn(panel, bars=True, stacked=True)
    for number, mark in words.SEVERITIES.items():
        panel.override_by_name(
            names[str(number)],
            [model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": mark.colour})],
        )
    return panel
