"""What watches beside a process's own work: threads that a role starts in one line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ioc.settings import Settings
from ioc.watch import outward, sending, taking
from ioc.watch.auditor import Auditor
from ioc.watch.beat import Beat

#: The longest that a turn of any of them may take: none waits for more than a few servers.
_TURN_WITHIN_S: Final = 180.0


def audit(settings: Settings, stop: threading.Event, beat: Beat) -> None:
    """Start the auditor and the heartbeat outwards, in every process that calls people.

    :param stop: ends them soon after it is set.
    :param beat: of the process: it falls silent when its auditor hangs.
    """
    auditor = Auditor(settings, beat.role, beat.host)
    _start("auditor", auditor.run, stop, beat.loop("auditor", within_s=_TURN_WITHIN_S))
    if outward.address(settings) is not None:
        _start("outwards", outward.run, settings, stop, lambda: time.monotonic() < auditor.well_until)


def watch(settings: Settings, stop: threading.Event, beat: Beat) -> None:
    """Start what the evaluator's process does besides evaluating: readings, synthetic alerts, the auditor."""
    _start("readings", taking.run, settings, stop, beat.loop("readings", within_s=_TURN_WITHIN_S))
    if settings.synthetic_every_s:
        _start("synthetic", sending.run, settings, stop, beat.loop("synthetic", within_s=_TURN_WITHIN_S))
    audit(settings, stop, beat)


def _start(name: str, work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, name=name, daemon=True).start()
