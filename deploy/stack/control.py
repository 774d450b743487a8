"""Bringing the platform up and down from outside the supervisor, and reading what it knows."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from deploy.stack import roles
from deploy.stack.layout import Layout, nearest_existing
from deploy.stack.process import last_lines, wait_for_leftovers
from deploy.stack.supervisor import running_pid
from ioc.errors import InputError, SettingsError, UnavailableError
from ioc.settings import Settings

_STOP_S = 90.0
#: What ends sooner needs no words.
_QUIET_S = 2.0
_LAST_BREATH_S = 10.0
_POLL_S = 0.1
#: One of these with a value means that facts went all the way from a source to an indicator.
FIRST_FIGURES = ("camera.availability", "wifi.availability", "dossier.received")


class ServiceFacts(msgspec.Struct, frozen=True):
    """One process as the supervisor last saw it."""

    name: str
    state: str
    restarts: int
    since: float
    log: str
    pid: int | None = None
    port: int | None = None
    started_at: float | None = None
    last_exit: int | None = None
    fault: str = ""

    @property
    def is_up(self) -> bool:
        return self.state in {"ready", "done"}


class Status(msgspec.Struct, frozen=True):
    """What the supervisor wrote last; ``phase`` is starting, installing, running, stopping, stopped or failed."""

    pid: int
    phase: str
    started_at: float
    written_at: float
    services: list[ServiceFacts]
    problem: dict[str, str] | None = None
    doing: str = ""
    """The step of the installation, while it goes on."""


def read_status(settings: Settings) -> Status | None:
    """What the last supervisor of this state folder wrote; none when there never was one."""
    path = Layout.of(settings).status
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InputError(f"{path} can't be read: {error}.", remedy="Run ioc down, then ioc up.") from error


def log_to_file(settings: Settings) -> None:
    """Let the supervisor of this process log into the state folder, bounded in size."""
    layout = Layout.of(settings)
    layout.prepare()
    handler = logging.handlers.RotatingFileHandler(
        layout.logs / "supervisor.log", maxBytes=4 * 2**20, backupCount=2
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("ioc.supervisor")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def start_in_background(settings: Settings, arguments: Sequence[str] = ()) -> int:
    """Start the supervisor as a process of its own, in its own session; returns its pid.

    :param arguments: further arguments of ``ioc up``.
    """
    layout = Layout.of(settings)
    layout.prepare()
    layout.status.unlink(missing_ok=True)
    # What it prints besides its log is a last cry: kept from the newest start only, so it can't grow.
    with (layout.logs / "supervisor.err").open("wb") as last_cry:
        process = subprocess.Popen(
            [sys.executable, "-m", "ioc.cli", "up", "--foreground", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=last_cry,
            stderr=last_cry,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _import_path()},
        )
    return process.pid


def _import_path() -> str:
    """Roles must find the packages that this process found, installed or not."""
    root = str(Path(__file__).parents[2])
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


def require_same_ports(settings: Settings) -> None:
    """:raises SettingsError: what runs listens on other ports than these settings name, so waiting there is in vain."""
    status = read_status(settings)
    wanted = {
        "kafka": ("IOC_KAFKA_PORT", settings.kafka_port),
        "postgres": ("IOC_DATABASE_PORT", settings.database_port),
        "serve": ("IOC_API_PORT", settings.api_port),
        "ingest": ("IOC_INGEST_PORT", settings.ingest_port),
    }
    for service in status.services if status is not None else ():
        name, port = wanted.get(service.name, ("", service.port))
        if service.port is not None and service.port != port:
            raise SettingsError(
                f"The platform is already up, with {service.name} on port {service.port}, not on {port}.",
                remedy=f"Give {name}={service.port}, or run ioc down before changing ports.",
            )


def has_figures(settings: Settings) -> bool:
    """Whether the API shows a value of one of the first indicators."""
    answer = roles.get(settings, f"/api/v1/kpis/current?ids={','.join(FIRST_FIGURES)}")
    if answer is None or answer[0] != 200:
        return False
    with contextlib.suppress(json.JSONDecodeError):
        return _has_value(json.loads(answer[1]))
    return False


def _has_value(node: Any) -> bool:
    if isinstance(node, dict):
        return node.get("value") is not None or any(_has_value(part) for part in node.values())
    return isinstance(node, list) and any(_has_value(part) for part in node)


def wait_until_up(
    settings: Settings,
    *,
    figures: bool,
    timeout_s: float,
    say: Callable[[str], None],
    supervisor: int | None = None,
) -> None:
    """Wait until every service is ready and, with ``figures``, an indicator has a value.

    :param say: told each change, one line.
    :param supervisor: pid of one that was just started and has not taken the lock yet.
    :raises IocError: the supervisor ended, with what it said.
    :raises UnavailableError: not in time; names what is not ready with the last lines of its log.
    """
    deadline = time.monotonic() + timeout_s
    told: dict[str, str] = {}
    told_step = ""
    while time.monotonic() < deadline:
        status = read_status(settings)
        if status is not None and status.doing and status.doing != told_step:
            told_step = status.doing
            say(f"{told_step}; only the first time")
        _tell_changes(status, told, say)
        if status is not None and status.services and all(service.is_up for service in status.services):
            if not figures or has_figures(settings):
                return
            if "" not in told:
                told[""] = "waiting"
                say("Waiting for the first figures")
        _require_supervisor(settings, status, supervisor)
        time.sleep(_POLL_S)
    raise _too_late(settings, timeout_s, figures=figures)


def _tell_changes(status: Status | None, told: dict[str, str], say: Callable[[str], None]) -> None:
    for service in status.services if status is not None else ():
        if told.get(service.name, "waiting") != service.state:
            told[service.name] = service.state
            why = ""
            if service.state == "waiting to restart":
                why = f" ({service.fault or f'it ended with {service.last_exit}'}; see {service.log})"
            say(f"{service.name}: {service.state}{why}")


def _require_supervisor(settings: Settings, status: Status | None, started: int | None) -> None:
    if running_pid(settings) is not None:
        return
    if started is not None and status is None and _is_alive(started):
        return
    time.sleep(0.2)  # it writes why, then lets the lock go
    status = read_status(settings)
    if status is not None and status.problem is not None:
        raise SettingsError(status.problem["message"], remedy=status.problem["remedy"])
    layout = Layout.of(settings)
    lines = last_lines(layout.logs / "supervisor.err", 12) or last_lines(layout.logs / "supervisor.log", 12)
    raise UnavailableError("The supervisor ended:\n" + "\n".join(lines), remedy="Run ioc doctor.")


def _is_alive(pid: int) -> bool:
    """Whether our own child still runs; an ended one is reaped here."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    return Path(f"/proc/{pid}").exists()


