"""The operations wall: how the district stands at this moment."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import query, words
from dashboards.boards.shared import alert_counts, open_alerts
from dashboards.frame import Part, Plan
from dashboards.lists import Column, points, rows
from dashboards.panels import HALF, Place, Size, bars, tile, trend
from ioc.pages.words import Phrase


def _parts(place: Place) -> Sequence[Part]:
    return [
        tile(place, "dossier.received", to="onestop"),
        tile(place, "dossier.overdue", to="onestop"),
        tile(place, "dossier.due_24h", to="onestop"),
        tile(place, "dossier.on_time_rate", to="onestop"),
        tile(place, "queue.waiting", to="queues"),
        tile(place, "queue.wait_p90", to="queues"),
        tile(place, "camera.availability", to="cameras"),
        tile(place, "camera.down", to="cameras"),
        tile(place, "wifi.availability", to="wifi"),
        tile(place, "wifi.down", to="wifi"),
        tile(place, "wifi.clients", to="wifi"),
        tile(place, "platform.freshness", to="platform"),
        points(place, size=Size(w=10, h=12)),
        open_alerts(place, size=Size(w=14, h=12)),
        _places(place),
        bars(
            place,
            "queue.waiting",
            "service",
            title=Phrase("Đang chờ theo dịch vụ", "Waiting by service"),
            head=Phrase("Dịch vụ", "Service"),
            size=Size(w=8, h=10),
        ),
        alert_counts(
            place,
            size=Size(w=6, h=10),
            links={place.say(Phrase("Cảnh báo", "Alerts")): place.board("alerts")},
        ),
        trend(
            place,
            ["dossier.received", "dossier.completed"],
            title=Phrase("Hồ sơ tiếp nhận và giải quyết", "Dossiers received and completed"),
            bars=True,
            to="onestop",
        ),
        trend(place, ["queue.waiting"], size=HALF, to="queues"),
    ]


def _places(place: Place) -> Part:
    return rows(
        place,
        "points",
        [query.UNIT, query.text(place.language.value)],
        [
            Column(name=Phrase("Điểm", "Point"), sql="name"),
            Column(name=Phrase("Trạng thái", "State"), sql="state", marks=words.STATES, width=130),
            Column(name=Phrase("Hỏng", "Down"), sql="down", unit="locale", width=70),
            Column(name=Phrase("Cảnh báo", "Alerts"), sql="alerts", unit="locale", width=80),
        ],
        title=Phrase("Điểm tiếp nhận", "Points"),
        said=Phrase(
            "Mỗi điểm tiếp nhận với trạng thái xấu nhất của thiết bị tại đó; điểm chưa có thiết bị thì để trống.",
            "Each reception point with the worst state of the devices there; empty where there is no device.",
        ),
        size=Size(w=10, h=10),
    )


PLAN = Plan(
    key="wall",
    title=Phrase("Toàn cảnh điều hành", "Operations wall"),
    said=Phrase(
        "Huyện lúc này: hồ sơ, hàng chờ, camera, wifi, cảnh báo.",
        "The district at this moment: dossiers, queues, cameras, wifi, alerts.",
    ),
    parts=_parts,
    page="wall",
    refresh="10s",
)
