"""After a restore nobody is called at first: what the backup did not know is read again, and most of it is over.

Messages that waited in the backup were sent by the database that was lost, or are of no use any more: they are
cancelled. Steps that fall due in the quiet time wait until its end; those whose alert cleared meanwhile are cancelled
as ever, and nobody is told of the end of what he was told of long ago. An alert that is open then is called for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import psycopg

from ioc.kpi.steps import Steps

_CANCEL: Final = """
UPDATE ioc.alert_message SET state = 'cancelled', ended_at = now(), error = 'restored', held = NULL, lease_until = NULL
WHERE state IN ('waiting', 'sending')
"""
_NOTE: Final = """
INSERT INTO ioc.restored (restored_at, backup, moment, quiet_until) VALUES (clock_timestamp(), %s, %s, %s)
"""
_UNTIL: Final = "SELECT max(quiet_until) FROM ioc.restored"
_PUT_OFF: Final = """
UPDATE ioc.alert_step SET due_at = %(until)s
WHERE state = 'waiting' AND kind <> 'resolved' AND due_at <= %(now)s
"""
_END_RESOLVED: Final = """
UPDATE ioc.alert_step SET state = 'cancelled', ended_at = %(now)s, detail = '{"why": "restored"}'
WHERE state = 'waiting' AND kind = 'resolved'
"""


def begin(connection: psycopg.Connection[Any], backup: str, moment: datetime, until: datetime) -> int:
    """Begin the quiet time in a database that was just restored; returns how many messages were cancelled.

    :param moment: as of when the data are.
    """
    with connection.transaction():
        connection.execute(_NOTE, (backup, moment, until))
        return connection.execute(_CANCEL).rowcount


def keep(now: datetime) -> Steps[None]:
    """Steps that put off what is due while it is quiet; nothing otherwise."""
    ((until,),) = yield _UNTIL, ()
    if until is not None and now < until:
        yield _END_RESOLVED, {"now": now}
        yield _PUT_OFF, {"now": now, "until": until}
