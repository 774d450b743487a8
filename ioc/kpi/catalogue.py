"""The catalogue of indicators: what each one means, once, as data.

Every surface (command line, API, boards, alert rules, reports) asks for an indicator by its id; the SQL functions
that answer are installed from this catalogue, see :mod:`ioc.kpi.install`. A change of meaning is a new version.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ioc import topics
from ioc.kpi._devices import DEVICE_ENTRIES
from ioc.kpi._dossiers import DOSSIER_ENTRIES
from ioc.kpi._forecasts import DOSSIER_SURGE, QUEUE_SURGE
from ioc.kpi._index766 import INDEX766_ENTRIES
from ioc.kpi._platform import PLATFORM_ENTRIES
from ioc.kpi._queues import QUEUE_ENTRIES
from ioc.kpi.definition import Aggregation, Direction, Kpi, Source, Window
from ioc.kpi.errors import UnknownKpiError

__all__ = [
    "BUCKETS",
    "CATALOGUE",
    "Aggregation",
    "Bucket",
    "Direction",
    "Kpi",
    "Source",
    "Window",
    "find",
    "ids",
]


class Bucket(StrEnum):
    """Width of a point of a series, in the time zone of the unit."""

    MINUTE = "1min"
    QUARTER = "15min"
    HOUR = "1h"
    DAY = "1d"
    MONTH = "1mo"


BUCKETS: Final = tuple(bucket.value for bucket in Bucket)

#: Every indicator, in the order in which people read them.
CATALOGUE: Final[dict[str, Kpi]] = {
    kpi.id: kpi
    for kpi in (
        *DOSSIER_ENTRIES,
        DOSSIER_SURGE,
        *INDEX766_ENTRIES,
        *QUEUE_ENTRIES,
        QUEUE_SURGE,
        *DEVICE_ENTRIES,
        *PLATFORM_ENTRIES,
    )
}

#: Topic whose facts an indicator is made of, by its first word; the platform's own read all of them.
TOPIC_OF: Final = {
    "dossier": topics.DOSSIERS,
    "index766": topics.DOSSIERS,
    "queue": topics.QUEUES,
    "camera": topics.CAMERAS,
    "wifi": topics.WIFI,
}


def ids() -> tuple[str, ...]:
    """Return every indicator's id."""
    return tuple(CATALOGUE)


def find(kpi_id: str) -> Kpi:
    """Return the indicator with this id.

    :raises UnknownKpiError: naming the ids that are nearest.
    """
    found = CATALOGUE.get(kpi_id)
    if found is None:
        raise UnknownKpiError(kpi_id, ids())
    return found
