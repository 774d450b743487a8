"""Tables as files, written while they are read: CSV, XLSX, Parquet and Arrow, a batch in memory at a time."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from ioc.errors import UsageError
from ioc.history.columns import Batch, Batches, Column, Kind

if TYPE_CHECKING:
    import pyarrow as pa


class Format(StrEnum):
    """What a table may be written as."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def media_type(self) -> str:
        """Media type of the file."""
        return _MEDIA[self]


_MEDIA: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.stream",
}
#: Rows of one row group of a Parquet file: what is held in memory until it is written.
_GROUP_ROWS: Final = 50_000
#: A sheet of Excel ends here, its header included.
_SHEET_ROWS: Final = 1_048_576
_PIECE: Final = 256 * 1024
_BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
#: A spreadsheet that opens a CSV takes texts that begin so for formulas.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def of_file(path: Path) -> Format:
    """Return the format that a file's name asks for.

    :raises UsageError: the name ends otherwise.
    """
    try:
        return Format(path.suffix.lower().removeprefix("."))
    except ValueError:
        raise UsageError(
            f"The name {path.name} does not say a format.",
            remedy=f"Let it end in {', '.join(f'.{known}' for known in Format)}.",
        ) from None


def encode(
    kind: Format, columns: Sequence[Column], batches: Batches, *, zone: ZoneInfo, bom: bool = False
) -> Iterator[bytes]:
    """Yield the file in pieces while the batches are read; an empty table is a file with a header.

    :param zone: in which moments are written; Parquet and Arrow keep it as the column's type.
    :param bom: begin a CSV with a byte order mark, by which Excel knows UTF-8.
    """
    if kind is Format.CSV:
        return _csv(columns, batches, zone, bom)
    if kind is Format.XLSX:
        return _xlsx(columns, batches, zone)
    return (_parquet if kind is Format.PARQUET else _arrow)(columns, batches, zone)


# -- CSV ------------------------------------------------------------------------------------------------


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before one that it would."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(columns: Sequence[Column], batches: Batches, zone: ZoneInfo, bom: bool) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    shapes = [_csv_shape(column.kind, zone) for column in columns]
    writer.writerow([column.name for column in columns])
    yield (_BOM if bom else b"") + _taken(text)
    for batch in batches:
        written = [
            values if shape is None else [None if value is None else shape(value) for value in values]
            for shape, values in zip(shapes, zip(*batch, strict=True), strict=True)
        ]
        writer.writerows(zip(*written, strict=True))
        yield _taken(text)


def _csv_shape(kind: Kind, zone: ZoneInfo) -> Callable[[Any], object] | None:
    if kind is Kind.TEXT:
        return harmless
    if kind is Kind.MOMENT:
        return lambda moment: moment.astimezone(zone).isoformat()
    return (lambda flag: "true" if flag else "false") if kind is Kind.FLAG else None


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found


# -- XLSX -----------------------------------------------------------------------------------------------


def _xlsx(columns: Sequence[Column], batches: Batches, zone: ZoneInfo) -> Iterator[bytes]:
    """A workbook is a zip whose parts refer to one another: it is built on disk row by row, then sent.

    Yields empty pieces while it is built, so that whoever drives it may stop.
    """
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix="ioc-export-") as folder:
        path = Path(folder) / "book.xlsx"
        book = xlsxwriter.Workbook(
            str(path),
            {"constant_memory": True, "tmpdir": folder, "strings_to_numbers": False, "use_zip64": True},
        )
        try:
            sheets = _Sheets(book, columns, zone)
            for batch in batches:
                sheets.write(batch)
                yield b""
        finally:
            # also when nobody wants it any more: the parts' files are open until then
            book.close()
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


