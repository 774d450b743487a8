"""The one-stop shops: dossiers received, completed, late, and how they came."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.frame import Part, Plan
from dashboards.panels import THIRD, Place, bars, by_units, divided, tile, trend
from ioc.pages.words import Phrase


def _parts(place: Place) -> Sequence[Part]:
    return [
        tile(place, "dossier.received"),
        tile(place, "dossier.completed"),
        tile(place, "dossier.open"),
        tile(place, "dossier.overdue"),
        tile(place, "dossier.due_24h"),
        tile(place, "dossier.late_without_apology"),
        tile(place, "dossier.on_time_rate"),
        tile(place, "dossier.late_rate_gialai"),
        tile(place, "dossier.online_rate", to="index766"),
        tile(place, "dossier.paid_online_rate", to="index766"),
        tile(place, "dossier.digitised_rate", to="index766"),
        tile(place, "dossier.satisfaction", to="index766"),
        Phrase("Theo thời gian", "Over time"),
        trend(
            place,
            ["dossier.received", "dossier.completed", "dossier.withdrawn"],
            title=Phrase("Tiếp nhận, giải quyết, rút", "Received, completed, withdrawn"),
            bars=True,
        ),
        trend(place, ["dossier.on_time_rate"], to="planning"),
        trend(
            place,
            ["dossier.overdue", "dossier.due_24h", "dossier.late_without_apology", "dossier.paused"],
            title=Phrase(
                "Quá hạn, sắp quá hạn, chưa xin lỗi, tạm dừng",
                "Overdue, about to be, without apology, paused",
            ),
        ),
        trend(
            place,
            ["dossier.processing_days_p50", "dossier.processing_days_p90"],
            title=Phrase("Thời gian giải quyết", "Processing time"),
        ),
        divided(
            place,
            "dossier.received",
            "channel",
            title=Phrase("Tiếp nhận theo kênh", "Received by channel"),
        ),
        trend(place, ["dossier.surge"]),
        Phrase("Theo đơn vị và thủ tục", "By unit and procedure"),
        by_units(
            place,
            [
                "dossier.received",
                "dossier.open",
                "dossier.overdue",
                "dossier.late_without_apology",
                "dossier.on_time_rate",
                "dossier.online_rate",
                "dossier.satisfaction",
            ],
            title=Phrase("Các đơn vị hôm nay", "Units today"),
            to="onestop",
        ),
        bars(
            place,
            "dossier.overdue",
            "procedure",
            title=Phrase("Quá hạn theo thủ tục", "Overdue by procedure"),
            head=Phrase("Thủ tục", "Procedure"),
            size=THIRD,
        ),
        bars(
            place,
            "dossier.open",
            "field",
            title=Phrase("Đang giải quyết theo lĩnh vực", "Open by field"),
            head=Phrase("Lĩnh vực", "Field"),
            size=THIRD,
        ),
        bars(
            place,
            "dossier.received",
            "procedure",
            title=Phrase("Tiếp nhận hôm nay theo thủ tục", "Received today by procedure"),
            head=Phrase("Thủ tục", "Procedure"),
            size=THIRD,
        ),
    ]


PLAN = Plan(
    key="onestop",
    title=Phrase("Bộ phận Một cửa", "One-stop shop"),
    said=Phrase(
        "Hồ sơ tiếp nhận, giải quyết, quá hạn của đơn vị và các đơn vị trực thuộc.",
        "Dossiers received, completed and overdue, of the unit and those below it.",
    ),
    parts=_parts,
    page="dossiers",
    since="now-30d",
)
