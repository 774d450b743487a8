"""``python -m deploy.bench snmp``: how many SNMP devices one process polls a minute, and what one dead device costs."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, cast

from gufo.snmp.aio import SnmpSession

from connectors.shared.publisher import Counts, Publisher
from connectors.shared.runner import Job, Outcome, Poller
from connectors.wifi.targets import WifiEntry, job
from ioc.events import AnyEvent, encode

DEVICES: Final = 10_000
MEMORY_MIB: Final = 400.0
DEAD_COSTS: Final = 0.05
_WORKERS: Final = 256
_SETTLING_S: Final = 62.0
"""The first round learns every device; it is spread over ten seconds, so it is left out."""
_NAMES: Final = [f"1.3.6.1.2.1.31.1.1.1.6.{index}" for index in range(1, 11)]


@dataclass(frozen=True)
class Load:
    """What a polling process did in a window of steady work."""

    devices: int
    dead: int
    seconds: float
    probes: int
    failed: int
    cores: float
    """Processor time over the window's length."""
    peak_mib: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    late_p99_s: float
    """How much more than its interval lay between two probes of a device."""

    @property
    def a_minute(self) -> float:
        return self.probes / self.seconds * 60


@dataclass(frozen=True)
class Libraries:
    """Processor milliseconds of one request for ten counters."""

    gufo_ms: float
    pysnmp_ms: float


@dataclass(frozen=True)
class Measured:
    """Everything that the section tells."""

    libraries: Libraries
    held: Load
    without: list[Load]
    with_dead: list[Load]

    @property
    def dead_costs(self) -> float:
        """Relative change of the others' median probe time with dead devices among them; medians of the rounds."""
        before = statistics.median(load.p50_ms for load in self.without)
        after = statistics.median(load.p50_ms for load in self.with_dead)
        return after / before - 1


def measure(tell: Callable[[str], None], *, devices: int = DEVICES, seconds: float = 120.0) -> Measured:
    """Measure all of it; some six minutes."""
    with _agent() as port:
        tell("SNMP: the two libraries")
        libraries = Libraries(asyncio.run(_gufo(port)), asyncio.run(_pysnmp(port)))
        tell(f"SNMP: {devices:,} devices a minute")
        held = _load(port, devices, 60.0, 0, _SETTLING_S, seconds)
        without, with_dead = [], []
        for turn in range(3):
            tell(f"SNMP: with a dead controller and without, round {turn + 1}")
            without.append(_load(port, 1_000, 10.0, 0, 12.0, 20.0))
            with_dead.append(_load(port, 1_000, 10.0, 1, 12.0, 20.0))
    return Measured(libraries, held, without, with_dead)


@contextmanager
def _agent() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "deploy.bench.snmp_agent", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
        try:
            if agent.stdout is None or b"ready" not in agent.stdout.readline():
                raise RuntimeError("the bench's SNMP agent does not come up")
            yield port
        finally:
            agent.terminate()


async def _gufo(port: int, count: int = 2_000) -> float:
    session = SnmpSession("127.0.0.1", port=port, community="x", timeout=5.0)
    began = time.process_time()
    for _ in range(count):
        await session.get_many(_NAMES)
    return (time.process_time() - began) / count * 1_000


async def _pysnmp(port: int, count: int = 300) -> float:
    from pysnmp.hlapi.v3arch.asyncio import (
        CommunityData,
        ContextData,
        ObjectIdentity,
        ObjectType,
        SnmpEngine,
        UdpTransportTarget,
        get_cmd,
    )

    engine, community = SnmpEngine(), CommunityData("x")
    target = await UdpTransportTarget.create(("127.0.0.1", port), timeout=5)
    names = [ObjectType(ObjectIdentity(name)) for name in _NAMES]
    await get_cmd(engine, community, target, ContextData(), *names, lookupMib=False)
    began = time.process_time()
    for _ in range(count):
        await get_cmd(engine, community, target, ContextData(), *names, lookupMib=False)
    spent = (time.process_time() - began) / count * 1_000
    engine.close_dispatcher()
    return spent


