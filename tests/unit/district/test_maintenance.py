"""Standing maintenance windows of a pack: each mistake is told with its file and line."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.district import examine, read_pack

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
HEADER = "name,from,hours,recurs,rules,units,points,subjects,reason"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack"))


def _write(pack: Path, *rows: str) -> None:
    (pack / "maintenance.csv").write_text("\n".join((HEADER, *rows)) + "\n", "utf-8")


def test_a_window_of_the_pack_is_by_the_district_s_clock(pack: Path) -> None:
    _write(
        pack,
        "Chủ nhật,2026-01-04T08:00,4,FREQ=WEEKLY;BYDAY=SU,camera.down,25663;go-dau.phuong,,,Thay nguồn",
        "Tất cả,2026-02-01,0.5,,,,,device:a;device:b,",
    )
    sunday, once = read_pack(pack).maintenance
    assert sunday.starts_at == datetime(2026, 1, 4, 1, tzinfo=UTC)
    assert (sunday.length, sunday.recurs) == (timedelta(hours=4), "FREQ=WEEKLY;BYDAY=SU")
    assert (sunday.rules, sunday.units) == (("camera.down",), ("25663", "go-dau.phuong"))
    assert (once.length, once.recurs, once.subjects) == (
        timedelta(minutes=30),
        None,
        ("device:a", "device:b"),
    )


def test_a_pack_without_windows_is_in_order(pack: Path) -> None:
    assert read_pack(pack).maintenance == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,soon,4,,,,,,", "neither a date nor a time"),
        ("x,2026-01-04,0,,,,,,", "hours"),
        ("x,2026-01-04,many,,,,,,", "hours"),
        (",2026-01-04,4,,,,,,", "name"),
        ("x,2026-01-04,4,FREQ=HOURLY,,,,,", "HOURLY"),
        ("x,2026-01-04,4,,camera.donw,,,,", "Rule 'camera.donw'"),
        ("x,2026-01-04,4,,,nowhere,,,", "Unit 'nowhere'"),
        ("x,2026-01-04,4,,,,p99,,", "Point 'p99'"),
        ("x,2026-01-04,4,,,,,cam-4,", "is no subject"),
        ("Có rồi,2026-01-04,4,,,,,,", "stands on line 2 too"),
        (f"{'x' * 201},2026-01-04,4,,,,,,", "201 characters"),
    ],
)
def test_each_mistake_is_told_with_its_line(pack: Path, row: str, words: str) -> None:
    _write(pack, "Có rồi,2026-01-04,4,,,,,,", row)
    found = [problem for problem in examine(pack).errors if problem.file == "maintenance.csv"]
    assert [problem.line for problem in found] == [3]
    assert words in found[0].message
