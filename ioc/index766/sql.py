"""The formulas as a SQL function, for the functions of the indicators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ioc.index766.formulas import Component, Formula

_HEAD: Final = """
CREATE OR REPLACE FUNCTION ioc.index766_formula()
RETURNS TABLE (place int, version int, valid_from date, valid_to date, component text, grp text, max_points float8,
               target float8, nothing float8, live_count text, num smallint[], den smallint[], known smallint[])
LANGUAGE sql IMMUTABLE AS $$
    VALUES
"""


def formula_sql(formulas: Sequence[Formula]) -> str:
    """Return the function ``ioc.index766_formula()``: a row for each component of each version."""
    rows = ",\n        ".join(_rows(formulas))
    return f"{_HEAD}        {rows}\n$$;\n"


def _rows(formulas: Sequence[Formula]) -> Iterator[str]:
    for formula in formulas:
        period = [f"'{day or infinite}'::date" for day, infinite in _ends(formula)]
        for place, component in enumerate(formula.component):
            values = [str(place), str(formula.version), *period, *_component(component)]
            yield "(" + ", ".join(values) + ")"


def _ends(formula: Formula) -> tuple[tuple[str, str], tuple[str, str]]:
    return ((formula.valid_from, "-infinity"), (formula.valid_to, "infinity"))


def _component(component: Component) -> Iterator[str]:
    yield from (f"'{component.id}'", f"'{component.group}'")
    for number in (component.max, component.target, component.nothing):
        yield f"{'NULL' if number is None else number}::float8"
    live = component.live
    yield "NULL::text" if live is None else f"'{live.count}'"
    for name in ("numerator", "denominator", "known"):
        measures = () if live is None else live.measures(name)
        yield "'{" + ",".join(map(str, measures)) + "}'::smallint[]"
