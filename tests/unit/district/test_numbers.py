"""Numbers to call in a pack: what is one, and what is told of what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.district import read_pack
from ioc.district.model import Number
from ioc.district.problems import PackError
from tests.browser.called import PHONE_NUMBER, UNIT, with_numbers


def test_units_and_points_have_numbers_where_the_pack_names_them(tmp_path: Path) -> None:
    pack = read_pack(with_numbers(tmp_path))
    numbers = {unit.code: unit.number for unit in pack.units if unit.number is not None}
    assert numbers == {UNIT: Number(PHONE_NUMBER, "Trực lãnh đạo")}
    assert {point.code: point.number for point in pack.points if point.number is not None} == {
        "point.hiep-thanh": Number("(0276) 000-0002", "Bộ phận Một cửa")
    }


@pytest.mark.parametrize("number", ["113", "1900.0000", "+84 276 000 0001", "(0276) 000-0001"])
def test_numbers_as_people_write_them(tmp_path: Path, number: str) -> None:
    pack = read_pack(_written(tmp_path, f"{number},"))
    assert [unit.number for unit in pack.units if unit.number is not None] == [Number(number)]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("hỏi văn thư,", "phone 'hỏi văn thư' is no phone number. Write one number of 3 to 15 digits"),
        ("0276 000 0001; 0276 000 0002,", "is no phone number"),
        ("12,", "is no phone number"),
        ("0276 000 0001 000 0001,", "is no phone number"),
        ("tel:+84276000001,", "is no phone number"),
        ("0276(" + " " * 60 + "1,", "is no phone number"),
        ("٠١٢٣٤٥,", "is no phone number"),
        (",Trực lãnh đạo", "contact is given and phone is empty"),
        ("113," + "x" * 101, "contact has more than 100 letters"),
    ],
)
def test_what_is_no_number_is_told_with_its_line(tmp_path: Path, cells: str, told: str) -> None:
    folder = _written(tmp_path, cells)
    with pytest.raises(PackError) as refused:
        read_pack(folder)
    (problem,) = refused.value.problems
    lines = (folder / "units.csv").read_text("utf-8").splitlines()
    assert lines[problem.line - 1].startswith(f"{UNIT},")
    assert told in f"{problem.message} {problem.remedy}"


def _written(folder: Path, cells: str) -> Path:
    pack = with_numbers(folder)
    units = pack / "units.csv"
    units.write_text(units.read_text("utf-8").replace(f"{PHONE_NUMBER},Trực lãnh đạo", cells), "utf-8")
    return pack
