"""Runs a simulated district in the foreground until it is told to stop: devices, feeds and connectors."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from connectors.shared.publisher import Publisher
from deploy.simulation import state
from deploy.simulation.connectors import Connectors
from deploy.simulation.district import SimulatedDistrict
from deploy.simulation.feeds import Spool
from deploy.simulation.history import device_history
from deploy.simulation.peers import Peers
from deploy.simulation.playback import Playback, history_start
from deploy.simulation.state import Lock, State
from ioc.district.model import Pack
from ioc.errors import UnavailableError
from ioc.settings import Settings

log = structlog.get_logger(__name__)

#: Virtual days are there already when the simulation begins.
_NIGHT_BEFORE: Final = timedelta(hours=3)
_FEED_S: Final = 2.0
_FOLLOW_S: Final = 5.0
_TEND_S: Final = 1.0
#: With so many files waiting the connectors can't deliver: facts wait in the model instead.
_MOST_WAITING: Final = 400
_KAFKA_WAIT_S: Final = 60.0


@dataclass(frozen=True)
class Options:
    """What a person may choose."""

    seed: int = 1
    rate: float = 1.0
    points: int | None = None
    fresh: bool = False
    """Forget earlier runs and begin anew."""


def run(settings: Settings, pack: Pack, options: Options) -> None:
    """Run until SIGTERM or SIGINT; leaves no process behind.

    :raises UnavailableError: another simulation runs on this state folder, or Kafka stays away.
    """
    folder = settings.state_dir.absolute() / "simulation"
    lock = Lock(folder / "lock")
    try:
        asyncio.run(_Simulation(settings, pack, options, folder).run())
    finally:
        lock.release()


class _Simulation:
    def __init__(self, settings: Settings, pack: Pack, options: Options, folder: Path) -> None:
        now = datetime.now(UTC)
        wanted = State(seed=options.seed, rate=options.rate, points=options.points, started=now)
        self._path = folder / "state.json"
        self._state = wanted if options.fresh else state.load(self._path, wanted)
        self._settings = settings
        self._district = SimulatedDistrict(
            pack,
            seed=options.seed,
            rate=options.rate,
            points=options.points,
            night_from=self._state.started - _NIGHT_BEFORE,
        )
        begins = history_start(pack.calendar, self._state.started)
        self._playback = Playback(self._district, begins, self._state.told_until or begins)
        self._spool = Spool(folder)
        self._peers = Peers(self._district, folder)
        self._connectors = Connectors(settings, folder, self._spool)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            await self._peers.start(datetime.now(UTC))
            await self._feed()
            if not self._state.devices_told:
                await asyncio.to_thread(self._tell_devices)
            if not self._stop.is_set():
                self._connectors.start()
                log.info(
                    "simulation.runs", points=len(self._district.places), connectors=self._connectors.pids()
                )
            await asyncio.gather(
                self._every(_FEED_S, self._feed),
                self._every(_FOLLOW_S, self._follow),
                self._every(_TEND_S, self._tend),
            )
        finally:
            await asyncio.to_thread(self._connectors.stop)
            await self._peers.close()
            log.info("simulation.ended")

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stop.is_set():
            await work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)

    async def _feed(self) -> None:
        """Hand what has happened since the last time to the watched folders, then remember that."""
        if self._spool.waiting() > _MOST_WAITING:
            return
        now = datetime.now(UTC)
        rows, tickets = await asyncio.to_thread(self._playback.advance, now)
        if rows or tickets or self._state.told_until is None:
            await asyncio.to_thread(self._spool.put, rows, tickets, now)
            self._remember(told_until=now)

    async def _follow(self) -> None:
        await self._peers.follow(datetime.now(UTC))

    async def _tend(self) -> None:
        await asyncio.to_thread(self._connectors.tend)

    def _tell_devices(self) -> None:
        """Send the devices' history once; waits for Kafka, since the supervisor may start us a little early."""
        deadline = time.monotonic() + _KAFKA_WAIT_S
        while not self._stop.is_set():
            try:
                with Publisher(self._settings, client_id="ioc-simulation") as publisher:
                    sent = publisher.publish_many(device_history(self._district, datetime.now(UTC)))
                    publisher.flush()
            except UnavailableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1.0)
            else:
                log.info("simulation.history", device_samples=sent)
                self._remember(devices_told=True)
                return

    def _remember(self, **changes: object) -> None:
        self._state = msgspec.structs.replace(self._state, **changes)
        state.save(self._path, self._state)
