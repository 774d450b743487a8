# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""The platform's own health: whether it hears, counts and tells."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.frame import Part, Plan
from dashboards.lists import Column, rows
from dashboards.panels import Place, Size, divided, tile, trend
from dashboards.words import Mark
from ioc.pages.words import Phrase

_PROCESSES = {
    "alive": Mark("✓", Phrase("hoạt động", "alive"), "green"),
    "silent": Mark("✗", Phrase("im lặng", "silent"), "red"),
    "stopped": Mark("■", Phrase("đã dừng", "stopped"), "blue"),
}
_CONNECTORS = {
    "ok": Mark("✓", Phrase("tốt", "well"), "green"),
    "failing": Mark("✗", Phrase("nguồn lỗi", "a source fails"), "orange"),
    "spooling": Mark("▲", Phrase("đang giữ tạm", "spooling"), "orange"),
    "full": Mark("‼", Phrase("kho tạm đầy", "spool full"), "red"),
    "stopped": Mark("■", Phrase("đã dừng", "stopped"), "blue"),
    "unknown": Mark("?", Phrase("không rõ", "unknown"), "#8e8e8e"),
}
_HALTED = {
    "false": Mark("✓", Phrase("chạy", "runs"), "green"),
    "true": Mark("✗", Phrase("bị dừng", "halted"), "red"),
}


def _parts(place: Place) -> Sequence[Part]:
    size = Size(w=6, h=4)
    return [
        tile(place, "platform.freshness", size=size),
        tile(place, "platform.lag", size=size),
        tile(place, "platform.dead_letters", size=size),
        tile(place, "alerts.round_trip", size=size, to="alerts"),
        divided(
            place,
            "platform.lag",
            "topic",
            title=Phrase("Bản ghi chưa tính theo luồng", "Records not yet counted, by topic"),
            stacked=False,
        ),
        divided(
            place,
            "platform.freshness",
            "topic",
            title=Phrase("Tuổi của số liệu mới nhất theo luồng", "Age of the newest facts, by topic"),
            stacked=False,
        ),
        divided(
            place,
            "platform.dead_letters",
            "topic",
            title=Phrase("Bản ghi không đọc được theo luồng", "Unreadable records, by topic"),
        ),
        trend(place, ["alerts.round_trip"]),
        rows(
            place,
            "processes",
            [],
            [
                Column(name=Phrase("Tiến trình", "Process"), sql="name"),
                Column(name=Phrase("Trạng thái", "State"), sql="state", marks=_PROCESSES, width=130),
                Column(name=Phrase("Nghe lần cuối", "Last heard"), sql="heard_at", width=170),
                Column(name=Phrase("Im lặng", "Silent for"), sql="silent_s", unit="s", width=110),
            ],
            title=Phrase("Tiến trình", "Processes"),
            said=Phrase(
                "Mỗi tiến trình của hệ thống: im lặng nghĩa là ba nhịp liền không nghe. Máy được đánh số, không nêu tên.",
                "Each process of the platform: silent means that three beats in a row were missed. Machines are numbered, not named.",
            ),
        ),
        rows(
            place,
            "connectors",
            [],
            [
                Column(name=Phrase("Bộ kết nối", "Connector"), sql="name"),
                Column(name=Phrase("Trạng thái", "State"), sql="state", marks=_CONNECTORS, width=150),
                Column(name=Phrase("Từ lúc", "Since"), sql="since", width=170),
                Column(name=Phrase("Nguồn lỗi", "Failing"), sql="failing", unit="locale", width=90),
                Column(name=Phrase("Nguồn", "Sources"), sql="sources", unit="locale", width=80),
                Column(name=Phrase("Giữ tạm", "Spooled"), sql="spooled_events", unit="locale", width=90),
            ],
            title=Phrase("Bộ kết nối", "Connectors"),
            said=Phrase(
                "Mỗi bộ kết nối theo báo cáo gần nhất; không báo trong ba nhịp là “không rõ”.",
                "Each connector by its newest report; none for three intervals is unknown.",
            ),
        ),
        rows(
            place,
            "partitions",
            [],
            [
                Column(name=Phrase("Luồng", "Topic"), sql="topic"),
                Column(name=Phrase("Phân vùng", "Partition"), sql="partition", width=90),
                Column(name=Phrase("Trạng thái", "State"), sql="halted::text", marks=_HALTED, width=110),
                Column(name=Phrase("Chưa tính", "Not counted"), sql="lag", unit="locale", width=110),
                Column(name=Phrase("Sự kiện mới nhất", "Newest fact"), sql="newest_fact", width=170),
                Column(name=Phrase("Tiến lúc", "Moved at"), sql="moved_at", width=170),
            ],
            title=Phrase("Phân vùng", "Partitions"),
            said=Phrase(
                "Mỗi phân vùng đã tính đến đâu. Phân vùng bị dừng cần sửa chữa: xem ioc doctor.",
                "How far each partition is counted. One that is halted needs a repair: see ioc doctor.",
            ),
        ),
        rows(
            place,
            "readings",
            [],
            [
                Column(name=Phrase("Phép đo", "Reading"), sql="name"),
                Column(name=Phrase("Của", "Of"), sql="instance"),
                Column(name=Phrase("Giá trị", "Value"), sql="value"),
                Column(name=Phrase("Đơn vị đo", "Measure"), sql="unit", width=110),
                Column(name=Phrase("Đo lúc", "Measured at"), sql="measured_at", width=170),
            ],
            title=Phrase("Máy chủ", "Machines"),
            said=Phrase(
                "Đĩa, đồng hồ, chứng thư, sao lưu, tin nhắn ứ đọng; đo quá lâu thì để trống. Máy được đánh số, không nêu tên.",
                "Disks, clocks, certificates, backups, messages that are stuck; empty where measured too long ago. Machines are numbered, not named.",
            ),
        ),
    ]


PLAN = Plan(
    key="platform",
    title=Phrase("Sức khoẻ hệ thống", "Platform health"),
    said=Phrase(
        "Hệ thống có nghe, có tính, có báo không.",
        "Whether the platform hears, counts and tells.",
    ),
    parts=_parts,
    page="admin",
    since="now-6h",
)
