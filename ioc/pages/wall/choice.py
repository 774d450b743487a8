"""Which figures the wall shows, in which order: what an operator needs, not all there is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ioc.alerts.model import Severity
from ioc.kpi.catalogue import Bucket
from ioc.pages.wall import words
from ioc.pages.words import Phrase


@dataclass(frozen=True, slots=True)
class Trend:
    """How far back a figure's small line goes, and in which steps."""

    bucket: str
    span: timedelta
    said: Phrase


_DAY: Final = Trend(Bucket.HOUR, timedelta(hours=24), words.LAST_DAY)
_FORTNIGHT: Final = Trend(Bucket.DAY, timedelta(days=14), words.LAST_FORTNIGHT)
_SHIFT: Final = Trend(Bucket.QUARTER, timedelta(hours=8), words.LAST_SHIFT)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure.

    :param far: what it is called on the large screen that is read from five metres; None: it is not there.
    """

    kpi: str
    trend: Trend
    far: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of one subject."""

    code: str
    said: Phrase
    tiles: tuple[Tile, ...]


GROUPS: Final = (
    Group(
        "dossiers",
        words.DOSSIERS,
        (
            Tile("dossier.received", _DAY, Phrase("Hồ sơ tiếp nhận", "Received")),
            Tile("dossier.open", _DAY, Phrase("Đang giải quyết", "Open dossiers")),
            Tile("dossier.due_24h", _DAY, Phrase("Sắp quá hạn", "Due in 24 h")),
            Tile("dossier.on_time_rate", _FORTNIGHT, Phrase("Đúng hạn", "On time")),
            Tile("dossier.overdue", _FORTNIGHT, Phrase("Quá hạn", "Overdue")),
            Tile("dossier.satisfaction", _FORTNIGHT, Phrase("Hài lòng", "Satisfied")),
            Tile("dossier.completed", _DAY),
            Tile("dossier.late_without_apology", _FORTNIGHT),
        ),
    ),
    Group(
        "queues",
        words.QUEUES,
        (
            Tile("queue.waiting", _SHIFT, Phrase("Người đang chờ", "People waiting")),
            Tile("queue.wait_p90", _SHIFT, Phrase("Chờ, phân vị 90", "Wait, 90th pct.")),
            Tile("queue.served_within_15m", _SHIFT, Phrase("Chờ ≤ 15 phút", "Within 15 min")),
            Tile("queue.issued", _SHIFT),
        ),
    ),
    Group(
        "devices",
        words.CAMERAS_AND_WIFI,
        (
            Tile("camera.availability", _SHIFT, Phrase("Camera chạy tốt", "Cameras up")),
            Tile("wifi.availability", _SHIFT, Phrase("Wifi chạy tốt", "Wifi up")),
            Tile("wifi.clients", _SHIFT, Phrase("Máy dùng wifi", "Wifi clients")),
            Tile("camera.down", _SHIFT),
            Tile("camera.frozen", _SHIFT),
            Tile("wifi.down", _SHIFT),
            Tile("wifi.saturated", _SHIFT),
            Tile("wifi.internet_ok_rate", _SHIFT),
        ),
    ),
    Group(
        "platform",
        words.PLATFORM,
        (
            Tile("platform.freshness", _SHIFT),
            Tile("platform.lag", _SHIFT),
            Tile("platform.dead_letters", _SHIFT),
            Tile("alerts.round_trip", _SHIFT),
        ),
    ),
)
TILES: Final = tuple(tile for group in GROUPS for tile in group.tiles)
KPIS: Final = tuple(tile.kpi for tile in TILES)


@dataclass(frozen=True, slots=True)
class Watched:
    """Facts that should keep coming.

    :param limit: none for longer than this is silence.
    :param working: only working time counts: nobody files dossiers at night.
    """

    topic: str
    said: Phrase
    limit: timedelta
    working: bool


#: Topics (without the installation's prefix) whose newest facts the wall watches.
WATCHED: Final = (
    Watched("ioc.dossiers", words.DOSSIERS, timedelta(hours=2), working=True),
    Watched("ioc.queues", words.QUEUES, timedelta(hours=1), working=True),
    Watched("ioc.cameras", words.CAMERAS, timedelta(minutes=5), working=False),
    Watched("ioc.wifi", words.WIFI, timedelta(minutes=5), working=False),
)
#: Alerts and services that are listed at a desk, and on the large screen.
ALERTS_NEAR: Final = 6
ALERTS_FAR: Final = 4
#: Severities that are listed; of those that are for information alone there is only the number.
LISTED: Final = (Severity.WARNING, Severity.MINOR, Severity.MAJOR, Severity.CRITICAL)
SERVICES_NEAR: Final = 8
SERVICES_FAR: Final = 3
#: Banners on the large screen, which has room for figures below them.
WARNINGS_FAR: Final = 2
