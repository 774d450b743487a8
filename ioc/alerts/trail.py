"""The trail of alerts: what happened to each, and who did it; people by their codes, never an address.

It is only written to. Whoever waits for news (the evaluator, delivery, those who follow the stream) listens to
:data:`NEWS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ioc.kpi.steps import Steps, as_rows

#: What the database tells listeners under, once a transaction that changed alerts is committed.
NEWS: Final = "ioc_alerts"
_EVENTS: Final = """
INSERT INTO ioc.alert_event (alert_id, at, kind, actor, detail)
SELECT n.alert_id, %s, n.kind, n.actor, n.detail
FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS (alert_id bigint, kind text, actor text, detail jsonb))
     WITH ORDINALITY AS n (alert_id, kind, actor, detail, place)
ORDER BY n.alert_id, n.place
"""
_TELL: Final = "SELECT pg_notify(%s, '')"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an alert's trail.

    :param actor: a reader's name, a person's code, or ``system`` for what the platform does by itself.
    """

    alert_id: int
    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    actor: str = "system"


def note(events: Sequence[Event], now: datetime) -> Steps[None]:
    """Steps that write events; those of one alert in the order in which they are given."""
    if events:
        yield _EVENTS, (now, as_rows(events))


def tell() -> Steps[None]:
    """Steps by which whoever listens looks at once, when this transaction is committed."""
    yield _TELL, (NEWS,)
