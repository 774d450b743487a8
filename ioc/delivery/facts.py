"""What messages, pages and buttons say of alerts, read from the database. Nothing personal is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ioc.alerts.model import Severity
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import Steps

_FACTS: Final = """
SELECT a.alert_id, r.code, a.severity, r.definition->>'name_vi', r.definition->>'name_en',
       r.definition->>'runbook_vi', r.definition->>'runbook_en', r.definition->'condition'->>'kpi',
       a.subject, d.name, u.code, u.name_vi, u.name_en, a.point, p.name_vi, p.name_en,
       a.since, a.opened_at, a.cleared_at, a.value, a.joined, a.acknowledged_by, a.acknowledged_at, a.snoozed_until
FROM ioc.alert a
JOIN ioc.alert_rule r USING (rule_id)
LEFT JOIN ioc.unit u USING (unit_id)
LEFT JOIN ioc.device d ON a.subject = 'device:' || d.code
LEFT JOIN LATERAL (
    SELECT p.name_vi, p.name_en FROM ioc.point p WHERE p.code = a.point ORDER BY p.valid_from DESC LIMIT 1
) p ON true
WHERE a.alert_id = ANY (%s)
ORDER BY a.severity DESC, a.opened_at DESC, a.alert_id DESC
"""
_OF_MESSAGE: Final = "SELECT alert_id FROM ioc.alert_message_alert WHERE message_id = %s ORDER BY alert_id"


@dataclass(frozen=True)
class Facts:
    """One alert as people read of it.

    :param unit: code of the unit; its names beside it, None where the alert is of no unit. ``point`` likewise.
    :param device: what the device is called.
    :param measure: unit of measure of the value, as in the KPI catalogue; None where the value has none.
    :param joined: how many subjects fired in it.
    :param acknowledged_by: a reader's name or a person's code.
    """

    alert_id: int
    rule: str
    severity: Severity
    name_vi: str
    name_en: str
    runbook_vi: str
    runbook_en: str
    subject: str
    device: str | None
    unit: str | None
    unit_vi: str | None
    unit_en: str | None
    point: str | None
    point_vi: str | None
    point_en: str | None
    since: datetime
    opened_at: datetime
    cleared_at: datetime | None = None
    value: float | None = None
    measure: str | None = None
    joined: int = 1
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    snoozed_until: datetime | None = None


def facts_of(alert_ids: Sequence[int]) -> Steps[list[Facts]]:
    """Steps to what is said of these alerts, worst and newest first; of any number in one statement."""
    rows = yield _FACTS, (list(alert_ids),)
    return [_facts(row) for row in rows]


def alerts_of(message_id: int) -> Steps[list[int]]:
    """Steps to the alerts that a message is about."""
    rows = yield _OF_MESSAGE, (message_id,)
    return [alert_id for (alert_id,) in rows]


def _facts(row: Sequence[Any]) -> Facts:
    alert_id, rule, severity, name_vi, name_en, runbook_vi, runbook_en, kpi = row[:8]
    subject, device, unit, unit_vi, unit_en, point, point_vi, point_en = row[8:16]
    since, opened_at, cleared_at, value, joined, acknowledged_by, acknowledged_at, snoozed_until = row[16:]
    known = None if kpi is None else CATALOGUE.get(kpi)
    return Facts(
        alert_id=alert_id,
        rule=rule,
        severity=Severity(severity),
        name_vi=name_vi or rule,
        name_en=name_en or name_vi or rule,
        runbook_vi=runbook_vi or "",
        runbook_en=runbook_en or "",
        subject=subject,
        device=device,
        unit=unit,
        unit_vi=unit_vi,
        unit_en=unit_en,
        point=point,
        point_vi=point_vi,
        point_en=point_en,
        since=since,
        opened_at=opened_at,
        cleared_at=cleared_at,
        value=value,
        measure=None if known is None else known.unit_of_measure,
        joined=joined,
        acknowledged_by=acknowledged_by,
        acknowledged_at=acknowledged_at,
        snoozed_until=snoozed_until,
    )
