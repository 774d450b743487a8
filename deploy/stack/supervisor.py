"""The supervisor: one process that starts the servers and the roles in order and keeps them running.

It holds the state folder's lock, so there is one. Every process has a guard that ends it when the supervisor
goes, however it goes. What it knows is in ``run/status.json`` of the state folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import psycopg

from deploy.stack import ports
from deploy.stack.backups.schedule import Backups
from deploy.stack.install import ensure_installed, missing
from deploy.stack.kafka import EmbeddedKafka
from deploy.stack.layout import Layout, write_atomically
from deploy.stack.postgres import EmbeddedPostgres
from deploy.stack.process import wait_for_leftovers
from deploy.stack.roles import DEMONSTRATION, Role
from deploy.stack.service import RoleServer, Service, State
from ioc.errors import IocError, SettingsError, UnavailableError
from ioc.settings import Settings

_TICK_S = 0.1
_STATUS_S = 2.0
_LEFTOVERS_S = 60.0
_ASK_DATABASE_S = 2.0

log = logging.getLogger("ioc.supervisor")


class AlreadyUpError(IocError):
    """Another supervisor holds this state folder."""


class _StopDuringInstallation(Exception):  # noqa: N818  # not an error
    """Leaves an installation, which may take minutes, at once; what it prepared aside is removed."""


def running_pid(settings: Settings) -> int | None:
    """Pid of the supervisor of this state folder; none when none runs.

    :raises SettingsError: this user may not look into the state folder.
    """
    path = Layout.of(settings).supervisor_lock
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise SettingsError(
            f"The state folder {settings.state_dir} is closed to this user.",
            remedy="Run as the user that it belongs to, or set IOC_STATE_DIR to a folder of yours.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(ValueError):
            return int(os.pread(descriptor, 32, 0).decode().strip())
        return 0  # it holds the lock and has not written its pid yet
    else:
        return None
    finally:
        os.close(descriptor)


@contextmanager
def _sole(layout: Layout) -> Iterator[None]:
    descriptor = os.open(layout.supervisor_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        for attempt in range(10):  # a look by `status` holds it for a moment
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == 9:
                    raise AlreadyUpError(
                        f"A supervisor of {layout.state} is running.", remedy="See ioc status."
                    ) from None
                time.sleep(0.05)
        # Before our pid is known: whoever finds it must not take a dead supervisor's report for ours.
        layout.status.unlink(missing_ok=True)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


class Supervisor:
    """Starts, watches and stops everything of one state folder."""

    def __init__(self, settings: Settings, roles: Sequence[Role] = DEMONSTRATION) -> None:
        self.settings, self.layout = settings, Layout.of(settings)
        self.problem: dict[str, str] | None = None
        self.phase = "starting"
        self.doing = ""
        self._stopping = False
        self._servers: list[Service] = []
        if settings.kafka_is_embedded:
            self._servers.append(Service(EmbeddedKafka(settings), port=settings.kafka_port))
        if settings.database_is_embedded:
            self._servers.append(Service(SupervisedPostgres(settings), port=settings.database_port))
        self._roles: list[Service] = []
        for role in roles:
            server = RoleServer(role, settings)
            self._roles.append(Service(server, needs=role.needs, once=role.once, port=server.port))
        self._backups = Backups(settings)
        self._started_at = time.time()
        self._status_at = 0.0

    @property
    def services(self) -> list[Service]:
        return [*self._servers, *self._roles]

    def run(self) -> None:
        """Work until SIGTERM or SIGINT.

        :raises AlreadyUpError: another supervisor holds the state folder.
        :raises IocError: something can't be started and trying again would not help, such as a port that is taken.
        """
        self.layout.prepare()
        with _sole(self.layout):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, self._on_signal)
            try:
                self._prepare()
                while not self._stopping:
                    self._turn()
                    time.sleep(_TICK_S)
            except _StopDuringInstallation:
                log.info("installation given up")
            except IocError as error:
                self.problem = {"message": error.message, "remedy": error.remedy}
                log.error("%s %s", error.message, error.remedy)
                raise
            finally:
                self._stop_all()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        log.info("stopping on signal %s", number)
        self._stopping = True
        if self.phase == "installing":
            raise _StopDuringInstallation

    def _prepare(self) -> None:
        self._write_status()
        if not wait_for_leftovers(self.layout.processes_lock, _LEFTOVERS_S):
            raise UnavailableError(
                f"Processes of an earlier supervisor of {self.layout.state} do not end.",
                remedy="Find them with ps (deploy/stack/guard.py) and end them.",
            )
        if missing(self.settings):
            # told now, and not after minutes of fetching
            ports.require_all_free(self.settings)
            self.phase = "installing"
            self._write_status()
            ensure_installed(self.settings, self._tell_installing)
            self.doing = ""
        self.phase = "running"

    def _tell_installing(self, step: str) -> None:
        log.info(step)
        self.doing = step
        self._write_status()

    def _turn(self) -> None:
        up = {service.name for service in self.services if service.is_up}
        known = {service.name for service in self.services}
        changed = False
        for service in self.services:
            before = service.state
            # A need that is not ours, an external server, is taken as there: the role itself reports when not.
            needs_are_up = all(need in up or need not in known for need in service.needs)
            if service.tick(needs_are_up):
                changed = True
                self._tell(service, before)
        self._backups.tick(database_is_up="prepare" in up)
        if changed or time.monotonic() - self._status_at > _STATUS_S:
            self._write_status()

    @staticmethod
    def _tell(service: Service, before: State) -> None:
        if service.state is State.BACKOFF:
            reason = service.fault or f"it ended with {service.last_exit}"
            log.warning("%s will be restarted: %s", service.name, reason)
        else:
            log.info("%s: %s -> %s", service.name, before, service.state)

    def _write_status(self) -> None:
        self._status_at = time.monotonic()
        facts = {
            "pid": os.getpid(),
            "phase": self.phase,
            "doing": self.doing,
            "started_at": self._started_at,
            "written_at": time.time(),
            "problem": self.problem,
            "services": [service.facts() for service in self.services],
        }
        with contextlib.suppress(OSError):  # a full disk must not end the supervision
            write_atomically(self.layout.status, json.dumps(facts))

    def _stop_all(self) -> None:
        """Roles first, so that nobody loses its server while working; then the servers."""
        self.phase = "stopping"
        self._write_status()
        self._backups.stop()
        for group in (self._roles, self._servers):
            for service in group:
                service.server.process.ask_to_stop()
            for service in group:
                service.server.process.stop()
                service.stopped()
                self._write_status()
        self.phase = "failed" if self.problem else "stopped"
        self._write_status()


class SupervisedPostgres(EmbeddedPostgres):
    """PostgreSQL as a service: ready once the platform's role and database are there too."""

    def is_ready(self) -> bool:
        if not super().is_ready():
            return False
        if not self._complete:
            if time.monotonic() < self._next_try:
                return False
            try:
                self.ensure_database(self.database)
            except psycopg.Error as error:  # killed at this very moment, or its disk is full: it may yet work
                log.warning("postgres: database %s is not there yet: %s", self.database, error)
                self._next_try = time.monotonic() + _ASK_DATABASE_S
                return False
            self._complete = True
        return True

    _complete = False
    _next_try = 0.0
