"""Dossiers with what they were reduced from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ioc.district.worktime import WorkCalendar
from ioc.dossiers.reducer import Dossier, Fact
from streams.registry import Unit


@dataclass(frozen=True, slots=True)
class Reduced:
    """Dossiers by number, the facts that say so, and the units that any fact names."""

    facts: Mapping[int, list[Fact]]
    dossiers: Mapping[int, Dossier]
    units: Mapping[str, Unit]

    def calendar_of(self, unit: str) -> WorkCalendar:
        """Working time of a unit."""
        return self.units[unit].calendar
