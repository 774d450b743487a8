"""What can be wrong with a question about alerts, or with what somebody does about one."""

from __future__ import annotations

from ioc.kpi.errors import KpiError


class AlertError(KpiError):
    """Alerts can't be asked for or changed so."""

    slug = "alert"


class UnknownAlertError(AlertError):
    """There is no such alert, or this reader may not know of it; the two can't be told apart."""

    slug = "unknown-alert"
    status = 404


class UnknownMaintenanceError(AlertError):
    """There is no such maintenance window, or this reader may not know of it."""

    slug = "unknown-maintenance"
    status = 404
