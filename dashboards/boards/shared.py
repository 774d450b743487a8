# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""Lists that several boards show."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import table

from dashboards import query, words
from dashboards.frame import Part
from dashboards.lists import Column, rows
from dashboards.panels import HALF, WHOLE, Place, Size
from ioc.pages.words import Phrase


def alert_counts(place: Place, *, size: Size, links: Mapping[str, str] | None = None) -> Part:
    """How many alerts are open, by severity."""
    return rows(
        place,
        "alert_counts",
        [query.UNIT],
        [
            Column(name=Phrase("Mức", "Severity"), sql="severity", marks=words.SEVERITIES),
            Column(name=Phrase("Đang mở", "Open"), sql="open", unit="locale"),
            Column(name=Phrase("Chưa ai nhận", "Waiting"), sql="waiting", unit="locale"),
        ],
        title=Phrase("Cảnh báo theo mức", "Alerts by severity"),
        said=Phrase(
            "Số cảnh báo đang mở theo mức, và trong đó chưa ai tiếp nhận.",
            "How many alerts are open, by severity, and of these how many nobody acknowledged.",
        ),
        size=size,
        links=links,
    )


def open_alerts(place: Place, *, size: Size = HALF) -> table.Panel:
    """Alerts that are open, the worst first; each leads to its page."""
    language = query.text(place.language.value)
    return rows(
        place,
        "alerts",
        [query.UNIT, language],
        [
            Column(name=Phrase("Mức", "Severity"), sql="severity", marks=words.SEVERITIES, width=130),
            Column(
                name=Phrase("Cảnh báo", "Alert"),
                sql="title",
                link="${ioc_url:raw}/ops/alerts?alert=${__data.fields.id}",
            ),
            Column(name=words.UNIT, sql="unit"),
            Column(name=Phrase("Điểm / thiết bị", "Point / device"), sql="coalesce(device, point)"),
            Column(name=Phrase("Từ lúc", "Since"), sql="since", width=170),
            Column(
                name=Phrase("Tiếp nhận", "Acknowledged"),
                sql=_acknowledged(place),
                width=150,
            ),
            Column(name=Phrase("id", "id"), sql="id", hidden=True),
        ],
        title=Phrase("Cảnh báo đang mở", "Open alerts"),
        said=Phrase(
            "Cảnh báo đang mở của đơn vị và các đơn vị trực thuộc, nặng nhất trước, nhiều nhất 200. Không nêu mã hồ sơ hay tên người: bấm vào cảnh báo để mở trang của nó.",
            "Open alerts of the unit and those below it, the worst first, 200 at most. No dossier's code and no person's name is shown: an alert leads to its page.",
        ),
        size=size,
    )


def _acknowledged(place: Place) -> str:
    taken, held, waits = (
        query.text(place.say(phrase))
        for phrase in (
            Phrase("✓ đã tiếp nhận", "✓ acknowledged"),
            Phrase("⏸ tạm giữ", "⏸ held"),
            Phrase("… chờ", "… waiting"),
        )
    )
    return f"CASE WHEN acknowledged THEN {taken} WHEN held THEN {held} ELSE {waits} END"


def devices(place: Place, kind: int, *, clients: bool = False, size: Size = WHOLE) -> table.Panel:
    """Devices of one kind as they are now, those that need somebody first."""
    columns = [
        Column(name=Phrase("Trạng thái", "State"), sql="state", marks=words.STATES, width=150),
        Column(
            name=Phrase("Thiết bị", "Device"),
            sql="name",
            link="${ioc_url:raw}/ops/devices/${__data.fields.code}",
        ),
        Column(name=words.UNIT, sql="unit"),
        Column(name=Phrase("Điểm tiếp nhận", "Reception point"), sql="point"),
        Column(name=Phrase("Từ lúc", "Since"), sql="since", width=170),
        Column(name=Phrase("Nghe lần cuối", "Last heard"), sql="heard_at", width=170),
    ]
    if clients:
        columns.append(Column(name=Phrase("Số máy", "Clients"), sql="clients", unit="locale"))
    columns.append(Column(name=Phrase("code", "code"), sql="code", hidden=True))
    return rows(
        place,
        "devices",
        [str(kind), query.UNIT, query.text(place.language.value)],
        columns,
        title=Phrase("Thiết bị lúc này", "Devices now"),
        said=Phrase(
            "Mỗi thiết bị với trạng thái đang có hiệu lực. Thiết bị im lặng quá hạn là “không rõ”, không phải hỏng. Lý do và lịch sử: bấm vào thiết bị.",
            "Each device with the state that holds now. One that was silent for too long is unknown, which is not down. A device leads to its reason and its history.",
        ),
        size=size,
    )
