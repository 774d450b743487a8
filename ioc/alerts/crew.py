"""A crew of the evaluator: tasks that share a session of the database, and are alone on it.

By an advisory lock of the session: where two evaluators run, the other one's crew takes over as soon as this one's
session ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg
import structlog

from ioc.alerts import clock
from ioc.alerts.book import RuleBook
from ioc.alerts.loading import Keeper
from ioc.alerts.looking import faults
from ioc.alerts.model import Rule
from ioc.errors import IocError
from ioc.kpi.steps import run
from ioc.settings import Settings
from ioc.storage import alone, lasting

log = structlog.get_logger(__name__)

Connection = psycopg.Connection[Any]

TICK_S: Final = 0.25
_RETRY_S: Final = 0.5
#: A task takes a tenth of a processor's time at most: what takes long is done less often.
_REST: Final = 10


@dataclass
class Task:
    """Something that a crew does again and again.

    :param work: raises what went wrong; other tasks go on.
    :param every_s: seconds from its end to its next begin, at least.
    """

    name: str
    every_s: float
    work: Callable[[Connection], None]
    due: float = field(default=0.0)
    failing: bool = field(default=False)


class Crew:
    """Tasks that share a session and its lock, in a thread of their own."""

    def __init__(self, name: str, lock: int, settings: Settings) -> None:
        self.name = name
        self.tasks: list[Task] = []
        self.keeper = Keeper()
        self._lock = lock
        self._settings = settings
        self._faults: dict[str, str] = {}
        self._noted: dict[str, str] | None = None
        self._stop = threading.Event()

    def run(self, stop: threading.Event, turned: Callable[[], None] = lambda: None) -> None:
        """Work until ``stop`` is set; outlives a database that goes away.

        :param turned: called at each turn, so that somebody sees that it gets on.
        """
        self._stop = stop

        def work(connection: Connection, well: Callable[[], None]) -> None:
            if not alone.wait(connection, self._lock, stop, every_s=TICK_S, turned=turned):
                return
            well()
            self.begin(connection)
            while not stop.is_set():
                turned()
                self._turn(connection)
                stop.wait(TICK_S)

        lasting.run(
            self._connect,
            work,
            stop,
            away="alerts: the database does not answer, will be tried again",
            back="alerts: the database answers again",
            retry_s=_RETRY_S,
            turned=turned,
            crew=self.name,
        )

    def begin(self, connection: Connection) -> None:
        """What is to be done in a new session."""

    def _connect(self) -> Connection:
        # a frozen evaluator must not keep its lock: its session, not being used, is ended by the server
        return lasting.connect(
            self._settings.database_dsn,
            f"ioc-alerts-{self.name}",
            statement_s=30,
            options="-c jit=off -c idle_in_transaction_session_timeout=15000 -c idle_session_timeout=15000",
        )

    def _turn(self, connection: Connection) -> None:
        for task in self.tasks:
            began = time.monotonic()
            if began < task.due or self._stop.is_set():
                continue
            try:
                task.work(connection)
            except Exception as error:
                if connection.closed:
                    raise psycopg.OperationalError(str(error)) from error
                if not task.failing:
                    task.failing = True
                    log.warning(
                        "alerts: a task failed, will be tried again",
                        task=task.name,
                        error=f"{type(error).__name__}: {error}",
                        exc_info=not isinstance(error, psycopg.OperationalError | IocError),
                    )
            else:
                if task.failing:
                    task.failing = False
                    log.info("alerts: a task works again", task=task.name)
            ended = time.monotonic()
            task.due = ended + max(task.every_s, _REST * (ended - began) if task.every_s > TICK_S else 0.0)

    # -- what tasks use ----------------------------------------------------------------------------------

    def book(self, connection: Connection) -> RuleBook:
        """The rules in force."""
        return run(connection, self.keeper.newest())

    def at_fault(
        self, connection: Connection, book: RuleBook, rules: Sequence[Rule], found: Mapping[str, str]
    ) -> None:
        """Keep which of some rules can't be evaluated; nothing is written while that does not change."""
        others = book.rules.keys() - {rule.code for rule in rules}
        self._faults = {code: why for code, why in self._faults.items() if code in others} | dict(found)
        if self._faults != self._noted:
            with connection.transaction():
                run(connection, faults.note(self.name, self._faults, now_of(connection)))
            for code in self._faults.keys() - (self._noted or {}).keys():
                log.warning("a rule of alerts can't be evaluated", rule=code, reason=self._faults[code])
            self._noted = dict(self._faults)


def now_of(connection: Connection) -> datetime:
    """The database's clock: the one that partitions go by too."""
    return run(connection, clock.now())
