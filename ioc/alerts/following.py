"""Following what happens to alerts, as it is committed: each event once, in about the order in which it happened.

Events are numbered when they are written and seen when they are committed, so that a lower number may come after a
higher one. Numbers that were left out are asked for again for a while; :attr:`Position.safe` is the number up to which
nothing can come any more, and from which somebody who was away goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.alerts.actions import SEEN
from ioc.alerts.model import Severity
from ioc.kpi.query import Steps

#: Longer than any transaction that writes events may last.
_AWAIT_S: Final = 60.0
_MOST_MISSING: Final = 5000
#: Events that are read at once.
BATCH: Final = 1000

_COLUMNS: Final = """
e.event_id, e.at, e.kind, e.actor, e.detail, a.alert_id, a.unit_id, r.code, a.severity, a.key, a.subject, u.code,
a.point, a.opened_at, a.cleared_at, a.acknowledged_by, a.assigned_to
"""
_FROM: Final = """
FROM ioc.alert_event e JOIN ioc.alert a USING (alert_id) JOIN ioc.alert_rule r USING (rule_id)
LEFT JOIN ioc.unit u ON u.unit_id = a.unit_id
"""
_NEW: Final = f"""
SELECT {_COLUMNS} {_FROM} WHERE e.event_id > %(newest)s OR e.event_id = ANY (%(missing)s::bigint[])
ORDER BY e.event_id LIMIT %(limit)s
"""
_SINCE: Final = f"""
SELECT {_COLUMNS} {_FROM} WHERE e.event_id > %(after)s AND e.event_id <= %(until)s
  AND {SEEN}
ORDER BY e.event_id LIMIT %(limit)s
"""
_NEWEST: Final = "SELECT coalesce(max(event_id), 0) FROM ioc.alert_event"
_SCOPE: Final = """
SELECT ARRAY(SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r), ioc.reader_sees_all(%(reader)s),
       ioc.unit_zone(%(reader)s, NULL)
"""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, and the alert as it stood when the event was read."""

    id: int
    at: datetime
    kind: str
    actor: str
    detail: dict[str, Any]
    alert: int
    unit_id: int | None
    rule: str
    severity: int
    key: str
    subject: str
    unit: str | None
    point: str | None
    opened_at: datetime
    cleared_at: datetime | None
    acknowledged_by: str | None
    assigned_to: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody who follows may know of."""

    units: frozenset[int]
    sees_all: bool
    zone: ZoneInfo

    def covers(self, happened: Happened) -> bool:
        """Whether he may know of this."""
        return self.sees_all if happened.unit_id is None else happened.unit_id in self.units


class Position:
    """How far the events were read."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self._missing: dict[int, float] = {}

    @property
    def safe(self) -> int:
        """Every event up to this number was read, or will never be."""
        return min(self._missing) - 1 if self._missing else self.newest

    @property
    def missing(self) -> list[int]:
        """Numbers that were left out, and may still come."""
        return list(self._missing)

    def read(self, numbers: Iterable[int], now_s: float) -> None:
        """Note the numbers of events that were read, in their order.

        :param now_s: any clock that goes on.
        """
        for number in numbers:
            if number <= self.newest:
                self._missing.pop(number, None)
                continue
            gap = range(max(self.newest + 1, number - _MOST_MISSING), number)
            self._missing.update(dict.fromkeys(gap, now_s + _AWAIT_S))
            self.newest = number
        while self._missing:
            oldest = next(iter(self._missing))
            if self._missing[oldest] > now_s and len(self._missing) <= _MOST_MISSING:
                break
            del self._missing[oldest]


def newest() -> Steps[int]:
    """Steps to the number of the newest event."""
    ((number,),) = yield _NEWEST, ()
    return int(number)


def new(position: Position) -> Steps[list[Happened]]:
    """Steps to what was committed since; at most :data:`BATCH`."""
    rows = yield _NEW, {"newest": position.newest, "missing": position.missing, "limit": BATCH}
    return [Happened(*row) for row in rows]


def scope(reader: str) -> Steps[Scope]:
    """Steps to what a reader may know of."""
    ((units, sees_all, zone),) = yield _SCOPE, {"reader": reader}
    return Scope(frozenset(units), sees_all, ZoneInfo(zone))


def since(reader: str, after: int, until: int) -> Steps[list[Happened]]:
    """Steps to what a reader missed; one more than :data:`BATCH` says that there is more."""
    rows = yield _SINCE, {"reader": reader, "after": after, "until": until, "limit": BATCH + 1}
    return [Happened(*row) for row in rows]


def document(happened: Happened, zone: ZoneInfo) -> dict[str, Any]:
    """An event as the stream gives it."""
    return {
        "id": happened.id,
        "at": happened.at.astimezone(zone),
        "kind": happened.kind,
        "actor": happened.actor,
        "detail": happened.detail,
        "alert": {
            "id": happened.alert,
            "rule": happened.rule,
            "severity": Severity(happened.severity).word,
            "key": happened.key,
            "subject": happened.subject,
            "unit": happened.unit,
            "point": happened.point,
            "opened_at": happened.opened_at.astimezone(zone),
            "cleared_at": happened.cleared_at and happened.cleared_at.astimezone(zone),
            "acknowledged_by": happened.acknowledged_by,
            "assigned_to": happened.assigned_to,
        },
    }
