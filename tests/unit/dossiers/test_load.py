"""Load without names: no figure of fewer than three officers, not by subtraction either."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ioc.dossiers.load import FEWEST, By, Load, Row, load_document, load_of, spread_of


def row(department: str | None, handler: str | None, count: int, *, unit: str = "u", overdue: int = 0) -> Row:
    return Row(unit, department, f"role of {department}", handler, count, overdue, 0, 0)


rows = st.lists(
    st.builds(
        row,
        st.sampled_from([None, "land", "civil", "trade", "social"]),
        st.none() | st.sampled_from([f"hash-{n}" for n in range(8)]),
        st.integers(0, 9),
        unit=st.sampled_from(["u", "v"]),
    ),
    max_size=30,
)


def officers(given_rows: list[Row], unit: str, names: set[str | None]) -> set[str]:
    return {
        r.handler for r in given_rows if r.unit == unit and r.department in names and r.handler is not None
    }


@given(rows)
def test_every_figure_and_every_rest_is_of_three_officers_or_of_the_whole_unit(given_rows: list[Row]) -> None:
    found = load_of("u", given_rows, By.DEPARTMENT)
    for unit in found.units:
        mine = [r for r in given_rows if r.unit == unit.unit]
        assert unit.counts.open == sum(r.open for r in mine)
        shown = {cell.name for cell in unit.cells}
        standing = {r.department for r in mine if r.open}
        for cell in unit.cells:
            assert len(officers(mine, unit.unit, {cell.name})) == cell.officers
            assert (cell.officers or 0) >= FEWEST
            assert cell.counts.open == sum(r.open for r in mine if r.department == cell.name)
        rest = standing - shown
        hidden = 0 if unit.hidden is None else unit.hidden.open
        assert hidden == unit.counts.open - sum(cell.counts.open for cell in unit.cells)
        assert unit.hidden_cells == len(rest)
        if rest and shown:
            assert len(officers(mine, unit.unit, rest)) >= FEWEST
            assert len(rest) > 1


@given(rows)
def test_no_pseudonym_leaves(given_rows: list[Row]) -> None:
    text = json.dumps(load_document(load_of(None, given_rows, By.ROLE)))
    assert "hash-" not in text
    assert "handler" not in text


def test_small_departments_stand_together_and_a_big_one_joins_when_the_rest_would_tell() -> None:
    land = [row("land", f"l{n}", 10) for n in range(4)]
    trade = [row("trade", f"t{n}", 2) for n in range(3)]
    civil = [row("civil", "c0", 7)]

    def names(found: Load) -> tuple[list[str | None], int | None]:
        (unit,) = found.units
        return [cell.name for cell in unit.cells], unit.hidden and unit.hidden.open

    assert names(load_of("u", [*land, *trade], By.DEPARTMENT)) == (["land", "trade"], None)
    # civil is one officer's: the smallest of the others joins it
    assert names(load_of("u", [*land, *trade, *civil], By.DEPARTMENT)) == (["land"], 13)
    # with nobody else to join, all of the unit is what is told
    assert names(load_of("u", [*land, *civil], By.DEPARTMENT)) == ([], 47)
    # two small ones that are of three together
    both = [row("a", "x", 1), row("a", "y", 1), row("b", "z", 1)]
    assert names(load_of("u", [*land, *both], By.DEPARTMENT)) == (["land"], 3)


def test_departments_of_unknown_officers_are_shown_when_the_district_vouches_for_them() -> None:
    silent = [row("land", None, 9), row("civil", None, 4), row("trade", None, 1)]
    (unit,) = load_of("u", silent, By.DEPARTMENT).units
    assert unit.cells == ()
    (unit,) = load_of("u", silent, By.DEPARTMENT, frozenset({"land", "civil"})).units
    assert [(cell.name, cell.counts.open, cell.officers) for cell in unit.cells] == [("land", 9, None)]
    assert unit.hidden is not None
    assert unit.hidden.open == 5


def test_the_spread_is_told_of_three_officers_and_more() -> None:
    three = [row("a", "x", 6), row("a", "y", 2), row("b", "x", 2), row("b", "z", 1), row("b", None, 11)]
    spread = spread_of(three)
    assert (spread.officers, spread.median, spread.most) == (3, 2, 8)
    assert (spread.busiest, spread.known) == (8 / 11, 0.5)
    two = spread_of(three[:2])
    assert (two.officers, two.median, two.most, two.busiest) == (2, None, None, None)
    assert spread_of([]).known is None
