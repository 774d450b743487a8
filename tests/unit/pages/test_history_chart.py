"""What charts are told to draw: gaps stay gaps, and nothing that is known is lost in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ioc.history.comparing import lines, times
from ioc.kpi.catalogue import find
from ioc.kpi.query import Answer, Point
from ioc.kpi.question import Asked, read
from ioc.pages.history.answer import Shown
from ioc.pages.history.chart import drawn_data

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_START = datetime(2026, 11, 1, tzinfo=UTC)


def _shown(values: list[float | None], kpi: str = "dossier.on_time_rate") -> Shown:
    question = read(find(kpi), Asked(period="this-month", bucket="1h"), zone=_ZONE, now=_START)
    points = tuple(
        Point(_START + timedelta(hours=place), None, value, None, None) for place, value in enumerate(values)
    )
    answer = Answer(question, _ZONE, points, {})
    (line,) = lines(answer)
    return Shown(line, None, times(answer))


def test_unknown_is_a_gap_and_a_share_is_percent() -> None:
    one = _shown([0.5, None, 0.0])
    assert drawn_data(one, one.line.points, None) == [50, None, 0]


def test_times_are_minutes() -> None:
    one = _shown([90.0], kpi="queue.wait_p50")
    assert drawn_data(one, one.line.points, None) == [1.5]


def test_a_bucket_that_is_not_over_is_larger() -> None:
    one = _shown([0.5, 0.25])
    (_, last) = drawn_data(one, one.line.points, 1)
    assert (last["value"], last["symbolSize"]) == (25, 13)


def test_in_a_long_series_a_figure_between_gaps_keeps_its_sign() -> None:
    values: list[float | None] = [1.0] * 200
    values[99] = values[101] = None
    one = _shown(values)
    drawn = drawn_data(one, one.line.points, None)
    assert drawn[100] == 100
    assert drawn[101] is None
    assert drawn[102] == {"value": 100, "symbol": "none"}
    assert [one["value"] if isinstance(one, dict) else one for one in drawn] == [
        None if value is None else 100 for value in values
    ]
    # without such a figure it is sent as short as it can be
    assert drawn_data(_shown([1.0] * 200), _shown([1.0] * 200).line.points, None) == [100] * 200