def _load(port: int, devices: int, interval_s: float, dead: int, settling_s: float, seconds: float) -> Load:
    """Poll in a process of its own, as ``ioc connect wifi`` does."""
    asked = [port, devices, interval_s, dead, settling_s, seconds]
    command = [sys.executable, "-m", "deploy.bench.snmp", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Load(**json.loads(done.stdout.splitlines()[-1]))


class _Encoding:
    """Stands in for the publisher: the records are made, and go nowhere."""

    def __init__(self) -> None:
        self.bytes = 0
        self.counts = Counts()

    def publish_many(self, events: Sequence[AnyEvent]) -> None:
        self.bytes += sum(len(encode(event)) for event in events)

    def flush(self) -> None:
        return


class _Watch:
    """When each device was probed, and how long that took."""

    def __init__(self) -> None:
        self.started: dict[str, float] = {}
        self.took_ms: list[float] = []
        self.late_s: list[float] = []
        self.failed = 0
        self.on = False

    def around(self, one: Job) -> Job:
        async def probe() -> Outcome:
            began = time.monotonic()
            before = self.started.get(one.device)
            self.started[one.device] = began
            outcome = await one.probe()
            if self.on and not one.device.startswith("dead"):
                self.took_ms.append((time.monotonic() - began) * 1_000)
                if before is not None:
                    self.late_s.append(began - before - one.interval_s)
                self.failed += not outcome.healthy
            return outcome

        return replace(one, probe=probe)


async def _run(
    port: int, devices: int, interval_s: float, dead: int, settling_s: float, seconds: float
) -> Load:
    watch, stop = _Watch(), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        entries = [("ap", port)] * devices + [("dead", int(deaf.getsockname()[1]))] * dead
        jobs = [
            watch.around(
                job(
                    WifiEntry(
                        device=f"{kind}-{number}",
                        unit="u",
                        host="127.0.0.1",
                        port=at,
                        community=f"c{number}",
                        ping="none",
                        interval_s=interval_s,
                    )
                )
            )
            for number, (kind, at) in enumerate(entries)
        ]
        poller = Poller(
            lambda _: jobs, Path("/nonexistent"), cast("Publisher", _Encoding()), workers=_WORKERS
        )
        running = asyncio.create_task(poller.run(stop))
        await asyncio.sleep(settling_s)
        watch.on, began, cpu = True, time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        watch.on = False
        passed, spent = time.monotonic() - began, time.process_time() - cpu
        stop.set()
        await running
    took = statistics.quantiles(watch.took_ms, n=100)
    return Load(
        devices=devices,
        dead=dead,
        seconds=passed,
        probes=len(watch.took_ms),
        failed=watch.failed,
        cores=spent / passed,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        p50_ms=took[49],
        p95_ms=took[94],
        p99_ms=took[98],
        late_p99_s=statistics.quantiles(watch.late_s, n=100)[98],
    )


def section(seen: Measured, table: Callable[[Sequence[str], Sequence[Sequence[str]]], str]) -> str:
    """The section of the report."""
    held, libraries = seen.held, seen.libraries
    goals = [
        (
            "devices polled a minute",
            f"≥ {DEVICES:,}",
            f"{held.a_minute:,.0f}",
            held.a_minute >= 0.99 * DEVICES,
        ),
        ("probes that failed", "0", f"{held.failed:,}", held.failed == 0),
        ("of one core", "≤ 1", f"{held.cores:.2f}", held.cores <= 1),
        ("peak memory", f"≤ {MEMORY_MIB:.0f} MiB", f"{held.peak_mib:.0f} MiB", held.peak_mib <= MEMORY_MIB),
        (
            "others' median probe time with a dead controller",
            f"< {DEAD_COSTS:+.0%}",
            f"{seen.dead_costs:+.1%}",
            seen.dead_costs < DEAD_COSTS,
        ),
    ]
    runs = [
        ("held", held),
        *(("alone", one) for one in seen.without),
        *(("dead", one) for one in seen.with_dead),
    ]
    rows = [
        [
            f"{one.devices:,} devices" + (f", {one.dead} dead" if one.dead else ""),
            f"{one.a_minute:,.0f}",
            f"{one.cores:.2f}",
            f"{one.peak_mib:.0f}",
            f"{one.p50_ms:.1f}",
            f"{one.p95_ms:.1f}",
            f"{one.p99_ms:.1f}",
            f"{one.late_p99_s:.2f}",
        ]
        for _, one in runs
    ]
    heads = ("run", "probes a minute", "cores", "peak MiB", "p50 ms", "p95 ms", "p99 ms", "late p99 s")
    marked = [[what, asked, found, "yes" if held_ else "**no**"] for what, asked, found, held_ in goals]
    return (
        "## SNMP polling\n\n"
        "One process with the poller of `ioc connect wifi` against an agent of the bench's own, which answers recorded "
        "values over real SNMP v2c: twelve interfaces with 64-bit counters, three radios, six networks a device. "
        "Records are made, not sent. Every device is walked every fifteenth round and asked for its known values "
        "between, without ping. A dead controller never answers: it costs its three tries every round.\n\n"
        f"A request for ten counters takes {libraries.gufo_ms:.2f} ms of processor time with gufo-snmp and "
        f"{libraries.pysnmp_ms:.2f} ms with pysnmp.\n\n"
        + table(heads, rows)
        + "\n"
        + table(("goal", "asked", "measured", "holds"), marked)
    )


if __name__ == "__main__":
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print(json.dumps(asdict(asyncio.run(_run(*json.loads(sys.argv[1]))))))
