# ruff: noqa: E501 - sentences for people, kept whole so that they can be searched
"""The definitions of dossier indicators. Reasons and edge cases are in docs/concepts/kpis.md."""

from __future__ import annotations

from typing import Final, TypedDict, Unpack

from ioc.dossiers.ledger import Measure
from ioc.kpi.definition import Aggregation, Direction, Kpi, Source, Window

_DIMENSIONS: Final = ("unit", "channel", "field", "procedure")
_COUNT_EMPTY: Final = "0 once the scope has its first fact; null before it"


class _Words(TypedDict):
    """What every definition says of itself."""

    id: str
    name_vi: str
    name_en: str
    formula_vi: str
    formula_en: str
    numerator: str


def _count(*, measure: Measure, direction: Direction = Direction.NONE, **words: Unpack[_Words]) -> Kpi:
    """What happened to dossiers in the period."""
    return _dossiers(measure, direction, Aggregation.SUM, Window.TODAY, Source.DOSSIER_FLOW, words)


def _gauge(*, measure: Measure, direction: Direction = Direction.NONE, **words: Unpack[_Words]) -> Kpi:
    """How many dossiers are in a state at the last instant of the period."""
    return _dossiers(measure, direction, Aggregation.LAST, Window.NOW, Source.DOSSIER_GAUGE, words)


def _dossiers(
    measure: Measure,
    direction: Direction,
    over_time: Aggregation,
    window: Window,
    source: Source,
    words: _Words,
) -> Kpi:
    return Kpi(
        **words,
        version=1,
        unit_of_measure="dossiers",
        denominator=None,
        over_units=Aggregation.SUM,
        over_time=over_time,
        when_empty=_COUNT_EMPTY,
        direction=direction,
        dimensions=_DIMENSIONS,
        current_window=window,
        source=source,
        numerator_measures=(measure,),
    )


def _share(
    *,
    direction: Direction,
    numerator_measures: tuple[Measure, ...],
    denominator_measures: tuple[Measure, ...],
    denominator: str,
    known_measures: tuple[Measure, ...] = (),
    source: Source = Source.DOSSIER_FLOW,
    when_empty: str = "null",
    **words: Unpack[_Words],
) -> Kpi:
    """A ratio of sums."""
    return Kpi(
        **words,
        version=1,
        unit_of_measure="share",
        denominator=denominator,
        over_units=Aggregation.RATIO,
        over_time=Aggregation.RATIO,
        when_empty=when_empty,
        direction=direction,
        dimensions=_DIMENSIONS,
        current_window=Window.TODAY,
        source=source,
        numerator_measures=numerator_measures,
        denominator_measures=denominator_measures,
        known_measures=known_measures,
    )


def _processing_days(kpi_id: str, quantile: float, word_vi: str, word_en: str) -> Kpi:
    return Kpi(
        id=kpi_id,
        version=1,
        name_vi=f"Thời gian giải quyết ({word_vi})",
        name_en=f"Processing time ({word_en})",
        formula_vi=(
            f"Số ngày làm việc từ khi tiếp nhận đến khi giải quyết xong của hồ sơ giải quyết trong kỳ, {word_vi} (giá trị nhỏ nhất mà ít nhất "
            f"{quantile:.0%} hồ sơ không vượt quá); thời gian chờ bổ sung hoặc tạm dừng vẫn tính."
        ),
        formula_en=(
            f"Working days from acceptance to completion of the dossiers completed in the period, {word_en} (the least value that at "
            f"least {quantile:.0%} of them do not exceed); time spent waiting or paused is part of it."
        ),
        unit_of_measure="working days",
        numerator="working days",
        denominator="dossiers completed in the period",
        over_units=Aggregation.QUANTILE,
        over_time=Aggregation.QUANTILE,
        when_empty="null",
        direction=Direction.DOWN,
        dimensions=_DIMENSIONS,
        current_window=Window.TODAY,
        source=Source.DOSSIER_QUANTILE,
        numerator_measures=(Measure.PROCESSING,),
        quantile=quantile,
    )


