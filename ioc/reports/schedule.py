"""Makes the day's, the week's and the month's report once they are over, in a thread beside the evaluator."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from ioc.errors import IocError
from ioc.reports import store
from ioc.reports.words import Language
from ioc.settings import Settings
from ioc.storage import alone

log = structlog.get_logger(__name__)

#: Any number of evaluators may run; one of them makes reports.
_LOCK: Final = 727_002
_LOOK_S: Final = 60.0
_DISTRICT: Final = """
SELECT i.root_unit, u.time_zone FROM ioc.district i JOIN ioc.unit u ON u.code = i.root_unit
"""


def run(settings: Settings, stop: threading.Event) -> None:
    """Look once a minute until ``stop`` is set; a fault is told once and tried again."""
    failing = False
    while not stop.is_set():
        try:
            look(settings, datetime.now(UTC))
            failing = False
        except (psycopg.Error, IocError) as error:
            if not failing:
                log.warning("reports can't be made, will be tried again", error=str(error).strip())
            failing = True
        except Exception:
            # what a page can't be set from must not end all later reports
            if not failing:
                log.exception("a report can't be made, will be tried again")
            failing = True
        stop.wait(_LOOK_S)


def look(settings: Settings, now: datetime) -> int:
    """Make the reports that are due; return how many were made. Harmless when repeated or done twice at once.

    Due from ``IOC_REPORT_AT`` on, on the district's clock, of the newest day, week and month that have ended. A
    platform that was off at that time makes them when it is back.
    """
    if not settings.report_at:
        return 0
    made = 0
    with psycopg.connect(
        settings.database_dsn,
        autocommit=True,
        connect_timeout=5,
        application_name="ioc-reports",
        options="-c timezone=UTC",
    ) as connection:
        district = connection.execute(_DISTRICT).fetchone()
        if district is None or not alone.take(connection, _LOCK):
            return 0
        unit, zone = str(district[0]), ZoneInfo(district[1])
        local = now.astimezone(zone)
        if local.time() < time.fromisoformat(settings.report_at):
            return 0
        for period in store.due(connection, unit, Language.VI, now, zone):
            store.make(connection, unit, period, Language.VI)
            log.info("report made", kind=period.kind.value, first=period.first.isoformat(), unit=unit)
            made += 1
        store.forget(connection, settings.keep_reports_days, local.date())
    return made
