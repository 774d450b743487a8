"""Targets: what an indicator should reach for a unit at a time, and whether a figure does.

The district pack holds them (``targets.csv``); which one is in force is decided in the database
(``ioc.kpi_targets``), by the nearest unit upwards. Judging a figure is done here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from ioc.kpi.definition import Direction, Kpi

_IN_FORCE = (
    "SELECT kpi, unit, since, until, target, warning, strict, each, of_unit, certainty"
    " FROM ioc.kpi_targets(%s, %s, %s)"
)


class Status(StrEnum):
    """How a figure stands to its target."""

    MET = "met"
    NEAR = "near"
    """Missed, within the band that the target allows for a warning."""
    MISSED = "missed"
    UNKNOWN = "unknown"
    """There is a target and no figure."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target while it is in force for one unit."""

    since: datetime | None
    """First moment; None is unbounded."""
    until: datetime | None
    """First moment after; None is unbounded."""
    value: float
    """In the indicator's own unit of measure; a share is 0 to 1."""
    warning: float | None
    """Worse than the target and not worse than this is near it."""
    strict: bool
    """Whether the value itself is not enough."""
    each: str | None
    """Dimension for whose every value the target holds as well."""
    of_unit: str | None
    """Unit that the pack names; None for every unit."""
    certainty: str

    def holds_at(self, moment: datetime) -> bool:
        """Whether the target is in force at a moment."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


def judge(kpi: Kpi, target: Target, value: float | None) -> Status:
    """Say how a figure stands to its target.

    :param value: the figure, None where it is unknown.
    :raises ValueError: no way is better for this indicator, so that it can have no target.
    """
    if kpi.direction is Direction.NONE:
        raise ValueError(f"{kpi.id} has no better and no worse")
    if value is None:
        return Status.UNKNOWN
    sign = 1.0 if kpi.direction is Direction.UP else -1.0
    ahead = sign * (value - target.value)
    if ahead > 0 or (ahead == 0 and not target.strict):
        return Status.MET
    if target.warning is not None and sign * (value - target.warning) >= 0:
        return Status.NEAR
    return Status.MISSED


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets in force, by indicator and by unit as it was asked for (None: the reader's whole scope)."""

    by_kpi: Mapping[tuple[str, str | None], tuple[Target, ...]] = field(default_factory=dict)

    def of(self, kpi: str, unit: str | None) -> tuple[Target, ...]:
        """Every target of an indicator for a unit, in the order of time."""
        return self.by_kpi.get((kpi, unit), ())

    def at(self, kpi: str, unit: str | None, moment: datetime) -> Target | None:
        """The target in force at a moment."""
        return next((target for target in self.of(kpi, unit) if target.holds_at(moment)), None)


NO_TARGETS: Final = Targets()


def ask(
    reader: str, kpis: Sequence[str], units: Sequence[str | None]
) -> Generator[tuple[str, Sequence[object]], Sequence[tuple[Any, ...]], Targets]:
    """Steps to the targets of some indicators for some units; see :mod:`ioc.kpi.query`."""
    if not units:
        return NO_TARGETS
    rows = yield _IN_FORCE, (reader, list(kpis), list(units))
    found: dict[tuple[str, str | None], tuple[Target, ...]] = {}
    for kpi, unit, *values in rows:
        found[kpi, unit] = (*found.get((kpi, unit), ()), Target(*values))
    return Targets(found)