def _too_late(settings: Settings, timeout_s: float, *, figures: bool) -> UnavailableError:
    status = read_status(settings)
    lagging = [service for service in status.services if not service.is_up] if status is not None else []
    if not lagging:
        what = "no indicator has a value yet" if figures else "the supervisor does not report"
        return UnavailableError(
            f"After {timeout_s:.0f} s {what}, though every process is ready.",
            remedy="Look at ioc status and at the logs of simulate and stream in the state folder.",
        )
    parts = []
    for service in lagging:
        reason = f", {service.fault}" if service.fault else ""
        ended = f", last exit {service.last_exit}" if service.last_exit is not None else ""
        tail = "\n    ".join(last_lines(Path(service.log), 8))
        parts.append(f"  {service.name} is {service.state}{ended}{reason}; end of {service.log}:\n    {tail}")
    return UnavailableError(
        f"Not everything is ready after {timeout_s:.0f} s; the supervisor goes on trying.\n"
        + "\n".join(parts),
        remedy="Mend what the log names, or stop with ioc down; ioc doctor looks for common causes.",
    )


def stop(settings: Settings, say: Callable[[str], None] = lambda _line: None) -> bool:
    """Stop the supervisor and all that it started; false when nothing ran.

    :param say: told each change, one line, once it takes longer than two seconds.
    :raises UnavailableError: something does not end.
    """
    layout = Layout.of(settings)
    if not layout.run.is_dir():
        return False
    pid = running_pid(settings)
    if pid is None:
        had_leftovers = not wait_for_leftovers(layout.processes_lock, 0.0)
        _require_no_leftovers(layout)
        return had_leftovers
    deadline = time.monotonic() + _STOP_S
    quiet_until = time.monotonic() + _QUIET_S
    before = read_status(settings)
    told = {service.name: service.state for service in before.services} if before is not None else {}
    asked = 0
    with contextlib.ExitStack() as watched:
        ends: list[int] = []
        while (pid := running_pid(settings)) is not None and time.monotonic() < deadline:
            if pid and pid != asked:
                with contextlib.suppress(ProcessLookupError):
                    ends.append(_watch(pid, watched))
                    os.kill(pid, signal.SIGTERM)
                asked = pid
            if time.monotonic() > quiet_until:
                _tell_changes(read_status(settings), told, say)
            time.sleep(_POLL_S)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # its guards see the pipe close and end everything
        _require_no_leftovers(layout)
        for end in ends:  # it lets its lock go a moment before it is gone itself
            select.select([end], [], [], _LAST_BREATH_S)
    return True


def _watch(pid: int, until: contextlib.ExitStack) -> int:
    """A descriptor that can be read once the process has ended; closed with ``until``."""
    descriptor = os.pidfd_open(pid)
    until.callback(os.close, descriptor)
    return descriptor


def _require_no_leftovers(layout: Layout) -> None:
    if not wait_for_leftovers(layout.processes_lock, _STOP_S):
        raise UnavailableError(
            f"Some process of {layout.state} does not end.",
            remedy="Find its guard with ps (deploy/stack/guard.py names it) and end it with kill -9.",
        )


def require_permission(settings: Settings) -> None:
    """:raises IocError: the state folder belongs to someone else."""
    layout = Layout.of(settings)
    folder = nearest_existing(layout.state)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(
            f"The state folder {layout.state} can't be written by this user.",
            remedy="Set IOC_STATE_DIR to a folder of yours, or run as the user that it belongs to.",
        )


__all__ = [
    "FIRST_FIGURES",
    "ServiceFacts",
    "Status",
    "has_figures",
    "log_to_file",
    "read_status",
    "require_permission",
    "require_same_ports",
    "start_in_background",
    "stop",
    "wait_until_up",
]
