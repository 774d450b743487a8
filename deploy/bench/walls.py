"""Fifty open walls: what they cost the process that serves them, how fresh they are, and whether memory stays."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
import psycopg

from deploy.bench import wall_browser, wall_plot
from deploy.bench.ground import Ground
from deploy.bench.latency import Spread, spread
from deploy.bench.roles import free_port, running, wait_until_healthy
from deploy.bench.wall_screens import Plan, Told
from ioc.access import readers
from ioc.district import apply_pack, read_pack
from ioc.errors import UnavailableError
from ioc.storage.migrate import upgrade

WALLS: Final = 50
#: What is asked.
CORE_SHARE: Final = 0.5
MEMORY_MIB: Final = 400.0
FRESH_MS: Final = 2000.0
INTERACTIVE_S: Final = 2.0
FIRST_LOAD_MB: Final = 3.0
_PACK: Final = Path(__file__).parents[1] / "packs" / "go-dau"
_PASSWORD: Final = "a long password"  # noqa: S105 - of a database that lives for minutes
_SETTLE_S: Final = 20.0
_RENEW_S: Final = 15.0
_SAMPLE_S: Final = 5.0
_WAIT_S: Final = 120.0
PLOT: Final = "benchmarks-walls.svg"

_TICKET: Final = """
INSERT INTO ioc.ticket (kiosk, date, number, unit_id, service, issued_at)
SELECT 'bench', (now() AT TIME ZONE u.time_zone)::date, %(n)s::int::text, u.unit_id, 'S' || %(n)s %% 4, now()
FROM ioc.unit u WHERE u.code = 'go-dau.phuong'
"""
_START: Final = (
    "UPDATE ioc.ticket SET started_at = now() WHERE kiosk = 'bench' AND number = (%(n)s::int - 9)::text"
)
_HEAR: Final = """
INSERT INTO ioc.device_state (device_id, kind, unit_id, state, since, last_time, valid_until)
SELECT d.device_id, d.kind, d.unit_id, 1, now(), now(), now() + interval '1 hour' FROM ioc.device d
"""
_FLIP: Final = """
UPDATE ioc.device_state s SET state = CASE s.state WHEN 1 THEN 3 ELSE 1 END, since = now(), last_time = now()
WHERE s.device_id = (SELECT device_id FROM ioc.device ORDER BY device_id OFFSET %(n)s %% 29 LIMIT 1)
"""
_OFFSETS: Final = """
INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, newest_fact)
SELECT 'bench', topic, topic, 0, 0, now()
FROM unnest(ARRAY['ioc.dossiers', 'ioc.queues', 'ioc.cameras', 'ioc.wifi']) AS topic
ON CONFLICT (cluster_id, topic_id, partition) DO UPDATE SET newest_fact = now()
"""
_ALERT: Final = """
INSERT INTO ioc.alert (rule_id, key, severity, unit_id, point, subject, since, opened_at, members, joined, changed_at)
SELECT r.rule_id, 'device:bench-' || %(n)s, 2 + %(n)s %% 4, u.unit_id, 'point.huyen', 'device:bench-' || %(n)s, now(),
       now(), 1, 1, now()
