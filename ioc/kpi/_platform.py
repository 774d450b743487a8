# ruff: noqa: E501 - sentences for people, kept whole so that they can be searched
"""The definitions of the platform itself. Reasons and edge cases are in docs/concepts/kpis.md."""

from __future__ import annotations

from typing import Final

from ioc.kpi.definition import Aggregation, Direction, Kpi, Source, Window

PLATFORM_ENTRIES: Final = (
    Kpi(
        id="platform.lag",
        version=1,
        name_vi="Bản ghi chưa tính",
        name_en="Records not yet counted",
        formula_vi="Số bản ghi đã có trong Kafka mà chưa vào cơ sở dữ liệu, tại cuối kỳ; cộng qua các chủ đề.",
        formula_en="Records that are in Kafka and not yet in the database at the end of the period, summed over topics.",
        unit_of_measure="records",
        numerator="records not yet counted",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=Aggregation.LAST,
        when_empty="null where no sample was kept",
        direction=Direction.DOWN,
        dimensions=("topic",),
        current_window=Window.NOW,
        source=Source.PLATFORM_GAUGE,
    ),
    Kpi(
        id="platform.freshness",
        version=1,
        name_vi="Tuổi của số liệu mới nhất",
        name_en="Age of the newest facts",
        formula_vi=(
            "Số giây từ dữ kiện mới nhất đã tính của mỗi chủ đề đến cuối kỳ; "
            "chung cho nền tảng là chủ đề cũ nhất."
        ),
        formula_en=(
            "Seconds from each topic's newest counted fact to the end of the period; "
            "for the platform, those of the least fresh topic."
        ),
        unit_of_measure="s",
        numerator="seconds since the newest counted fact",
        denominator=None,
        over_units=Aggregation.MAX,
        over_time=Aggregation.LAST,
        when_empty="null where no sample was kept",
        direction=Direction.DOWN,
        dimensions=("topic",),
        current_window=Window.NOW,
        source=Source.PLATFORM_GAUGE,
    ),
    Kpi(
        id="platform.dead_letters",
        version=1,
        name_vi="Bản ghi không đọc được",
        name_en="Unreadable records",
        formula_vi="Số bản ghi không đọc được trong kỳ, theo lúc nền tảng gặp; mỗi bản ghi được giữ lại kèm lý do.",
        formula_en="Records that could not be read in the period, by when the platform met them; each is kept with its reason.",
        unit_of_measure="records",
        numerator="unreadable records met in the period",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=Aggregation.SUM,
        when_empty="0",
        direction=Direction.DOWN,
        dimensions=("topic",),
        current_window=Window.TODAY,
        source=Source.PLATFORM_UNREADABLE,
    ),
    Kpi(
        id="alerts.round_trip",
        version=1,
        name_vi="Thời gian cảnh báo thử đi và về",
        name_en="Round trip of synthetic alerts",
        formula_vi=(
            "Số giây từ lúc mở cảnh báo thử đến lúc nó về tới: chậm nhất trong các lần về trong kỳ; hiện tại là lần gần nhất "
            "của mỗi quy tắc, chậm nhất trong các quy tắc, và không có khi lần đang đi đã quá hạn."
        ),
        formula_en=(
            "Seconds from the opening of a synthetic alert to its return: the slowest of those that returned in the period. "
            "Now: each rule's newest, the slowest of them, and unknown while one that is under way is late."
        ),
        unit_of_measure="s",
        numerator="seconds of the slowest synthetic alert that returned",
        denominator=None,
        over_units=Aggregation.MAX,
        over_time=Aggregation.MAX,
        when_empty="null where none returned: one that does not is an alert of its own",
        direction=Direction.DOWN,
        dimensions=("rule",),
        current_window=Window.NOW,
        source=Source.ROUND_TRIP,
    ),
)
