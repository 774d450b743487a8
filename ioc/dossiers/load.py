"""Who has how much to do, without names: open dossiers by department or role, and how they are spread over officers.

Officers are told apart by pseudonyms (keyed hashes whose key can be destroyed); no pseudonym leaves this module. A
figure of fewer than :data:`FEWEST` officers would be a figure of a person: such cells are put together, and cells that
are big enough join them until the rest, which anybody could find by taking the shown from the known total, is of enough
officers too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any, Final, NamedTuple

from ioc.kpi.query import Steps

#: Officers that a figure must be made of.
FEWEST: Final = 3
_START: Final = "SELECT ioc.unit_start(%s, %s)"
_ROWS: Final = (
    "SELECT unit, department, role, handler, open, overdue, due_24h, paused FROM ioc.dossier_load(%s, %s)"
)


class By(StrEnum):
    """What cells are made by."""

    DEPARTMENT = "department"
    ROLE = "role"


class Row(NamedTuple):
    """Dossiers of one officer (of all whom no source names) in one place. Holds a pseudonym: never give it out."""

    unit: str
    department: str | None
    role: str | None
    handler: str | None
    open: int
    overdue: int
    due_24h: int
    paused: int


@dataclass(slots=True)
class Counts:
    """Open dossiers of a cell."""

    open: int = 0
    overdue: int = 0
    due_24h: int = 0
    paused: int = 0

    def add(self, other: Row | Counts) -> None:
        self.open += other.open
        self.overdue += other.overdue
        self.due_24h += other.due_24h
        self.paused += other.paused


@dataclass(slots=True)
class _Cell:
    name: str | None
    counts: Counts = field(default_factory=Counts)
    officers: set[str] = field(default_factory=set)
    vouched: bool = False
    """The district says that it is of enough officers, where no source tells them apart."""

    @property
    def is_enough(self) -> bool:
        return self.vouched or len(self.officers) >= FEWEST


class Cell(NamedTuple):
    """What may be shown of a department or role."""

    name: str | None
    counts: Counts
    officers: int | None
    """None where the district vouches for there being enough, and no source tells them apart."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How open dossiers are spread over officers.

    :param officers: how many have any.
    :param known: share of the open dossiers of which is known who has them.
    :param median: open dossiers of the officer in the middle; ``most``: of the one with most; ``busiest``: the latter's
        share of those that are known. None with fewer than three officers.
    """

    officers: int
    known: float | None
    median: float | None = None
    most: int | None = None
    busiest: float | None = None


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """A unit's load."""

    unit: str
    counts: Counts
    cells: tuple[Cell, ...]
    hidden: Counts | None
    """What stands with departments that are too small to be shown, together; None when there are none."""
    hidden_cells: int
    spread: Spread


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a unit and all below it."""

    unit: str | None
    by: By
    units: tuple[UnitLoad, ...]
    spread: Spread


def ask_load(reader: str, unit: str | None, by: By, vouched: Sequence[str] = ()) -> Steps[Load]:
    """Steps to the load as it stands now.

    :param vouched: departments or roles that the district knows to be of enough officers.
    :raises KpiError: there is no such unit.
    """
    ((start,),) = yield _START, (reader, unit)
    rows = [Row(*row) for row in (yield _ROWS, (reader, unit))]
    return load_of(start, rows, by, frozenset(vouched))


def load_of(unit: str | None, rows: Iterable[Row], by: By, vouched: frozenset[str] = frozenset()) -> Load:
    """Put rows together so that no figure is one of fewer than three officers."""
    of_unit: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_unit[row.unit].append(row)
    everything = [row for mine in of_unit.values() for row in mine]
    return Load(
        unit,
        by,
        tuple(_unit_load(code, of_unit[code], by, vouched) for code in sorted(of_unit)),
        spread_of(everything),
    )


def spread_of(rows: Iterable[Row]) -> Spread:
    """How the rows' open dossiers are spread over officers."""
    loads: dict[str, int] = defaultdict(int)
    whole = 0
    for row in rows:
        whole += row.open
        if row.handler is not None and row.open:
            loads[row.handler] += row.open
    named = sum(loads.values())
    known = named / whole if whole else None
    if len(loads) < FEWEST:
        return Spread(len(loads), known)
    most = max(loads.values())
    return Spread(len(loads), known, median(loads.values()), most, most / named)


def _unit_load(code: str, rows: Sequence[Row], by: By, vouched: frozenset[str]) -> UnitLoad:
    cells: dict[str | None, _Cell] = {}
    total = Counts()
    for row in rows:
        name = row.department if by is By.DEPARTMENT else row.role
        cell = cells.setdefault(name, _Cell(name, vouched=name in vouched))
        cell.counts.add(row)
        total.add(row)
        if row.handler is not None:
            cell.officers.add(row.handler)
    standing = [cell for cell in cells.values() if cell.counts.open]
    shown = sorted(
        (cell for cell in standing if cell.is_enough), key=lambda c: (-c.counts.open, c.name or "")
    )
    hidden = [cell for cell in standing if not cell.is_enough]
    while hidden and shown and not _enough_together(hidden):
        hidden.append(shown.pop())
    together = None
    if hidden:
        together = Counts()
        for cell in hidden:
            together.add(cell.counts)
    return UnitLoad(
        code,
        total,
        tuple(
            Cell(cell.name, cell.counts, len(cell.officers) if len(cell.officers) >= FEWEST else None)
            for cell in shown
        ),
        together,
        len(hidden),
        spread_of(rows),
    )


def _enough_together(cells: Sequence[_Cell]) -> bool:
    officers = set().union(*(cell.officers for cell in cells))
    return len(cells) > 1 and (len(officers) >= FEWEST or any(cell.vouched for cell in cells))


def load_document(found: Load) -> dict[str, Any]:
    """The load as the API and the command line give it; it holds nobody."""
    return {
        "unit": found.unit,
        "by": found.by.value,
        "fewest_officers": FEWEST,
        "spread": _spread(found.spread),
        "units": [
            {
                "unit": unit.unit,
                **_counts(unit.counts),
                "spread": _spread(unit.spread),
                "cells": [
                    {"name": cell.name, "officers": cell.officers, **_counts(cell.counts)}
                    for cell in unit.cells
                ],
                "too_small": None
                if unit.hidden is None
                else {"cells": unit.hidden_cells, **_counts(unit.hidden)},
            }
            for unit in found.units
        ],
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "open": counts.open,
        "overdue": counts.overdue,
        "due_24h": counts.due_24h,
        "paused": counts.paused,
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "officers": spread.officers,
        "known_share": spread.known,
        "median": spread.median,
        "most": spread.most,
        "busiest_share": spread.busiest,
    }
