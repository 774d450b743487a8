"""Published figures as they are read: each bad one is named by its column, and costs no other."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.index766.files import import_file
from ioc.errors import InputError
from ioc.index766.facts import COLUMNS, Figure, FigureError, read_figure, sort_out

NOW = datetime(2026, 5, 20, 3, tzinfo=UTC)
GOOD: dict[str, object] = {
    "period": "2026-03",
    "unit": "go-1",
    "component": "transparency.content",
    "points": "1.9",
    "numerator": "",
    "denominator": None,
    "published_at": "2026-04-05",
}


def test_a_figure_is_read_from_texts_numbers_and_moments() -> None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    expected = Figure(
        "go-1", date(2026, 3, 1), "transparency.content", 1.9, None, None, datetime(2026, 4, 5, tzinfo=zone)
    )
    assert read_figure(GOOD, now=NOW) == expected
    for more in (
        {"period": "2026-03-01"},
        {"period": "3/2026"},
        {"period": "Tháng 03/2026"},
        {"period": datetime(2026, 3, 1)},  # noqa: DTZ001 - as a workbook holds it
        {"points": 1.9},
        {"points": " 1,9 "},
        {"published_at": "2026-04-05T00:00:00+07:00"},
        {"published_at": "2026-04-04T17:00:00Z"},
        {"component": " Transparency.Content "},
    ):
        assert read_figure({**GOOD, **more}, now=NOW) == expected, more


def test_counts_of_nothing_are_no_missing_counts_and_withdrawn_is_said() -> None:
    nothing = read_figure(
        {**GOOD, "component": "satisfaction.petitions", "points": None, "numerator": 0, "denominator": 0},
        now=NOW,
    )
    assert (nothing.points, nothing.numerator, nothing.denominator) == (None, 0, 0)
    for word in ("withdrawn", "Rút"):
        gone = read_figure({**GOOD, "points": word}, now=NOW)
        assert gone[3:6] == (None, None, None)


@pytest.mark.parametrize(
    ("more", "column", "words"),
    [
        ({"period": ""}, "period", "missing"),
        ({"period": "March"}, "period", "no month"),
        ({"period": "2026-13"}, "period", "no such month"),
        ({"period": "2026-06"}, "period", "future"),
        ({"period": "1999-12"}, "period", "2000"),
        ({"period": datetime(2026, 3, 15)}, "period", "day within"),  # noqa: DTZ001
        ({"unit": " "}, "unit", "missing"),
        ({"unit": 25663}, "unit", "no text"),
        ({"unit": "x" * 51}, "unit", "at most 50"),
        ({"unit": "a\x00"}, "unit", "at most 50"),
        ({"component": None}, "component", "missing"),
        ({"component": "speed"}, "component", "no such component"),
        ({"points": "many"}, "points", "no number"),
        ({"points": "nan"}, "points", "negative, or no number"),
        ({"points": "-1"}, "points", "negative"),
        ({"points": True}, "points", "no number"),
        ({"points": "2.01"}, "points", "2 points at most"),
        ({"points": ""}, "points", "neither points nor counts"),
        ({"numerator": "3"}, "denominator", "without the other"),
        ({"denominator": "3"}, "numerator", "without the other"),
        ({"numerator": "4", "denominator": "3"}, "numerator", "greater"),
        ({"numerator": "1.234", "denominator": "1.300"}, "numerator", "whole number"),
        ({"points": "withdrawn", "numerator": "1", "denominator": "2"}, "points", "no counts"),
        ({"published_at": ""}, "published_at", "missing"),
        ({"published_at": "soon"}, "published_at", "neither a date"),
        ({"published_at": "2026-06-01"}, "published_at", "future"),
        ({"published_at": "2026-02-28"}, "published_at", "before the month"),
        ({"published_at": "0001-01-01T00:00:00+14:00"}, "published_at", "neither a date"),
    ],
)
def test_a_bad_figure_is_named_by_its_column(more: dict[str, object], column: str, words: str) -> None:
    with pytest.raises(FigureError, match=words) as caught:
        read_figure({**GOOD, **more}, now=NOW)
    assert caught.value.column == column
    repeated = [
        value for value in more.values() if len(str(value).strip()) > 3 and str(value) in str(caught.value)
    ]
    assert repeated in ([], ["withdrawn"]), "a message repeats no value"


@given(
    st.fixed_dictionaries(
        {name: st.none() | st.text(max_size=12) | st.integers() | st.floats() for name in COLUMNS}
    )
)
def test_whatever_is_sent_is_read_or_refused(said: dict[str, object]) -> None:
    with pytest.raises(FigureError):
        read_figure({**said, "component": "none"}, now=NOW)


def test_points_that_are_not_those_of_their_counts_are_told_apart() -> None:
    near, far = ({**GOOD, "numerator": 95, "denominator": 100, "points": points} for points in (1.91, 1.92))
    assert not read_figure(near, now=NOW).disagrees
    assert read_figure(far, now=NOW).disagrees


def test_what_stands_twice_counts_once_and_in_two_ways_is_refused() -> None:
    one = read_figure(GOOD, now=NOW)
    other = read_figure({**GOOD, "points": "1.8"}, now=NOW)
    stranger = read_figure({**GOOD, "unit": "nowhere"}, now=NOW)
    error = FigureError("period", "it is missing")
    found = sort_out([(2, one), (3, one), (4, other), (5, stranger), (6, error)], {"go-1"})
    assert (found.good, found.repeated) == ([one], 1)
    assert [(place, fault.column) for place, fault in found.bad] == [
        (4, "component"),
        (5, "unit"),
        (6, "period"),
    ]


def rows() -> list[dict[str, object]]:
    return [
        GOOD,
        {**GOOD, "component": "speed"},
        {**GOOD, "component": "transparency.dossier_sync", "points": "5,5"},
    ]


def write_csv(path: Path, separator: str = ",", mark: str = "") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        writer = csv.DictWriter(file, [*COLUMNS, "note"], delimiter=separator)
        writer.writeheader()
        writer.writerows([{**row, "note": "x"} for row in rows()])


def write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Kết quả chấm điểm"])
    sheet.append(list(COLUMNS))
    for row in rows():
        said = {**row, "period": datetime(2026, 3, 1), "published_at": datetime(2026, 4, 5)}  # noqa: DTZ001
        sheet.append([said[name] for name in COLUMNS])
    book.save(path)


@pytest.mark.parametrize("kind", ["comma", "semicolon", "xlsx"])
def test_a_file_is_read_row_by_row(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"file.{'xlsx' if kind == 'xlsx' else 'csv'}"
    if kind == "xlsx":
        write_xlsx(path)
    else:
        write_csv(path, "," if kind == "comma" else ";", "\ufeff" if kind == "comma" else "")
    report = import_file(path, None, source="test")
    assert (report.rows, report.rejected) == (3, 1)
    (fault,) = report.rejections
    assert (fault.line, fault.column) == (4 if kind == "xlsx" else 3, "component")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"period,unit\n2026-03,go-1\n", "lacks component"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old .xls kind"),
        (b"PK\x03\x04nothing", "damaged"),
        (b"\x00\x01\x02\x00", "NUL bytes"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        import_file(path, None, source="test")


def test_a_row_that_is_no_row_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    write_csv(path)
    text = path.read_bytes().replace(b"speed", b"sp\xffed")
    path.write_bytes(text + b"1,2\n")
    report = import_file(path, None, source="test")
    assert [(fault.line, fault.column) for fault in report.rejections] == [(3, "component"), (5, "row")]
    assert (report.rows, report.rejected) == (4, 2)
