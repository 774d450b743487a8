"""Queues: who waits, how long, and who left."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.frame import Part, Plan
from dashboards.panels import HALF, Place, Size, bars, by_units, divided, tile, trend
from ioc.pages.words import Phrase

_SERVICE = Phrase("Dịch vụ", "Service")


def _parts(place: Place) -> Sequence[Part]:
    return [
        tile(place, "queue.issued"),
        tile(place, "queue.waiting"),
        tile(place, "queue.wait_p50"),
        tile(place, "queue.wait_p90"),
        tile(place, "queue.served_within_15m"),
        tile(place, "queue.no_show_rate"),
        trend(place, ["queue.waiting"]),
        trend(
            place,
            ["queue.wait_p50", "queue.wait_p90"],
            title=Phrase("Thời gian chờ", "Wait"),
        ),
        trend(place, ["queue.served_within_15m"]),
        trend(
            place,
            ["queue.no_show_rate", "queue.abandonment_rate"],
            title=Phrase("Gọi vắng và bỏ chờ", "No-shows and those who left"),
        ),
        divided(place, "queue.issued", "service", title=Phrase("Phiếu theo dịch vụ", "Tickets by service")),
        trend(place, ["queue.surge"]),
        Phrase("Theo dịch vụ và đơn vị", "By service and unit"),
        bars(
            place,
            "queue.waiting",
            "service",
            title=Phrase("Đang chờ theo dịch vụ", "Waiting by service"),
            head=_SERVICE,
            size=HALF,
        ),
        bars(
            place,
            "queue.wait_p90",
            "service",
            title=Phrase("Phân vị 90 thời gian chờ hôm nay", "90th percentile of today's waits"),
            head=_SERVICE,
            size=HALF,
        ),
        by_units(
            place,
            ["queue.issued", "queue.waiting", "queue.wait_p50", "queue.wait_p90", "queue.served_within_15m"],
            title=Phrase("Các đơn vị hôm nay", "Units today"),
            to="queues",
            size=Size(w=24, h=9),
        ),
    ]


PLAN = Plan(
    key="queues",
    title=Phrase("Hàng chờ", "Queues"),
    said=Phrase(
        "Phiếu đã cấp, người đang chờ, thời gian chờ của từng dịch vụ.",
        "Tickets issued, people waiting, and how long, of each service.",
    ),
    parts=_parts,
    page="wall",
    since="now/d",
    refresh="10s",
)
