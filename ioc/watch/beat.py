"""A process's own heartbeat: written while its loops get on, and not because a thread of it lives.

::

    with Beat(settings, "deliver") as beat:
        turned = beat.loop("messages", within_s=60.0)
        while not stop.is_set():
            turned()
            ...
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import psycopg
import structlog
from psycopg.types.json import Jsonb

from ioc.errors import UnavailableError
from ioc.metrics import PROCESS, Meters, gather
from ioc.metrics.meters import tell_of_process
from ioc.metrics.port import Port
from ioc.settings import Settings
from ioc.storage import alone
from ioc.version import platform_version
from ioc.watch.loops import Loops

log = structlog.get_logger(__name__)

#: First half of the advisory locks that hold names; the second half is the name's hash.
_NAMES: Final = 0x696F6310
_MOST_OF_A_ROLE: Final = 64
_JOIN_S: Final = 8.0
#: Beats from one time that the process's figures are written for others to the next.
_BEATS_A_FIGURE: Final = 3

#: Name, kind, machine, interval in seconds, and what a beat tells beside.
BEAT: Final = """
INSERT INTO ioc.heartbeat AS h (name, kind, host, at, interval_s, stopped, detail)
VALUES (%s, %s, %s, clock_timestamp(), %s, false, %s)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, host = excluded.host, at = excluded.at,
    interval_s = excluded.interval_s, stopped = false, detail = excluded.detail
"""
STOPPED: Final = "UPDATE ioc.heartbeat SET at = clock_timestamp(), stopped = true WHERE name = %s"


class Beat:
    """Writes ``ioc.heartbeat`` each few seconds from a thread of its own, until it is closed.

    A beat is written only while every loop of :meth:`loop` turned in time: one that hangs makes the process silent,
    whatever else of it lives. The name is ``role@host``, with ``#2`` and so on for further processes of a role on one
    machine; a session lock holds it, so that whoever comes after a killed process takes its name over. A database
    that is away, or frozen, costs one line in the log and never holds the process up.
    """

    def __init__(self, settings: Settings, role: str, meters: Meters = PROCESS) -> None:
        """:param role: ``stream``, ``serve``, ``ingest``, ``evaluate`` or ``deliver``.

        :param meters: the process's figures, which are written with each third heartbeat.
        """
        self.role = role
        self.host = socket.gethostname()
        #: As it stands in the database; None until it was written for the first time.
        self.name: str | None = None
        self._dsn = settings.database_dsn
        self._interval_s = settings.heartbeat_s
        self._meters = meters
        tell_of_process(meters)
        self._loops = Loops(role, meters)
        self._settings = settings
        self._port: Port | None = None
        self._stop = threading.Event()
        self._orderly = True
        self._failing = False
        self._detail = {
            "pid": os.getpid(),
            "version": platform_version(),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def loop(self, name: str, *, within_s: float = 60.0) -> Callable[[], None]:
        """Name a loop of the process; what is returned is to be called at each of its turns, and costs nothing.

        :param within_s: the longest that a turn may take, in seconds, when nothing is wrong.
        """
        return self._loops.add(name, within_s)

    def forget(self, name: str) -> None:
        """Take a loop away that ended on purpose while its process goes on."""
        self._loops.forget(name)

    def stuck(self) -> list[str]:
        """Loops that have not turned in time."""
        return self._loops.stuck()

    def _health(self) -> tuple[list[str], list[str]]:
        """Why the process is down, and why it is degraded."""
        hanging = [f"{name} has not turned in time; its stacks are in the log" for name in self.stuck()]
        away = "the database takes no heartbeat of this process; run: ioc doctor"
        return hanging, [away] if self._failing else []

    def start(self) -> None:
        """Begin to beat."""
        self._port = Port(self._settings, self._meters, self._health)
        self._loops.start()
        self._thread.start()

    def close(self, *, orderly: bool = True) -> None:
        """Beat no more; waits a few seconds at most.

        :param orderly: the process ends on purpose, and nobody has to miss it.
        """
        self._orderly = orderly
        self._stop.set()
        self._loops.close()
        if self._port is not None:
            self._port.close()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        ended = isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and not error.code)
        self.close(orderly=error is None or ended)

    # -- the thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    name = self._take_name(connection)
                    self._beat_on(connection, name)
            except (psycopg.Error, OSError, UnavailableError) as error:
                if not self._failing:
                    self._failing = True
                    # the server's own words may name what is not for logs; its kind says enough
                    log.warning(
                        "heartbeat.not_written", role=self.role, error=str(error).split("\n")[0].strip()
                    )
                self._stop.wait(self._interval_s)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=3,
            application_name=f"ioc-heartbeat {self.role}",
            # a machine that lost its power must give its name back before the next one asks for it
            options="-c statement_timeout=3000 -c lock_timeout=2000 -c tcp_keepalives_idle=5"
            " -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3",
        )

    def _take_name(self, connection: psycopg.Connection[Any]) -> str:
        for number in range(1, _MOST_OF_A_ROLE + 1):
            name = f"{self.role}@{self.host}" + (f"#{number}" if number > 1 else "")
            if alone.take(connection, _NAMES, of=name):
                return name
        raise UnavailableError(f"{_MOST_OF_A_ROLE} processes of {self.role} beat on this machine already.")

    def _beat_on(self, connection: psycopg.Connection[Any], name: str) -> None:
        beats = 0
        while not self._stop.is_set():
            if not self.stuck():
                row = (name, self.role, self.host, self._interval_s, Jsonb(self._detail))
                connection.execute(BEAT, row)
                self.name = name
                if self._failing:
                    self._failing = False
                    log.info("heartbeat.written_again", role=self.role)
                beats += 1
                if beats % _BEATS_A_FIGURE == 1:
                    statement, parameters = gather.written(name, self._meters)
                    connection.execute(statement.encode(), parameters)
            self._stop.wait(self._interval_s)
        if self._orderly:
            connection.execute(STOPPED, (name,))
