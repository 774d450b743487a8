"""Which way a relay's events take, and since when: straight to Kafka, to the disk, or from the disk to Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from connectors.shared import rests
from connectors.shared.lots import Mode

_FIRST_REST_S: Final = 0.5
_LONGEST_REST_S: Final = 15.0

log = structlog.get_logger(__name__)


class Way:
    """The state of one relay's way. One log line when it turns away, one when it is back.

    :param relay: name for the log.
    :param wait_s: seconds for which new events may be held in memory while the last of the spool is forwarded.
    :param clock: monotonic seconds.
    """

    def __init__(self, relay: str, wait_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.mode = Mode.DIRECT
        self.since = datetime.now(UTC)
        self.reason: str | None = None
        self.full = False
        """There is no room on disk either."""
        self._relay = relay
        self._hold_s = wait_s + 1.0
        self._clock = clock
        self._away_at = clock()
        self._faults = 0
        self._next_try = 0.0
        #: While the last of the spool is forwarded, new events wait in memory: else it would never be empty.
        self._holding_since: float | None = None

    @property
    def holding(self) -> bool:
        """Whether new events wait in memory for the last of the spool."""
        return self._holding_since is not None

    @property
    def rest_s(self) -> float:
        """Seconds until Kafka is tried again; 0 or less when it may be."""
        return self._next_try - self._clock() if self.mode is Mode.SPOOLING else 0.0

    def begin_spooling(self, reason: str) -> None:
        """What an earlier process left is to be forwarded first."""
        self.mode, self.reason = Mode.SPOOLING, reason

    def turn_away(self, reason: str, waiting: int) -> None:
        """Kafka does not take events: to the disk, and try again after a rest that grows.

        :param waiting: events in memory, for the log.
        """
        self._holding_since = None
        if self.mode is Mode.DIRECT:
            self.since, self._away_at = datetime.now(UTC), self._clock()
            self._faults = 0
            log.warning("relay.away", relay=self._relay, reason=reason, waiting=waiting)
        self.mode, self.reason = Mode.SPOOLING, reason
        self._faults += 1
        self._next_try = self._clock() + rests.rest_s(
            self._faults, first_s=_FIRST_REST_S, longest_s=_LONGEST_REST_S
        )

    def try_at_once(self) -> None:
        """Kafka answers, only not to this: no rest is due."""
        self._next_try = 0.0

    def drain(self) -> None:
        """Some of the spool arrived: the next fault is a first one again."""
        self.mode = Mode.DRAINING
        self._faults = 0

    def hold(self) -> None:
        """All that the spool holds is under way; does nothing unless it is being forwarded."""
        if self.mode is Mode.DRAINING and self._holding_since is None:
            self._holding_since = self._clock()

    def held_until(self, now: float) -> float | None:
        """When holding ends, by the clock; None when nothing is held, or has been held for too long."""
        if self._holding_since is None:
            return None
        until = self._holding_since + self._hold_s
        if now < until:
            return until
        self._holding_since = None
        return None

    def turn_direct(self, forwarded: int) -> None:
        """The spool is empty and Kafka answers.

        :param forwarded: events that came from the spool so far, for the log.
        """
        self.mode, self.reason, self.full = Mode.DIRECT, None, False
        self._holding_since = None
        self.since = datetime.now(UTC)
        after_s = round(self._clock() - self._away_at, 1)
        log.info("relay.recovered", relay=self._relay, after_s=after_s, forwarded=forwarded)
