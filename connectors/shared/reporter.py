"""What a connector says about itself: at every change of its state, and once a minute as a sign of life."""

from __future__ import annotations

import re
import socket
import threading
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from connectors.shared.health import Health
from connectors.shared.relay import Mode, Relay, RelayState
from ioc.events import ConnectorReport, ConnectorReported, ConnectorState, event_id

_LOOK_S: Final = 1.0
_LISTED: Final = 50
_TEXT: Final = 200
_MOST_WAITING: Final = 100
_TYPE: Final = "ioc.connector.reported.v1"


def machine() -> str:
    """CloudEvents source of this machine's reports."""
    name = re.sub(r"[^a-z0-9.-]", "-", socket.gethostname().lower())[:100]
    return f"//{name or 'localhost'}/connectors"


class Reporter:
    """Reports for one connector, through its own relay, until it is closed; close it before the relay.

    :param relay: the connector's relay; its name is the reports' subject.
    :param health: the states of its sources.
    :param interval_s: seconds between two signs of life; after three without one the connector counts as unknown.
    """

    def __init__(self, relay: Relay, health: Sequence[Health] = (), *, interval_s: float = 60.0) -> None:
        self._relay = relay
        self._health = health
        self._interval_s = interval_s
        self._source = machine()
        self._run = uuid4().hex
        self._number = 0
        self._state: ConnectorState | None = None
        self._since = datetime.now(UTC)
        #: Changes for which there was no room in the spool.
        self._waiting: deque[ConnectorReported] = deque(maxlen=_MOST_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"report-{relay.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Say that the connector stopped."""
        self._stop.set()
        self._thread.join()
        self._say(ConnectorState.STOPPED, None, self._relay.state, changed=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _loop(self) -> None:
        looks = 0
        per_report = max(1, round(self._interval_s / _LOOK_S))
        while True:
            relay = self._relay.state
            state, reason = self._now(relay)
            changed = state is not self._state
            if changed or looks >= per_report:
                self._say(state, reason, relay, changed=changed)
                looks = 0
            elif self._waiting:
                self._send()
            if self._stop.wait(min(_LOOK_S, self._interval_s)):
                return
            looks += 1

    def _now(self, relay: RelayState) -> tuple[ConnectorState, str | None]:
        if relay.mode is Mode.FULL:
            return ConnectorState.FULL, relay.reason
        if relay.mode is not Mode.DIRECT:
            return ConnectorState.SPOOLING, relay.reason
        for health in self._health:
            for name, failing in health.failing.items():
                return ConnectorState.FAILING, f"{name}: {failing.reason}" if failing.reason else name
        return ConnectorState.OK, None

    def _say(self, state: ConnectorState, reason: str | None, relay: RelayState, *, changed: bool) -> None:
        now = datetime.now(UTC)
        if changed:
            self._state, self._since = state, now
        failing = [name for health in self._health for name in health.failing]
        self._number += 1
        self._waiting.append(
            ConnectorReported(
                specversion="1.0",
                id=event_id(self._source, self._relay.name, _TYPE, f"{self._run}/{self._number}"),
                source=self._source,
                subject=self._relay.name,
                time=now,
                sequence=f"{self._number:012d}",
                data=ConnectorReport(
                    state=state,
                    since=self._since,
                    changed=changed,
                    reason=None if reason is None else reason[:_TEXT],
                    sources=sum(health.sources for health in self._health),
                    failing=len(failing),
                    failing_sources=tuple(name[:_TEXT] for name in failing[:_LISTED]),
                    spooled_events=relay.spooled_events,
                    spooled_bytes=relay.spooled_bytes,
                    oldest_spooled_s=relay.oldest_age_s,
                    interval_s=self._interval_s,
                ),
            )
        )
        self._send()

    def _send(self) -> None:
        """Hand over what waits; with a full spool changes wait for room, signs of life do not."""
        while self._waiting:
            taken = self._relay.accept([self._waiting[0]])
            if taken.done() and taken.exception() is not None:
                if not self._waiting[-1].data.changed:
                    self._waiting.pop()
                return
            self._waiting.popleft()
