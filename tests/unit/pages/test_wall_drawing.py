"""What the wall draws: cards that never lie over one another, lines with gaps, texts that are never HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.history.points import DeviceNow, PointNow
from ioc.kpi.catalogue import CATALOGUE
from ioc.pages.parts.markup import Markup, join, tag
from ioc.pages.wall import layout, plan
from ioc.pages.wall.choice import GROUPS, KPIS
from ioc.pages.wall.sparkline import sparkline
from ioc.reports.words import Language

_NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
_degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def _device(code: str, state: str, kind: str = "camera") -> DeviceNow:
    return DeviceNow(code, kind, state, _NOW)


def _point(code: str, name: str, *devices: DeviceNow, at: tuple[float, float] | None = None) -> PointNow:
    latitude, longitude = at or (None, None)
    return PointNow(code, name, name, "u", latitude, longitude, devices)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | _degrees, min_size=1, max_size=30))
def test_cards_are_on_the_map_and_never_over_one_another(positions: list[tuple[float, float] | None]) -> None:
    placed = layout.place(positions)
    wide, tall = layout.CARD_WIDTH * placed.scale, layout.CARD_HEIGHT * placed.scale
    assert len(placed.corners) == len(positions)
    for index, (x, y) in enumerate(placed.corners):
        assert -0.01 <= x <= layout.WIDTH - wide + 0.01
        assert -0.01 <= y <= layout.HEIGHT - tall + 0.01
        for other_x, other_y in placed.corners[:index]:
            assert abs(x - other_x) >= wide or abs(y - other_y) >= tall


def test_what_lies_north_and_west_of_another_is_drawn_so() -> None:
    south_east, north_west, nowhere = layout.place([(11.0, 106.4), (11.3, 106.1), None]).corners
    assert north_west[0] < south_east[0]
    assert north_west[1] < south_east[1]
    assert nowhere not in (south_east, north_west)


def test_a_point_is_as_its_worst_device_and_says_so_in_words() -> None:
    assert plan.state_of([]) == "none"
    assert plan.state_of([_device("a", "ok"), _device("b", "unknown")]) == "unknown"
    assert plan.state_of([_device("a", "unknown"), _device("b", "degraded")]) == "degraded"
    kiosk = _device("k", "unknown", "kiosk")
    assert plan.state_of([kiosk]) == "unknown"
    assert plan.state_of([kiosk, _device("a", "ok")]) == "ok"
    points = [
        _point(
            "p1",
            "Bộ phận Một cửa Bàu Đồn",
            _device("a", "ok"),
            _device("b", "down"),
            _device("c", "ok", "wifi"),
        ),
        _point("p2", "Bộ phận Một cửa Cẩm Giang", _device("d", "maintenance")),
    ]
    drawn = plan.plan(points, Language.VI)
    assert 'aria-label="Bàu Đồn: hỏng (Camera 1 hỏng, 1 tốt; Wifi 1 tốt)"' in drawn
    assert "Sơ đồ 2 điểm tiếp nhận: 1 hỏng, 1 bảo trì." in drawn
    assert drawn.count('href="/ops/devices?point=p1"') == 2  # on the map, and in the list for small screens
    ElementTree.fromstring(f"<div>{drawn}</div>")


def test_names_keep_what_tells_them_apart() -> None:
    names = ["Gò Dầu one-stop shop (central point)", "Gò Dầu town one-stop shop", "Bàu Đồn one-stop shop"]
    points = [_point(str(n), name) for n, name in enumerate(names)]
    assert list(plan.short_names(points, Language.EN).values()) == [
        "Gò Dầu (central point)",
        "Gò Dầu town",
        "Bàu Đồn",
    ]
    assert list(plan.short_names(points[:1], Language.EN).values()) == names[:1]


def test_a_text_is_never_html() -> None:
    nasty = """<img src=x onerror="alert('1')">&"""
    drawn = plan.plan([_point("p", nasty, _device('"><script>', "ok"))], Language.VI)
    assert "<img" not in drawn
    assert "<script" not in drawn
    assert tag("b", nasty, attributes={"title": nasty}).count("<") == 2
    assert join(Markup("<i></i>"), nasty).count("<") == 2


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=60))
def test_a_line_is_inside_its_picture_and_broken_where_nothing_is_known(values: list[float | None]) -> None:
    picture = ElementTree.fromstring(sparkline(values, "a <trend>"))
    assert picture.get("aria-label") == "a <trend>"
    path = picture[0].get("d") or ""
    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path):
        assert 0 <= float(x) <= 160
        assert 0 <= float(y) <= 40
    runs = sum(
        value is not None and (index == 0 or values[index - 1] is None) for index, value in enumerate(values)
    )
    assert path.count("M") == (runs or 1)


def test_the_choice_of_tiles_is_of_the_catalogue_and_fits_the_large_screen() -> None:
    assert set(KPIS) <= set(CATALOGUE)
    assert len(set(KPIS)) == len(KPIS)
    far = [[tile for tile in group.tiles if tile.far is not None] for group in GROUPS]
    assert [len(tiles) for tiles in far if tiles] == [6, 3, 3]  # the rows of wall.css
    assert all(len(word) <= 17 for tiles in far for tile in tiles for word in tile.far or ())
    assert all(tile.trend.span > timedelta(0) for group in GROUPS for tile in group.tiles)
