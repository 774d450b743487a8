"""Targets of a pack: each mistake is told with its file and line."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from ioc.district import examine, read_pack
from ioc.district.model import Certainty

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
HEADER = "kpi,unit,value,warning,strict,each,valid_from,valid_to,certainty"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack"))


def _write(pack: Path, *rows: str) -> None:
    (pack / "targets.csv").write_text("\n".join((HEADER, *rows)) + "\n", "utf-8")


def test_the_shipped_pack_has_what_the_survey_and_the_field_say_and_nothing_else() -> None:
    found = {row.kpi: row for row in read_pack(SHIPPED).targets}
    assert {(row.kpi, row.unit, row.value, row.strict, row.each) for row in found.values()} == {
        ("dossier.on_time_rate", "go-dau", 0.98, True, None),
        ("dossier.satisfaction", "go-dau", 0.9, False, "field"),
        ("queue.served_within_15m", None, 0.85, False, None),
    }
    assert found["queue.served_within_15m"].certainty is Certainty.INFERRED
    notes = [note.message for note in examine(SHIPPED).notes if note.file == "targets.csv"]
    assert notes == ["1 of 3 rows are inferred (I): lines 6."]


def test_a_row_says_what_holds_when(pack: Path) -> None:
    _write(
        pack,
        "dossier.overdue,25663,5,8,,,2026-01-01,2027-01-01,C",
        "dossier.overdue,25663,0,,,,2027-01-01,,C",
        "dossier.overdue,,10,,,,,,C",
    )
    first, second, third = read_pack(pack).targets
    assert (first.value, first.warning, first.strict, first.each) == (5, 8, False, None)
    assert (first.period.start, first.period.end) == (date(2026, 1, 1), date(2027, 1, 1))
    assert (second.value, second.period.end) == (0, None)
    assert third.unit is None


def test_a_pack_without_targets_is_in_order(pack: Path) -> None:
    (pack / "targets.csv").unlink()
    assert read_pack(pack).targets == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("dossier.on_time,go-dau,0.9,,,,,,V", "Did you mean dossier.on_time_rate"),
        (",go-dau,0.9,,,,,,V", "kpi is empty"),
        ("queue.issued,go-dau,9,,,,,,V", "neither more nor less of it is better"),
        ("dossier.on_time_rate,go-dau,98,,,,,,V", "write 0.98 for 98 %"),
        ("dossier.on_time_rate,go-dau,0.98,95,,,,,V", "warning 95 is no share"),
        ("dossier.on_time_rate,go-dau,,,,,,,V", "value is empty"),
        ("dossier.on_time_rate,go-dau,much,,,,,,V", "'much' is no number from 0 on"),
        ("dossier.on_time_rate,go-dau,nan,,,,,,V", "'nan' is no number from 0 on"),
        ("dossier.overdue,go-dau,-1,,,,,,V", "'-1' is no number from 0 on"),
        ("dossier.on_time_rate,go-dau,0.98,0.99,,,,,V", "warning 0.99 is not worse than value 0.98"),
        ("dossier.overdue,go-dau,5,3,,,,,V", "warning 3 is not worse than value 5"),
        ("dossier.on_time_rate,go-dau,0.9,,maybe,,,,V", "strict 'maybe' is not one of yes, no"),
        ("dossier.on_time_rate,go-dau,0.9,,,device,,,V", "has no dimension 'device'"),
        ("dossier.on_time_rate,nowhere,0.9,,,,,,V", "Unit 'nowhere' is not in units.csv"),
        ("dossier.on_time_rate,25663,0.9,,,,2025-01-01,,V", "holds for 25663 [2025-01-01, …)"),
        ("platform.lag,go-dau,9,,,,,,V", "is of no unit"),
        ("dossier.overdue,go-dau,5,,,,2025-01-01,2024-01-01,V", "is not after valid_from"),
        ("dossier.overdue,go-dau,5,,,,,,maybe", "certainty 'maybe'"),
    ],
)
def test_a_mistake_is_told_with_its_line(pack: Path, row: str, words: str) -> None:
    _write(pack, "# what should be", row, "dossier.satisfaction,,0.9,,,,,,V")
    found = examine(pack).errors
    assert [(problem.file, problem.line) for problem in found] == [("targets.csv", 3)]
    assert words in f"{found[0].message} {found[0].remedy}"


def test_two_targets_at_a_time_are_a_mistake_and_one_after_the_other_are_not(pack: Path) -> None:
    _write(
        pack,
        "dossier.overdue,go-dau,5,,,,2025-01-01,2026-01-01,V",
        "dossier.overdue,go-dau,4,,,,2026-01-01,,V",
        "dossier.overdue,,3,,,,,,V",
        "dossier.overdue,go-dau,2,,,,2026-06-01,,V",
    )
    (problem,) = examine(pack).errors
    assert problem.line == 5
    assert "two targets for go-dau at a time" in problem.message
    assert "line 3" in problem.message
