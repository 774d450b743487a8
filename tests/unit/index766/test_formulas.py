"""Formulas of the index: worked by hand, versions by date, mistakes in the data file, grades."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ioc.index766
from ioc.index766.formulas import GROUPS, formulas, in_force, read
from ioc.index766.grades import Grade, grade_of, read_grades

_TEXT = (Path(ioc.index766.__file__).parent / "formulas.toml").read_text(encoding="utf-8")
_MAXIMA = {
    "transparency": 18,
    "progress": 20,
    "online_services": 12,
    "online_payment": 10,
    "digitisation": 22,
    "satisfaction": 18,
}


def score(component: str, numerator: float | None, denominator: float | None) -> float | None:
    formula = in_force(date(2026, 3, 1))
    assert formula is not None
    found = formula.find(component)
    assert found is not None
    return found.score(numerator, denominator)


@pytest.mark.parametrize(
    ("component", "numerator", "denominator", "points"),
    [
        ("progress.on_time", 97, 100, 19.4),  # 20 × 0.97
        ("online_services.offered", 60, 100, 1.5),  # 2 × 0.60 / 0.80
        ("online_services.offered", 85, 100, 2),  # beyond the target nothing is added
        ("online_services.used", 30, 40, 3),  # 4 × 0.75
        ("online_services.dossiers", 25, 100, 3),  # 6 × 0.25 / 0.50
        ("online_services.dossiers", 50, 100, 6),
        ("online_payment.dossiers", 40, 50, 4.8),  # 6 × 0.8
        ("online_payment.procedures", 2, 5, 1),  # 2.5 × 0.4
        ("online_payment.offered", 9, 10, 2),  # min(2, 2.5 × 0.9)
        ("satisfaction.dossiers", 81, 100, 5.4),  # 6 × 0.81 / 0.90
        ("satisfaction.dossiers", 0, 0, 0),  # nothing: 0
        ("satisfaction.petitions", 3, 4, 4.5),
        ("satisfaction.petitions", 0, 0, 6),  # nothing: all
        ("progress.on_time", 0, 0, None),  # nothing: unknown, no exception is known
        ("progress.on_time", None, 100, None),
        ("satisfaction.petitions", None, None, None),  # unknown is not nothing
    ],
)
def test_points_worked_by_hand(
    component: str, numerator: float | None, denominator: float | None, points: float | None
) -> None:
    assert score(component, numerator, denominator) == (None if points is None else pytest.approx(points))


def test_weights_are_those_of_the_decision() -> None:
    (formula,) = formulas()
    found = {group: sum(c.max for c in formula.component if c.group == group) for group in GROUPS}
    assert found == _MAXIMA
    assert {c.points for c in formula.component} <= {"V", "C"}, "no weight is invented"
    assert formula.grades == (), "no grade is known with a source"


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_points_lie_between_nothing_and_the_maximum_and_grow_with_the_share(
    numerator: int, denominator: int
) -> None:
    (formula,) = formulas()
    numerator = min(numerator, denominator)
    for component in formula.component:
        points = component.score(numerator, denominator)
        fuller = component.score(denominator, denominator)
        assert points is not None
        assert 0 <= points <= component.max
        assert fuller == component.max


def two_versions() -> str:
    """The shipped formula until July 2026, and from then on one with a higher target for dossiers handed in online."""
    body = _TEXT[_TEXT.index("\n[[formula]]\n") :]
    newer = body.replace("version = 1", "version = 2").replace('valid_from = ""', 'valid_from = "2026-07-01"')
    newer = newer.replace("target = 0.5", "target = 0.6")
    return body.replace('valid_to = ""', 'valid_to = "2026-07-01"') + "\n" + newer


def test_a_month_is_scored_by_the_formula_that_was_in_force_then() -> None:
    both = read(two_versions())
    found = [
        in_force(month, both)
        for month in (date(2020, 1, 1), date(2026, 6, 1), date(2026, 7, 1), date(2030, 1, 1))
    ]
    assert [formula.version if formula else None for formula in found] == [1, 1, 2, 2]
    points = [formula.find("online_services.dossiers").score(1, 4) for formula in both]  # type: ignore[union-attr]
    assert points == [pytest.approx(3), pytest.approx(2.5)]
    only_new = read(two_versions()[two_versions().rindex("\n[[formula]]\n") :])
    assert in_force(date(2026, 6, 1), only_new) is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max = 20", "max = 21", "does not add up to 100"),
        ('id = "progress.on_time"', 'id = "transparency.content"', "names a component twice"),
        ('group = "progress"', 'group = "speed"', "is of no group"),
        ('denominator = "received"', 'denominator = "recieved"', "which no ledger holds"),
        ('valid_to = ""', 'valid_to = "2026-07-15"', "changes within a month"),
        ("nothing = 0", "nothing = 7", "more for nothing than for all"),
        ('{ count = "handled" }', '{ count = "dossiers" }', "needs a numerator"),
        (
            "grades = []",
            'grades = [{name = "a", at_least = 1}, {name = "b", at_least = 2}]',
            "grades do not fall",
        ),
    ],
)
def test_a_mistake_in_the_data_is_named(old: str, new: str, words: str) -> None:
    assert old in _TEXT
    with pytest.raises(ValueError, match=re.escape(words)):
        read(_TEXT.replace(old, new, 1))


def test_versions_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="does not come after"):
        read(two_versions().replace('valid_to = "2026-07-01"', 'valid_to = "2026-08-01"', 1))


def test_grades_are_settings_and_an_unknown_total_has_none() -> None:
    grades = read_grades("80=Tốt; 90=Xuất sắc")
    assert grades == (Grade("Xuất sắc", 90), Grade("Tốt", 80))
    assert [grade_of(points, grades) for points in (95.0, 90.0, 89.9, 10.0, None)] == [
        "Xuất sắc", "Xuất sắc", "Tốt", None, None
    ]  # fmt: skip
    assert grade_of(95, read_grades("")) is None
    for text in ("Tốt", "x=Tốt", "101=Tốt", "80=", "80=a;80=b"):
        with pytest.raises(ValueError, match="is no grade"):
            read_grades(text)
