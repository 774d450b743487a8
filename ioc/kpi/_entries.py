# ruff: noqa: E501 - sentences for people, kept whole so that they can be searched
"""The definitions of devices and of the platform itself. Reasons and edge cases are in docs/concepts/kpis.md."""

from __future__ import annotations

from typing import Final

from ioc.kpi.definition import Aggregation, Direction, Kpi, Source, Window

_CAMERA: Final = 1
_WIFI: Final = 2

_DEVICE_DIMENSIONS: Final = ("unit", "device")

_RATIO_EMPTY = "null"

DEVICE_ENTRIES: Final = (
    Kpi(
        id="camera.availability",
        version=1,
        name_vi="Tỷ lệ camera hoạt động",
        name_en="Camera availability",
        formula_vi=(
            "Thời gian hoạt động chia cho (thời gian hoạt động cộng thời gian hỏng); suy giảm tính là hoạt động; "
            "thời gian không rõ và bảo trì không tính vào mẫu số."
        ),
        formula_en="Time up over (time up plus time down); degraded counts as up; unknown and maintenance are outside.",
        unit_of_measure="share",
        numerator="device-seconds up",
        denominator="device-seconds up or down",
        over_units=Aggregation.RATIO,
        over_time=Aggregation.RATIO,
        when_empty=_RATIO_EMPTY,
        direction=Direction.UP,
        dimensions=_DEVICE_DIMENSIONS,
        current_window=Window.HOUR,
        source=Source.DEVICE_TIME,
        device_kind=_CAMERA,
    ),
    Kpi(
        id="camera.down",
        version=1,
        name_vi="Camera đang hỏng",
        name_en="Cameras down",
        formula_vi="Số camera ở trạng thái hỏng tại thời điểm cuối cùng của kỳ (hiện tại, với kỳ đang diễn ra); camera im lặng là không rõ, không phải hỏng.",
        formula_en="Cameras in state down at the last instant of the period (now, in the current one); a silent camera is unknown, not down.",
        unit_of_measure="cameras",
        numerator="cameras down at the last instant of the period",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=Aggregation.LAST,
        when_empty="null while no camera's state is known",
        direction=Direction.DOWN,
        dimensions=_DEVICE_DIMENSIONS,
        current_window=Window.NOW,
        source=Source.DEVICE_GAUGE,
        device_kind=_CAMERA,
    ),
    Kpi(
        id="wifi.availability",
        version=1,
        name_vi="Tỷ lệ điểm truy cập wifi hoạt động",
        name_en="Wifi availability",
        formula_vi=(
            "Thời gian hoạt động chia cho (thời gian hoạt động cộng thời gian hỏng) của các điểm truy cập; suy giảm tính "
            "là hoạt động; thời gian không rõ và bảo trì không tính vào mẫu số."
        ),
        formula_en=(
            "Access points' time up over (time up plus time down); degraded counts as up; unknown and maintenance are outside."
        ),
        unit_of_measure="share",
        numerator="device-seconds up",
        denominator="device-seconds up or down",
        over_units=Aggregation.RATIO,
        over_time=Aggregation.RATIO,
        when_empty=_RATIO_EMPTY,
        direction=Direction.UP,
        dimensions=_DEVICE_DIMENSIONS,
        current_window=Window.HOUR,
        source=Source.DEVICE_TIME,
        device_kind=_WIFI,
    ),
    Kpi(
        id="wifi.clients",
        version=1,
        name_vi="Số máy truy cập wifi",
        name_en="Wifi clients",
        formula_vi=(
            "Số máy đang kết nối, bình quân theo thời gian: tổng (số máy × giây) của các điểm truy cập có báo số liệu chia cho "
            "số giây có ít nhất một điểm báo. Điểm im lặng không góp vào tử số."
        ),
        formula_en=(
            "Clients connected, as a time-weighted mean: client-seconds of the access points that reported, over the seconds "
            "for which at least one of them reported. A silent access point adds nothing to the numerator."
        ),
        unit_of_measure="clients",
        numerator="client-seconds",
        denominator="seconds with at least one report (counted by minute)",
        over_units=Aggregation.SUM,
        over_time=Aggregation.RATIO,
        when_empty=_RATIO_EMPTY,
        direction=Direction.NONE,
        dimensions=_DEVICE_DIMENSIONS,
        current_window=Window.FIVE_MINUTES,
        source=Source.DEVICE_CLIENTS,
        device_kind=_WIFI,
    ),
)

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
)
