"""Puts messages into the outbox, each under a key that says what it is for: done twice it is there once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ioc.alerts import trail
from ioc.alerts.model import Severity
from ioc.kpi.steps import Steps, as_rows

#: Kinds that call somebody because of an alert; they go only while it is open and nobody acknowledged it.
CALLS: Final = frozenset({"alert", "reminder", "synthetic"})

_PUT: Final = """
INSERT INTO ioc.alert_message (key, kind, severity, person, channel, state, created_at, not_before, ended_at, error,
    content)
SELECT n.key, n.kind, n.severity, n.person, n.channel, CASE WHEN n.error IS NULL THEN 'waiting' ELSE 'failed' END,
    %(now)s, %(now)s, CASE WHEN n.error IS NOT NULL THEN %(now)s END, n.error, n.content
FROM jsonb_to_recordset(%(rows)s::jsonb) AS n (place int, key text, kind text, severity smallint, person text,
    channel text, error text, content jsonb)
ORDER BY n.place
ON CONFLICT (key) DO NOTHING
RETURNING message_id, key
"""
_LINK: Final = """
INSERT INTO ioc.alert_message_alert (message_id, alert_id)
SELECT message_id, alert_id FROM unnest(%s::bigint[], %s::bigint[]) AS n (message_id, alert_id)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Wanted:
    """A message that is to be in the outbox.

    :param person: None where the channel is of nobody.
    :param content: of an alert's message, the step that it comes from; of others, what they say.
    :param error: it can't be sent at all, for this reason; it is kept as failed, for people to see.
    """

    key: str
    kind: str
    severity: Severity
    channel: str
    person: str | None = None
    alerts: tuple[int, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def key_of(*parts: object) -> str:
    """The key of a message that is for these parts; nobody's code can be read from it."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]


def put(wanted: Sequence[Wanted], now: datetime) -> Steps[dict[str, int]]:
    """Steps that write messages; those that are there already stay as they are.

    :returns: key → number of each message that is new.
    """
    if not wanted:
        return {}
    by_key = {one.key: one for one in wanted}
    rows = [
        {
            "place": place,
            "key": one.key,
            "kind": one.kind,
            "severity": int(one.severity),
            "person": one.person,
            "channel": one.channel,
            "error": one.error,
            "content": dict(one.content),
        }
        for place, one in enumerate(by_key.values())
    ]
    made = yield _PUT, {"now": now, "rows": as_rows(rows)}
    links = [(number, alert) for number, key in made for alert in by_key[key].alerts]
    if links:
        yield _LINK, ([number for number, _ in links], [alert for _, alert in links])
    if made:
        # every deliverer: the one that wrote it may have its hands full
        yield from trail.tell()
    return {key: number for number, key in made}
