"""Beginning and ending to call people for an alert: its steps, as what people do moves them.

A step that delivery put off because its alert was held (snoozed, in maintenance, silenced by another) says so under
``held`` in its ``detail``; :func:`wake` makes those due again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ioc.alerts import trail
from ioc.alerts.trail import Event
from ioc.kpi.query import Steps

# What was planned for an alert that begins to be called for anew would be told twice.
_STOP: Final = """
UPDATE ioc.alert_step SET state = 'cancelled', ended_at = %s, detail = detail || jsonb_build_object('why', %s::text)
WHERE alert_id = ANY (%s) AND state = 'waiting' AND kind IN ('escalate', 'remind')
"""
_BEGIN: Final = """
INSERT INTO ioc.alert_step (alert_id, kind, run, due_at)
SELECT a.alert_id, 'escalate', (
           SELECT coalesce(max(s.run), -1) + 1 FROM ioc.alert_step s
           WHERE s.alert_id = a.alert_id AND s.kind = 'escalate'
       ), %s
FROM ioc.alert a
WHERE a.alert_id = ANY (%s) AND a.cleared_at IS NULL
  AND jsonb_array_length(coalesce(a.policy->'policy'->'steps', '[]')) > 0
ORDER BY a.alert_id
"""
_TELL: Final = """
INSERT INTO ioc.alert_step (alert_id, kind, due_at)
SELECT alert_id, 'resolved', %s FROM unnest(%s::bigint[]) AS n (alert_id) ON CONFLICT DO NOTHING
"""
_WAKE: Final = """
UPDATE ioc.alert_step SET due_at = least(due_at, %s), detail = detail - 'held'
WHERE alert_id = ANY (%s) AND state = 'waiting' AND detail ? 'held'
"""


def stop(alerts: Sequence[int], why: str, now: datetime) -> Steps[None]:
    """Steps that cancel what is still planned for alerts, but for telling that they are over."""
    yield _STOP, (now, why, list(alerts))


def begin(alerts: Sequence[int], now: datetime) -> Steps[None]:
    """Steps that call anew for those of the alerts that are open and have a policy, from its first step on."""
    yield _BEGIN, (now, list(alerts))


def tell_over(alerts: Sequence[int], now: datetime) -> Steps[None]:
    """Steps by which those who were called are told that it is over."""
    yield _TELL, (now, list(alerts))


def wake(alerts: Sequence[int], now: datetime) -> Steps[None]:
    """Steps that make due again what was put off while the alerts were held."""
    yield _WAKE, (now, list(alerts))


def note(details: Mapping[int, Mapping[str, Any]], kind: str, actor: str, now: datetime) -> Steps[None]:
    """Steps that write an event of one kind for each alert, and say that alerts changed.

    :param details: number of an alert → what the event tells.
    """
    yield from trail.note([Event(alert, kind, detail, actor) for alert, detail in details.items()], now)
    yield from trail.tell()
