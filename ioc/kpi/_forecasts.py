# ruff: noqa: E501 - sentences for people, kept whole so that they can be searched
"""The definitions of arrivals against what was to be expected. Reasons are in docs/concepts/forecasts.md."""

from __future__ import annotations

from typing import Final

from ioc.dossiers.ledger import Measure
from ioc.kpi.definition import Aggregation, Direction, Kpi, QueueMeasure, Source, Window


def _surge(
    kpi_id: str,
    *,
    arrivals_vi: str,
    arrivals_en: str,
    name_vi: str,
    measure: int,
    source: Source,
    dimensions: tuple[str, ...],
) -> Kpi:
    return Kpi(
        id=kpi_id,
        version=1,
        name_vi=name_vi,
        name_en=f"Surge: {arrivals_en} over expected",
        formula_vi=(
            f"Số {arrivals_vi} trong các ngày làm việc của kỳ chia cho số dự kiến theo giờ và thứ, tính từ 84 ngày liền trước mỗi ngày "
            "(đợt tăng đột biến cũ chỉ tính đến ngưỡng; nghỉ lễ, ngày làm bù theo lịch của huyện). Ngoài ngày làm việc không dự kiến gì."
        ),
        formula_en=(
            f"{arrivals_en.capitalize()} on the worked days of the period over the number expected by hour and weekday, from the 84 days "
            "before each day (old surges count up to a limit; holidays and make-up days by the district's calendar). Outside worked days nothing is expected."
        ),
        unit_of_measure="times",
        numerator=f"{arrivals_en} on worked days of the period, until now in the current one",
        denominator="the number expected of the same stretch",
        over_units=Aggregation.ANEW,
        over_time=Aggregation.RATIO,
        when_empty="null where nothing is expected, or fewer than 20 worked days are known before",
        direction=Direction.NONE,
        dimensions=dimensions,
        current_window=Window.TODAY,
        source=source,
        numerator_measures=(measure,),
        denominator_measures=(measure,),
    )


DOSSIER_SURGE: Final = _surge(
    "dossier.surge",
    arrivals_vi="hồ sơ tiếp nhận",
    arrivals_en="dossiers received",
    name_vi="Hồ sơ tiếp nhận so với dự kiến",
    measure=Measure.RECEIVED,
    source=Source.DOSSIER_SURGE,
    dimensions=("unit", "channel", "field", "procedure"),
)
QUEUE_SURGE: Final = _surge(
    "queue.surge",
    arrivals_vi="phiếu lấy số",
    arrivals_en="tickets issued",
    name_vi="Lượt lấy số so với dự kiến",
    measure=QueueMeasure.ISSUED,
    source=Source.QUEUE_SURGE,
    dimensions=("unit", "service"),
)
