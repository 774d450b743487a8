"""Our worker as it is run in service (``ioc stream``), watched from outside by the offsets that the database holds."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from deploy.bench import outcome
from deploy.bench.outcome import WrongCountError
from deploy.bench.roles import running
from deploy.bench.workload import Workload, digest, windows
from ioc import topics
from ioc.errors import IocError, UnavailableError
from ioc.settings import Settings

_PROGRESS = """
SELECT coalesce(sum(next_offset), 0)::bigint, coalesce(min(epoch), 0)::bigint, count(*) FROM ioc.partition_offset
"""
_WINDOWS = """
SELECT u.code, (extract(epoch FROM m.bucket) / 60)::bigint, sum(m.samples)::bigint
FROM ioc.device_minute m JOIN ioc.unit u USING (unit_id) WHERE m.samples > 0 GROUP BY 1, 2
"""
_POLL_S = 0.01
#: Share of the records after which a worker runs evenly: devices are known, plans and caches are warm.
_WARM = 0.2


@dataclass(frozen=True)
class EndToEnd:
    """What one run of the worker did.

    :param rate: records a second from the moment at which the worker had claimed all partitions, before its
        first fetch, until the last record was committed.
    :param steady_rate: the same after the first fifth of the records.
    :param cold_s: from the start of the process to the last commit, seconds.
    :param cpu_s: processor time of the worker from its claim to its end, seconds.
    :param samples: rows in the table of raw samples afterwards.
    """

    rate: float
    steady_rate: float
    cold_s: float
    peak_mib: float
    cpu_s: float
    samples: int


@contextmanager
def worker(settings: Settings, command: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``ioc stream`` for the wifi topic, and end it as the supervisor does."""
    log = Path(settings.state_dir) / "worker.log"
    module = command or ("ioc.cli", "stream", "--topic", topics.WIFI)
    with running(settings, module, log) as process:
        try:
            yield process
        except IocError as error:
            lines = log.read_text(errors="replace").splitlines()[-8:]
            raise UnavailableError(
                f"{error.message} The worker's last words:\n" + "\n".join(lines)
            ) from error


def measure(settings: Settings, workload: Workload, *, timeout_s: float = 240.0) -> EndToEnd:
    """Let a fresh worker read a preloaded topic into a fresh database, and check what it counted.

    :raises WrongCountError: when rows or windowed counts are not exactly those of the workload.
    :raises UnavailableError: when the worker ends or takes too long.
    """
    if settings.database_url is None:
        raise ValueError("the settings name no database")
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as watcher:
        started = time.perf_counter()
        with worker(settings) as process:
            claimed = wait_claimed(watcher, process, workload)
            used_before = outcome.cpu_s(process.pid)
            marks = follow(watcher, process, workload, started + timeout_s)
            peak, used = outcome.peak_mib(process.pid), outcome.cpu_s(process.pid) - used_before
        rows = check(watcher, workload)
    ended, total = marks[-1]
    warm_at, warm_records = next(mark for mark in marks if mark[1] >= _WARM * total)
    return EndToEnd(
        rate=total / (ended - claimed),
        steady_rate=(total - warm_records) / (ended - warm_at) if ended > warm_at else 0.0,
        cold_s=ended - started,
        peak_mib=peak,
        cpu_s=used,
        samples=rows,
    )


def wait_claimed(
    watcher: psycopg.Connection[tuple[object, ...]],
    process: subprocess.Popen[bytes],
    workload: Workload,
    timeout_s: float = 60.0,
) -> float:
    """Wait until a worker has claimed all partitions, as it does before its first fetch; returns when."""
    return follow(watcher, process, replace(workload, records=0), time.perf_counter() + timeout_s)[0][0]


def follow(
    watcher: psycopg.Connection[tuple[object, ...]],
    process: subprocess.Popen[bytes],
    workload: Workload,
    deadline: float,
) -> list[tuple[float, int]]:
    """Return when how many records were committed, beginning when all partitions are claimed."""
    marks: list[tuple[float, int]] = []
    target = workload.total if workload.records else 0
    while not marks or marks[-1][1] < target:
        row = watcher.execute(_PROGRESS).fetchone()
        now = time.perf_counter()
        done, epoch, partitions = (0, 0, 0) if row is None else (int(str(value)) for value in row)
        claimed = partitions == workload.partitions and epoch > 0
        if claimed and (not marks or done > marks[-1][1]):
            marks.append((now, done))
        if process.poll() is not None or now > deadline:
            end = (
                f"ended with status {process.returncode}"
                if process.returncode is not None
                else "took too long"
            )
            raise UnavailableError(f"The worker {end} at {done} of {target} records.")
        with contextlib.suppress(InterruptedError):
            time.sleep(_POLL_S)
    return marks


def check(watcher: psycopg.Connection[tuple[object, ...]], workload: Workload) -> int:
    """Compare what the database holds with what the workload is; returns the number of raw samples."""
    row = watcher.execute("SELECT count(*) FROM ioc.wifi_sample").fetchone()
    rows = 0 if row is None else int(str(row[0]))
    found = {(str(u), int(str(m))): int(str(n)) for u, m, n in watcher.execute(_WINDOWS).fetchall()}
    if rows != workload.total or digest(found) != digest(windows(workload)):
        raise WrongCountError(
            f"The worker stored {rows} of {workload.total} samples, or counted other windows than there are.",
            remedy="This is a fault of the worker, not of the benchmark: run the drills.",
        )
    return rows
