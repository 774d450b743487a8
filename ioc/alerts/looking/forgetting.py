"""Lets go what nobody asks for any more: counts of comings and goings that decayed, and alerts of long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ioc.alerts import flapping
from ioc.kpi.query import Steps

#: Rows, or alerts, of one transaction.
_LOT: Final = 1000
#: After so many half-lives nothing is left of a score.
_DECAYED: Final = 12 * flapping.HALF_LIFE

_FLAPS: Final = """
DELETE FROM ioc.alert_flap WHERE ctid = ANY (ARRAY(SELECT ctid FROM ioc.alert_flap WHERE at < %s LIMIT %s)) RETURNING 1
"""
# what was closed by hand stays while its conditions go on: they are to open no other one
_OLD: Final = """
SELECT a.alert_id FROM ioc.alert a WHERE a.opened_at < %(before)s AND a.cleared_at < %(before)s
  AND NOT EXISTS (SELECT FROM ioc.alert_signal s WHERE s.alert_id = a.alert_id)
ORDER BY a.opened_at LIMIT %(most)s FOR UPDATE OF a SKIP LOCKED
"""
_LETTING_GO: Final = "SELECT set_config('ioc.letting_go', 'alerts', true)"
_PARTS: Final = (
    "DELETE FROM ioc.alert_message_alert WHERE alert_id = ANY (%s)",
    "DELETE FROM ioc.alert_step WHERE alert_id = ANY (%s)",
    "DELETE FROM ioc.alert_event WHERE alert_id = ANY (%s)",
    "UPDATE ioc.alert SET inhibited_by = NULL WHERE inhibited_by = ANY (%s)",
    "DELETE FROM ioc.alert WHERE alert_id = ANY (%s)",
)
# One that went as a part of another goes before it.
_MESSAGES: Final = """
DELETE FROM ioc.alert_message WHERE message_id = ANY (ARRAY(
    SELECT m.message_id FROM ioc.alert_message m
    WHERE m.created_at < %s AND m.state NOT IN ('waiting', 'sending')
      AND NOT EXISTS (SELECT FROM ioc.alert_message_alert a WHERE a.message_id = m.message_id)
      AND NOT EXISTS (SELECT FROM ioc.alert_message b WHERE b.bundle_id = m.message_id)
    LIMIT %s)) RETURNING 1
"""


def forget(now: datetime, keep: timedelta | None) -> Steps[int]:
    """Steps that let a lot go, in the caller's transaction; there may be more while they return something.

    :param keep: how long alerts are kept after they cleared; None for good.
    """
    gone = len((yield _FLAPS, (now - _DECAYED, _LOT)))
    if keep is None:
        return gone
    rows = yield _OLD, {"before": now - keep, "most": _LOT}
    if rows:
        yield _LETTING_GO, ()
        for statement in _PARTS:
            yield statement, ([number for (number,) in rows],)
    messages = yield _MESSAGES, (now - keep, _LOT)
    return gone + len(rows) + len(messages)
