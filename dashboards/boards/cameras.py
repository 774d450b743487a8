# ruff: noqa: E501 - sentences for people, kept whole; Vietnamese has letters of its own
"""Cameras: whether they show what is, and since when they do not."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.boards.shared import devices
from dashboards.frame import Part, Plan
from dashboards.lists import timeline
from dashboards.panels import Place, bars, by_units, tile, trend
from ioc.pages.words import Phrase

_CAMERA = 1


def _parts(place: Place) -> Sequence[Part]:
    return [
        tile(place, "camera.availability"),
        tile(place, "camera.down"),
        tile(place, "camera.frozen"),
        tile(place, "camera.stalled"),
        tile(place, "camera.clock_offset"),
        tile(place, "camera.mttr"),
        timeline(
            place,
            _CAMERA,
            title=Phrase("Trạng thái từng camera", "State of each camera"),
            said=Phrase(
                "Trạng thái của từng camera theo thời gian; nhiều nhất 100 camera, những camera hỏng lâu nhất. Im lặng quá hạn là “không rõ”.",
                "State of each camera over time; 100 of them at most, those that were down longest. Silence for too long is unknown.",
            ),
        ),
        trend(place, ["camera.availability"]),
        trend(
            place,
            ["camera.down", "camera.frozen", "camera.stalled"],
            title=Phrase("Hỏng, đứng hình, ngừng gửi hình", "Down, frozen, stalled"),
        ),
        trend(
            place,
            ["camera.degraded", "camera.unknown", "camera.maintenance"],
            title=Phrase(
                "Suy giảm, không rõ, bảo trì (phần thời gian)",
                "Degraded, unknown, maintenance (share of time)",
            ),
        ),
        bars(
            place,
            "camera.clock_offset",
            "device",
            title=Phrase("Độ lệch đồng hồ theo camera", "Clock offset by camera"),
            head=Phrase("Camera", "Camera"),
        ),
        Phrase("Thiết bị và đơn vị", "Devices and units"),
        devices(place, _CAMERA),
        by_units(
            place,
            ["camera.availability", "camera.down", "camera.frozen", "camera.unknown"],
            title=Phrase("Các đơn vị", "Units"),
            to="cameras",
        ),
    ]


PLAN = Plan(
    key="cameras",
    title=Phrase("Camera", "Cameras"),
    said=Phrase(
        "Camera hoạt động, hỏng, đứng hình; trạng thái từng thiết bị theo thời gian.",
        "Cameras that work, are down or frozen; the state of each over time.",
    ),
    parts=_parts,
    page="devices",
)
