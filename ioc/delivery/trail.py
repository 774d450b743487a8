"""What delivery writes into the trail of alerts; people by their codes, never an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from ioc.kpi.query import Steps

_EVENTS: Final = """
INSERT INTO ioc.alert_event (alert_id, at, kind, actor, detail)
SELECT n.alert_id, %s, n.kind, 'system', n.detail
FROM jsonb_to_recordset(%s::jsonb) AS n (alert_id bigint, kind text, detail jsonb) ORDER BY n.alert_id
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an alert's trail."""

    alert_id: int
    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)


def note(events: Sequence[Event], now: datetime) -> Steps[None]:
    """Steps that write events."""
    if events:
        yield _EVENTS, (now, msgspec.json.encode(events).decode())
