# ruff: noqa: E501 - sentences for people, kept whole so that they can be searched
"""The definitions themselves. Reasons and edge cases are in docs/concepts/kpis.md."""

from __future__ import annotations

from typing import Final

from ioc.dossiers.ledger import Measure
from ioc.kpi.definition import Aggregation, Direction, Kpi, Source, Window

_CAMERA: Final = 1
_WIFI: Final = 2

_DOSSIER_DIMENSIONS: Final = ("unit", "channel", "field", "procedure")
_DEVICE_DIMENSIONS: Final = ("unit", "device")

_COUNT_EMPTY = "0 once the scope has its first fact; null before it"
_RATIO_EMPTY = "null"

DOSSIER_ENTRIES: Final = (
    Kpi(
        id="dossier.received",
        version=1,
        name_vi="Hồ sơ tiếp nhận",
        name_en="Dossiers received",
        formula_vi="Số hồ sơ được tiếp nhận trong kỳ, theo thời điểm tiếp nhận; không tính hồ sơ chưa từng được tiếp nhận.",
        formula_en="Dossiers accepted in the period, by time of acceptance; those never accepted are outside.",
        unit_of_measure="dossiers",
        numerator="dossiers accepted in the period",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=Aggregation.SUM,
        when_empty=_COUNT_EMPTY,
        direction=Direction.NONE,
        dimensions=_DOSSIER_DIMENSIONS,
        current_window=Window.TODAY,
        source=Source.DOSSIER_FLOW,
        numerator_measures=(Measure.RECEIVED,),
    ),
    Kpi(
        id="dossier.completed",
        version=1,
        name_vi="Hồ sơ đã giải quyết",
        name_en="Dossiers completed",
        formula_vi="Số hồ sơ lần đầu đạt trạng thái 9 (đã xử lý xong) hoặc 10 (đã trả kết quả) trong kỳ.",
        formula_en="Dossiers that reach status 9 (done) or 10 (result returned) for the first time in the period.",
        unit_of_measure="dossiers",
        numerator="dossiers completed in the period",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=Aggregation.SUM,
        when_empty=_COUNT_EMPTY,
        direction=Direction.NONE,
        dimensions=_DOSSIER_DIMENSIONS,
        current_window=Window.TODAY,
        source=Source.DOSSIER_FLOW,
        numerator_measures=(Measure.COMPLETED,),
    ),
    Kpi(
        id="dossier.on_time_rate",
        version=1,
        name_vi="Tỷ lệ giải quyết đúng hạn",
        name_en="On-time rate",
        formula_vi=(
            "(Hồ sơ giải quyết trong kỳ có ngày hoàn thành không sau ngày hẹn trả, hoặc không có ngày hẹn trả, cộng hồ sơ "
            "rút trong kỳ) chia cho (hồ sơ giải quyết cộng hồ sơ rút trong kỳ). So theo ngày, không theo giờ."
        ),
        formula_en=(
            "(Dossiers completed in the period whose completion date is not after the due date, or that have no due date, "
            "plus those withdrawn in the period) over (completed plus withdrawn in the period). Dates are compared, not hours."
        ),
        unit_of_measure="share",
        numerator="dossiers completed on time, and dossiers withdrawn, in the period",
        denominator="dossiers completed or withdrawn in the period",
        over_units=Aggregation.RATIO,
        over_time=Aggregation.RATIO,
        when_empty=_RATIO_EMPTY,
        direction=Direction.UP,
        dimensions=_DOSSIER_DIMENSIONS,
        current_window=Window.TODAY,
        source=Source.DOSSIER_FLOW,
        numerator_measures=(Measure.ON_TIME, Measure.WITHDRAWN),
        denominator_measures=(Measure.COMPLETED, Measure.WITHDRAWN),
    ),
    Kpi(
        id="dossier.open",
        version=1,
        name_vi="Hồ sơ đang giải quyết",
        name_en="Open dossiers",
        formula_vi="Số hồ sơ đã tiếp nhận mà chưa giải quyết xong, chưa rút, tại thời điểm cuối cùng của kỳ (hiện tại, với kỳ đang diễn ra).",
        formula_en="Dossiers accepted and neither completed nor withdrawn at the last instant of the period (now, in the current one).",
        unit_of_measure="dossiers",
        numerator="open dossiers at the last instant of the period",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=Aggregation.LAST,
        when_empty=_COUNT_EMPTY,
        direction=Direction.NONE,
        dimensions=_DOSSIER_DIMENSIONS,
        current_window=Window.NOW,
        source=Source.DOSSIER_GAUGE,
        numerator_measures=(Measure.OPEN,),
    ),
    Kpi(
        id="dossier.overdue",
        version=1,
        name_vi="Hồ sơ quá hạn đang giải quyết",
        name_en="Overdue dossiers",
        formula_vi=(
            "Số hồ sơ đang giải quyết đã qua ngày hẹn trả tại thời điểm cuối cùng của kỳ (hiện tại, với kỳ đang diễn ra): tính từ 0 giờ "
            "ngày liền sau ngày hẹn trả; hồ sơ chờ bổ sung hoặc tạm dừng không tính."
        ),
        formula_en=(
            "Open dossiers past their due date at the last instant of the period (now, in the current one): from midnight of the "
            "day after the due date; those that wait for a supplement or are paused are not counted."
        ),
        unit_of_measure="dossiers",
        numerator="overdue dossiers at the last instant of the period",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=Aggregation.LAST,
        when_empty=_COUNT_EMPTY,
        direction=Direction.DOWN,
        dimensions=_DOSSIER_DIMENSIONS,
        current_window=Window.NOW,
        source=Source.DOSSIER_GAUGE,
        numerator_measures=(Measure.OVERDUE,),
    ),
    Kpi(
        id="dossier.online_rate",
        version=1,
        name_vi="Tỷ lệ hồ sơ trực tuyến",
        name_en="Online rate",
        formula_vi="Hồ sơ tiếp nhận trực tuyến trong kỳ chia cho hồ sơ tiếp nhận trong kỳ.",
        formula_en="Dossiers accepted through the online channel in the period over dossiers accepted in the period.",
        unit_of_measure="share",
        numerator="dossiers accepted online in the period",
        denominator="dossiers accepted in the period",
        over_units=Aggregation.RATIO,
        over_time=Aggregation.RATIO,
        when_empty=_RATIO_EMPTY,
        direction=Direction.UP,
        dimensions=_DOSSIER_DIMENSIONS,
        current_window=Window.TODAY,
        source=Source.DOSSIER_FLOW,
        numerator_measures=(Measure.ONLINE,),
        denominator_measures=(Measure.RECEIVED,),
    ),
)

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
