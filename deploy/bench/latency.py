"""How long after Kafka's acknowledgement a record is visible: its commit, and an indicator that it moves."""

from __future__ import annotations

import bisect
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psycopg

from deploy.bench import endtoend, live, outcome
from deploy.bench.ground import Ground
from deploy.bench.workload import Workload
from ioc import topics
from ioc.errors import UnavailableError
from ioc.events import Status

_POLL_S = 0.01
#: Seconds at the beginning that are left out: the worker meets every device for the first time.
_WARM_S = 5.0
_OFFSETS = "SELECT partition, next_offset FROM ioc.partition_offset"
_KPI = "SELECT value FROM ioc.kpi_current('system', ARRAY['wifi.clients'], ARRAY[%s])"
_PROBE_UNITS = """
INSERT INTO ioc.unit (code, name_vi, name_en, kind, time_zone)
SELECT code, code, code, 'commune', 'Asia/Ho_Chi_Minh' FROM unnest(%s::text[]) AS code
"""


@dataclass(frozen=True)
class Spread:
    """Percentiles of latencies, milliseconds."""

    p50: float
    p95: float
    p99: float
    longest: float
    count: int


@dataclass(frozen=True)
class Latency:
    """What was seen while records came live.

    :param committed: from the acknowledgement until another session saw the record's offset committed.
    :param kpi: from the acknowledgement until ``ioc.kpi_current`` answered with the record in it.
    :param rate: records a second that were sent.
    """

    committed: Spread
    kpi: Spread
    rate: float
    peak_mib: float
    worker_cores: float


def spread(seconds: Sequence[float]) -> Spread:
    """Return the percentiles (nearest rank) of latencies given in seconds.

    :raises UnavailableError: when there are none.
    """
    if not seconds:
        raise UnavailableError("No record of the live run was seen in the database.")
    ranked = sorted(seconds)

    def at(share: float) -> float:
        return 1000 * ranked[max(0, -(-int(share * 100) * len(ranked) // 100) - 1)]

    return Spread(at(0.50), at(0.95), at(0.99), 1000 * ranked[-1], len(ranked))


class _Commits(threading.Thread):
    """Looks every ten milliseconds at the committed offsets, from a session of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.over = threading.Event()
        #: Per partition: offsets in rising order, and when each was first seen.
        self.offsets: dict[int, list[int]] = {}
        self.moments: dict[int, list[float]] = {}

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self.over.wait(_POLL_S):
                rows = connection.execute(_OFFSETS).fetchall()
                now = time.monotonic()
                for partition, offset in rows:
                    seen = self.offsets.setdefault(partition, [])
                    if not seen or offset > seen[-1]:
                        seen.append(offset)
                        self.moments.setdefault(partition, []).append(now)

    def seen(self, partition: int, offset: int) -> float | None:
        """When the record at this offset was first seen committed."""
        place = bisect.bisect_right(self.offsets.get(partition, []), offset)
        moments = self.moments.get(partition, [])
        return moments[place] if place < len(moments) else None

    def total(self) -> int:
        """Records seen committed so far."""
        return sum(offsets[-1] for offsets in self.offsets.values())


class _Indicators(threading.Thread):
    """Asks for each probe's indicator, one after another, until it is there."""

    def __init__(self, url: str, probes: int) -> None:
        super().__init__(daemon=True)
        self._url, self._probes = url, probes
        self.over = threading.Event()
        self.moments: dict[int, float] = {}

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for number in range(self._probes):
                while not self.over.wait(_POLL_S):
                    rows = connection.execute(_KPI, (live.probe_unit(number),)).fetchall()
                    if rows and rows[0][0] is not None:
                        self.moments[number] = time.monotonic()
                        break


def measure(ground: Ground, workload: Workload, *, rate: int = 10_000, seconds: float = 35.0) -> Latency:
    """Run the worker under a live load and watch from other sessions.

    :param rate: records a second.
    :raises UnavailableError: when the worker doesn't keep up: a minute after the end records are missing.
    """
    prefix = ground.new_topic(workload.partitions)
    probes = int(seconds / live.PROBE_EVERY_S)
    try:
        with (
            ground.database(workload) as database,
            ground.folder() as folder,
            psycopg.connect(database, autocommit=True) as connection,
        ):
            connection.execute(_PROBE_UNITS, ([live.probe_unit(n) for n in range(probes)],))
            settings = ground.worker_settings(prefix, database, folder)
            with endtoend.worker(settings) as process:
                endtoend.wait_claimed(connection, process, workload)
                commits, indicators = _Commits(database), _Indicators(database, probes)
                commits.start()
                indicators.start()
                used = outcome.cpu_s(process.pid)
                sent = send(ground, prefix, workload, rate, seconds, folder / "live.json")
                cores = (outcome.cpu_s(process.pid) - used) / sent.took_s
                _wait_for(commits, sent.sent)
                time.sleep(1.0)
                peak = outcome.peak_mib(process.pid)
                for watcher in (commits, indicators):
                    watcher.over.set()
                    watcher.join(5)
    finally:
        ground.drop_topics(prefix)
    missing = sent.probes.keys() - indicators.moments.keys()
    if missing:
        raise UnavailableError(
            f"The indicators of {len(missing)} of {len(sent.probes)} probes were never seen."
        )
    begin = min(moment for _, _, moment in sent.noted) + _WARM_S
    committed = [
        found - acknowledged
        for partition, offset, acknowledged in sent.noted
        if acknowledged > begin and (found := commits.seen(partition, offset)) is not None
    ]
    visible = [
        indicators.moments[number] - acknowledged
        for number, acknowledged in sent.probes.items()
        if acknowledged > begin
    ]
    return Latency(spread(committed), spread(visible), sent.sent / sent.took_s, peak, cores)


def send(
    ground: Ground,
    prefix: str,
    workload: Workload,
    rate: int,
    seconds: float,
    answer: Path,
    *,
    probes: Status = Status.OK,
) -> live.Acknowledged:
    """Send samples at a steady rate from a process of its own; returns when which one was acknowledged.

    :param answer: file in which that process leaves its answer.
    :param probes: what the samples say that are looked for.
    """
    plan = live.Plan(
        servers=ground.servers,
        topic=prefix + topics.WIFI,
        rate=rate,
        seconds=seconds,
        devices=workload.devices,
        units=workload.units,
        answer=str(answer),
        probes=probes,
    )
    subprocess.run(
        [sys.executable, "-m", live.__name__, msgspec.json.encode(plan).decode()],
        check=True,
        timeout=seconds + 60,
        cwd=Path(__file__).parents[2],
    )
    return msgspec.json.decode(answer.read_bytes(), type=live.Acknowledged)


def _wait_for(commits: _Commits, sent: int) -> None:
    deadline = time.monotonic() + 60
    while commits.total() < sent:
        if time.monotonic() > deadline:
            raise UnavailableError(f"The worker stored {commits.total()} of {sent} live records in time.")
        time.sleep(0.05)
