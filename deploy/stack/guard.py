"""A guard holds one process of the stack: it pumps its log and sees that nothing outlives the supervisor.

Run as a script with the standard library only, one guard a process. Its standard input is a pipe whose other
end only the supervisor holds; when that end closes, be it by ``kill -9``, the guard stops the process, and
what the process started, and ends. When the guard itself is killed, the kernel kills the process
(``PR_SET_PDEATHSIG``, set after the change of user, which would clear it). Being a sub-reaper, the guard
also inherits grandchildren that left the process group, as PostgreSQL's backends do.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


class RotatingLog:
    """A log file that is cut at a size, with a few older ones kept; a full disk loses lines, never a process."""

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        self._path, self._max, self._keep = path, max_bytes, keep
        self._descriptor, self._size = -1, 0
        self._open()

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._descriptor).st_size

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._size + len(data) > self._max and self._size:
                self._rotate()
            self._size += os.write(self._descriptor, data)

    def _rotate(self) -> None:
        os.close(self._descriptor)
        for number in range(self._keep, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            if newer.exists():
                newer.replace(older)
        self._open()


def children_of(pid: int) -> list[int]:
    """Direct children of a process, of all its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _start(command: list[str], options: argparse.Namespace, output: int) -> int:
    guard = os.getpid()
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    try:
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if options.directory:
            os.chdir(options.directory)
        if options.uid is not None:
            os.setgroups([])
            os.setgid(options.gid)
            os.setuid(options.uid)
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(125)
        os.execvp(command[0], command)  # noqa: S606  # the supervisor chose the program
    except BaseException as error:  # the fork must never run on as a second guard
        os.write(2, f"guard: {command[0]} can't be started: {error}\n".encode())
        os._exit(127)


def _end_all(pid: int | None, stop_signal: int, grace_s: float, drain: Callable[[], bool]) -> None:
    """Ask the process to stop, then kill whatever is left, grandchildren too.

    Its output is drained meanwhile: a process that waits on a full pipe could not stop.
    """
    deadline = time.monotonic() + grace_s
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, stop_signal)
    ended = pid is None
    while not ended and time.monotonic() < deadline:
        drain()
        try:
            while (found := os.waitpid(-1, os.WNOHANG)[0]) and not ended:
                ended = found == pid
        except ChildProcessError:
            ended = True
        time.sleep(0.0 if ended else 0.02)
    if pid is not None:
        _signal_group(pid, signal.SIGKILL)
    # Those that left the group came to us as sub-reaper.
    for _ in range(200):
        for child in children_of(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def _exit_code(status: int) -> int:
    """As the shell has it: the exit status, or minus the number of the signal."""
    return os.waitstatus_to_exitcode(status)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--log-bytes", type=int, default=8 * 1024 * 1024)
    parser.add_argument("--log-keep", type=int, default=3)
    parser.add_argument("--lock", type=Path, required=True)
    parser.add_argument("--report", type=int, required=True)
    parser.add_argument("--stop-signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--grace", type=float, default=10.0)
    parser.add_argument("--directory", default="")
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    os.set_inheritable(options.report, False)
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)  # the supervisor's pipe alone decides
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    lock = os.open(options.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    fcntl.flock(lock, fcntl.LOCK_SH)
    log = RotatingLog(options.log, options.log_bytes, options.log_keep)

    read_end, write_end = os.pipe()
    wake_read, wake_write = os.pipe()
    for descriptor in (read_end, wake_write):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)

    def report(**facts: object) -> None:
        with contextlib.suppress(OSError):
            os.write(options.report, (json.dumps(facts) + "\n").encode())

    def drain() -> bool:
        """Copy what the process wrote; false at the end of its output."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                data = os.read(read_end, 65536)
                if not data:
                    return False
                log.write(data)
        return True

    pid = _start(options.command, options, write_end)
    os.close(write_end)
    report(pid=pid)

    poller = select.poll()
    poller.register(0, select.POLLIN | select.POLLHUP)
    poller.register(read_end, select.POLLIN | select.POLLHUP)
    poller.register(wake_read, select.POLLIN)
    code: int | None = None
    while code is None:
        for descriptor, _ in poller.poll(1000):
            if descriptor == 0 and not os.read(0, 4096):
                _end_all(pid, options.stop_signal, options.grace, drain)
                return 0
            if descriptor == read_end and not drain():
                poller.unregister(read_end)
            if descriptor == wake_read:
                os.read(wake_read, 4096)
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == pid:
                    code = _exit_code(found[1])
    drain()
    _end_all(None, options.stop_signal, 0.0, drain)
    _signal_group(pid, signal.SIGKILL)
    drain()
    report(exit=code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
