"""Runs the stream worker until it is told to stop."""

from __future__ import annotations

import asyncio
import logging

import structlog
from faust.worker import Worker

from ioc import topics
from ioc.settings import Settings
from streams.app import StreamApp, build, prepare
from streams.memory_habits import settle
from streams.slot import Slot
from streams.sparing import Sparing

log = structlog.get_logger(__name__)


class StreamWorker(Worker):
    """Faust's worker, opening the sink in the loop that it will live in."""

    app: StreamApp

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:  # noqa: ARG002
        for handler in logger.handlers:
            handler.addFilter(Sparing(("aiokafka", "faust", "mode")))

    async def on_first_start(self) -> None:
        settle()
        await prepare(self.app)
        await super().on_first_start()


def run(settings: Settings, *, only: tuple[str, ...] = topics.STREAM_TOPICS) -> None:
    """Work on the topics until SIGTERM or SIGINT; returns when all is closed."""
    slot = Slot(settings.state_dir / "run")
    app = build(settings, only=only, member=slot.name)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = StreamWorker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False, loop=loop)
    worker.execute_from_commandline()
