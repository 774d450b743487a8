"""``python -m deploy.bench cameras``: cameras that one connector watches a minute; what dead ones cost the others."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from connectors.camera.targets import CameraEntry, job
from connectors.shared.runner import Job, Outcome, Poller
from deploy.simulation.media import make_clips
from ioc.events import AnyEvent

CAMERAS: Final = 100
MEMORY_MIB: Final = 400.0
DEAD_COSTS: Final = 0.05
DEATHS: Final = ("refuses", "says nothing", "never plays")
WORKERS: Final = 16
_SETTLING_S: Final = 5.0
_SDP: Final = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


@dataclass(frozen=True)
class Plan:
    """What one run of the connector does."""

    urls: tuple[str, ...]
    dead: tuple[str, ...]
    interval_s: float
    settling_s: float
    seconds: float
    watch_s: float = 4.0


@dataclass(frozen=True)
class Load:
    """What a connector with all its processes did in a window of steady work."""

    seconds: float
    probes: int
    bad: int
    """Probes of live cameras whose verdict was not ok."""
    cores: float
    """Processor time of all its processes over the window's length."""
    peak_pss_mib: float
    """Most memory of all its processes; what they share is counted once."""
    peak_rss_mib: float
    """The same with what they share counted in each."""
    durations_s: tuple[float, ...] = field(default=(), repr=False)
    """Of the live cameras' probes."""

    @property
    def a_minute(self) -> float:
        return self.probes / self.seconds * 60


@dataclass(frozen=True)
class Measured:
    """Everything that the section tells."""

    held: Load
    most: Load
    fork_ms: float
    python_ms: float
    without: tuple[Load, ...]
    with_dead: tuple[Load, ...]

    @property
    def dead_costs(self) -> float:
        """Relative change of the others' median probe time with dead cameras among them."""
        before, after = (
            statistics.median(one for load in loads for one in load.durations_s)
            for loads in (self.without, self.with_dead)
        )
        return after / before - 1


