"""Units through a reform, for tests: units with dates, successions with shares, and both once more in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from tests.integration.kpi_data import Connection

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True)
class DatedUnit:
    """A unit while it holds."""

    code: str
    parent: str | None = None
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True)
class Edge:
    """Which share of a unit went where, on a day; None: nobody has said."""

    old: str
    new: str
    share: float | None
    day: date


def add_units(connection: Connection, units: Sequence[DatedUnit], edges: Sequence[Edge]) -> None:
    """Write units and successions as a pack's application does."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ioc.unit (code, name_vi, name_en, time_zone, parent_code, valid_from, valid_to)"
            " VALUES (%s, %s, %s, 'Asia/Ho_Chi_Minh', %s, %s, %s)",
            [(unit.code, unit.code, unit.code, unit.parent, unit.start, unit.end) for unit in units],
        )
        cursor.executemany(
            "INSERT INTO ioc.unit_edge (from_code, to_code, share, valid_from) VALUES (%s, %s, %s, %s)",
            [(edge.old, edge.new, edge.share, edge.day) for edge in edges],
        )


def at(day: str, hour: int = 9) -> datetime:
    """A moment of a day in the units' zone."""
    return datetime.combine(date.fromisoformat(day), time(hour), tzinfo=ZONE).astimezone(UTC)


def owners(
    unit: str, moment: datetime, units: Mapping[str, DatedUnit], edges: Sequence[Edge]
) -> dict[str, float]:
    """Where what a unit did at a moment belongs today: the days of change are gone through one after the other."""
    holdings = {unit: 1.0}
    known = [edge for edge in edges if edge.share is not None]
    for day in sorted({edge.day for edge in known}):
        moved: dict[str, float] = defaultdict(float)
        for holder, mass in holdings.items():
            end = units[holder].end
            before = moment < datetime.combine(day, time(), tzinfo=ZONE)
            gone = end is not None and end <= day
            rest = mass
            for edge in known:
                if edge.old == holder and edge.day == day and (before or gone):
                    moved[edge.new] += mass * (edge.share or 0)
                    rest -= mass * (edge.share or 0)
            moved[holder] += rest
        holdings = {holder: mass for holder, mass in moved.items() if mass > 1e-9}
    return holdings
