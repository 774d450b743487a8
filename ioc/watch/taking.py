"""Takes the readings, in a thread beside the evaluator. What can't be read is unknown, and hinders no other reading."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog

from ioc.alerts import clock
from ioc.errors import IocError
from ioc.kpi.steps import run as drive
from ioc.settings import Settings
from ioc.storage import lasting
from ioc.watch import backlog, backups, certificates, machine
from ioc.watch.reading import Connection, Reading, forget, keep

log = structlog.get_logger(__name__)

EVERY_S: Final = 30.0
_DUTY_EVERY_S: Final = 300.0
_CERTIFICATES_EVERY_S: Final = 3600.0
#: A reading holds for so many of its intervals.
_HOLDS: Final = 3
_LOOK_S: Final = 1.0
_RETRY_S: Final = 2.0


@dataclass(frozen=True)
class Measure:
    """Something that is read again and again.

    :param take: reads it; what it raises leaves the last reading as it is, until that is too old to be known.
    """

    name: str
    every_s: float
    take: Callable[[Connection, datetime], list[Reading]]

    @property
    def holds_for(self) -> timedelta:
        """For how long what is read is known."""
        return timedelta(seconds=_HOLDS * self.every_s)


def measures(settings: Settings, every_s: float = EVERY_S) -> list[Measure]:
    """All that is read on this machine and of this database.

    :param every_s: of what is read most often; tests read more often.
    """
    return [
        Measure("disks", every_s, lambda _c, _now: machine.disks(settings)),
        Measure("clock", every_s, lambda c, _now: [machine.against_database(c)]),
        Measure("time servers", every_s, lambda _c, _now: [machine.against_time_servers()]),
        Measure("backup", every_s, lambda c, now: [backups.age(c, settings, now)]),
        Measure("messages", every_s, lambda c, now: [backlog.stuck(c, now)]),
        Measure("steps", every_s, lambda c, now: [backlog.overdue(c, now)]),
        Measure("duty", max(every_s, _DUTY_EVERY_S), backlog.gaps),
        Measure(
            "certificates",
            max(every_s, _CERTIFICATES_EVERY_S),
            lambda _c, _now: certificates.ask(certificates.endpoints(settings)),
        ),
    ]


class Taker:
    """Takes what is due, and remembers what fails so that it is told once."""

    def __init__(self, found: list[Measure]) -> None:
        self._due = {one.name: (-float("inf"), one) for one in found}
        self._failing: set[str] = set()

    def take(self, connection: Connection, *, turned: Callable[[], None] = lambda: None) -> int:
        """Take and write what is due now; returns how many readings were written.

        :raises psycopg.Error: the database does not answer.
        """
        written = 0
        for name, (due, one) in list(self._due.items()):
            if time.monotonic() < due:
                continue
            turned()
            now = drive(connection, clock.now())
            try:
                found = one.take(connection, now)
                keep(connection, found, now, one.holds_for)
            except Exception as error:
                if connection.closed:
                    raise
                # whatever else goes wrong with one of them must not end the others
                if name not in self._failing:
                    self._failing.add(name)
                    expected = isinstance(error, IocError | psycopg.Error | OSError)
                    log.warning("reading.failed", reading=name, error=str(error), exc_info=not expected)
            else:
                written += len(found)
                if name in self._failing:
                    self._failing.discard(name)
                    log.info("reading.taken_again", reading=name)
            self._due[name] = (time.monotonic() + one.every_s, one)
        if written:
            forget(connection, now)
        return written


def run(settings: Settings, stop: threading.Event, turned: Callable[[], None] = lambda: None) -> None:
    """Take readings until ``stop`` is set; outlives a database that goes away."""
    taker = Taker(measures(settings))

    def work(connection: Connection, well: Callable[[], None]) -> None:
        while not stop.is_set():
            turned()
            taker.take(connection, turned=turned)
            well()
            stop.wait(_LOOK_S)

    lasting.run(
        lambda: lasting.connect(settings.database_dsn, "ioc-readings", statement_s=10),
        work,
        stop,
        away="readings.not_written",
        back="readings.written_again",
        retry_s=_RETRY_S,
        turned=turned,
    )
