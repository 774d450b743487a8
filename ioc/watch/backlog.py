"""Readings of what calls people: steps and messages that wait for too long, and times ahead with nobody on duty."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ioc.duty import WarningKind, watch
from ioc.duty.store import plan_of
from ioc.kpi.query import SYSTEM_READER, answer
from ioc.watch.reading import Connection, Reading

#: What is late by less is only busy.
TOLERANCE: Final = timedelta(seconds=60)
#: How far ahead gaps are looked for.
AHEAD: Final = timedelta(days=14)
_MOST_NAMED: Final = 5

#: Alerts ``a`` for which nobody is called now: their steps and messages wait on purpose.
HELD: Final = (
    "(a.inhibited_by IS NOT NULL OR coalesce(a.snoozed_until > %(now)s, false) OR a.maintenance_id IS NOT NULL"
    " OR a.flapping)"
)
_STUCK = f"""
SELECT count(*), min(late_since), (array_agg(message_id ORDER BY late_since))[1:{_MOST_NAMED}],
       count(*) FILTER (WHERE state = 'sending')
FROM (
    SELECT m.message_id, m.state, CASE m.state WHEN 'sending' THEN m.lease_until ELSE m.not_before END AS late_since
    FROM ioc.alert_message m
    WHERE m.state IN ('waiting', 'sending') AND m.not_before < %(late)s
      AND (m.state = 'waiting' OR coalesce(m.lease_until, '-infinity') < %(late)s)
      AND (m.state = 'sending' OR NOT EXISTS (SELECT FROM ioc.alert_message_alert l WHERE l.message_id = m.message_id)
           OR EXISTS (SELECT FROM ioc.alert_message_alert l JOIN ioc.alert a USING (alert_id)
                      WHERE l.message_id = m.message_id AND NOT {HELD}))
) AS waiting
"""  # noqa: S608 - constants of ours
_OVERDUE = f"""
SELECT count(*), min(s.due_at), (array_agg(s.alert_id ORDER BY s.due_at))[1:{_MOST_NAMED}]
FROM ioc.alert_step s JOIN ioc.alert a USING (alert_id)
WHERE s.state = 'waiting' AND s.due_at < %(late)s AND NOT {HELD}
"""  # noqa: S608 - constants of ours


def stuck(connection: Connection, now: datetime) -> Reading:
    """Messages that wait past their time, or whose sender died, and that nobody took up for a minute."""
    row = connection.execute(_STUCK.encode(), {"now": now, "late": now - TOLERANCE}).fetchone()
    count, oldest, named, sending = row if row is not None else (0, None, None, 0)
    detail = (
        {"oldest_s": round((now - oldest).total_seconds()), "messages": named, "sending": sending}
        if oldest is not None
        else {}
    )
    return Reading("delivery.stuck", "all", float(count), detail)


def overdue(connection: Connection, now: datetime) -> Reading:
    """Steps of escalations that are past due by more than a minute, held ones aside."""
    row = connection.execute(_OVERDUE.encode(), {"now": now, "late": now - TOLERANCE}).fetchone()
    count, oldest, named = row if row is not None else (0, None, None)
    detail = {} if oldest is None else {"oldest_s": round((now - oldest).total_seconds()), "alerts": named}
    return Reading("escalation.overdue", "all", float(count), detail)


def gaps(connection: Connection, now: datetime) -> list[Reading]:
    """Of each roster, the hours until nobody is on duty who has to be; 0 while nobody is.

    Where there is no gap within 14 days it is known to be further away than that: 336 hours, so that a rule clears.
    """
    end = now + AHEAD
    plan = answer(connection, plan_of(SYSTEM_READER, now, end))
    found = []
    for roster in plan.rosters:
        near = next((w for w in watch(plan, roster, now, end) if w.kind is WarningKind.GAP), None)
        if near is None:
            hours, detail = AHEAD.total_seconds() / 3600, {"state": "no gap within 14 days"}
        else:
            hours = (near.start - now).total_seconds() / 3600
            detail = {"from": near.start.isoformat(), "to": near.end.isoformat()}
        found.append(Reading("duty.gap_hours", roster.code, hours, detail))
    return found
