"""One process of the stack as its supervisor sees it; :mod:`deploy.stack.guard` holds the process itself."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.stack import guard
from deploy.stack.accounts import Account
from ioc.errors import UnavailableError

_GUARD = Path(guard.__file__)


@dataclass(frozen=True)
class Command:
    """What to run and how to end it."""

    name: str
    argv: Sequence[str]
    log: Path
    lock: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    account: Account | None = None
    """System user to change to; none keeps the supervisor's."""
    stop_signal: int = signal.SIGTERM
    grace_s: float = 10.0
    """Seconds between the stop signal and the kill."""


class Process:
    """A running child under its guard. Not thread-safe: one owner."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.pid: int | None = None
        self.exit_code: int | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        self._reports: int | None = None
        self._text = b""
        self.started_at = 0.0

    def start(self) -> None:
        """Start the process and wait until its guard told its pid.

        :raises UnavailableError: the guard itself did not come up.
        """
        if self.running:
            return
        command = self.command
        command.log.parent.mkdir(parents=True, exist_ok=True)
        read_hold, hold = os.pipe()
        reports, report_write = os.pipe()
        os.set_blocking(reports, False)
        argv = [sys.executable, "-I", "-S", str(_GUARD), f"--name={command.name}", f"--log={command.log}"]
        argv += [
            f"--lock={command.lock}",
            f"--report={report_write}",
            f"--stop-signal={int(command.stop_signal)}",
        ]
        argv += [f"--grace={command.grace_s}"]
        if command.directory is not None:
            argv.append(f"--directory={command.directory}")
        if command.account is not None and command.account.uid != os.geteuid():
            argv += [f"--uid={command.account.uid}", f"--gid={command.account.gid}"]
        try:
            self._guard = subprocess.Popen(
                [*argv, "--", *command.argv],
                stdin=read_hold,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[report_write],
                env={**os.environ, **command.environment},
                cwd="/",
            )
        finally:
            os.close(read_hold)
            os.close(report_write)
        self._pipe, self._reports, self._text = hold, reports, b""
        self.pid = self.exit_code = None
        self.started_at = time.time()
        if not self._await_pid(reports, self._guard):
            self._forget()
            raise UnavailableError(
                f"The guard of {command.name} did not start it.", remedy=f"Read {command.log}."
            )

    def _await_pid(self, reports: int, guard_process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline and guard_process.poll() is None:
            select.select([reports], [], [], 0.2)
            self._read_reports()
            if self.pid is not None:
                return True
        self._read_reports()
        return self.pid is not None

    def _read_reports(self) -> None:
        if self._reports is None:
            return
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._reports, 4096):
                self._text += data
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            facts = json.loads(line)
            self.pid = facts.get("pid", self.pid)
            self.exit_code = facts.get("exit", self.exit_code)

    @property
    def running(self) -> bool:
        """Whether the process lives, as its guard reports it."""
        if self._guard is None:
            return False
        ended = self._guard.poll() is not None
        self._read_reports()
        if self.exit_code is None and not ended:
            return True
        if ended and self.exit_code is None:
            self.exit_code = -signal.SIGKILL  # the guard was killed, and the process with it
        self._forget()
        return False

    def _forget(self) -> None:
        for descriptor in (self._pipe, self._reports):
            if descriptor is not None:
                os.close(descriptor)
        self._pipe = self._reports = None
        if self._guard is not None:
            self._guard.wait(30)
        self._guard = None

    def ask_to_stop(self) -> None:
        """Close the guard's pipe: it stops the process, and kills it after the grace. Returns at once."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def wait(self, timeout_s: float) -> bool:
        """Wait until the process and its guard have ended; false when they have not."""
        if self._guard is None:
            return True
        try:
            self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._read_reports()
        if self.exit_code is None:
            self.exit_code = 0
        self._forget()
        return True

    def stop(self) -> None:
        """Stop the process gracefully, kill it after its grace, and wait for the end."""
        self.ask_to_stop()
        if not self.wait(self.command.grace_s + 10.0) and self._guard is not None:
            self._guard.kill()
            self.wait(10.0)

    def kill(self) -> None:
        """``kill -9`` the process and what it started, at this moment; then wait for the guard."""
        if self.pid is not None and self.running:
            for pid in (*self.descendants(), self.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.wait(self.command.grace_s + 10.0)
            self.exit_code = -signal.SIGKILL

    def descendants(self) -> list[int]:
        """Pids of all that the process started and that lives, deepest first."""
        found: list[int] = []

        def visit(pid: int) -> None:
            for child in guard.children_of(pid):
                visit(child)
                found.append(child)

        if self.pid is not None:
            visit(self.pid)
        return found

    def pause(self) -> None:
        """Freeze the process and what it started (SIGSTOP); returns when all have stopped."""
        deadline = time.monotonic() + 5.0
        while True:
            self._signal_all(signal.SIGSTOP)
            time.sleep(0.01)
            if all(_is_stopped(pid) for pid in (*self.descendants(), self.pid or 0)):
                return
            if time.monotonic() > deadline:
                raise UnavailableError(f"{self.command.name} does not stop on SIGSTOP.")

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        if self.pid is None or not self.running:
            raise UnavailableError(f"{self.command.name} does not run.")
        for pid in (self.pid, *self.descendants()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _is_stopped(pid: int) -> bool:
    """Whether a process is frozen, or gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "TtZX"
    except OSError:
        return True


def wait_for_leftovers(lock: Path, timeout_s: float) -> bool:
    """Wait until no guard of an earlier supervisor runs any more.

    :returns: false when some still does after ``timeout_s`` seconds.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.05)
            else:
                return True
    finally:
        os.close(descriptor)


def last_lines(log: Path, count: int = 20) -> list[str]:
    """Last lines of a log, reading no more than its last 64 KiB."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 65536))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []
