"""The delivery log over all alerts, with what is of none: digests, hand-overs, trials; and whom and what it goes by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts.actions import SEEN
from ioc.alerts.detail import MESSAGE, Message
from ioc.alerts.model import Severity
from ioc.kpi.query import Steps


class DeliveryState(StrEnum):
    """How a message stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BUNDLED = "bundled"


#: Alerts that are named of one message.
MOST_NAMED: Final = 20
_ALERTS: Final = f"""
    SELECT a.alert_id FROM ioc.alert_message_alert l JOIN ioc.alert a USING (alert_id)
    WHERE l.message_id = m.message_id AND {SEEN}
"""  # noqa: S608 - of the condition of who sees what
_LOG: Final = f"""
SELECT {MESSAGE}, m.severity, ARRAY({_ALERTS} ORDER BY a.alert_id LIMIT {MOST_NAMED})
FROM ioc.alert_message m
WHERE (EXISTS ({_ALERTS}) OR ioc.reader_sees_all(%(reader)s)
       AND NOT EXISTS (SELECT FROM ioc.alert_message_alert l WHERE l.message_id = m.message_id))
  AND (%(state)s::text IS NULL OR m.state = %(state)s) AND (%(channel)s::text IS NULL OR m.channel = %(channel)s)
  AND (%(person)s::text IS NULL OR m.person = %(person)s) AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
  AND (%(after)s::bigint IS NULL OR m.message_id < %(after)s)
ORDER BY m.message_id DESC LIMIT %(limit)s
"""  # noqa: S608 - of names above
_ZONE: Final = "SELECT ioc.unit_zone(%s, NULL)"
_POLICIES: Final = "SELECT definition::text FROM ioc.alert_policy ORDER BY code"
# the secret's reference is for those who run the platform
_CHANNELS: Final = """
SELECT (c.definition - 'secret')::text, count(m.message_id), min(m.created_at)
FROM ioc.alert_channel c LEFT JOIN ioc.alert_message m ON m.channel = c.code AND m.state IN ('waiting', 'sending')
GROUP BY c.code ORDER BY c.code
"""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last message of a page."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are asked for; None: any."""

    state: str | None = None
    channel: str | None = None
    person: str | None = None
    kind: str | None = None

    @property
    def noted(self) -> dict[str, str | None]:
        """For a cursor."""
        return {"state": self.state, "channel": self.channel, "person": self.person, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, and the first alerts that it tells of and that the reader may know of."""

    message: Message
    severity: Severity
    alerts: list[int]


def log(
    reader: str, wanted: Wanted, *, after: Place | None, limit: int
) -> Steps[tuple[list[Delivery], Place | None, ZoneInfo]]:
    """Steps to a page of the log, newest first; what is of no alert is for readers of the whole district."""
    ((zone,),) = yield _ZONE, (reader,)
    asked = {**wanted.noted, "reader": reader, "after": after and after.id, "limit": limit + 1}
    rows = yield _LOG, asked
    found = [
        Delivery(Message(*columns), Severity(severity), alerts) for *columns, severity, alerts in rows[:limit]
    ]
    return found, Place(found[-1].message.id) if len(rows) > limit else None, ZoneInfo(zone)


def policies() -> Steps[list[dict[str, Any]]]:
    """Steps to the escalation policies in force, as the pack says them."""
    return [msgspec.json.decode(text) for (text,) in (yield _POLICIES, ())]


def channels(reader: str) -> Steps[list[dict[str, Any]]]:
    """Steps to the channels in force, as the pack says them, without secrets; and what waits at each."""
    ((zone_name,),) = yield _ZONE, (reader,)
    zone, found = ZoneInfo(zone_name), []
    for text, waiting, oldest in (yield _CHANNELS, ()):
        said: dict[str, Any] = msgspec.json.decode(text)
        found.append({**said, "waiting": waiting, "oldest": oldest and oldest.astimezone(zone)})
    return found
