"""The heartbeat outwards: a watchdog outside the house is called for as long as all is well inside.

When it hears nothing any more, evaluator, delivery or database are gone, or the whole house is dark.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import httpx
import structlog

from ioc.settings import Settings

log = structlog.get_logger(__name__)

_TIMEOUT_S: Final = 10.0
_LOOK_S: Final = 1.0


def run(settings: Settings, stop: threading.Event, well: Callable[[], bool]) -> None:
    """Call the address of ``IOC_HEARTBEAT_URL`` until ``stop`` is set; a failure is told once, and hurts nothing.

    :param well: whether evaluator, delivery and database live.
    """
    url = address(settings)
    if url is None:
        return
    due, failing = 0.0, False
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True, headers={"User-Agent": "ioc"}) as client:
        while not stop.is_set():
            if time.monotonic() >= due and well():
                due = time.monotonic() + settings.heartbeat_url_every_s
                fault = call(client, url)
                if fault is not None and not failing:
                    log.warning("heartbeat_url.failed", reason=fault)
                elif fault is None and failing:
                    log.info("heartbeat_url.answers_again")
                failing = fault is not None
            stop.wait(min(_LOOK_S, settings.heartbeat_url_every_s))


def address(settings: Settings) -> str | None:
    """The watchdog's address, if there is one; an empty setting is none."""
    given = "" if settings.heartbeat_url is None else settings.heartbeat_url.get_secret_value().strip()
    return given or None


def call(client: httpx.Client, url: str) -> str | None:
    """GET the address; the reason why that failed, without the address, which may hold a token."""
    try:
        with client.stream("GET", url) as answer:
            return None if answer.is_success else f"answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return type(error).__name__
