"""Reporting groups with dated members: each mistake is told with its file and line."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from ioc.district import examine, read_pack

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
HEADER = "group,member,valid_from,valid_to,certainty"
#: Two further groups of the pack, beside the area.
GROUPS = (
    "cluster,local,Cụm biên giới,Border cluster,group,,,,I,",
    "wider,local,Cụm rộng,Wider cluster,group,,,,I,",
)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    found = Path(shutil.copytree(SHIPPED, tmp_path / "pack"))
    units = found / "units.csv"
    units.write_text(units.read_text("utf-8") + "\n".join(GROUPS) + "\n", "utf-8")
    return found


def _write(pack: Path, *rows: str) -> None:
    (pack / "groups.csv").write_text("\n".join((HEADER, *rows)) + "\n", "utf-8")


def test_a_unit_may_leave_a_group_and_come_back(pack: Path) -> None:
    _write(
        pack,
        "cluster,25663,2025-07-01,2026-01-01,C",
        "cluster,25663,2026-03-01,,C",
        "wider,cluster,,,C",
        "wider,trang-bang,,2025-01-01,C",
    )
    found = read_pack(pack).memberships
    assert [(row.member, row.period.start) for row in found][:2] == [
        ("25663", date(2025, 7, 1)),
        ("25663", date(2026, 3, 1)),
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("nowhere,25663,,,C", "'nowhere' is not a unit"),
        ("cluster,nobody,,,C", "'nobody' is not a unit"),
        ("25663,go-dau.phuong,,,C", "25663 is a commune, no group"),
        ("go-dau,go-dau.thi-tran,,,C", "is below go-dau already"),
        ("cluster,25663,2020-01-01,2025-07-01,C", "does not hold on any day"),
        ("cluster,cluster,,,C", "would hold each other"),
        ("cluster,25663,2026-01-01,2025-01-01,C", "is not after valid_from"),
        ("cluster,25663,,,X", "certainty 'X'"),
    ],
)
def test_a_mistake_is_told_with_its_line(pack: Path, row: str, words: str) -> None:
    _write(pack, "wider,25663,,,C", row)
    found = examine(pack).errors
    assert [(problem.file, problem.line) for problem in found] == [("groups.csv", 3)]
    assert words in found[0].message


def test_groups_that_hold_each_other_and_members_twice_at_a_time_are_mistakes(pack: Path) -> None:
    _write(
        pack,
        "cluster,go-dau,,,C",
        "wider,cluster,,,C",
        "go-dau,wider,,,C",
        "wider,cluster,2026-01-01,,C",
    )
    ring, twice = examine(pack).errors
    assert (ring.line, twice.line) == (4, 5)
    assert "would hold each other" in ring.message
    assert "twice at a time" in twice.message
