"""What a contender is told and what it tells; each one runs in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import msgspec

from deploy.bench.workload import Workload
from ioc.errors import IocError, UnavailableError

_MARK = "OUTCOME "


class WrongCountError(IocError):
    """A contender did not count what there is to count: its speed means nothing."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a contender has to read."""

    servers: str
    topic: str
    prefix: str
    records: int
    devices: int
    units: int
    partitions: int
    base: datetime
    folder: str
    database: str = ""

    def workload(self) -> Workload:
        """Return the workload that lies in the topic."""
        return Workload(self.records, self.devices, self.units, self.partitions, base=self.base)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a contender did.

    :param seconds: from its first record to its last one counted.
    :param digest: of its windowed counts; empty where it makes none.
    :param peak_mib: most memory that its process held, MiB.
    :param cpu_s: processor time of its process, whole life.
    """

    records: int
    seconds: float
    digest: str
    peak_mib: float
    cpu_s: float
    note: str = ""

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


def peak_mib(pid: int | str = "self") -> float:
    """Return the most memory that a process has held so far (``VmHWM``), MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise UnavailableError(f"The kernel does not tell the peak memory of process {pid}.")


def cpu_s(pid: int | str = "self") -> float:
    """Return the processor time that a process has used so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(records: int, seconds: float, digest: str, note: str = "") -> None:
    """Print this process's outcome for the one that started it."""
    outcome = Outcome(
        records=records, seconds=seconds, digest=digest, peak_mib=peak_mib(), cpu_s=cpu_s(), note=note
    )
    print(_MARK + msgspec.json.encode(outcome).decode(), flush=True)


def given_task() -> Task:
    """Read the task from the command line of a contender's process."""
    return msgspec.json.decode(sys.argv[1], type=Task)


def run(module: str, task: Task, *, timeout_s: float = 300.0) -> Outcome:
    """Run a contender and return its outcome.

    :raises UnavailableError: when it fails or takes too long, with the end of what it printed.
    """
    log = Path(task.folder) / f"{module.rsplit('.', 1)[1]}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, msgspec.json.encode(task).decode()],
            stdout=subprocess.PIPE,
            stderr=out,
            cwd=Path(__file__).parents[2],
        )
        try:
            printed, _ = process.communicate(timeout=timeout_s)
        except BaseException as error:
            process.kill()
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise UnavailableError(
                    f"{module} did not end within {timeout_s:.0f} s.{_tail(log)}"
                ) from None
            raise
    for line in printed.decode(errors="replace").splitlines():
        if line.startswith(_MARK):
            return msgspec.json.decode(line[len(_MARK) :], type=Outcome)
    raise UnavailableError(f"{module} ended with status {process.returncode} and no outcome.{_tail(log)}")


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-12:]
    return "\n" + "\n".join(lines) if lines else ""


class Stopwatch:
    """Starts at the first record and counts to the last."""

    def __init__(self) -> None:
        self.started = 0.0
        self.stopped = 0.0

    def start(self) -> None:
        """Note the first record; later calls change nothing."""
        if not self.started:
            self.started = time.perf_counter()

    def stop(self) -> float:
        """Note the last record and return the seconds since the first."""
        self.stopped = time.perf_counter()
        return self.stopped - self.started
