"""One supervised process and what is known of it: when it may start, whether it is ready, when to try again."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from deploy.stack import ports
from deploy.stack.backoff import Backoff
from deploy.stack.layout import Layout
from deploy.stack.process import Command, Process
from deploy.stack.roles import Role
from ioc.errors import IocError
from ioc.settings import Settings

_ALIVE_S = 1.5
"""A process that can't be asked counts as ready when it has lived this long, in seconds."""
_ASK_STARTING_S = 0.15
_ASK_READY_S = 5.0
_ASK_AGAIN_S = 1.0
_UNANSWERED = 3
"""So many questions in a row without an answer make a service silent; one may be lost on a busy machine."""


class State(StrEnum):
    """What a service is doing, as ``ioc status`` shows it."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    SILENT = "not answering"
    DONE = "done"
    BACKOFF = "waiting to restart"
    STOPPED = "stopped"


class Server(Protocol):
    """What a service needs of the thing that it runs."""

    @property
    def name(self) -> str: ...
    @property
    def process(self) -> Process: ...
    def start(self) -> None: ...
    def is_ready(self) -> bool: ...


class RoleServer:
    """A role as a server: its process under a guard, its readiness by asking it."""

    def __init__(self, role: Role, settings: Settings) -> None:
        layout = Layout.of(settings)
        self.role, self._settings = role, settings
        self.process = Process(
            Command(
                name=role.name,
                argv=role.argv,
                log=layout.logs / f"{role.name}.log",
                lock=layout.processes_lock,
                environment={"PYTHONUNBUFFERED": "1"},
                directory=Path.cwd(),
                grace_s=role.grace_s,
            )
        )

    @property
    def name(self) -> str:
        return self.role.name

    @property
    def port(self) -> int | None:
        return self.role.port(self._settings) if self.role.port else None

    def start(self) -> None:
        """:raises SettingsError: its port is taken."""
        if self.port is not None:
            ports.require_free(self.port, self.name, self.role.port_setting, self.role.host(self._settings))
        self.process.start()

    def is_ready(self) -> bool:
        if self.role.ready is None:
            return self.process.running and time.time() - self.process.started_at > _ALIVE_S
        return self.role.ready(self._settings)


class Service:
    """State machine of one process; :meth:`tick` moves it on and never blocks longer than one question."""

    def __init__(
        self, server: Server, *, needs: tuple[str, ...] = (), once: bool = False, port: int | None = None
    ) -> None:
        self.server, self.needs, self.once, self.port = server, needs, once, port
        self.state = State.WAITING
        self.restarts = 0
        self.last_exit: int | None = None
        self.fault = ""
        self.since = time.time()
        self.backoff = Backoff()
        self._next_start = 0.0
        self._next_question = 0.0
        self._was_ready = False
        self._unanswered = 0

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def is_up(self) -> bool:
        """Whether those that need it may start."""
        return self.state in {State.READY, State.DONE}

    def _enter(self, state: State) -> bool:
        if state is self.state:
            return False
        self.state, self.since = state, time.time()
        return True

    def tick(self, needs_are_up: bool) -> bool:
        """Look once, act once.

        :returns: whether the state changed.
        :raises IocError: it can't be started and trying again would not help.
        """
        now = time.monotonic()
        if self.state is State.DONE:
            return False
        if self.server.process.running:
            return self._ask(now)
        if self.state in {State.STARTING, State.READY, State.SILENT}:
            return self._ended(now)
        if not needs_are_up or now < self._next_start:
            return False
        if self.state is State.BACKOFF:
            self.restarts += 1
        self._enter(State.STARTING)
        try:
            self.server.start()
        except IocError as error:
            if not self._was_ready:
                raise
            self.fault = str(error)  # it ran before: the others go on, and it may work again in a while
            self._next_start = now + self.backoff.next_wait(0.0)
            return self._enter(State.BACKOFF)
        self.fault = ""
        self._next_question = now
        return True

    def _ask(self, now: float) -> bool:
        if self.once or now < self._next_question:
            return False
        ready = self.server.is_ready()
        self._was_ready = self._was_ready or ready
        self._unanswered = 0 if ready else self._unanswered + 1
        wait_s = _ASK_READY_S if ready else _ASK_STARTING_S if self.state is State.STARTING else _ASK_AGAIN_S
        self._next_question = time.monotonic() + wait_s
        if ready:
            return self._enter(State.READY)
        if self.state is State.READY and self._unanswered >= _UNANSWERED:
            return self._enter(State.SILENT)
        return False

    def _ended(self, now: float) -> bool:
        self.last_exit = self.server.process.exit_code
        if self.once and self.last_exit == 0:
            return self._enter(State.DONE)
        ran_s = time.time() - self.server.process.started_at
        self._next_start = now + self.backoff.next_wait(ran_s)
        return self._enter(State.BACKOFF)

    def facts(self) -> dict[str, object]:
        """What ``ioc status`` tells of it."""
        process = self.server.process
        running = process.running
        return {
            "name": self.name,
            "state": str(self.state),
            "pid": process.pid if running else None,
            "port": self.port,
            "since": self.since,
            "started_at": process.started_at if running else None,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
            "fault": self.fault,
            "log": str(process.command.log),
        }

    def stopped(self) -> None:
        self._enter(State.STOPPED)
