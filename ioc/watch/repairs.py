"""What the auditor mends by itself: leases of senders that died, and steps that are missing. Nothing is lost by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ioc.alerts import calling, trail
from ioc.kpi.query import Steps

#: A message whose lease has been over for so long is taken up by nobody.
_LEASE_OVER: Final = timedelta(seconds=30)
#: An alert that just opened or changed may have its step in a transaction that is not over yet.
_SETTLED: Final = timedelta(seconds=30)
_MOST: Final = 500

_FREE: Final = """
UPDATE ioc.alert_message m SET state = 'waiting', not_before = %(now)s, lease_until = NULL
FROM (
    SELECT message_id FROM ioc.alert_message
    WHERE state = 'sending' AND lease_until < %(over)s ORDER BY lease_until LIMIT %(most)s FOR UPDATE SKIP LOCKED
) AS stuck
WHERE m.message_id = stuck.message_id RETURNING m.message_id
"""
# An escalation that came to its end has done its last step; one that was called off by an acknowledgement has a new
# first step as soon as that lapses. What has neither is called for by nobody.
_FORGOTTEN: Final = """
SELECT a.alert_id FROM ioc.alert a
LEFT JOIN LATERAL (
    SELECT s.state, s.detail->>'why' AS why FROM ioc.alert_step s
    WHERE s.alert_id = a.alert_id AND s.kind IN ('escalate', 'remind')
    ORDER BY s.state = 'waiting' DESC, s.run DESC, s.kind = 'remind' DESC, s.round DESC, s.step DESC LIMIT 1
) AS last ON true
WHERE a.cleared_at IS NULL AND a.acknowledged_at IS NULL AND a.changed_at < %(settled)s
  AND jsonb_array_length(coalesce(a.policy->'policy'->'steps', '[]')) > 0
  AND (last.state IS NULL OR (last.state = 'cancelled' AND last.why IN ('acknowledged', 'cleared')))
ORDER BY a.rule_id, a.key LIMIT %(most)s FOR NO KEY UPDATE OF a SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was mended.

    :param messages: freed, to be sent again under the same key.
    :param alerts: called for anew from their policy's first step on.
    """

    messages: tuple[int, ...] = ()
    alerts: tuple[int, ...] = ()


def repair(now: datetime, *, search: bool = True) -> Steps[Repaired]:
    """Steps that mend what can be; nothing of it can be done twice to a harm, by whomever.

    :param search: look through all open alerts for those that nobody is called for.
    """
    freed = yield _FREE, {"now": now, "over": now - _LEASE_OVER, "most": _MOST}
    rows = (yield _FORGOTTEN, {"settled": now - _SETTLED, "most": _MOST}) if search else ()
    forgotten = [alert for (alert,) in rows]
    if forgotten:
        yield from calling.begin(forgotten, now)
        yield from calling.note(
            {alert: {"why": "no step was left"} for alert in forgotten}, "repaired", "system", now
        )
    elif freed:
        yield from trail.tell()
    return Repaired(tuple(message for (message,) in freed), tuple(forgotten))
