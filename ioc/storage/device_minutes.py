"""How sums of a unit's device-minute are added to those that are stored already, wherever that is done."""

from __future__ import annotations

from typing import Final

ADD_UP: Final = """ON CONFLICT (kind, unit_id, bucket, part) DO UPDATE SET
    up_ms = m.up_ms + excluded.up_ms,
    degraded_ms = m.degraded_ms + excluded.degraded_ms,
    down_ms = m.down_ms + excluded.down_ms,
    maintenance_ms = m.maintenance_ms + excluded.maintenance_ms,
    client_ms = m.client_ms + excluded.client_ms,
    client_known_ms = m.client_known_ms + excluded.client_known_ms,
    client_max = greatest(m.client_max, excluded.client_max),
    samples = m.samples + excluded.samples,
    late = m.late + excluded.late
"""
"""Ends an ``INSERT INTO ioc.device_minute AS m``. Sums are added, the most clients is the greater one."""
