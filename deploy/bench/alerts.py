"""From an alert to its message: a thousand alerts a minute, and beside ten thousand samples a second."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg

from deploy.bench import endtoend, live, outcome
from deploy.bench.ground import Ground
from deploy.bench.latency import Spread, send, spread
from deploy.bench.roles import running
from deploy.bench.workload import recent
from ioc.alerts import life
from ioc.alerts.book import RuleBook
from ioc.alerts.loading import load_book
from ioc.alerts.model import (
    AlertPack,
    Channel,
    DeviceCondition,
    Kind,
    KpiCondition,
    Observation,
    Policy,
    Rule,
    Severity,
    Step,
    Target,
)
from ioc.district import Pack, read_pack
from ioc.district.apply_alerts import apply_alerts
from ioc.district.apply_duty import apply_rosters
from ioc.duty.model import Person
from ioc.errors import UnavailableError
from ioc.events import Status
from ioc.kpi.steps import run
from ioc.settings import Settings

_HOOK: Final = "BENCH_HOOK"
_PACK: Final = Path(__file__).parents[1] / "packs" / "go-dau"
_WAIT_S: Final = 30.0
#: Left out while everything warms up, in seconds.
_WARM_S: Final = 10.0
#: An alert stays open for so long, then those who were told are told that it is over.
_OPEN_S: Final = 60.0
_PARTS: Final = 6


@dataclass(frozen=True)
class Flood:
    """Alerts at a steady rate.

    :param parts: of each sixth of the time, how long after an alert was committed its message arrived.
    :param cores: of one core, what the delivery process took.
    """

    per_minute: int
    seconds: float
    parts: tuple[Spread, ...]
    messages: int
    cores: float
    peak_mib: float


@dataclass(frozen=True)
class Beside:
    """Alerts beside a load of samples: from Kafka's acknowledgement of the fact to the message at the channel."""

    rate: float
    seconds: float
    devices: Spread
    """Of rules about devices, which the worker raises."""
    indicators: Spread
    """Of rules about indicators, which the evaluator raises."""


@dataclass
class _Channel:
    """The channel's end: when the first message about each subject arrived, by the monotonic clock."""

    url: str = ""
    arrived: dict[str, float] = field(default_factory=dict)
    messages: int = 0

    def take(self, body: bytes) -> None:
        now = time.monotonic()
        told = msgspec.json.decode(body)["data"]
        self.messages += 1
        if told["kind"] == "alert":
            for alert in told["alerts"]:
                self.arrived.setdefault(alert["subject"], now)


