"""Reception points with the state of their devices now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.history.devices import KINDS, STATES
from ioc.kpi.query import Steps

# a device that the pack no longer names, or whose time is over, is nobody's to look after
_POINTS: Final = """
WITH today AS (
    SELECT (now() AT TIME ZONE coalesce((SELECT time_zone FROM ioc.district), 'Asia/Ho_Chi_Minh'))::date AS day
)
SELECT p.code, p.name_vi, p.name_en, p.unit_code, p.latitude, p.longitude,
       CASE WHEN %(reader)s <> 'guest' THEN p.phone END, CASE WHEN %(reader)s <> 'guest' THEN p.contact END
FROM ioc.point p JOIN ioc.unit u ON u.code = p.unit_code CROSS JOIN today
WHERE u.unit_id IN (SELECT unit_id FROM ioc.reader_units(%(reader)s))
  AND p.valid_from <= today.day AND (p.valid_to IS NULL OR p.valid_to > today.day)
ORDER BY p.code
"""
_DEVICES: Final = """
SELECT r.point_code, r.code, r.kind, r.state, r.since
FROM ioc.reader_device r JOIN ioc.device d USING (device_id) JOIN ioc.unit u ON u.unit_id = r.unit_id
CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE u.time_zone)::date AS day) AS today
WHERE r.reader = %(reader)s AND r.declared AND r.point_code IS NOT NULL
  AND (d.valid_from IS NULL OR d.valid_from <= today.day) AND (d.valid_to IS NULL OR d.valid_to > today.day)
ORDER BY r.point_code, r.kind, r.code
"""


@dataclass(frozen=True, slots=True)
class DeviceNow:
    """A device of a point.

    :param kind: camera, wifi or kiosk.
    :param state: unknown, ok, degraded, down or maintenance.
    :param since: from when it is so; None where nothing was ever heard of it.
    """

    code: str
    kind: str
    state: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class PointNow:
    """A point that holds today, with its devices; degrees are WGS 84, None where the pack has none."""

    code: str
    name_vi: str
    name_en: str
    unit: str
    latitude: float | None
    longitude: float | None
    devices: tuple[DeviceNow, ...]
    phone: str | None = None
    """Number to call; None where the pack names none, and for the guest."""
    contact: str | None = None
    """Whose number it is, by role."""


def points(reader: str) -> Steps[tuple[PointNow, ...]]:
    """Steps to the points of the reader's units, by code."""
    parameters = {"reader": reader}
    places = yield _POINTS, parameters
    devices = yield _DEVICES, parameters
    found: dict[str, list[DeviceNow]] = {}
    for point, code, kind, state, since in devices:
        found.setdefault(point, []).append(DeviceNow(code, KINDS[kind], STATES[state], since))
    return tuple(
        PointNow(code, vi, en, unit, latitude, longitude, tuple(found.get(code, ())), phone, contact)
        for code, vi, en, unit, latitude, longitude, phone, contact in places
    )
