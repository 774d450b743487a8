"""Whether an alert calls anybody now, and if not: for good, or until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from ioc.kpi.query import Steps

#: What has no known end is looked at again after this, should nobody tell of its end.
LOOK_AGAIN: Final = timedelta(minutes=1)

#: Columns of an alert ``a`` that :func:`read` takes, in their order.
COLUMNS: Final = (
    "a.acknowledged_at IS NOT NULL, a.cleared_at IS NOT NULL, a.inhibited_by IS NOT NULL,"
    " a.maintenance_id IS NOT NULL, a.snoozed_until"
)
#: Alerts that a maintenance window covers: its number, and until when.
Covered: TypeAlias = Mapping[int, tuple[int, datetime]]

#: No longer held, or by a snooze that ends sooner than it did.
_FREE: Final = """
(a.inhibited_by IS NULL AND a.maintenance_id IS NULL
 AND (a.snoozed_until IS NULL OR a.snoozed_until <= %(now)s OR a.snoozed_until < {due}))
"""
_RELEASE_STEPS: Final = f"""
UPDATE ioc.alert_step s SET due_at = %(now)s, detail = s.detail - 'held'
FROM (
    SELECT w.alert_id, w.kind, w.run, w.round, w.step
    FROM ioc.alert_step w JOIN ioc.alert a USING (alert_id)
    WHERE w.state = 'waiting' AND w.detail ? 'held' AND w.due_at > %(now)s AND {_FREE.format(due="w.due_at")}
    FOR UPDATE OF w SKIP LOCKED
) f
WHERE (s.alert_id, s.kind, s.run, s.round, s.step) = (f.alert_id, f.kind, f.run, f.round, f.step)
RETURNING 1
"""  # noqa: S608 - of names above
_RELEASE_MESSAGES: Final = f"""
UPDATE ioc.alert_message m SET not_before = %(now)s, held = NULL
FROM (
    SELECT w.message_id FROM ioc.alert_message w
    WHERE w.state = 'waiting' AND w.held IN ('inhibited', 'snoozed', 'maintenance') AND w.not_before > %(now)s
      AND EXISTS (
          SELECT FROM ioc.alert_message_alert l JOIN ioc.alert a USING (alert_id)
          WHERE l.message_id = w.message_id AND {_FREE.format(due="w.not_before")}
      )
    FOR UPDATE OF w SKIP LOCKED
) f
WHERE m.message_id = f.message_id
RETURNING 1
"""  # noqa: S608 - of names above


@dataclass(frozen=True, slots=True)
class Standing:
    """How an alert stands.

    :param over: ``acknowledged`` or ``cleared``: nobody is called for it any more.
    :param held: ``inhibited``, ``maintenance`` or ``snoozed``: nobody is called for it until ``until``.
    """

    over: str | None = None
    held: str | None = None
    until: datetime | None = None

    @property
    def calls(self) -> bool:
        """Whether people are called for it now."""
        return self.over is None and self.held is None


def read(columns: Sequence[Any], now: datetime, covered: tuple[int, datetime] | None = None) -> Standing:
    """From :data:`COLUMNS`, and the maintenance window that covers the alert: its number, and until when."""
    acknowledged, cleared, inhibited, maintained, snoozed_until = columns
    if cleared:
        return Standing(over="cleared")
    if acknowledged:
        return Standing(over="acknowledged")
    if inhibited:
        return Standing(held="inhibited", until=now + LOOK_AGAIN)
    if covered is not None:
        return Standing(held="maintenance", until=covered[1])
    if maintained:
        return Standing(held="maintenance", until=now + LOOK_AGAIN)
    if snoozed_until is not None and snoozed_until > now:
        return Standing(held="snoozed", until=snoozed_until)
    return Standing()


def release(now: datetime) -> Steps[int]:
    """Steps that make due what was held and is held no more, as soon as somebody tells of it."""
    steps = yield _RELEASE_STEPS, {"now": now}
    messages = yield _RELEASE_MESSAGES, {"now": now}
    return len(steps) + len(messages)
