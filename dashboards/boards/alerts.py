# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""Alerts and duty: what is open, who is missing, and whether messages arrive."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import query, words
from dashboards.boards.shared import alert_counts, open_alerts
from dashboards.frame import Part, Plan
from dashboards.lists import Column, counted, rows
from dashboards.panels import Place, Size, tile, trend
from dashboards.words import Mark
from ioc.pages.words import Phrase

_NOTICES = {
    "hand_over": Mark("⇄", Phrase("giao ca", "hand-over"), "blue"),
    "gap": Mark("✗", Phrase("không có người trực", "nobody on duty"), "red"),
}


def _parts(place: Place) -> Sequence[Part]:
    language = query.text(place.language.value)
    return [
        alert_counts(place, size=Size(w=6, h=9)),
        counted(
            place,
            "alerts_opened",
            [query.UNIT, query.FROM, query.TO, query.BUCKET],
            title=Phrase("Cảnh báo mới theo mức", "Alerts opened, by severity"),
            said=Phrase(
                "Số cảnh báo mở ra trong từng khoảng, theo mức.",
                "How many alerts were opened in each bucket, by severity.",
            ),
            size=Size(w=18, h=9),
        ),
        open_alerts(place, size=Size(w=24, h=11)),
        Phrase("Trực", "Duty"),
        rows(
            place,
            "rosters",
            [language],
            [
                Column(name=Phrase("Lịch trực", "Roster"), sql="name"),
                Column(name=words.UNIT, sql="unit"),
                Column(
                    name=Phrase("Đến lúc không có người trực", "Until nobody is on duty"),
                    sql="gap_hours",
                    unit="h",
                ),
                Column(name=Phrase("Đo lúc", "Measured at"), sql="measured_at", width=170),
            ],
            title=Phrase("Các lịch trực", "Rosters"),
            said=Phrase(
                "Mỗi lịch trực với số giờ đến lúc gần nhất không có ai trực (336: không có trong 14 ngày tới). Ai đang trực chỉ hiện ở trang Lịch trực, cho người đã đăng nhập.",
                "Each roster with the hours until the nearest time with nobody on duty (336: none within 14 days). Who is on duty stands on the duty page, for those who log in.",
            ),
            links={place.say(Phrase("Trang Lịch trực", "Duty page")): place.page("duty")},
        ),
        rows(
            place,
            "duty_notices",
            [query.FROM, query.TO],
            [
                Column(name=Phrase("Lúc", "At"), sql='"time"', width=170),
                Column(name=Phrase("Việc", "What"), sql="kind", marks=_NOTICES),
                Column(name=Phrase("Lịch trực", "Roster"), sql="roster"),
                Column(name=Phrase("Báo lúc", "Told at"), sql="told_at", width=170),
            ],
            title=Phrase("Giao ca và thiếu người trực", "Hand-overs and gaps"),
            said=Phrase(
                "Giao ca và khoảng trống đã báo trong thời gian đang xem, không nêu tên người.",
                "Hand-overs and gaps that were told in the time shown, without names.",
            ),
        ),
        Phrase("Tin nhắn", "Messages"),
        tile(place, "alerts.round_trip", size=Size(w=6, h=9)),
        trend(place, ["alerts.round_trip"], size=Size(w=9, h=9)),
        rows(
            place,
            "messages",
            [query.FROM, query.TO],
            [
                Column(name=Phrase("Kênh", "Channel"), sql="channel"),
                Column(name=Phrase("Đã gửi", "Sent"), sql="sent", unit="locale"),
                Column(name=Phrase("Chờ", "Waiting"), sql="waiting", unit="locale"),
                Column(name=Phrase("Hỏng", "Failed"), sql="failed", unit="locale"),
                Column(name=Phrase("Chậm nhất", "Slowest"), sql="slowest_s", unit="s"),
            ],
            title=Phrase("Theo kênh", "By channel"),
            said=Phrase(
                "Tin nhắn tạo ra trong thời gian đang xem, theo kênh; không nêu người nhận hay nội dung.",
                "Messages made in the time shown, by channel; neither who got them nor what they say.",
            ),
            size=Size(w=9, h=9),
        ),
    ]


PLAN = Plan(
    key="alerts",
    title=Phrase("Trực và cảnh báo", "Duty and alerts"),
    said=Phrase(
        "Cảnh báo đang mở, lịch trực, tin nhắn có đến nơi không.",
        "Open alerts, rosters, and whether messages arrive.",
    ),
    parts=_parts,
    page="alerts",
    since="now-7d",
)