FROM ioc.alert_rule r, ioc.unit u WHERE r.code = 'camera.down' AND u.code = 'go-dau.phuong'
"""
_CLEAR: Final = "UPDATE ioc.alert SET cleared_at = now() WHERE key = 'device:bench-' || (%(n)s::int - 40)"


@dataclass(frozen=True)
class Sample:
    """Memory of the process that serves, MiB, ``at`` seconds after the walls were open."""

    at: float
    rss_mib: float


@dataclass(frozen=True)
class Measured:
    """What was seen.

    :param load: of the whole machine while cost was measured, the servers and walls of the benchmark included.
    :param empty_mib: memory before the first wall.
    :param share: of one core, while the walls were open and every figure of theirs that can change did so each second.
    :param fresh: from the commit until a wall was told, of every wall.
    :param soak: memory over time, while walls were opened and closed.
    :param browser: a real browser beside the walls; None where there is none.
    """

    load: float
    empty_mib: float
    open_mib: float
    share: float
    database_share: float
    told: Told
    fresh: Spread
    soak: tuple[Sample, ...]
    browser: wall_browser.Seen | None


def measure(ground: Ground, tell: Callable[[str], None], *, seconds: float, soak_s: float) -> Measured:
    """Serve, open the walls, look, and let them run for a while.

    :raises UnavailableError: the process that serves ends or does not answer.
    """
    with _database(ground) as url, ground.folder() as folder:
        settings = ground.worker_settings("", url, folder)
        port, log = free_port(), folder / "serve.log"
        with running(settings, ("ioc.cli", "serve", "--port", str(port)), log) as process, _Life(url) as life:
            wait_until_healthy(process, port, "/health/live", log)
            address = f"http://127.0.0.1:{port}"
            time.sleep(2)
            empty = _rss_mib(process.pid)
            tell(f"walls: {WALLS} are opened")
            with _screens(folder, address, renew_s=0) as screens:
                time.sleep(_SETTLE_S)
                before, own = _cpu_s(process.pid), _backends_s(ground)
                time.sleep(seconds)
                share = (_cpu_s(process.pid) - before) / seconds
                database = (_backends_s(ground) - own) / seconds
                open_mib = _rss_mib(process.pid)
                load = os.getloadavg()[0]
                tell("walls: a browser")
                browser = wall_browser.look(address, "chief", _PASSWORD)
            told = screens.told()
            fresh = spread(_ways(life.committed, told))
            tell(f"walls: {soak_s / 60:.0f} minutes")
            with _screens(folder, address, renew_s=_RENEW_S):
                soak = tuple(_soak(process.pid, soak_s))
    return Measured(load, empty, open_mib, share, database, told, fresh, soak, browser)


@contextmanager
def _database(ground: Ground) -> Iterator[str]:
    name = f"bench_{uuid4().hex[:8]}"
    url = ground.postgres.ensure_database(name)
    try:
        upgrade(url)
        with psycopg.connect(url, autocommit=True) as connection:
            apply_pack(connection, read_pack(_PACK))
            connection.execute(_HEAR)
            connection.execute(_OFFSETS)
            readers.add(connection, "chief", _PASSWORD)
        yield url
    finally:
        ground.postgres.drop_database(name)


class _Life(threading.Thread):
    """Changes what walls show, each second: tickets, waits, a device, alerts, how fresh facts are.

    :ivar committed: moment (system-wide monotonic clock, s) at which so many tickets were committed.
    """

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._over = threading.Event()
        self.committed: dict[int, float] = {}

    def __enter__(self) -> _Life:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            number = 0
            while not self._over.wait(1.0):
                number += 1
                with connection.transaction():
                    for statement in (_TICKET, _START, _FLIP, _ALERT, _CLEAR):
                        connection.execute(statement.encode(), {"n": number})
                    connection.execute(_OFFSETS)
                self.committed[number] = time.monotonic()


@dataclass
class _Screens:
    answer: Path

    def told(self) -> Told:
        """What they were told; after their end."""
        return msgspec.json.decode(self.answer.read_bytes(), type=Told)


@contextmanager
def _screens(folder: Path, address: str, *, renew_s: float) -> Iterator[_Screens]:
    mark = uuid4().hex[:8]
    plan = Plan(
        address=address,
        reader="chief",
        password=_PASSWORD,
        walls=WALLS,
        answer=str(folder / f"{mark}.answer"),
        ready=str(folder / f"{mark}.ready"),
        until=str(folder / f"{mark}.until"),
        renew_s=renew_s,
    )
    command = [sys.executable, "-m", "deploy.bench.wall_screens", msgspec.json.encode(plan).decode()]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        try:
            deadline = time.monotonic() + _WAIT_S
            while not Path(plan.ready).exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise UnavailableError(
                        "The walls could not be opened.", remedy="Their last words are above."
                    )
                time.sleep(0.1)
            yield _Screens(Path(plan.answer))
        finally:
            Path(plan.until).touch()
            process.wait(_WAIT_S)
    if process.returncode:
        raise UnavailableError("The walls ended before they should.", remedy="Their last words are above.")


def _soak(pid: int, seconds: float) -> Iterator[Sample]:
    began = time.monotonic()
    while (at := time.monotonic() - began) < seconds:
        yield Sample(at, _rss_mib(pid))
        time.sleep(_SAMPLE_S)


def _ways(committed: dict[int, float], told: Told) -> list[float]:
    """From each commit to the moment at which each wall showed it, or something newer."""
    numbers = sorted(told.seen)
    found = []
    for number, at in committed.items():
        shown = next((seen for seen in numbers if seen >= number), None)
        # the first walls' first figures are not of a fact that they waited for
        if shown is not None and len(told.seen[shown]) == WALLS:
            found += [moment - at for moment in told.seen[shown]]
    return found


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _backends_s(ground: Ground) -> float:
    """Processor time of the database's sessions of ``ioc serve``."""
    with psycopg.connect(ground.postgres.admin_dsn, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'ioc serve%'"
        ).fetchall()
    return sum(_cpu_s(pid) for (pid,) in rows)


