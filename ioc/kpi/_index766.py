# ruff: noqa: E501 - sentences for people, kept whole so that they can be searched
"""The definitions of the index of Decision 766. Components and formulas are data: ``ioc/index766/formulas.toml``."""

from __future__ import annotations

from typing import Final

from ioc.kpi.definition import Aggregation, Direction, Kpi, Source, Window

_EMPTY: Final = (
    "null while a component is unknown; beside it the points that are known, of how many they could be"
)
_WHOLE_VI: Final = " Tính theo tháng dương lịch; công thức có hiệu lực của tháng đó. Thành phần chưa biết thì điểm là trống, không phải 0."
_WHOLE_EN: Final = " By calendar month, by the formula then in force. While a component is unknown so is the value; it is not 0."


def _points(kpi_id: str, most: int, name_vi: str, name_en: str, parts_vi: str, parts_en: str) -> Kpi:
    return Kpi(
        id=kpi_id,
        version=1,
        name_vi=name_vi,
        name_en=name_en,
        formula_vi=f"Tổng điểm các thành phần (tối đa {most}): {parts_vi}.{_WHOLE_VI}",
        formula_en=f"Points of the components together ({most} at most): {parts_en}.{_WHOLE_EN}",
        unit_of_measure="points",
        numerator="points of the components that are known",
        denominator="most points that these components can give",
        over_units=Aggregation.POINTS,
        over_time=Aggregation.MONTHS,
        when_empty=_EMPTY,
        direction=Direction.UP,
        dimensions=("unit",),
        current_window=Window.MONTH,
        source=Source.INDEX766,
    )


INDEX766_ENTRIES: Final = (
    _points(
        "index766.total",
        100,
        "Bộ chỉ số 766: tổng điểm",
        "Index of Decision 766: all points",
        "công khai minh bạch, tiến độ, dịch vụ trực tuyến, thanh toán trực tuyến, số hóa, mức độ hài lòng",
        "transparency, progress, online services, online payment, digitisation, satisfaction",
    ),
    _points(
        "index766.transparency",
        18,
        "Bộ chỉ số 766: công khai, minh bạch",
        "Index of Decision 766: transparency",
        "công bố đúng hạn, cập nhật đúng hạn, đủ nội dung, đồng bộ hồ sơ; theo số liệu Cổng công bố",
        "published on time, updated on time, full content, dossiers synchronised; as the portal publishes them",
    ),
    _points(
        "index766.progress",
        20,
        "Bộ chỉ số 766: tiến độ giải quyết",
        "Index of Decision 766: progress",
        "20 × hồ sơ đúng hạn hoặc còn trong hạn / hồ sơ tiếp nhận trong tháng và kỳ trước chuyển sang",
        "20 × dossiers that are not late over dossiers accepted in the month and carried over from before it",
    ),
    _points(
        "index766.online_services",
        12,
        "Bộ chỉ số 766: dịch vụ công trực tuyến",
        "Index of Decision 766: online services",
        "thủ tục cung cấp trực tuyến, dịch vụ có phát sinh hồ sơ (theo Cổng), hồ sơ nộp trực tuyến (tính tại đây)",
        "procedures offered online, services that were used (the portal's), dossiers handed in online (computed here)",
    ),
    _points(
        "index766.online_payment",
        10,
        "Bộ chỉ số 766: thanh toán trực tuyến",
        "Index of Decision 766: online payment",
        "hồ sơ thanh toán trực tuyến và thủ tục có giao dịch (tính tại đây), thủ tục được cung cấp thanh toán (theo Cổng)",
        "dossiers paid online and procedures with such a payment (computed here), procedures that may be paid so (the portal's)",
    ),
    _points(
        "index766.digitisation",
        22,
        "Bộ chỉ số 766: số hóa hồ sơ",
        "Index of Decision 766: digitisation",
        "kết quả điện tử, hồ sơ số hóa, tái sử dụng (tính tại đây); kho dữ liệu cá nhân, dữ liệu dân cư, chứng thực điện tử (theo Cổng)",
        "electronic results, digitised and reused papers (computed here); personal store, population data, certified copies (the portal's)",
    ),
    _points(
        "index766.satisfaction",
        18,
        "Bộ chỉ số 766: mức độ hài lòng",
        "Index of Decision 766: satisfaction",
        "hài lòng trong giải quyết thủ tục, phản ánh kiến nghị xử lý đúng hạn và được hài lòng; theo số liệu Cổng công bố",
        "satisfaction with dossiers, petitions answered on time and to satisfaction; as the portal publishes them",
    ),
)
