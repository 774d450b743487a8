"""``ioc deliver`` as it runs in service: with the pack's channels, their secrets, links and a heartbeat."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import structlog

from ioc import tracing
from ioc.delivery.channels.making import make_driver, secrets_of
from ioc.delivery.links import Links
from ioc.delivery.loop import Deliverer
from ioc.settings import Settings
from ioc.watch import beside
from ioc.watch.beat import Beat

log = structlog.get_logger(__name__)

#: A turn does thousands of steps at most; one that takes longer hangs.
_TURN_S: Final = 60.0


def run(settings: Settings, stop: threading.Event, pack: Path) -> None:
    """Deliver until ``stop`` is set.

    :param pack: the district pack's folder, from which files with secrets count.
    """
    secrets, links = secrets_of(pack), Links.of(settings)
    if links.problem:
        log.warning("links to acknowledge by", why=links.problem)
    tracing.configure(settings, "deliver")
    with Beat(settings, "deliver") as beat:
        beside.audit(settings, stop, beat)
        Deliverer(
            settings,
            lambda channel: make_driver(channel, secrets, settings),
            links,
            turned=beat.loop("messages", within_s=_TURN_S),
        ).run(stop)