class _Sheets:
    """Sheets of a workbook, one after the other, each with a header that stays in sight."""

    def __init__(self, book: Any, columns: Sequence[Column], zone: ZoneInfo) -> None:
        self._book = book
        self._columns = columns
        self._zone = zone
        self._bold = book.add_format({"bold": True})
        self._formats = {
            Kind.MOMENT: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            Kind.DAY: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        self._begin()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._row = 1
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(self._columns):
            # cells hold the local clock and no zone, so the header names it
            name = f"{column.name} ({self._zone.key})" if column.kind is Kind.MOMENT else column.name
            self._sheet.set_column(place, place, 20 if column.kind is Kind.MOMENT else 14)
            self._sheet.write_string(0, place, name, self._bold)

    def write(self, batch: Batch) -> None:
        writers = [self._writer(column.kind) for column in self._columns]
        for row in batch:
            if self._row == _SHEET_ROWS:
                self._begin()
                writers = [self._writer(column.kind) for column in self._columns]
            for place, (value, writer) in enumerate(zip(row, writers, strict=True)):
                if value is not None:
                    writer(self._row, place, value)
            self._row += 1

    def _writer(self, kind: Kind) -> Callable[[int, int, Any], object]:
        sheet = self._sheet
        form = self._formats.get(kind)
        if kind is Kind.MOMENT:
            return lambda row, place, at: sheet.write_datetime(row, place, self._excel(at), form)
        if kind is Kind.DAY:
            return lambda row, place, day: sheet.write_datetime(row, place, day, form)
        if kind is Kind.FLAG:
            return sheet.write_boolean  # type: ignore[no-any-return]
        if kind is Kind.TEXT:
            # always a string: a text that looks like a formula or an address stays what it is
            return lambda row, place, text: sheet.write_string(row, place, text[:32_767])
        return sheet.write_number  # type: ignore[no-any-return]

    def _excel(self, moment: datetime) -> datetime:
        local = moment.astimezone(self._zone).replace(tzinfo=None)
        # Excel's calendar begins with 1900
        return max(local, datetime(1900, 1, 1))  # noqa: DTZ001 - of the sheet's zone


# -- Parquet and Arrow ----------------------------------------------------------------------------------


class _Pieces(io.RawIOBase):
    """What a writer wrote since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        taken = bytes(piece)
        self._held.append(taken)
        self._at += len(taken)
        return len(taken)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        found = b"".join(self._held)
        self._held.clear()
        return found


def _arrow(columns: Sequence[Column], batches: Batches, zone: ZoneInfo) -> Iterator[bytes]:
    import pyarrow as pa

    schema = _schema(columns, zone)
    pieces = _Pieces()
    with pa.ipc.new_stream(pa.PythonFile(pieces, mode="w"), schema) as writer:
        yield pieces.taken()
        for batch in batches:
            writer.write_batch(_record_batch(batch, schema))
            yield pieces.taken()
    yield pieces.taken()


def _parquet(columns: Sequence[Column], batches: Batches, zone: ZoneInfo) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(columns, zone)
    pieces = _Pieces()
    group: list[pa.RecordBatch] = []
    rows = 0
    with parquet.ParquetWriter(pa.PythonFile(pieces, mode="w"), schema, compression="zstd") as writer:
        for batch in batches:
            group.append(_record_batch(batch, schema))
            rows += len(batch)
            if rows >= _GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(group, schema), row_group_size=rows)
                group, rows = [], 0
            yield pieces.taken()
        if group:
            writer.write_table(pa.Table.from_batches(group, schema), row_group_size=rows)
    yield pieces.taken()


def _schema(columns: Sequence[Column], zone: ZoneInfo) -> pa.Schema:
    import pyarrow as pa

    types = {
        Kind.TEXT: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.FLAG: pa.bool_(),
        Kind.MOMENT: pa.timestamp("us", tz=zone.key),
        Kind.DAY: pa.date32(),
    }
    return pa.schema([(column.name, types[column.kind]) for column in columns])


def _record_batch(batch: Batch, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = [
        pa.array(values, type=field.type)
        for values, field in zip(zip(*batch, strict=True), schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
