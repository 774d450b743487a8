"""The guard: bounded logs, exit codes, no survivor however its owner or itself ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.guard import RotatingLog
from deploy.stack.process import Command, Process, last_lines, wait_for_leftovers


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Process]]:
    found: list[Process] = []
    yield found
    for process in found:
        process.kill()


def _process(folder: Path, script: str, *, grace_s: float = 3.0) -> Process:
    return Process(
        Command(
            "child",
            [sys.executable, "-u", "-c", script],
            folder / "child.log",
            folder / "lock",
            grace_s=grace_s,
        )
    )


def _wait(condition: object, timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_log_is_cut_and_bounded(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "a.log", 1000, 2)
    for number in range(100):
        log.write(f"{number:03d} {'x' * 95}\n".encode())
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a.log", "a.log.1", "a.log.2"]
    assert all((tmp_path / name).stat().st_size <= 1000 for name in files)
    assert last_lines(tmp_path / "a.log", 1)[0].startswith("099")


@pytest.mark.parametrize("code", [0, 3])
def test_exit_code_and_output_are_kept(tmp_path: Path, code: int) -> None:
    process = _process(tmp_path, f"print('xin chào'); raise SystemExit({code})")
    process.start()
    assert _wait(lambda: not process.running)
    assert process.exit_code == code
    assert last_lines(tmp_path / "child.log") == ["xin chào"]


def test_missing_program_ends_with_127(tmp_path: Path) -> None:
    process = Process(Command("child", ["/no/such/program"], tmp_path / "child.log", tmp_path / "lock"))
    process.start()
    assert _wait(lambda: not process.running)
    assert process.exit_code == 127
    assert "/no/such/program" in last_lines(tmp_path / "child.log")[0]


def test_stop_is_graceful_first(tmp_path: Path, started: list[Process]) -> None:
    on_stop = "signal.signal(15, lambda *_: (print('bye'), sys.exit(0)))"
    process = _process(tmp_path, f"import signal, sys, time; {on_stop}; print('up'); time.sleep(60)")
    started.append(process)
    process.start()
    assert _wait(lambda: last_lines(tmp_path / "child.log") == ["up"])
    process.stop()
    assert last_lines(tmp_path / "child.log") == ["up", "bye"]
    assert not process.running


def test_deaf_process_is_killed_after_its_grace(tmp_path: Path, started: list[Process]) -> None:
    process = _process(
        tmp_path, "import signal,time; signal.signal(15, 1); print('up'); time.sleep(60)", grace_s=0.3
    )
    started.append(process)
    process.start()
    assert _wait(lambda: last_lines(tmp_path / "child.log") == ["up"])
    pid = process.pid or 0
    process.stop()
    assert not _alive(pid)


_STRAYS = """
import os, time
pids = []
for leave in (False, True):
    pid = os.fork()
    if pid == 0:
        if leave:
            os.setsid()
        time.sleep(60)
        os._exit(0)
    pids.append(pid)
print(*pids)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["stop", "kill", "crash"])
def test_grandchildren_in_other_sessions_end_too(tmp_path: Path, started: list[Process], how: str) -> None:
    process = _process(tmp_path, _STRAYS)
    started.append(process)
    process.start()
    assert _wait(lambda: bool(last_lines(tmp_path / "child.log")))
    strays = [int(pid) for pid in last_lines(tmp_path / "child.log")[0].split()]
    assert all(_alive(pid) for pid in strays)
    if how == "crash":
        os.kill(process.pid or 0, signal.SIGKILL)
    else:
        getattr(process, how)()
    assert wait_for_leftovers(tmp_path / "lock", 5.0)
    assert not any(_alive(pid) for pid in strays)


def test_killed_guard_takes_its_process_along(tmp_path: Path, started: list[Process]) -> None:
    process = _process(tmp_path, "import time; time.sleep(60)")
    started.append(process)
    process.start()
    pid = process.pid or 0
    guard = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(guard, signal.SIGKILL)
    assert _wait(lambda: not _alive(pid))
    assert not process.running
    assert process.exit_code == -signal.SIGKILL


def test_lock_tells_of_processes_that_run(tmp_path: Path, started: list[Process]) -> None:
    process = _process(tmp_path, "import time; time.sleep(60)")
    started.append(process)
    process.start()
    assert not wait_for_leftovers(tmp_path / "lock", 0.1)
    process.kill()
    assert wait_for_leftovers(tmp_path / "lock", 1.0)