DOSSIER_ENTRIES: Final = (
    _count(
        id="dossier.received",
        name_vi="Hồ sơ tiếp nhận",
        name_en="Dossiers received",
        formula_vi="Số hồ sơ được tiếp nhận trong kỳ, theo thời điểm tiếp nhận; không tính hồ sơ chưa từng được tiếp nhận.",
        formula_en="Dossiers accepted in the period, by time of acceptance; those never accepted are outside.",
        numerator="dossiers accepted in the period",
        measure=Measure.RECEIVED,
    ),
    _count(
        id="dossier.completed",
        name_vi="Hồ sơ đã giải quyết",
        name_en="Dossiers completed",
        formula_vi="Số hồ sơ lần đầu đạt trạng thái 9 (đã xử lý xong) hoặc 10 (đã trả kết quả) trong kỳ.",
        formula_en="Dossiers that reach status 9 (done) or 10 (result returned) for the first time in the period.",
        numerator="dossiers completed in the period",
        measure=Measure.COMPLETED,
    ),
    _share(
        id="dossier.on_time_rate",
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
        numerator="dossiers completed on time, and dossiers withdrawn, in the period",
        denominator="dossiers completed or withdrawn in the period",
        direction=Direction.UP,
        numerator_measures=(Measure.ON_TIME, Measure.WITHDRAWN),
        denominator_measures=(Measure.COMPLETED, Measure.WITHDRAWN),
    ),
    _gauge(
        id="dossier.open",
        name_vi="Hồ sơ đang giải quyết",
        name_en="Open dossiers",
        formula_vi="Số hồ sơ đã tiếp nhận mà chưa giải quyết xong, chưa rút, tại thời điểm cuối cùng của kỳ (hiện tại, với kỳ đang diễn ra).",
        formula_en="Dossiers accepted and neither completed nor withdrawn at the last instant of the period (now, in the current one).",
        numerator="open dossiers at the last instant of the period",
        measure=Measure.OPEN,
    ),
    _gauge(
        id="dossier.overdue",
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
        numerator="overdue dossiers at the last instant of the period",
        direction=Direction.DOWN,
        measure=Measure.OVERDUE,
    ),
    _share(
        id="dossier.online_rate",
        name_vi="Tỷ lệ hồ sơ trực tuyến",
        name_en="Online rate",
        formula_vi="Hồ sơ tiếp nhận trực tuyến trong kỳ chia cho hồ sơ tiếp nhận trong kỳ.",
        formula_en="Dossiers accepted through the online channel in the period over dossiers accepted in the period.",
        numerator="dossiers accepted online in the period",
        denominator="dossiers accepted in the period",
        direction=Direction.UP,
        numerator_measures=(Measure.ONLINE,),
        denominator_measures=(Measure.RECEIVED,),
    ),
    _count(
        id="dossier.withdrawn",
        name_vi="Hồ sơ rút",
        name_en="Dossiers withdrawn",
        formula_vi="Số hồ sơ được rút (trạng thái 7) trong kỳ trước khi giải quyết xong.",
        formula_en="Dossiers withdrawn (status 7) in the period before they were completed.",
        numerator="dossiers withdrawn in the period",
        measure=Measure.WITHDRAWN,
    ),
    _gauge(
        id="dossier.paused",
        name_vi="Hồ sơ tạm dừng",
        name_en="Paused dossiers",
        formula_vi="Số hồ sơ đang giải quyết ở trạng thái 6 (chờ nộp phí, lệ phí) hoặc 8 (dừng xử lý) tại thời điểm cuối cùng của kỳ (hiện tại, với kỳ đang diễn ra).",
        formula_en="Open dossiers in status 6 (fee due) or 8 (stopped) at the last instant of the period (now, in the current one).",
        numerator="paused dossiers at the last instant of the period",
        measure=Measure.PAUSED,
    ),
    _share(
        id="dossier.late_rate_gialai",
        name_vi="Tỷ lệ trễ hạn (cách tính của Gia Lai)",
        name_en="Late rate by the formula of Gia Lai",
        formula_vi=(
            "(Hồ sơ đang giải quyết đã quá hạn cuối kỳ cộng hồ sơ giải quyết trễ hạn trong kỳ) chia cho (hồ sơ tiếp nhận trong kỳ cộng hồ sơ "
            "kỳ trước chuyển sang). Tỷ lệ đúng hạn theo cách này là phần còn lại của 1."
        ),
        formula_en=(
            "(Dossiers overdue at the end of the period plus those completed late in it) over (dossiers accepted in the period plus "
            "those carried over from before it). On time by this formula is the rest to 1."
        ),
        numerator="dossiers overdue at the end of the period, and completed late in it",
        denominator="dossiers accepted in the period, and open at its start",
        direction=Direction.DOWN,
        source=Source.DOSSIER_CARRIED,
        numerator_measures=(Measure.LATE, Measure.OVERDUE),
        denominator_measures=(Measure.RECEIVED, Measure.OPEN),
    ),
    _gauge(
        id="dossier.due_24h",
        name_vi="Hồ sơ sắp quá hạn",
        name_en="Dossiers about to fall due",
        formula_vi=(
            "Số hồ sơ đang giải quyết còn không quá 24 giờ đến giờ hẹn trả mà chưa quá hạn, tại thời điểm cuối cùng của kỳ (hiện tại, với kỳ đang "
            "diễn ra); hồ sơ chờ bổ sung hoặc tạm dừng không tính."
        ),
        formula_en=(
            "Open dossiers within 24 hours of their due moment and not overdue yet, at the last instant of the period (now, in the "
            "current one); those that wait for a supplement or are paused are not counted."
        ),
        numerator="dossiers about to fall due at the last instant of the period",
        direction=Direction.DOWN,
        measure=Measure.DUE_SOON,
    ),
    _gauge(
        id="dossier.late_without_apology",
        name_vi="Hồ sơ quá hạn chưa có thư xin lỗi",
        name_en="Overdue without an apology",
        formula_vi=(
            "Số hồ sơ quá hạn đang giải quyết mà chưa có thư xin lỗi còn hiệu lực, tại thời điểm cuối cùng của kỳ (hiện tại, với kỳ đang diễn ra). "
            "Thư có hiệu lực từ khi phát hành đến hết ngày hẹn lại; thư không ghi ngày hẹn lại thì có hiệu lực mãi."
        ),
        formula_en=(
            "Overdue open dossiers that no letter of apology covers, at the last instant of the period (now, in the current one). A "
            "letter covers from its issue through the date that it promises; one without a date covers for good."
        ),
        numerator="overdue dossiers without an apology at the last instant of the period",
        direction=Direction.DOWN,
        measure=Measure.LATE_WITHOUT_APOLOGY,
    ),
    _share(
        id="dossier.paid_online_rate",
        name_vi="Tỷ lệ hồ sơ thanh toán trực tuyến",
        name_en="Paid-online rate",
        formula_vi="Hồ sơ tiếp nhận trong kỳ có thanh toán trực tuyến chia cho hồ sơ tiếp nhận trong kỳ.",
        formula_en="Dossiers accepted in the period that were paid online over dossiers accepted in the period.",
        numerator="dossiers accepted in the period that were paid online",
        denominator="dossiers accepted in the period",
        when_empty="null, also while no source says of any dossier whether it was",
        direction=Direction.UP,
        numerator_measures=(Measure.PAID_ONLINE,),
        denominator_measures=(Measure.RECEIVED,),
        known_measures=(Measure.PAID_KNOWN,),
    ),
    _share(
        id="dossier.digitised_rate",
        name_vi="Tỷ lệ hồ sơ số hóa",
        name_en="Digitised rate",
        formula_vi="Hồ sơ tiếp nhận trong kỳ có thành phần được số hóa chia cho hồ sơ tiếp nhận trong kỳ.",
        formula_en="Dossiers accepted in the period whose papers were digitised over dossiers accepted in the period.",
        numerator="dossiers accepted in the period that were digitised",
        denominator="dossiers accepted in the period",
        when_empty="null, also while no source says of any dossier whether it was",
        direction=Direction.UP,
        numerator_measures=(Measure.DIGITISED,),
        denominator_measures=(Measure.RECEIVED,),
        known_measures=(Measure.DIGITISED_KNOWN,),
    ),
    _processing_days("dossier.processing_days_p50", 0.5, "trung vị", "median"),
    _processing_days("dossier.processing_days_p90", 0.9, "phân vị 90", "90th percentile"),
    _share(
        id="dossier.satisfaction",
        name_vi="Tỷ lệ hài lòng",
        name_en="Satisfaction",
        formula_vi="Hồ sơ được đánh giá hài lòng trong kỳ chia cho hồ sơ được đánh giá trong kỳ; đánh giá mới nhất của mỗi hồ sơ được tính.",
        formula_en="Dossiers rated as satisfying in the period over dossiers rated in it; the newest rating of each dossier counts.",
        numerator="dossiers rated as satisfying in the period",
        denominator="dossiers rated in the period",
        direction=Direction.UP,
        numerator_measures=(Measure.SATISFIED,),
        denominator_measures=(Measure.RATED,),
    ),
)
