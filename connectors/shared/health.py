"""Which sources fail: one line in the log when one does, one when it is well again, and a list for whoever asks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Failing:
    """A source that can't be read."""

    since: float
    """Monotonic seconds."""
    reason: str | None


class Health:
    """The state of each source of a kind. Safe from several threads.

    :param what: what the sources are, the first part of the log lines' names.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._failing: dict[str, Failing] = {}

    def note(self, name: str, healthy: bool, reason: str | None = None) -> None:
        """Take in the newest state of a source; logs only when it turned.

        :param reason: why it fails; it travels and is logged, so no secret and no person may be in it.
        """
        with self._lock:
            self._known.add(name)
            before = self._failing.get(name)
            if healthy:
                self._failing.pop(name, None)
            else:
                self._failing[name] = Failing(before.since if before else time.monotonic(), reason)
        if healthy and before is not None:
            log.info(
                f"{self._what}.recovered", source=name, after_s=round(time.monotonic() - before.since, 1)
            )
        elif not healthy and before is None:
            log.warning(f"{self._what}.failing", source=name, reason=reason)

    def forget(self, name: str) -> None:
        """The source is no longer read."""
        with self._lock:
            self._known.discard(name)
            self._failing.pop(name, None)

    @property
    def sources(self) -> int:
        """Sources whose state was ever noted, and that are still read."""
        with self._lock:
            return len(self._known)

    @property
    def failing(self) -> dict[str, Failing]:
        """Those that fail now, by name."""
        with self._lock:
            return dict(sorted(self._failing.items()))
