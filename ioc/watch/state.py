"""How the platform's own processes are, by what they wrote: one definition for alerts, pages, API and command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from ioc.alerts import clock, keys
from ioc.kpi.query import Steps
from ioc.watch.reading import KeptReading, readings

#: Beats that may be missed before a process counts as silent.
MISSED: Final = 3
#: A process that was silent for so long was taken away.
GONE_AFTER: Final = timedelta(days=7)
#: Roles without which nobody is called, and what is missing then.
CALLING: Final = {
    "evaluate": "indicators, silence and sites raise no alert",
    "deliver": "no message goes out; the siren page and the list of alerts still show them",
}
#: Kind of the heartbeat of whoever audits.
AUDITOR: Final = "auditor"

#: From when a process's silence counts: its newest beat, or, where that is later, some beats after those that notice
#: silence began. After a power cut all beats are old, and nobody was there to miss any: the others are starting.
HEARD_AT: Final = """
greatest(h.at, (
    SELECT min((w.detail->>'started_at')::timestamptz + 9 * w.interval_s * interval '1 second') FROM ioc.heartbeat w
    WHERE w.kind IN ('evaluate', 'deliver') AND w.name <> h.name AND NOT w.stopped
      AND w.at > clock_timestamp() - 3 * w.interval_s * interval '1 second'
))
"""
_HEARTBEATS: Final = f"""
SELECT h.name, h.kind, h.host, h.at, h.interval_s, h.stopped, h.detail, {HEARD_AT}
FROM ioc.heartbeat h WHERE h.at > %s ORDER BY h.name
"""  # noqa: S608 - of a constant above


class Level(StrEnum):
    """How the platform, or a part of it, is."""

    OK = "ok"
    #: It goes on; something that it does is late, or missing.
    DEGRADED = "degraded"
    #: What people see is not how things are now.
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong.

    :param since: when it began, as far as that is known.
    :param do: what a person can do about it.
    """

    level: Level
    what: str
    since: datetime | None
    do: str

    def __str__(self) -> str:
        return f"{self.what}; {self.do}"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process as it last wrote that it lives.

    :param kind: its role; ``auditor`` for whoever audits now.
    :param at: when, by the database's clock.
    :param heard_at: from when its silence counts, where that is later: see :data:`HEARD_AT`.
    """

    name: str
    kind: str
    host: str
    at: datetime
    interval_s: float
    stopped: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)
    heard_at: datetime | None = None

    @property
    def limit(self) -> timedelta:
        """How long it may be silent."""
        return timedelta(seconds=MISSED * self.interval_s)

    @property
    def counted_from(self) -> datetime:
        """From when its silence counts."""
        return self.heard_at or self.at

    @property
    def silent_since(self) -> datetime:
        """When it will have been silent for too long, unless it beats again."""
        return self.counted_from + self.limit

    def is_silent(self, now: datetime) -> bool:
        """Whether it should be heard and is not; one that stopped on purpose is not missed."""
        return not self.stopped and now >= self.silent_since

    def lives(self, now: datetime) -> bool:
        """Whether it works now: it was heard lately."""
        return not self.stopped and now < self.at + self.limit

    @property
    def subject(self) -> str:
        """As alerts name it."""
        return keys.process(self.name)


def heartbeats(now: datetime) -> Steps[tuple[Heartbeat, ...]]:
    """Steps to every process of which something was heard lately, by name."""
    rows = yield _HEARTBEATS, (now - GONE_AFTER,)
    return tuple(Heartbeat(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class Watched:
    """Processes, readings and what is wrong with them, at one moment."""

    now: datetime
    heartbeats: tuple[Heartbeat, ...]
    readings: tuple[KeptReading, ...]

    @property
    def auditor(self) -> Heartbeat | None:
        """Whoever audits, or did."""
        return next((one for one in self.heartbeats if one.kind == AUDITOR), None)

    @property
    def round_trips(self) -> tuple[KeptReading, ...]:
        """Of each synthetic rule, what is known now."""
        return tuple(
            one
            for one in self.readings
            if one.name == "alerts.round_trip" and one.known(self.now) is not None
        )

    def troubles(self) -> list[Trouble]:
        """What keeps people from being called, or might."""
        return [*self._processes(), *self._calls()]

    def degraded(self) -> list[str]:
        """The same, a sentence each."""
        return [str(one) for one in self.troubles()]

    def _processes(self) -> Iterator[Trouble]:
        for one in self.heartbeats:
            if one.is_silent(self.now):
                since = (self.now - one.at).total_seconds()
                yield _degraded(
                    f"{one.name} has been silent for {since:.0f} s", one.at, "see its log, and ioc status"
                )
        for role, means in CALLING.items():
            if not living(self.heartbeats, role, self.now):
                last = max((one.at for one in self.heartbeats if one.kind == role), default=None)
                yield _degraded(f"no process of {role} lives: {means}", last, f"run: ioc {role}")
        auditor = self.auditor
        if auditor is None or auditor.stopped:
            since_at = None if auditor is None else auditor.at
            yield _degraded("nobody audits", since_at, "it goes with ioc evaluate and ioc deliver")

    def _calls(self) -> Iterator[Trouble]:
        for one in self.readings:
            value = one.known(self.now)
            if not value:
                continue
            began = self.now - timedelta(seconds=value)
            if one.name == "delivery.stuck":
                what = f"{value:.0f} messages should have gone and nobody sends them"
                yield _degraded(what, one.at, "see the log of ioc deliver")
            elif one.name == "escalation.overdue":
                yield _degraded(
                    f"{value:.0f} steps of escalations are past due", one.at, "see the log of ioc deliver"
                )
            elif one.name == "alerts.round_trip" and one.detail.get("state") == "late":
                what = f"the synthetic alert of {one.instance} has not come back for {value:.0f} s"
                yield _degraded(what, began, "see the log of ioc deliver, and ioc channel test")


def _degraded(what: str, since: datetime | None, do: str) -> Trouble:
    return Trouble(Level.DEGRADED, what, since, do)


def look() -> Steps[Watched]:
    """Steps to how all of it is now, by the database's clock."""
    now = yield from clock.now()
    found = yield from heartbeats(now)
    return Watched(now, found, (yield from readings()))


def living(found: Sequence[Heartbeat], role: str, now: datetime) -> bool:
    """Whether any process of a role works."""
    return any(one.kind == role and one.lives(now) for one in found)
