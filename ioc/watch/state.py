"""How the platform's own processes are, by what they wrote: one definition for alerts, pages, API and command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ioc.kpi.query import Steps

#: Beats that may be missed before a process counts as silent.
MISSED: Final = 3
#: A process that was silent for so long was taken away.
GONE_AFTER: Final = timedelta(days=7)
#: Roles without which nobody is called.
CALLING: Final = ("evaluate", "deliver")

_HEARTBEATS: Final = (
    "SELECT name, kind, host, at, interval_s, stopped, detail FROM ioc.heartbeat WHERE at > %s ORDER BY name"
)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process as it last wrote that it lives.

    :param kind: its role; ``auditor`` for whoever audits now.
    :param at: when, by the database's clock.
    """

    name: str
    kind: str
    host: str
    at: datetime
    interval_s: float
    stopped: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def silent_since(self, *, longer: timedelta | None = None) -> datetime:
        """When it will have been silent for too long, unless it beats again.

        :param longer: how long it may be; three intervals when None.
        """
        return self.at + (longer if longer is not None else timedelta(seconds=MISSED * self.interval_s))

    def is_silent(self, now: datetime, *, longer: timedelta | None = None) -> bool:
        """Whether it should be heard and is not; one that stopped on purpose is not missed."""
        return not self.stopped and now >= self.silent_since(longer=longer)

    def lives(self, now: datetime) -> bool:
        """Whether it works now."""
        return not self.stopped and not self.is_silent(now)

    @property
    def subject(self) -> str:
        """As alerts name it."""
        return f"process:{self.name}"


def heartbeats(now: datetime) -> Steps[tuple[Heartbeat, ...]]:
    """Steps to every process of which something was heard lately, by name."""
    rows = yield _HEARTBEATS, (now - GONE_AFTER,)
    return tuple(Heartbeat(*row) for row in rows)


def living(found: Sequence[Heartbeat], role: str, now: datetime) -> bool:
    """Whether any process of a role works."""
    return any(one.kind == role and one.lives(now) for one in found)
