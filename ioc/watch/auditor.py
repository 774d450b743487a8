"""The auditor: looks after those who call people, in a thread of every evaluator and every deliverer.

One of them audits at a time, by a session lock; another takes over at once when its process dies, and ends its session
when it is frozen. It needs nothing but the database: where no evaluator lives it raises the alarm itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from psycopg.types.json import Jsonb

from ioc.alerts import clock, trail
from ioc.alerts.loading import Keeper
from ioc.kpi.steps import run as drive
from ioc.settings import Settings
from ioc.storage import alone, lasting
from ioc.watch import backlog
from ioc.watch.beat import BEAT, STOPPED
from ioc.watch.reading import Connection, Reading, keep
from ioc.watch.repairs import Repaired, repair
from ioc.watch.standing_in import stand_in
from ioc.watch.state import AUDITOR, CALLING, GONE_AFTER, MISSED, heartbeats, living

log = structlog.get_logger(__name__)

#: One auditor at a time on a database.
AUDITOR_LOCK: Final = 0x696F6311
_RETRY_S: Final = 1.0
#: It beats twice in its interval: another one has taken over before anybody misses it.
_BEATS: Final = 2
#: Open alerts are looked through at each of so many audits: of ten thousand that takes a tenth of a second.
_SEARCH_EACH: Final = 6

_UNLOCK = "SELECT pg_advisory_unlock(%s)"
_SILENT = """
SELECT NOT stopped AND clock_timestamp() > at + %s * interval_s * interval '1 second' FROM ioc.heartbeat WHERE name = %s
"""
# A lock on one number of 64 bits shows as its two halves.
_END_HOLDER = """
SELECT pg_terminate_backend(l.pid) FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = 0 AND l.objid = %s AND l.objsubid = 1 AND l.granted AND l.pid <> pg_backend_pid()
"""
_GONE = """
WITH gone AS (DELETE FROM ioc.heartbeat WHERE at < clock_timestamp() - %s RETURNING name)
DELETE FROM ioc.process_metrics WHERE name IN (SELECT name FROM gone)
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What one audit found.

    :param dead: roles that call people and of which no process lives.
    :param overdue: steps past due. ``stuck``: messages that nobody sends.
    """

    dead: tuple[str, ...] = ()
    overdue: int = 0
    stuck: int = 0
    repaired: Repaired = field(default_factory=Repaired)

    @property
    def well(self) -> bool:
        """Whether the outside watchdog may hear of us."""
        return not self.dead


class Auditor:
    """Audits while it holds the lock, and waits for it while another one does."""

    def __init__(self, settings: Settings, by: str, host: str) -> None:
        """:param by: role of the process that it lives in."""
        self._settings = settings
        self._by = by
        self._host = host
        self._every_s = settings.heartbeat_s
        self._keeper = Keeper()
        self._told: Found | None = None
        self._cannot_stand_in = False
        self._searched = -float("inf")
        #: Until when, by the monotonic clock, evaluator, delivery and database are known to live; of the holder alone.
        self.well_until = 0.0

    def run(self, stop: threading.Event, turned: Callable[[], None] = lambda: None) -> None:
        """Audit until ``stop`` is set; outlives a database that goes away."""
        lasting.run(
            lambda: lasting.connect(
                self._settings.database_dsn, "ioc-auditor", statement_s=15, options=lasting.KEEPALIVES
            ),
            lambda connection, well: self._hold(connection, stop, turned, well),
            stop,
            away="auditor.failed",
            back="auditor.goes_on",
            retry_s=_RETRY_S,
            # whatever it is, there has to be an auditor
            outlives=(Exception,),
            turned=turned,
        )

    def _hold(
        self,
        connection: Connection,
        stop: threading.Event,
        turned: Callable[[], None],
        well: Callable[[], None],
    ) -> None:
        waited_s = 0.0
        while not stop.is_set():
            turned()
            if alone.take(connection, AUDITOR_LOCK):
                log.info("auditor.audits", by=self._by)
                try:
                    self._audits(connection, stop, turned, well)
                finally:
                    self.well_until = 0.0
                connection.execute(STOPPED, (AUDITOR,))
                connection.execute(_UNLOCK, (AUDITOR_LOCK,))
                return
            if self._is_frozen(connection, waited_s):
                log.warning("auditor.took_over", by=self._by)
                connection.execute(_END_HOLDER, (AUDITOR_LOCK,))
                waited_s = 0.0
            well()
            pause_s = min(_RETRY_S, self._every_s)
            stop.wait(pause_s)
            waited_s += pause_s

    def _is_frozen(self, connection: Connection, waited_s: float) -> bool:
        """Whether whoever holds the lock audits no more; one that never wrote is given as long."""
        row = connection.execute(_SILENT, (MISSED / _BEATS, AUDITOR)).fetchone()
        silent = True if row is None else bool(row[0])
        return silent and waited_s > MISSED * self._every_s

    def _audits(
        self,
        connection: Connection,
        stop: threading.Event,
        turned: Callable[[], None],
        well: Callable[[], None],
    ) -> None:
        while not stop.is_set():
            turned()
            found = self.audit(connection)
            self._beat(connection, found)
            self.well_until = time.monotonic() + MISSED * self._every_s if found.well else 0.0
            self._tell(found)
            well()
            stop.wait(self._every_s)

    def audit(self, connection: Connection, now: datetime | None = None) -> Found:
        """Look once, mend what can be, and stand in for an evaluator that is not there.

        :param now: the moment; the database's when None.
        """
        if now is None:
            now = drive(connection, clock.now())
        with connection.transaction():
            seen = drive(connection, heartbeats(now))
        dead = tuple(role for role in CALLING if not living(seen, role, now))
        with connection.transaction():
            search = time.monotonic() - self._searched >= _SEARCH_EACH * self._every_s
            repaired = drive(connection, repair(now, search=search))
            if search:
                self._searched = time.monotonic()
        overdue, stuck = backlog.overdue(connection, now), backlog.stuck(connection, now)
        if overdue.value or stuck.value:
            drive(connection, trail.tell())
        if "evaluate" in dead:
            self._stand_in(connection, [overdue, stuck], now)
        return Found(dead, int(overdue.value or 0), int(stuck.value or 0), repaired)

    def _stand_in(self, connection: Connection, read: list[Reading], now: datetime) -> None:
        """Never ends the audit: what can't be raised is told, and the rest goes on."""
        try:
            keep(connection, read, now, timedelta(seconds=MISSED * self._every_s))
            with connection.transaction():
                book = drive(connection, self._keeper.newest())
                settled = drive(connection, stand_in(book, now))
        except Exception as error:
            if connection.closed:
                raise
            if not self._cannot_stand_in:
                log.error("auditor.can_not_stand_in", error=str(error), exc_info=True)
            self._cannot_stand_in = True
            return
        self._cannot_stand_in = False
        for alert in settled.opened:
            log.warning("auditor.opened", alert=alert)

    def _beat(self, connection: Connection, found: Found) -> None:
        detail: dict[str, Any] = {
            "by": self._by,
            "dead": found.dead,
            "overdue": found.overdue,
            "stuck": found.stuck,
            "repaired": asdict(found.repaired),
        }
        connection.execute(BEAT, (AUDITOR, AUDITOR, self._host, _BEATS * self._every_s, Jsonb(detail)))
        connection.execute(_GONE, (GONE_AFTER,))

    def _tell(self, found: Found) -> None:
        """One line when something changes."""
        if found.repaired.messages or found.repaired.alerts:
            log.warning("auditor.repaired", **asdict(found.repaired))
        before = self._told or Found()
        if (
            found.dead != before.dead
            or bool(found.overdue) != bool(before.overdue)
            or bool(found.stuck) != bool(before.stuck)
        ):
            say = log.warning if found.dead or found.overdue or found.stuck else log.info
            say("auditor.found", dead=found.dead, overdue=found.overdue, stuck=found.stuck)
        self._told = found
