"""Reads ``formulas.toml`` and applies it: components, their points, and the months for which they hold."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec

from ioc.dossiers.ledger import Measure
from ioc.index766.grades import TOTAL, Grade

GROUPS: Final = (
    "transparency",
    "progress",
    "online_services",
    "online_payment",
    "digitisation",
    "satisfaction",
)
Certainty = Literal["V", "C", "I"]


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How our own facts give a component's share; names are those of :class:`~ioc.dossiers.ledger.Measure`."""

    count: Literal["dossiers", "procedures", "handled"]
    numerator: str = ""
    denominator: str = ""
    known: str = ""

    def measures(self, name: str) -> tuple[int, ...]:
        """Measures that ``numerator``, ``denominator`` or ``known`` names; none where it is empty."""
        said: str = getattr(self, name)
        return (Measure[said.upper()].value,) if said else ()


class Component(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One component.

    :param target: share from which all points are given, above 0 and up to 1.
    :param nothing: points where the source says that there was nothing to count; None leaves them unknown.
    :param points: how sure the maximum is; ``formula``: how sure the rest is.
    :param live: how our facts give it; None where only the portal knows.
    """

    id: str
    group: str
    max: Annotated[float, msgspec.Meta(gt=0, le=TOTAL)]
    target: Annotated[float, msgspec.Meta(gt=0, le=1)]
    name_vi: str
    name_en: str
    points: Certainty
    formula: Certainty
    nothing: Annotated[float, msgspec.Meta(ge=0)] | None = None
    live: Live | None = None

    def score(self, numerator: float | None, denominator: float | None) -> float | None:
        """Points of a share; None while either of the two figures is unknown."""
        if numerator is None or denominator is None:
            return None
        if denominator == 0:
            return self.nothing
        return min(self.max, self.max * numerator / denominator / self.target)

    @property
    def words(self) -> str:
        """The formula as people write it."""
        share = (
            f"{self.max:g} × A"
            if self.target == 1
            else f"min({self.max:g}, {self.max:g} × A / {self.target:g})"
        )
        return share if self.nothing is None else f"{share}, {self.nothing:g} when there was nothing"


class Formula(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All components as they hold from ``valid_from`` to the day before ``valid_to``; empty is unbounded."""

    version: int
    valid_from: str
    valid_to: str
    basis: str
    component: tuple[Component, ...]
    grades: tuple[Grade, ...] = ()

    @property
    def begins(self) -> date:
        return date.fromisoformat(self.valid_from) if self.valid_from else date.min

    @property
    def ends(self) -> date:
        return date.fromisoformat(self.valid_to) if self.valid_to else date.max

    def find(self, component: str) -> Component | None:
        return next((found for found in self.component if found.id == component), None)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    formula: tuple[Formula, ...]


@lru_cache(maxsize=1)
def formulas() -> tuple[Formula, ...]:
    """Return every version that is shipped, oldest first."""
    return read((resources.files("ioc.index766") / "formulas.toml").read_text(encoding="utf-8"))


def read(text: str) -> tuple[Formula, ...]:
    """Read and check a file of formulas.

    :raises ValueError: naming the version and what is wrong with it.
    """
    found = msgspec.convert(tomllib.loads(text), _File).formula
    for fault in _faults(found):
        raise ValueError(fault)
    return found


def in_force(month: date, among: Sequence[Formula] | None = None) -> Formula | None:
    """Return the formula that scores the month which begins on ``month``; None where none is known."""
    known = formulas() if among is None else among
    return next((formula for formula in known if formula.begins <= month < formula.ends), None)


def _faults(found: Sequence[Formula]) -> Iterator[str]:
    for one, other in pairwise(found):
        if one.version >= other.version or one.ends > other.begins:
            yield f"version {other.version} does not come after version {one.version}"
    for formula in found:
        where = f"version {formula.version}"
        for moment in (formula.valid_from, formula.valid_to):
            if moment and date.fromisoformat(moment).day != 1:
                yield f"{where} changes within a month"
        ids = [component.id for component in formula.component]
        if len(set(ids)) < len(ids):
            yield f"{where} names a component twice"
        if sum(component.max for component in formula.component) != TOTAL:
            yield f"{where} does not add up to {TOTAL} points"
        for component in formula.component:
            yield from (f"{where}: {component.id} {fault}" for fault in _component_faults(component))
        names = [grade.at_least for grade in formula.grades]
        if names != sorted(set(names), reverse=True):
            yield f"{where}: grades do not fall"


def _component_faults(component: Component) -> Iterator[str]:
    if component.group not in GROUPS or not component.id.startswith(f"{component.group}."):
        yield f"is of no group of {', '.join(GROUPS)}"
    if component.nothing is not None and component.nothing > component.max:
        yield "gives more for nothing than for all"
    live = component.live
    if live is None:
        return
    named = [name for name in (live.numerator, live.denominator, live.known) if name]
    unknown = [name for name in named if name.upper() not in Measure.__members__]
    if unknown:
        yield f"counts {', '.join(unknown)}, which no ledger holds"
    if (live.count == "handled") != (not named) or (named and not (live.numerator and live.denominator)):
        yield "needs a numerator and a denominator, or counts what was handled"
