"""A maintenance window as it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

#: Columns of a window ``m``, in the order of :func:`window_of`.
COLUMNS: Final = (
    "m.maintenance_id, m.name, m.rules, m.units, m.points, m.subjects, m.starts_at, m.length_s, m.recurs, m.time_zone,"
    " m.reason, m.made_at, m.made_by, m.withdrawn_at, m.withdrawn_by"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A maintenance window.

    :param starts_at: when it begins first.
    :param recurs: as :func:`ioc.alerts.recurrence.read` gives it; None: once.
    :param unit_ids: numbers of the units and of all below them.
    :param line: of the pack's file, where it stands there.
    """

    id: int = 0
    name: str = ""
    rules: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    starts_at: datetime
    length: timedelta
    recurs: str | None = None
    time_zone: str = "Asia/Ho_Chi_Minh"
    reason: str = ""
    made_at: datetime | None = None
    made_by: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    unit_ids: frozenset[int] = frozenset()
    line: int = field(default=0, compare=False)


def window_of(row: Sequence[Any]) -> Window:
    """The window of a row of the table's columns in their order."""
    number, name, rules, units, points, subjects, starts_at, length_s, recurs, zone, reason, *trail = row
    made_at, made_by, withdrawn_at, withdrawn_by = trail
    return Window(
        id=number,
        name=name,
        rules=tuple(rules),
        units=tuple(units),
        points=tuple(points),
        subjects=tuple(subjects),
        starts_at=starts_at,
        length=timedelta(seconds=length_s),
        recurs=recurs,
        time_zone=zone,
        reason=reason,
        made_at=made_at,
        made_by=made_by,
        withdrawn_at=withdrawn_at,
        withdrawn_by=withdrawn_by,
    )
