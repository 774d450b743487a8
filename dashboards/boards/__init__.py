"""The boards, one module each."""

from __future__ import annotations

from typing import Final

from dashboards.boards import alerts, cameras, index766, onestop, planning, platform, queues, wall, wifi
from dashboards.frame import Plan

#: In the order in which people see them.
PLANS: Final[tuple[Plan, ...]] = (
    wall.PLAN,
    onestop.PLAN,
    queues.PLAN,
    cameras.PLAN,
    wifi.PLAN,
    index766.PLAN,
    planning.PLAN,
    alerts.PLAN,
    platform.PLAN,
)
