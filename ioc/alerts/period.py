"""What happened to alerts in a time: how many were opened, went away, were taken on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.alerts.actions import SEEN
from ioc.kpi.query import Steps

_HAPPENED: Final = f"""
SELECT count(*) FILTER (WHERE e.kind = 'opened'), count(*) FILTER (WHERE e.kind IN ('cleared', 'closed')),
       count(DISTINCT e.alert_id) FILTER (WHERE e.kind = 'acknowledged')
FROM ioc.alert_event e JOIN ioc.alert a USING (alert_id)
WHERE e.at >= %(start)s AND e.at < %(end)s AND e.kind IN ('opened', 'cleared', 'closed', 'acknowledged') AND {SEEN}
"""  # noqa: S608 - of the condition of who sees what


@dataclass(frozen=True, slots=True)
class Happened:
    """Alerts that were opened, that cleared or were closed, and that somebody acknowledged."""

    opened: int
    cleared: int
    acknowledged: int


def happened(reader: str, start: datetime, end: datetime) -> Steps[Happened]:
    """Steps to what happened in [``start``, ``end``), within what the reader may know of."""
    (row,) = yield _HAPPENED, {"reader": reader, "start": start, "end": end}
    return Happened(*row)
