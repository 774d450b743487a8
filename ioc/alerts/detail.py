"""One alert: what it is made of, what happened, what comes next, and who was told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts.actions import SEEN
from ioc.alerts.asking import COLUMNS, FROM, Row
from ioc.alerts.errors import UnknownAlertError
from ioc.kpi.query import Steps

#: Members, steps and messages that are shown of one alert.
MOST_SHOWN: Final = 200
_GREATEST_ID: Final = 2**63 - 1

_ONE: Final = f"""
SELECT {COLUMNS}, ioc.unit_zone(%(reader)s, NULL), m.name
FROM {FROM} LEFT JOIN ioc.maintenance m USING (maintenance_id) WHERE a.alert_id = %(alert)s AND {SEEN}
"""  # noqa: S608 - of names above
_EXPLAINED: Final = f"""
SELECT {COLUMNS} FROM {FROM} WHERE a.inhibited_by = %(alert)s AND a.cleared_at IS NULL AND {SEEN}
ORDER BY a.severity DESC, a.opened_at DESC, a.alert_id DESC LIMIT %(limit)s
"""  # noqa: S608 - of names above
# a member of another unit is not this reader's to know of
_MEMBERS: Final = """
SELECT s.subject, s.phase, s.since, u.code, s.point, s.value, s.detail
FROM ioc.alert_signal s LEFT JOIN ioc.unit u USING (unit_id)
WHERE s.alert_id = %(alert)s
  AND (s.unit_id = ANY (ARRAY(SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r)) OR ioc.reader_sees_all(%(reader)s))
ORDER BY s.since, s.subject LIMIT %(limit)s
"""
_EVENTS: Final = """
SELECT event_id, at, kind, actor, detail FROM ioc.alert_event
WHERE alert_id = %(alert)s AND event_id > %(after)s ORDER BY event_id LIMIT %(limit)s
"""
_STEPS: Final = """
SELECT kind, run, round, step, due_at, attempt, state, ended_at, detail->>'why', detail->>'held'
FROM ioc.alert_step WHERE alert_id = %(alert)s ORDER BY state <> 'waiting', due_at DESC LIMIT %(limit)s
"""
#: A line of the delivery log, of ``m``.
MESSAGE: Final = """
m.message_id, m.kind, m.person, m.channel, m.state, m.created_at, m.not_before, m.attempts, m.started_at,
m.ended_at, m.error, (SELECT count(*) FROM ioc.alert_message_alert o WHERE o.message_id = m.message_id),
m.held, m.bundle_id
"""
_MESSAGES: Final = f"""
SELECT {MESSAGE}
FROM ioc.alert_message_alert l JOIN ioc.alert_message m USING (message_id)
WHERE l.alert_id = %(alert)s ORDER BY m.message_id DESC LIMIT %(limit)s
"""  # noqa: S608 - of names above


class EventPlace(msgspec.Struct, frozen=True, array_like=True):
    """The last event of a page."""

    id: int


@dataclass(frozen=True, slots=True)
class Member:
    """A condition that holds the alert open, or did until shortly."""

    subject: str
    phase: int
    since: datetime
    unit: str | None
    point: str | None
    value: float | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the alert."""

    id: int
    at: datetime
    kind: str
    actor: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepState:
    """A step of the escalation, a reminder, or the notice that it is over.

    :param why: it was cancelled for this. ``held``: it is put off for this.
    """

    kind: str
    run: int
    round: int
    step: int
    due_at: datetime
    attempts: int
    state: str
    ended_at: datetime | None
    why: str | None
    held: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the delivery log; addresses are never in it.

    :param alerts: how many alerts it tells of.
    :param held: why it waits beyond its time.
    :param bundle: number of the message that it went as a part of.
    """

    id: int
    kind: str
    person: str | None
    channel: str
    state: str
    created_at: datetime
    not_before: datetime
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    alerts: int
    held: str | None = None
    bundle: int | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """All that is shown of one alert; of events the first page."""

    row: Row
    maintenance: str | None
    members: list[Member]
    events: list[Event]
    next: EventPlace | None
    steps: list[StepState]
    messages: list[Message]
    zone: ZoneInfo

    @property
    def told(self) -> list[str]:
        """Codes of those whom a message reached, in the order in which they were told."""
        reached = sorted(
            (message.ended_at, message.person)
            for message in self.messages
            if message.state == "sent" and message.person is not None and message.ended_at is not None
        )
        return list(dict.fromkeys(person for _, person in reached))


def one(reader: str, alert: int) -> Steps[Alert]:
    """Steps to one alert.

    :raises UnknownAlertError: there is none that this reader may know of.
    """
    row, zone, window = yield from _row(reader, alert)
    asked = {"alert": alert, "reader": reader, "limit": MOST_SHOWN}
    members = yield _MEMBERS, asked
    found, after = yield from _events(alert, None, MOST_SHOWN)
    steps = yield _STEPS, asked
    messages = yield _MESSAGES, asked
    return Alert(
        row,
        window,
        [Member(*member) for member in members],
        found,
        after,
        [StepState(*step) for step in steps],
        [Message(*message) for message in messages],
        zone,
    )


def events(
    reader: str, alert: int, *, after: EventPlace | None, limit: int
) -> Steps[tuple[list[Event], EventPlace | None, ZoneInfo]]:
    """Steps to a page of what happened to one alert, in order.

    :raises UnknownAlertError: see :func:`one`.
    """
    _, zone, _ = yield from _row(reader, alert)
    found, place = yield from _events(alert, after, limit)
    return found, place, zone


def explained(reader: str, alert: int, *, limit: int = MOST_SHOWN) -> Steps[list[Row]]:
    """Steps to the open alerts for which nobody is called since this one explains them, the worst first."""
    rows = yield _EXPLAINED, {"reader": reader, "alert": alert, "limit": limit}
    return [Row(*row) for row in rows]


def _row(reader: str, alert: int) -> Steps[tuple[Row, ZoneInfo, str | None]]:
    rows = [] if not 0 < alert <= _GREATEST_ID else (yield _ONE, {"reader": reader, "alert": alert})
    if not rows:
        raise UnknownAlertError(
            "There is no such alert.", remedy="GET /api/v1/alerts lists those that a reader may ask about."
        )
    *columns, zone, window = rows[0]
    return Row(*columns), ZoneInfo(zone), window


def _events(alert: int, after: EventPlace | None, limit: int) -> Steps[tuple[list[Event], EventPlace | None]]:
    rows = yield _EVENTS, {"alert": alert, "after": 0 if after is None else after.id, "limit": limit + 1}
    found = [Event(*row) for row in rows[:limit]]
    return found, EventPlace(found[-1].id) if len(rows) > limit else None
