"""``targets.csv``: what indicators should reach, for a unit or for all, while it holds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ioc.district.model import Certainty, Period, Target, Unit
from ioc.district.problems import Problems
from ioc.district.tables import Row

if TYPE_CHECKING:
    from ioc.kpi.definition import Kpi

FILE: Final = "targets.csv"
COLUMNS: Final = ("kpi", "unit", "value", "valid_from", "valid_to", "certainty")
OPTIONAL: Final = ("warning", "strict", "each", "note")
_GREATEST: Final = 1e15


def read_targets(rows: Iterator[Row]) -> Iterator[Target]:
    """Read the rows; what they refer to is checked by :func:`check_targets`."""
    for row in rows:
        value = _figure(row, "value")
        if value is None and not row.bad:
            row.error("value is empty.")
        yield Target(
            kpi=row.text("kpi"),
            unit=row.optional_code("unit"),
            value=value or 0.0,
            warning=_figure(row, "warning"),
            strict=bool(row.fields.get("strict")) and row.choice("strict", ("yes", "no")) == "yes",
            each=row.fields.get("each") or None,
            period=row.period(),
            certainty=row.member("certainty", Certainty),
            line=row.line,
        )


def _figure(row: Row, column: str) -> float | None:
    text = row.fields.get(column, "")
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found <= _GREATEST:
        row.error(f"{column} {text!r} is no number from 0 on.", "Write it with a point, such as 0.98.")
        return None
    return found


def check_targets(targets: Sequence[Target], units: Mapping[str, Unit], problems: Problems) -> None:
    """Find what does not fit the catalogue, the units, or another row; findings go to ``problems``."""
    # imported here since the catalogue knows the ledger's measures, and the ledger the pack's calendar
    from ioc.kpi.catalogue import find
    from ioc.kpi.errors import UnknownKpiError

    periods: dict[tuple[str, str | None], list[tuple[Period, int]]] = defaultdict(list)
    for row in targets:
        if not row.kpi:
            continue
        try:
            kpi = find(row.kpi)
        except UnknownKpiError as error:
            problems.error(FILE, row.line, error.message, error.remedy)
            continue
        _check_figures(row, kpi, problems)
        _check_place(row, kpi, units, problems)
        same = periods[row.kpi, row.unit]
        for period, line in same:
            if period.overlaps(row.period):
                problems.error(
                    FILE,
                    row.line,
                    f"{row.kpi} has two targets for {row.unit or 'every unit'} at a time: {row.period} here, "
                    f"{period} on line {line}.",
                )
        same.append((row.period, row.line))


def _check_figures(row: Target, kpi: Kpi, problems: Problems) -> None:
    better = kpi.direction.value
    if better == "none":
        problems.error(FILE, row.line, f"{kpi.id} can have no target: neither more nor less of it is better.")
        return
    if kpi.unit_of_measure == "share":
        percents = [
            (name, getattr(row, name)) for name in ("value", "warning") if (getattr(row, name) or 0) > 1
        ]
        for name, figure in percents:
            problems.error(
                FILE,
                row.line,
                f"{name} {figure:g} is no share of {kpi.id}.",
                f"A share is 0 to 1: write {figure / 100:g} for {figure:g} %.",
            )
        if percents:
            return
    if row.warning is not None:
        worse = row.warning < row.value if better == "up" else row.warning > row.value
        if not worse:
            problems.error(
                FILE,
                row.line,
                f"warning {row.warning:g} is not worse than value {row.value:g}: of {kpi.id}, "
                f"{'more' if better == 'up' else 'less'} is better.",
            )


def _check_place(row: Target, kpi: Kpi, units: Mapping[str, Unit], problems: Problems) -> None:
    if row.each is not None and row.each not in kpi.dimensions:
        problems.error(
            FILE,
            row.line,
            f"{kpi.id} has no dimension {row.each!r}.",
            f"Its dimensions: {', '.join(kpi.dimensions)}.",
        )
    if row.unit is None:
        return
    if "unit" not in kpi.dimensions:
        problems.error(FILE, row.line, f"{kpi.id} is of no unit.", "Leave the unit empty.")
    unit = units.get(row.unit)
    if unit is None:
        problems.error(
            FILE, row.line, f"Unit {row.unit!r} is not in units.csv.", "Leave it empty for every unit."
        )
    elif not unit.period.covers(row.period):
        problems.error(
            FILE,
            row.line,
            f"The target holds for {unit.code} {row.period}, but that unit holds {unit.period}.",
            "Give the row valid_from and valid_to within the unit's.",
        )
