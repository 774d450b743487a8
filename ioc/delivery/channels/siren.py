"""The room's siren: a page of this platform's own, for when the internet is down.

Nothing is sent to it. A page that is open asks for messages that are being sent and says which it showed; only then a
message counts as sent. The page's word is the message's ``receipt``; an attempt waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ioc.alerts import clock
from ioc.alerts.actions import SEEN
from ioc.alerts.model import Channel, Severity
from ioc.delivery.channels.interface import Outgoing, PermanentError, Receipt, TemporaryError
from ioc.delivery.facts import Facts, facts_of
from ioc.kpi.query import Steps
from ioc.settings import Settings

#: Alerts that the siren sounds for are this bad or worse.
LEAST: Final = Severity.MAJOR
_NOTICE: Final = "ioc_siren"
_MOST_SHOWN: Final = 30
_RECEIPT: Final = "SELECT receipt FROM ioc.alert_message WHERE message_id = %s"
_MESSAGES: Final = f"""
SELECT m.message_id, m.kind, m.severity, m.content::text,
       coalesce(array_agg(a.alert_id) FILTER (WHERE a.alert_id > 0), '{{}}')
FROM ioc.alert_message m
JOIN ioc.alert_channel c ON c.code = m.channel AND c.definition->>'driver' = 'siren'
LEFT JOIN ioc.alert_message_alert l USING (message_id)
LEFT JOIN ioc.alert a USING (alert_id)
WHERE m.state IN ('waiting', 'sending') AND m.attempts > 0
GROUP BY m.message_id
HAVING CASE WHEN count(a.alert_id) = 0 THEN ioc.reader_sees_all(%(reader)s) ELSE bool_and({SEEN}) END
ORDER BY m.severity DESC, m.message_id LIMIT %(limit)s
"""  # noqa: S608 - of the condition of who sees what
_OPEN: Final = f"""
SELECT a.alert_id, count(*) OVER () FROM ioc.alert a
WHERE a.cleared_at IS NULL AND a.severity >= %(least)s AND a.acknowledged_at IS NULL
  AND (a.snoozed_until IS NULL OR a.snoozed_until <= %(now)s)
  AND a.inhibited_by IS NULL AND a.maintenance_id IS NULL AND NOT a.flapping AND {SEEN}
ORDER BY a.severity DESC, a.opened_at DESC, a.alert_id DESC LIMIT %(limit)s
"""  # noqa: S608
_SHOWN: Final = f"""
UPDATE ioc.alert_message m SET receipt = %(receipt)s
FROM ioc.alert_channel c
WHERE m.message_id = ANY (%(messages)s) AND c.code = m.channel AND c.definition->>'driver' = 'siren'
  AND m.state IN ('waiting', 'sending') AND m.attempts > 0 AND m.receipt IS NULL
  AND CASE WHEN EXISTS (SELECT FROM ioc.alert_message_alert l WHERE l.message_id = m.message_id)
      THEN NOT EXISTS (
          SELECT FROM ioc.alert_message_alert l JOIN ioc.alert a USING (alert_id)
          WHERE l.message_id = m.message_id AND NOT {SEEN}
      )
      ELSE ioc.reader_sees_all(%(reader)s) END
RETURNING m.message_id
"""  # noqa: S608


class Siren:
    """Waits until a page of the room has shown a message."""

    def __init__(self, channel: Channel, settings: Settings) -> None:
        self._dsn = settings.database_dsn
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, outgoing: Outgoing) -> Receipt:
        """See :class:`ioc.delivery.channels.interface.Driver`."""
        if not outgoing.message_id:
            raise PermanentError(
                "The siren has no address to try: its page shows what is in the outbox.",
                remedy="Open /siren on the room's screen and press its button that tries the sound.",
            )
        until = time.monotonic() + self._timeout_s
        try:
            with psycopg.connect(
                self._dsn, autocommit=True, connect_timeout=5, application_name="ioc-deliver siren"
            ) as connection:
                connection.execute(f"LISTEN {_NOTICE}".encode())
                while True:
                    found = connection.execute(_RECEIPT, (outgoing.message_id,)).fetchone()
                    if found is not None and found[0] is not None:
                        return Receipt(None, {name: str(value) for name, value in found[0].items()})
                    left_s = until - time.monotonic()
                    if left_s <= 0:
                        break
                    list(connection.notifies(timeout=left_s, stop_after=1))
        except psycopg.Error as error:
            raise TemporaryError(f"The database went away: {type(error).__name__}.") from None
        raise TemporaryError(
            "No siren page is open: nobody saw the message.",
            remedy="Open /siren on the room's screen, log in and leave it open.",
        )

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True)
class Shown:
    """A message that a page is to show."""

    message_id: int
    kind: str
    severity: Severity
    content: dict[str, Any]
    facts: Sequence[Facts]


@dataclass(frozen=True)
class Screen:
    """What a page shows now.

    :param alerts: open ones that nobody has taken on, worst first; may be only the first of ``total``.
    """

    at: datetime
    zone: ZoneInfo
    messages: Sequence[Shown]
    alerts: Sequence[Facts]
    total: int


def screen(reader: str) -> Steps[Screen]:
    """Steps to what the siren page shows to a reader: only what all of it the reader may see."""
    now, zone = yield from clock.here()
    asked = {"reader": reader, "limit": _MOST_SHOWN, "least": int(LEAST), "now": now}
    rows = yield _MESSAGES, asked
    still = yield _OPEN, asked
    wanted = {alert for row in rows for alert in row[4]} | {alert for alert, _ in still}
    facts = {found.alert_id: found for found in (yield from facts_of(sorted(wanted)))} if wanted else {}
    messages = [
        Shown(
            message_id=row[0],
            kind=row[1],
            severity=Severity(row[2]),
            content=msgspec.json.decode(row[3]),
            facts=[found for found in facts.values() if found.alert_id in set(row[4])],
        )
        for row in rows
    ]
    alerts = [facts[alert] for alert, _ in still if alert in facts]
    return Screen(now, zone, messages, alerts, still[0][1] if still else 0)


def shown(reader: str, messages: Sequence[int], *, sound: bool, now: datetime) -> Steps[int]:
    """Steps by which a page says what it showed; returns how many of them were waiting for that.

    :param sound: whether the page could be heard.
    """
    receipt = Jsonb({"shown_at": now.isoformat(), "sound": "on" if sound else "off", "reader": reader})
    rows = yield _SHOWN, {"reader": reader, "messages": list(messages), "receipt": receipt}
    if rows:
        yield "SELECT pg_notify(%s, '')", (_NOTICE,)
    return len(rows)
