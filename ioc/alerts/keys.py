"""Texts that name subjects and alerts."""

from __future__ import annotations

from ioc.alerts.model import Grouping, Rule


def device(code: str) -> str:
    """The subject that a device is."""
    return f"device:{code}"


def dossier(code: str) -> str:
    """The subject that a dossier is."""
    return f"dossier:{code}"


def point(code: str) -> str:
    """The subject that a reception point is."""
    return f"point:{code}"


def kpi(indicator: str, unit: str | None) -> str:
    """The subject that an indicator of a unit is; of the whole district without one."""
    return f"kpi:{indicator}@{unit or ''}"


def connector(name: str) -> str:
    """The subject that a connector is."""
    return f"connector:{name}"


def topic(name: str) -> str:
    """The subject that a topic is."""
    return f"topic:{name}"


def process(name: str) -> str:
    """The subject that one of the platform's processes is."""
    return f"process:{name}"


def reading(name: str, instance: str) -> str:
    """The subject that a measurement of the platform is."""
    return f"reading:{name}@{instance}"


def of_alert(rule: Rule, subject: str, unit_id: int | None, place: str | None) -> str:
    """The key that a subject's alert goes under; the subject's own where it has nothing to be grouped by."""
    if rule.group_by is Grouping.DISTRICT:
        return "district"
    if rule.group_by is Grouping.POINT and place is not None:
        return point(place)
    if rule.group_by is Grouping.UNIT and unit_id is not None:
        return f"unit:{unit_id}"
    return subject
