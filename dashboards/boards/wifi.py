# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""Public wifi: access points, those who use them, and the way out."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.boards.shared import devices
from dashboards.frame import Part, Plan
from dashboards.lists import timeline
from dashboards.panels import Place, bars, by_units, tile, trend
from ioc.pages.words import Phrase

_ACCESS_POINT = 2


def _parts(place: Place) -> Sequence[Part]:
    return [
        tile(place, "wifi.availability"),
        tile(place, "wifi.down"),
        tile(place, "wifi.clients"),
        tile(place, "wifi.saturated"),
        tile(place, "wifi.internet_ok_rate"),
        tile(place, "wifi.traffic"),
        timeline(
            place,
            _ACCESS_POINT,
            title=Phrase("Trạng thái từng điểm truy cập", "State of each access point"),
            said=Phrase(
                "Trạng thái của từng điểm truy cập theo thời gian; nhiều nhất 100, những điểm hỏng lâu nhất. Im lặng quá hạn là “không rõ”.",
                "State of each access point over time; 100 of them at most, those that were down longest. Silence for too long is unknown.",
            ),
        ),
        trend(place, ["wifi.availability"]),
        trend(place, ["wifi.clients", "wifi.clients_max"], title=Phrase("Số máy truy cập", "Clients")),
        trend(place, ["wifi.loss"]),
        trend(place, ["wifi.rtt_p50"]),
        trend(place, ["wifi.internet_ok_rate"]),
        trend(place, ["wifi.traffic"], bars=True),
        trend(
            place,
            ["wifi.degraded", "wifi.unknown", "wifi.maintenance"],
            title=Phrase(
                "Suy giảm, không rõ, bảo trì (phần thời gian)",
                "Degraded, unknown, maintenance (share of time)",
            ),
        ),
        trend(place, ["wifi.saturated"]),
        Phrase("Thiết bị và đơn vị", "Devices and units"),
        devices(place, _ACCESS_POINT, clients=True),
        bars(
            place,
            "wifi.clients",
            "device",
            title=Phrase("Số máy theo điểm truy cập", "Clients by access point"),
            head=Phrase("Điểm truy cập", "Access point"),
        ),
        bars(
            place,
            "wifi.loss",
            "device",
            title=Phrase("Mất gói theo điểm truy cập", "Loss by access point"),
            head=Phrase("Điểm truy cập", "Access point"),
        ),
        by_units(
            place,
            ["wifi.availability", "wifi.down", "wifi.clients", "wifi.internet_ok_rate"],
            title=Phrase("Các đơn vị", "Units"),
            to="wifi",
        ),
    ]


PLAN = Plan(
    key="wifi",
    title=Phrase("Wifi công cộng", "Public wifi"),
    said=Phrase(
        "Điểm truy cập, số máy, đường ra Internet. Chỉ có số đếm, không có địa chỉ máy nào.",
        "Access points, clients, the way to the Internet. Counts alone, never a client's address.",
    ),
    parts=_parts,
    page="devices",
)
