"""What is made of a soak's samples."""

from __future__ import annotations

import pytest
from defusedxml import ElementTree

from deploy.bench import wall_plot
from deploy.bench.walls import Sample, growth_mib_per_h


def test_growth_is_that_of_the_second_half() -> None:
    filling = [Sample(float(at), 100.0 + at) for at in range(0, 300, 5)]
    flat = [Sample(float(at), 400.0) for at in range(300, 600, 5)]
    assert growth_mib_per_h(filling + flat) == pytest.approx(0.0)
    rising = [Sample(float(at), 200.0 + at / 60) for at in range(0, 600, 5)]  # one MiB a minute
    assert growth_mib_per_h(rising) == pytest.approx(60.0)


def test_the_picture_is_the_same_for_the_same_numbers_and_holds_them_all() -> None:
    points = [(float(minute), 180.0 + minute % 3) for minute in range(11)]
    drawn = wall_plot.line(points, title="a < b", across="minutes", up="MiB", limit=400)
    assert drawn == wall_plot.line(points, title="a < b", across="minutes", up="MiB", limit=400)
    picture = ElementTree.fromstring(drawn)
    (line,) = picture.findall("{*}polyline")
    assert len((line.get("points") or "").split()) == len(points)
    assert "a < b: MiB" in [text.text for text in picture.findall("{*}text")]
