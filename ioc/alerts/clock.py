"""The database's clock: every process goes by it alone, so that none is late or early by its machine's."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ioc.kpi.steps import Steps

_NOW: Final = "SELECT clock_timestamp()"
# before a district is applied there is no zone yet
_HERE: Final = "SELECT clock_timestamp(), coalesce((SELECT time_zone FROM ioc.district), 'Asia/Ho_Chi_Minh')"


def now() -> Steps[datetime]:
    """Steps to the moment that it is."""
    ((moment,),) = yield _NOW, ()
    found: datetime = moment
    return found


def here() -> Steps[tuple[datetime, ZoneInfo]]:
    """Steps to the moment that it is, and the zone in which the district tells it."""
    ((moment, zone),) = yield _HERE, ()
    return moment, ZoneInfo(zone)
