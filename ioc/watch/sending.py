"""Opens synthetic alerts on their schedule, and looks for those that do not come back, beside the evaluator."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from ioc.alerts import clock
from ioc.alerts.loading import Keeper
from ioc.kpi.steps import run as drive
from ioc.settings import Settings
from ioc.storage import alone, lasting
from ioc.watch import synthetic
from ioc.watch.reading import Connection
from ioc.watch.synthetic import Pace

log = structlog.get_logger(__name__)

#: One process at a time opens synthetic alerts.
SYNTHETIC_LOCK: Final = 0x696F6312
_LOOK_S: Final = 1.0
_RETRY_S: Final = 5.0


class Sender:
    """What is due of synthetic alerts. Remembers when each rule's newest was opened, so that looking costs little."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._keeper = Keeper()
        self._newest: dict[str, datetime | None] = {}
        self._late: set[str] = set()

    def forget(self) -> None:
        """Look everything up again: another process may have worked meanwhile."""
        self._newest.clear()

    def look(self, connection: Connection, now: datetime | None = None) -> list[int]:
        """Open what is due, count what came back, and keep the reading of what is late growing.

        :param now: the moment; the database's when None.
        :returns: numbers of the alerts that were opened.
        """
        if now is None:
            now = drive(connection, clock.now())
        with connection.transaction():
            book = drive(connection, self._keeper.newest())
            drive(connection, synthetic.taken(book, self._pace))
        opened: list[int] = []
        for rule in synthetic.rules(book):
            with connection.transaction():
                if rule not in self._newest:
                    self._newest[rule] = drive(connection, synthetic.newest(book, rule))
                last = self._newest[rule]
                if last is None or now - last >= self._pace.every:
                    opened += drive(connection, synthetic.open_one(book, rule, now))
                    self._newest[rule] = now
        with connection.transaction():
            self._tell(set(drive(connection, synthetic.late(book, now, self._pace))))
        return opened

    def _tell(self, late: set[str]) -> None:
        for rule in late - self._late:
            log.warning("synthetic.late", rule=rule)
        for rule in self._late - late:
            log.info("synthetic.back_again", rule=rule)
        self._late = late


def run(settings: Settings, stop: threading.Event, turned: Callable[[], None] = lambda: None) -> None:
    """Look each second until ``stop`` is set; outlives a database that goes away."""
    sender = Sender(Pace.of(settings))

    def work(connection: Connection, well: Callable[[], None]) -> None:
        if not alone.wait(connection, SYNTHETIC_LOCK, stop, every_s=_LOOK_S, turned=turned):
            return
        sender.forget()
        while not stop.is_set():
            turned()
            sender.look(connection)
            well()
            stop.wait(_LOOK_S)

    lasting.run(
        lambda: lasting.connect(
            settings.database_dsn, "ioc-synthetic", statement_s=10, options=lasting.KEEPALIVES
        ),
        work,
        stop,
        away="synthetic.failed",
        back="synthetic.goes_on",
        retry_s=_RETRY_S,
        # a rule that can't be opened today may be mended tomorrow
        outlives=(Exception,),
        turned=turned,
    )