# -- the report -----------------------------------------------------------------------------------------


def growth_mib_per_h(samples: Sequence[Sample]) -> float:
    """Slope of memory by least squares, over the second half: the first is for caches to fill."""
    half = samples[len(samples) // 2 :]
    mean_at = sum(one.at for one in half) / len(half)
    mean = sum(one.rss_mib for one in half) / len(half)
    below = sum((one.at - mean_at) ** 2 for one in half)
    return 3600 * sum((one.at - mean_at) * (one.rss_mib - mean) for one in half) / below if below else 0.0


def section(
    measured: Measured, table: Callable[[Sequence[str], Sequence[Sequence[str]]], str], picture: str
) -> str:
    """Return the section of the report.

    :param picture: address of the plot, from the report.
    """
    told, browser = measured.told, measured.browser
    peak = max(sample.rss_mib for sample in measured.soak)

    def row(what: str, found: str, asked: str, *, holds: bool) -> tuple[str, str, str, str]:
        return what, found, asked, "yes" if holds else "**no**"

    rows = [
        row(
            "processor of `ioc serve`",
            f"{measured.share:.3f} of a core",
            f"{CORE_SHARE:g}",
            holds=measured.share <= CORE_SHARE,
        ),
        row(
            "memory of `ioc serve` (RSS), most over all",
            f"{max(peak, measured.open_mib):.0f} MiB",
            f"{MEMORY_MIB:.0f} MiB",
            holds=max(peak, measured.open_mib) <= MEMORY_MIB,
        ),
        row(
            "fact committed until told, p95 of all walls",
            f"{measured.fresh.p95:.0f} ms",
            f"{FRESH_MS:.0f} ms",
            holds=measured.fresh.p95 <= FRESH_MS,
        ),
    ]
    if browser is not None:
        rows += [
            row(
                "Chromium: wall interactive, nothing cached",
                f"{browser.first_s:.2f} s",
                f"{INTERACTIVE_S:g} s",
                holds=browser.first_s <= INTERACTIVE_S,
            ),
            row(
                "Chromium: wall interactive, again",
                f"{browser.again_s:.2f} s",
                f"{INTERACTIVE_S:g} s",
                holds=browser.again_s <= INTERACTIVE_S,
            ),
            row(
                "Chromium: first load",
                f"{browser.first_mb:.2f} MB",
                f"{FIRST_LOAD_MB:g} MB",
                holds=browser.first_mb <= FIRST_LOAD_MB,
            ),
        ]
    each_s = told.messages / told.watched_s / WALLS
    minutes = measured.soak[-1].at / 60
    return (
        "## Walls\n\n"
        f"{WALLS} walls in wall mode, opened by clients that speak the browser's protocol (page, websocket, "
        "acknowledgements, the look at the server each 5 s), against a real `ioc serve` with the Gò Dầu pack; each "
        "second a transaction issues a ticket, ends a wait, turns a device over, opens and clears alerts.\n\n"
        + table(("what", "measured", "asked", "holds"), rows)
        + f"\nTo each wall {each_s:.1f} messages a second, {told.message_bytes / told.messages:,.0f} bytes each; its "
        f"page is {told.page_bytes / 1000:.0f} kB. Fact to wall: p50 {measured.fresh.p50:.0f} ms, "
        f"p99 {measured.fresh.p99:.0f} ms, longest {measured.fresh.longest:.0f} ms. {told.lost} connections were lost. "
        f"The machine's load was {measured.load:.1f} meanwhile. "
        f"Without walls the process has {measured.empty_mib:.0f} MiB, with them {measured.open_mib:.0f}; its "
        f"sessions in the database use {measured.database_share:.2f} of a core.\n"
        + ("" if browser is not None else "\nThere was no Chromium: its rows are missing.\n")
        + f"\nMemory over {minutes:.0f} minutes, while each {_RENEW_S:.0f} s one wall is closed and another opened: "
        f"second half {growth_mib_per_h(measured.soak):+.1f} MiB an hour.\n\n"
        f"![Memory of ioc serve with {WALLS} open walls]({picture})\n"
    )


def plot(measured: Measured) -> str:
    """The picture of the soak."""
    return wall_plot.line(
        [(sample.at / 60, sample.rss_mib) for sample in measured.soak],
        title=f"ioc serve, {WALLS} open walls",
        across="minutes",
        up="RSS, MiB",
        limit=MEMORY_MIB,
    )
