"""The way of an alert: from the records that raised it to the messages that went out; and of a record to its alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ioc.alerts import origin
from ioc.alerts.origin import Origin
from ioc.kpi.steps import Steps

_ALERT: Final = """
SELECT a.alert_id, r.code, a.subject, u.code, a.since, a.opened_at, a.cleared_at
FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id) LEFT JOIN ioc.unit u USING (unit_id) WHERE a.alert_id = %s
"""
_TRAIL: Final = """
SELECT at, kind, actor, batch FROM ioc.alert_event WHERE alert_id = %s ORDER BY event_id LIMIT 1000
"""
_MESSAGES: Final = """
SELECT m.message_id, m.kind, m.channel, m.person, m.state, m.attempts, m.created_at, m.ended_at, m.error
FROM ioc.alert_message_alert l JOIN ioc.alert_message m USING (message_id)
WHERE l.alert_id = %s ORDER BY m.message_id LIMIT 1000
"""
_OF_RECORD: Final = """
SELECT DISTINCT alert_id FROM ioc.alert_event
WHERE batch->>'topic' = %(topic)s AND (batch->>'partition')::int = %(partition)s
  AND (batch->>'start')::bigint <= %(offset)s AND (batch->>'end')::bigint > %(offset)s
ORDER BY alert_id LIMIT 100
"""
_STORED: Final = """
SELECT %(offset)s < next_offset, owner, updated_at FROM ioc.partition_offset
WHERE topic = %(topic)s AND partition = %(partition)s AND retired_at IS NULL
"""
_SET_ASIDE: Final = """
SELECT reason, detail FROM ioc.unreadable
WHERE topic = %(topic)s AND partition = %(partition)s AND "offset" = %(offset)s ORDER BY unreadable_id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the trail.

    :param origin: records in whose transaction it was written; None where it came of the clock, figures or a person.
    """

    at: datetime
    kind: str
    actor: str
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that tells of the alert."""

    id: int
    kind: str
    channel: str
    person: str | None
    state: str
    attempts: int
    created_at: datetime
    ended_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class AlertPath:
    """An alert with all that led to it and all that came of it."""

    id: int
    rule: str
    subject: str
    unit: str | None
    since: datetime
    opened_at: datetime
    cleared_at: datetime | None
    trail: tuple[Entry, ...]
    messages: tuple[Sent, ...]

    @property
    def raised_by(self) -> Origin | None:
        """Records that opened it."""
        return next((one.origin for one in self.trail if one.origin is not None), None)


@dataclass(frozen=True, slots=True)
class RecordPath:
    """What became of one record of Kafka.

    :param stored: whether its transaction was committed; None where no worker has its partition.
    :param set_aside: why it is no fact; None where it is one.
    :param alerts: those that were written to in its transaction; not each is of this record.
    """

    stored: bool | None
    set_aside: str | None
    alerts: tuple[int, ...]


def alert(alert_id: int) -> Steps[AlertPath | None]:
    """Steps to an alert's way; None when there is none of that number."""
    found = yield _ALERT, (alert_id,)
    if not found:
        return None
    trail = yield _TRAIL, (alert_id,)
    messages = yield _MESSAGES, (alert_id,)
    number, rule, subject, unit, since, opened_at, cleared_at = found[0]
    return AlertPath(
        number,
        rule,
        subject,
        unit,
        since,
        opened_at,
        cleared_at,
        tuple(Entry(at, kind, actor, origin.of(batch)) for at, kind, actor, batch in trail),
        tuple(Sent(*row) for row in messages),
    )


def record(topic: str, partition: int, offset: int) -> Steps[RecordPath]:
    """Steps to what became of a record."""
    place: dict[str, Any] = {"topic": topic, "partition": partition, "offset": offset}
    stored = yield _STORED, place
    aside = yield _SET_ASIDE, place
    alerts = yield _OF_RECORD, place
    return RecordPath(
        bool(stored[0][0]) if stored else None,
        f"{aside[0][0]}: {aside[0][1]}" if aside else None,
        tuple(row[0] for row in alerts),
    )
