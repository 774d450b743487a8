"""Runs the stream worker until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import structlog
from faust.worker import Worker

from ioc import logs, topics, tracing
from ioc.metrics import PROCESS
from ioc.settings import Settings
from ioc.watch.beat import Beat
from streams.app import StreamApp, build, prepare
from streams.figures import tell_of_sink
from streams.memory_habits import settle
from streams.slot import Slot
from streams.sparing import Sparing

#: A partition that has records to store and stored none for so long makes its worker silent.
_STALL_S = 90.0
_PULSE_S = 1.0

log = structlog.get_logger(__name__)


class StreamWorker(Worker):
    """Faust's worker, opening the sink in the loop that it will live in."""

    app: StreamApp
    #: Told that the loop turns and that no partition hangs; a worker on its own tells nobody.
    turned: Callable[[], None] = staticmethod(lambda: None)

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:  # noqa: ARG002
        for handler in logger.handlers:
            handler.setFormatter(logs.formatter())
            handler.addFilter(Sparing(("aiokafka", "faust", "mode")))

    async def on_first_start(self) -> None:
        settle()
        await prepare(self.app)
        self.add_future(self._pulse())
        await super().on_first_start()

    async def _pulse(self) -> None:
        while not self.should_stop:
            if self.app.sink.stalled_s() < _STALL_S:
                self.turned()
            await asyncio.sleep(_PULSE_S)


def run(settings: Settings, *, only: tuple[str, ...] = topics.STREAM_TOPICS) -> None:
    """Work on the topics until SIGTERM or SIGINT; returns when all is closed."""
    slot = Slot(settings.state_dir / "run")
    app = build(settings, only=only, member=slot.name)
    tell_of_sink(PROCESS, app.sink)
    tracing.configure(settings, "stream")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = StreamWorker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False, loop=loop)
    with Beat(settings, "stream") as beat:
        worker.turned = beat.loop("records", within_s=30.0)
        worker.execute_from_commandline()