def measure(tell: Callable[[str], None], *, seconds: float = 120.0, rounds: int = 4) -> Measured:
    """Measure all of it; some eight minutes."""
    with tempfile.TemporaryDirectory(prefix="ioc-bench-cameras-") as folder, _server(Path(folder)) as port:
        urls = tuple(f"rtsp://127.0.0.1:{port}/cam{number}.mp4/play_count_0" for number in range(CAMERAS))
        tell("cameras: what a process costs")
        python_ms, fork_ms = _processes()
        tell(f"cameras: {CAMERAS} a minute")
        held = _run(Plan(urls, (), 60.0, _SETTLING_S, seconds))
        tell("cameras: as many as go")
        most = _run(Plan(urls, (), 1.0, _SETTLING_S, seconds / 2))
        without: list[Load] = []
        with_dead: list[Load] = []
        with _dead() as dead:
            for turn in range(rounds):
                tell(f"cameras: with dead ones among them and without, round {turn + 1}")
                for names, found in (((), without), (dead, with_dead)):
                    found.append(_run(Plan(urls[:20], names, 10.0, 2.0, 30.0, watch_s=2.0)))
    return Measured(held, most, fork_ms, python_ms, tuple(without), tuple(with_dead))


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    """A real RTSP server (aio-rtsp-toolkit) in a process of its own, not counted."""
    clips = make_clips(folder / "clips")
    media = folder / "media"
    media.mkdir()
    for number in range(CAMERAS):
        os.link(clips["good"], media / f"cam{number}.mp4")
    port = _free_port()
    code = (
        "import asyncio, sys; from aio_rtsp_toolkit import server;"
        "asyncio.run(server.serve(sys.argv[1], '127.0.0.1', int(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, str(media), str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()


@contextmanager
def _dead() -> Iterator[tuple[str, ...]]:
    """One camera of each kind that is dead: it refuses, accepts and says nothing, describes and never plays."""
    stop = threading.Event()

    def serve(listener: socket.socket, answer: bytes) -> None:
        kept = []
        while not stop.is_set():
            with suppress(TimeoutError):
                peer, _ = listener.accept()
                kept.append(peer)
                if answer:
                    with suppress(OSError):
                        first = peer.recv(4096)
                        if b"ioc-probe" in first:
                            peer.sendall(answer)
        for peer in kept:
            peer.close()

    described = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n%b" % (len(_SDP), _SDP)
    urls, threads, listeners = [f"rtsp://127.0.0.1:{_free_port()}/dead"], [], []
    for answer in (b"", described):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.2)
        listeners.append(listener)
        urls.append(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/dead")
        threads.append(threading.Thread(target=serve, args=(listener, answer), daemon=True))
        threads[-1].start()
    try:
        yield tuple(urls)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for listener in listeners:
            listener.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _processes() -> tuple[float, float]:
    """Processor milliseconds of a fresh Python that can decode, and of a fork from one that can already."""
    code = (
        "import av, numpy, msgspec, os, time; import connectors.camera.watching; print(sum(os.times()[:2]))"
    )
    fresh = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    code = (
        "import os, connectors.camera.watching\n"
        "before = sum(os.times()[:4])\n"
        "for _ in range(100):\n"
        "    child = os.fork()\n"
        "    if child == 0: os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "print((sum(os.times()[:4]) - before) / 100)"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    forked = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment
    ).stdout
    return statistics.median(fresh) * 1000, float(forked) * 1000


def _run(plan: Plan) -> Load:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-state-") as state:
        environment = {**os.environ, "IOC_STATE_DIR": state}
        command = [sys.executable, "-m", "deploy.bench.cameras", json.dumps(asdict(plan))]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Load(**{**found, "durations_s": tuple(found["durations_s"])})


class _Shelf:
    """Takes samples and drops them: Kafka is not what is measured."""

    counts = None

    def publish(self, event: AnyEvent) -> None:
        pass

    def publish_many(self, many: Sequence[AnyEvent]) -> int:
        return len(many)

    def flush(self) -> None:
        pass


class _Notes:
    """How long each probe of a live camera took, once the window has begun."""

    def __init__(self) -> None:
        self.open = False
        self.durations_s: list[float] = []
        self.bad = 0
        self.probes = 0

    def watched(self, found: Job) -> Job:
        async def probe() -> Outcome:
            began = time.monotonic()
            outcome = await found.probe()
            self.probes += 1
            if self.open:
                self.durations_s.append(time.monotonic() - began)
                self.bad += outcome.reason is not None
            return outcome

        return replace(found, probe=probe)


def _connector(plan: Plan) -> Load:
    """The connector's own process: the poller as `ioc connect cameras` runs it, with a meter beside it."""
    notes = _Notes()

    def entry(name: str, url: str) -> CameraEntry:
        return CameraEntry(name, "u", url, interval_s=plan.interval_s, watch_s=plan.watch_s, onvif="none")

    def load(_path: Path) -> list[Job]:
        live = [notes.watched(job(entry(f"cam{number}", url))) for number, url in enumerate(plan.urls)]
        return live + [job(entry(f"dead{number}", url)) for number, url in enumerate(plan.dead)]

    stop = threading.Event()
    shelf: Any = _Shelf()
    poller = Poller(load, Path(__file__), shelf, workers=WORKERS)
    thread = threading.Thread(target=lambda: asyncio.run(poller.run(stop)))
    thread.start()
    while notes.probes < len(plan.urls) and thread.is_alive():  # the first round, with all that starts in it
        time.sleep(0.1)
    time.sleep(plan.settling_s)
    notes.open, began, before = True, time.monotonic(), _cpu_s()
    pss = rss = 0.0
    while time.monotonic() - began < plan.seconds:
        now = [_memory_mib(pid) for pid in _tree()]
        pss, rss = max(pss, sum(one[0] for one in now)), max(rss, sum(one[1] for one in now))
        time.sleep(0.5)
    notes.open = False
    seconds, spent = time.monotonic() - began, _cpu_s() - before
    durations = tuple(notes.durations_s)
    stop.set()
    thread.join()
    return Load(seconds, len(durations), notes.bad, spent / seconds, pss, rss, durations)


def _tree() -> dict[int, tuple[int, ...]]:
    """This process and all below it: pid → parent, then user and system ticks of its own and of its ended children."""
    everyone: dict[int, tuple[int, ...]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                everyone[int(folder.name)] = (int(fields[1]), *map(int, fields[11:15]))
    tree = {os.getpid()}
    while below := {pid for pid, fields in everyone.items() if fields[0] in tree} - tree:
        tree |= below
    return {pid: everyone[pid] for pid in tree if pid in everyone}


def _cpu_s() -> float:
    """Processor time of the connector, its fork server, and the watchers that ended or run, in seconds."""
    ticks = sum(sum(fields[1:5]) for fields in _tree().values())
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory_mib(pid: int) -> tuple[float, float]:
    pss = rss = 0
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123 - the kernel's
        for line in file:
            name, _, rest = line.partition(":")
            if name == "Pss":
                pss = int(rest.split()[0])
            elif name == "Rss":
                rss = int(rest.split()[0])
    return pss / 1024, rss / 1024


def main() -> None:
    """Entry point of the measured connector: a plan as JSON in, what it did as JSON out."""
    plan = json.loads(sys.argv[1])
    found = _connector(Plan(**{**plan, "urls": tuple(plan["urls"]), "dead": tuple(plan["dead"])}))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