@contextmanager
def _receiving() -> Iterator[_Channel]:
    found = _Channel()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            found.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.url = f"http://127.0.0.1:{server.server_address[1]}/{{address}}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def flood(
    ground: Ground, tell: Callable[[str], None], *, per_minute: int = 1_000, seconds: float = 600.0
) -> Flood:
    """Open alerts at a steady rate, close each a minute later, and have ``ioc deliver`` tell of them.

    :raises UnavailableError: messages are missing half a minute after the end.
    """
    tell(f"{per_minute:,} alerts a minute for {seconds:.0f} s")
    with (
        ground.database(recent(1_000, devices=10)) as database,
        ground.folder() as folder,
        _receiving() as channel,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        book = _prepare(connection, (_rule("bench.down"),))
        settings = ground.worker_settings("none.", database, folder)
        with _delivering(settings, channel, folder) as process:
            _wait(lambda: _one(connection, book, channel), "the first message")
            channel.messages = 0
            used, began = outcome.cpu_s(process.pid), time.monotonic()
            opened = _open(connection, book, per_minute / 60, seconds)
            _wait(lambda: opened.keys() <= channel.arrived.keys(), "the last messages")
            cores = (outcome.cpu_s(process.pid) - used) / (time.monotonic() - began)
            peak = outcome.peak_mib(process.pid)
    parts: list[list[float]] = [[] for _ in range(_PARTS)]
    for subject, moment in opened.items():
        place = min(int((moment - began) / seconds * _PARTS), _PARTS - 1)
        parts[place].append(channel.arrived[subject] - moment)
    return Flood(per_minute, seconds, tuple(spread(part) for part in parts), channel.messages, cores, peak)


def beside(
    ground: Ground, tell: Callable[[str], None], *, rate: int = 10_000, seconds: float = 60.0
) -> Beside:
    """Run worker, evaluator and delivery under a live load, in which devices of units of their own go down.

    Each is told of twice: by a rule about devices, and by one about the number of devices that are down in its unit.

    :raises UnavailableError: the messages of some never came.
    """
    tell(f"alerts beside {rate:,} samples a second for {seconds:.0f} s")
    workload = recent(10_000)
    prefix = ground.new_topic(workload.partitions)
    probes = int(seconds / live.PROBE_EVERY_S)
    units = tuple(live.probe_unit(number) for number in range(probes))
    try:
        with (
            ground.database(workload) as database,
            ground.folder() as folder,
            _receiving() as channel,
            psycopg.connect(database, autocommit=True) as connection,
        ):
            connection.execute(
                "INSERT INTO ioc.unit (code, name_vi, name_en, kind, time_zone)"
                " SELECT code, code, code, 'commune', 'Asia/Ho_Chi_Minh' FROM unnest(%s::text[]) AS code",
                (list(units),),
            )
            # as in a district: most of what goes down comes back before anybody is called
            usual = replace(_rule("wifi.down"), holds_for=timedelta(minutes=3))
            counted = replace(
                _rule("bench.count"), kind=Kind.KPI, condition=KpiCondition("wifi.down", above=0, units=units)
            )
            _prepare(connection, (usual, replace(_rule("bench.down"), units=units), counted))
            settings = ground.worker_settings(prefix, database, folder)
            with (
                _delivering(settings, channel, folder),
                running(settings, ("ioc.cli", "evaluate"), folder / "evaluate.log"),
                endtoend.worker(settings) as worker,
            ):
                endtoend.wait_claimed(connection, worker, workload)
                sent = send(ground, prefix, workload, rate, seconds, folder / "live.json", probes=Status.DOWN)
                devices = {f"device:ap-probe-{number:03d}": at for number, at in sent.probes.items()}
                figures = {
                    f"kpi:wifi.down@{live.probe_unit(number)}": at for number, at in sent.probes.items()
                }
                _wait(
                    lambda: devices.keys() | figures.keys() <= channel.arrived.keys(),
                    "the messages of all probes",
                )
    finally:
        ground.drop_topics(prefix)
    begin = min(devices.values()) + _WARM_S
    found = [
        spread([channel.arrived[subject] - at for subject, at in wanted.items() if at > begin])
        for wanted in (devices, figures)
    ]
    return Beside(sent.sent / sent.took_s, seconds, *found)


def section(
    flooded: Flood, loaded: Beside, table: Callable[[Sequence[str], Sequence[Sequence[str]]], str]
) -> str:
    """Section on alerts."""
    rows = [
        [
            f"{place * flooded.seconds / _PARTS:.0f} to {(place + 1) * flooded.seconds / _PARTS:.0f} s",
            f"{part.count:,}",
            f"{part.p50:.0f}",
            f"{part.p99:.0f}",
            f"{part.longest:.0f}",
        ]
        for place, part in enumerate(flooded.parts)
    ]
    return (
        "## Alerts\n\n"
        f"{flooded.per_minute:,} alerts a minute for {flooded.seconds:.0f} s, each closed a minute later: from the "
        "commit that opened an alert to its message at an HTTP server, by one `ioc deliver` that took "
        f"{flooded.cores:.2f} of a core and {flooded.peak_mib:.0f} MiB at most; {flooded.messages:,} messages arrived, "
        "those that say that it is over among them.\n\n"
        + table(("opened", "alerts", "p50, ms", "p99, ms", "longest, ms"), rows)
        + f"\nBeside {loaded.rate:,.0f} samples a second, with worker, evaluator and delivery on the same machine, "
        "from Kafka's acknowledgement of the sample of a device that is down to the message at the HTTP server:\n\n"
        + table(
            ("raised by", "alerts", "p50, ms", "p99, ms", "longest, ms", "asked, p99"),
            [
                [name, f"{one.count:,}", f"{one.p50:.0f}", f"{one.p99:.0f}", f"{one.longest:.0f}", asked]
                for name, one, asked in (
                    ("a rule about devices", loaded.devices, "≤ 2,000"),
                    ("a rule about an indicator of the unit", loaded.indicators, "≤ 5,000"),
                )
            ],
        )
    )


# -- parts ----------------------------------------------------------------------------------------------


def _rule(code: str) -> Rule:
    return Rule(
        code,
        "Thiết bị mất kết nối",
        "Device down",
        Severity.MAJOR,
        Kind.DEVICE,
        DeviceCondition("wifi", ("down",)),
        "Kiểm tra nguồn điện.",
        policy="bench",
    )


def _prepare(connection: psycopg.Connection[Any], rules: tuple[Rule, ...]) -> RuleBook:
    """One who is on duty, told over one webhook, without bundles so that each alert is a message."""
    pack: Pack = replace(
        read_pack(_PACK), rosters=(), people=(Person("bench", "Bench", contacts={"hook": "bench"}),)
    )
    channel = Channel(
        "hook",
        "webhook",
        f"env:{_HOOK}",
        bundle=timedelta(0),
        most_per_hour=None,
        timeout=timedelta(seconds=5),
    )
    policy = Policy("bench", "Trực", "Duty", (Step(timedelta(0), (Target(person="bench"),)),))
    with connection.transaction(), connection.cursor() as cursor:
        apply_rosters(cursor, pack)
        apply_alerts(cursor, AlertPack(rules, (policy,), (channel,)))
        return run(connection, load_book())


@contextmanager
def _delivering(settings: Settings, channel: _Channel, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    given = {_HOOK: channel.url, "IOC_DIGEST_AT": ""}
    with running(settings, ("ioc.cli", "deliver"), folder / "deliver.log", **given) as process:
        yield process


def _one(connection: psycopg.Connection[Any], book: RuleBook, channel: _Channel) -> bool:
    if not channel.arrived:
        _settle(connection, book, Observation("bench.down", "device:first", True))
        time.sleep(0.2)
    return bool(channel.arrived)


def _open(
    connection: psycopg.Connection[Any], book: RuleBook, per_s: float, seconds: float
) -> dict[str, float]:
    """Open alerts by the clock, and close each later; returns when each was committed."""
    opened: dict[str, float] = {}
    closed = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        for number in range(len(opened), int(elapsed * per_s)):
            subject = f"device:bench-{number:06d}"
            _settle(connection, book, Observation("bench.down", subject, True))
            opened[subject] = time.monotonic()
        for number in range(closed, max(0, int((elapsed - _OPEN_S) * per_s))):
            _settle(connection, book, Observation("bench.down", f"device:bench-{number:06d}", False))
            closed = number + 1
        time.sleep(0.002)
    return opened


def _settle(connection: psycopg.Connection[Any], book: RuleBook, seen: Observation) -> None:
    with connection.transaction():
        run(connection, life.settle(book, (seen,), datetime.now(UTC)))


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise UnavailableError(f"Not within {_WAIT_S:.0f} s: {what}.")
        time.sleep(0.05)
