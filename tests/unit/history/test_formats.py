"""Tables as files: what is read back is what was written, in every format, and no text becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from ioc.errors import UsageError
from ioc.history import formats
from ioc.history.columns import Batches, Kind, columns, in_batches
from ioc.history.formats import Format, encode, of_file

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_COLUMNS = columns(
    code=Kind.TEXT, count=Kind.INTEGER, share=Kind.NUMBER, late=Kind.FLAG, at=Kind.MOMENT, day=Kind.DAY
)
_AT = datetime(2026, 3, 1, 18, 30, 15, 250_000, tzinfo=UTC)
_ROWS: list[tuple[Any, ...]] = [
    ("H53-1", 3, 0.25, True, _AT, date(2026, 3, 2)),
    ('Đăng ký, "hộ"\nkinh doanh', -4, -1.5, False, _AT, date(2026, 3, 2)),
    (None, None, None, None, None, None),
    ("=HYPERLINK(1)", 0, 0.0, False, _AT, date(2026, 3, 2)),
]


def _file(kind: Format, rows: list[tuple[Any, ...]] = _ROWS, *, batch: int = 2, bom: bool = False) -> bytes:
    return b"".join(encode(kind, _COLUMNS, in_batches(rows, batch), zone=_ZONE, bom=bom))


def test_csv() -> None:
    text = _file(Format.CSV).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [
        ["code", "count", "share", "late", "at", "day"],
        ["H53-1", "3", "0.25", "true", "2026-03-02T01:30:15.250000+07:00", "2026-03-02"],
        [
            'Đăng ký, "hộ"\nkinh doanh',
            "-4",
            "-1.5",
            "false",
            "2026-03-02T01:30:15.250000+07:00",
            "2026-03-02",
        ],
        ["", "", "", "", "", ""],
        ["'=HYPERLINK(1)", "0", "0.0", "false", "2026-03-02T01:30:15.250000+07:00", "2026-03-02"],
    ]


def test_csv_for_excel_begins_with_a_byte_order_mark() -> None:
    assert _file(Format.CSV, bom=True) == b"\xef\xbb\xbf" + _file(Format.CSV)


@pytest.mark.parametrize("text", ["=1+1", "+84 276", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_text_of_a_csv_is_taken_for_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(_file(Format.CSV, [(text, *[None] * 5)]).decode(), newline="")))
    assert rows[1][0] == f"'{text}"


def test_xlsx(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(_file(Format.XLSX)))
    (sheet,) = book.worksheets
    read = list(sheet.iter_rows(values_only=True))
    local = datetime(2026, 3, 2, 1, 30, 15, 250_000)  # noqa: DTZ001 - cells have no zone
    day = datetime(2026, 3, 2)  # noqa: DTZ001
    assert read[0] == ("code", "count", "share", "late", "at (Asia/Ho_Chi_Minh)", "day")
    assert read[1] == ("H53-1", 3, 0.25, True, local, day)
    assert read[3] == (None,) * 6
    assert read[4][0] == "=HYPERLINK(1)"
    # a string and not a formula
    assert sheet["A5"].data_type == "s"


def test_a_sheet_that_is_full_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_SHEET_ROWS", 3)
    book = openpyxl.load_workbook(io.BytesIO(_file(Format.XLSX)))
    assert [sheet.max_row for sheet in book.worksheets] == [3, 3]
    assert [sheet["A1"].value for sheet in book.worksheets] == ["code", "code"]
    assert book.worksheets[1]["A3"].value == "=HYPERLINK(1)"


@pytest.mark.parametrize("kind", [Format.ARROW, Format.PARQUET])
def test_arrow_and_parquet(kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_GROUP_ROWS", 2)
    raw = pa.BufferReader(_file(kind, batch=1))
    if kind is Format.ARROW:
        table = pa.ipc.open_stream(raw).read_all()
    else:
        file = parquet.ParquetFile(raw)
        assert file.num_row_groups == 2
        table = file.read()
    assert table.schema.field("at").type == pa.timestamp("us", tz="Asia/Ho_Chi_Minh")
    assert table.schema.field("count").type == pa.int64()
    assert [tuple(row.values()) for row in table.to_pylist()] == _ROWS


@pytest.mark.parametrize("kind", list(Format))
def test_an_empty_table_is_a_file_with_its_columns(kind: Format) -> None:
    raw = _file(kind, [])
    if kind is Format.CSV:
        assert raw == b"code,count,share,late,at,day\r\n"
    elif kind is Format.XLSX:
        assert openpyxl.load_workbook(io.BytesIO(raw)).worksheets[0].max_row == 1
    elif kind is Format.ARROW:
        assert pa.ipc.open_stream(pa.BufferReader(raw)).read_all().num_rows == 0
    else:
        assert parquet.read_table(pa.BufferReader(raw)).column_names == [c.name for c in _COLUMNS]


@pytest.mark.parametrize("kind", list(Format))
def test_rows_are_encoded_as_they_come(kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever drives the encoder is handed something after each batch: nothing is collected first."""
    monkeypatch.setattr(formats, "_GROUP_ROWS", 1)
    taken = 0

    def batches() -> Batches:
        nonlocal taken
        for row in _ROWS:
            taken += 1
            yield [row]

    pieces: Iterator[bytes] = encode(kind, _COLUMNS, batches(), zone=_ZONE)
    seen = [(taken, len(piece)) for piece in pieces]
    assert {count for count, _ in seen} >= {1, 2, 3, 4}
    if kind is not Format.XLSX:  # a workbook is built on disk and sent when it is whole
        assert all(size for count, size in seen if 0 < count < 4)


def test_an_export_that_is_given_up_leaves_nothing_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pieces = encode(Format.XLSX, _COLUMNS, in_batches(_ROWS, 1), zone=_ZONE)
    assert next(pieces) == b""
    assert list(tmp_path.iterdir())
    pieces.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_file_says_its_format() -> None:
    assert of_file(Path("a.b.XLSX")) is Format.XLSX
    with pytest.raises(UsageError, match="does not say a format"):
        of_file(Path("figures.pdf"))
