"""Polls many devices: spread over the interval, each by itself, none slowing the rest."""

from __future__ import annotations

import asyncio
import hashlib
import math
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from connectors.shared.health import Health
from connectors.shared.publisher import Sink
from ioc.errors import IocError, UnavailableError
from ioc.events import AnyEvent

_FIRST_ROUND_S: Final = 10.0
"""The first round is spread over this many seconds at most: nobody waits a whole interval for a first sample."""
_RELOAD_S: Final = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What one probe brought."""

    events: Sequence[AnyEvent]
    healthy: bool
    reason: str | None = None


@dataclass(frozen=True)
class Job:
    """One device to poll.

    :param device: its id.
    :param interval_s: seconds between two probes.
    :param longest_s: a probe that takes longer is given up.
    :param fingerprint: changes when the target's settings do.
    :param probe: does one probe; must not block, may raise.
    :param stream: for devices that are watched all the time: outcomes as they come, without end.
    """

    device: str
    interval_s: float
    longest_s: float
    fingerprint: int
    probe: Callable[[], Awaitable[Outcome]] = field(repr=False)
    stream: Callable[[], AsyncGenerator[Outcome, None]] | None = field(default=None, repr=False)

    @property
    def phase(self) -> float:
        """Where in the interval this device has its turn, 0 to 1; the same after every restart."""
        digest = hashlib.blake2b(self.device.encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") / 2**32

    def until_turn_s(self, elapsed_s: float) -> float:
        """Seconds from now until its next turn; what was missed is left out.

        :param elapsed_s: since the poller began, from when on the intervals count.
        """
        turns = elapsed_s / self.interval_s - self.phase
        return (math.floor(turns) + 1 - turns) * self.interval_s


class Poller:
    """Runs the jobs of a target file until told to stop.

    :param load: reads the target file into jobs.
    :param path: the target file; read again when it changes. A new version that can't be used is logged, and the
        old targets go on.
    :param sink: where samples go.
    :param workers: most probes at a time.
    :param health: the devices' states, for whoever reports them.
    """

    def __init__(
        self,
        load: Callable[[Path], list[Job]],
        path: Path,
        sink: Sink,
        *,
        workers: int = 8,
        health: Health | None = None,
    ) -> None:
        self._load = load
        self._path = path
        self._sink = sink
        self._slots = asyncio.Semaphore(workers)
        self._devices = health or Health("source")
        self._way = Health("samples")
        self._tasks: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._began = time.monotonic()

    async def once(self) -> int:
        """Probe every target once; returns how many samples were sent.

        :raises UnavailableError: when they are not acknowledged.
        """
        outcomes = await asyncio.gather(*(self._probe(job) for job in self._load(self._path)))
        events = [event for outcome in outcomes if outcome for event in outcome.events]
        await asyncio.to_thread(self._sink.publish_many, events)
        await asyncio.to_thread(self._sink.flush)
        return len(events)

    async def run(self, stop: threading.Event) -> None:
        """Poll until ``stop`` is set, then send what waits.

        :raises InputError: when the target file can't be used at the start.
        """
        version = self._version()
        self._apply(self._load(self._path))
        try:
            while not await asyncio.to_thread(stop.wait, _RELOAD_S):
                newest = self._version()
                if newest != version:
                    version = newest
                    try:
                        self._apply(self._load(self._path))
                    except IocError as error:
                        log.error("targets.unusable", path=str(self._path), reason=error.message)
        finally:
            tasks = [task for _, task in self._tasks.values()]
            await _end(tasks)
            with suppress(UnavailableError):
                await asyncio.to_thread(self._sink.flush)

    def _version(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_ino)

    def _apply(self, jobs: list[Job]) -> None:
        wanted = {job.device: job for job in jobs}
        for device, (fingerprint, task) in list(self._tasks.items()):
            if device not in wanted or wanted[device].fingerprint != fingerprint:
                task.cancel()
                del self._tasks[device]
                self._devices.forget(device)
        added = [job for job in jobs if job.device not in self._tasks]
        for job in added:
            self._tasks[job.device] = (job.fingerprint, asyncio.create_task(self._poll(job), name=job.device))
        log.info("targets.read", path=str(self._path), targets=len(jobs), changed=len(added))

    async def _poll(self, job: Job) -> None:
        await asyncio.sleep(job.phase * min(job.interval_s, _FIRST_ROUND_S))
        while job.stream is not None:
            await self._follow(job)
        while True:
            outcome = await self._probe(job)
            if outcome is not None:
                await self._send(outcome.events)
            await asyncio.sleep(job.until_turn_s(time.monotonic() - self._began))

    async def _follow(self, job: Job) -> None:
        if job.stream is None:
            return
        try:
            async with aclosing(job.stream()) as outcomes:
                async for outcome in outcomes:
                    self._devices.note(job.device, outcome.healthy, outcome.reason)
                    await self._send(outcome.events)
        except Exception as error:
            self._devices.note(job.device, False, f"the watch failed: {type(error).__name__}")
            log.debug("watch.failed", source=job.device, exc_info=True)
            await asyncio.sleep(job.interval_s)

    async def _probe(self, job: Job) -> Outcome | None:
        async with self._slots:
            try:
                async with asyncio.timeout(job.longest_s):
                    outcome = await job.probe()
            except TimeoutError:
                self._devices.note(job.device, False, f"the probe took longer than {job.longest_s:g} s")
                return None
            except Exception as error:
                # One device's fault must not end the others' polling; nothing of it may hold a password.
                self._devices.note(job.device, False, f"the probe failed: {type(error).__name__}")
                log.debug("probe.failed", source=job.device, exc_info=True)
                return None
        self._devices.note(job.device, outcome.healthy, outcome.reason)
        return outcome

    async def _send(self, events: Sequence[AnyEvent]) -> None:
        try:
            await asyncio.to_thread(self._sink.publish_many, events)
        except IocError as error:  # no room, or a sample that is too large: the next one is another matter
            self._way.note("samples", False, error.message)
        else:
            self._way.note("samples", True)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they are done: a cancellation is forgotten when ``wait_for`` gets its answer that moment."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1.0)
    await asyncio.gather(*tasks, return_exceptions=True)
