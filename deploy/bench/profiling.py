"""The profile of an end-to-end run: processor time by stage in the worker, what its sessions do in PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass

import msgspec
import psycopg

from deploy.bench import endtoend
from deploy.bench.ground import Ground
from deploy.bench.stages import Profile
from deploy.bench.workload import Workload

_ASK_S = 0.005
_ACTIVITY = """
SELECT state, coalesce(wait_event_type || ': ' || wait_event, 'on the processor'), left(ltrim(query, E' \\n'), 60)
FROM pg_stat_activity
WHERE application_name LIKE 'ioc-stream%' AND backend_type = 'client backend' AND datname = current_database()
"""


@dataclass(frozen=True)
class Sampled:
    """How often the worker's sessions were seen doing what.

    :param statements: (statement, what it waited for) to the number of sightings.
    :param sightings: sessions seen in all, idle ones included.
    """

    statements: Counter[tuple[str, str]]
    sightings: int


@dataclass(frozen=True)
class Profiled:
    """Both sides of one run."""

    records: int
    rate: float
    worker: Profile
    database: Sampled


class _Watcher(threading.Thread):
    """Looks at ``pg_stat_activity`` until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._over = threading.Event()
        self.seen: Counter[tuple[str, str]] = Counter()
        self.sightings = 0

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.wait(_ASK_S):
                for state, waits, query in connection.execute(_ACTIVITY).fetchall():
                    self.sightings += 1
                    self.seen[name_of(str(state), str(query)), str(waits) if state == "active" else ""] += 1

    def end(self) -> Sampled:
        """Stop looking."""
        self._over.set()
        self.join(5)
        return Sampled(self.seen, self.sightings)


def name_of(state: str, query: str) -> str:
    """Say in a few words what a session is at."""
    if state.startswith("idle in transaction"):
        return "idle in a transaction: waits for the worker"
    if state != "active":
        return "idle between transactions"
    words = query.replace("\n", " ").split()
    if words[:1] in (["INSERT"], ["UPDATE"], ["COPY"], ["DELETE"]):
        keep = 2 if words[0] in ("UPDATE", "COPY") else 3
        return " ".join(words[:keep])
    return words[0] if words else "?"


def profile(ground: Ground, prefix: str, workload: Workload) -> Profiled:
    """Run the metered worker over a preloaded topic and watch both sides."""
    with ground.database(workload) as database, ground.folder() as folder:
        settings = ground.worker_settings(prefix, database, folder)
        target = folder / "profile.json"
        watcher = _Watcher(database)
        watcher.start()
        started = time.perf_counter()
        with psycopg.connect(database, autocommit=True) as eye:
            command = ("deploy.bench.contenders.profiled", str(target))
            with endtoend.worker(settings, command) as process:
                marks = endtoend.follow(eye, process, workload, started + 240)
                sampled = watcher.end()
            endtoend.check(eye, workload)
        seconds = marks[-1][0] - marks[0][0]
        return Profiled(
            records=workload.total,
            rate=workload.total / seconds,
            worker=msgspec.json.decode(target.read_bytes(), type=Profile),
            database=sampled,
        )
