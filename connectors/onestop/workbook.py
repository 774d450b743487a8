"""XLSX as a stream: one sheet's rows, whatever the workbook's size.

The sheet is parsed tag by tag: what reads whole workbooks gathers a row, a cell or a table of row heights of any size
first. What a number format means, and how a serial number becomes a date, is openpyxl's knowledge.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from connectors.onestop.reading import Cell, Layout, Row, missing_columns, refusal
from connectors.onestop.xmlguard import XmlRefused, parse
from ioc.errors import InputError

_MIB: Final = 1024 * 1024
_MOST_PARTS: Final = 2_000
_MOST_SHEET: Final = 1024 * _MIB
_MOST_STRINGS: Final = 48 * _MIB
_MOST_OTHER: Final = 8 * _MIB
_MOST_BLOWN_UP: Final = 200
_MOST_TEXTS: Final = 1_000_000
_MOST_PIECES: Final = 1_000
"""Pieces of one text that are formatted apart."""
_MOST_COLUMNS: Final = 1_000
_MOST_IN_CELL: Final = 32_767
_HEADER_WITHIN: Final = 30
"""Rows from the top among which the header stands; titles may stand above it."""
_HEADER_DEPTH: Final = 3
_LAST_SERIAL: Final = 2_958_466
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


#: What the zip library says of an archive that was tampered with: odd offsets, sizes, names, methods.
_DAMAGED: Final = (
    XmlRefused,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
_Start: TypeAlias = Callable[[str, dict[str, str], int], None]
_End: TypeAlias = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    part: str


@dataclass(frozen=True, slots=True)
class _Raw:
    """A cell as it is stored."""

    kind: str
    style: int
    text: str


class Workbook:
    """One sheet of an XLSX file under a mapping.

    :raises InputError: at once, when the file is no workbook, a bomb, or no sheet has the mapping's columns.
    """

    format = "XLSX"
    encoding = "utf-8"

    def __init__(self, path: Path, raw: BinaryIO, size: int, mapping: Layout) -> None:
        self.path = path
        self.size = size
        self._raw = raw
        self._mapping = mapping
        self._moments = mapping.moments()
        try:
            self._zip = zipfile.ZipFile(raw)
            self._check_parts()
            self._epoch = WINDOWS_EPOCH
            sheets = list(self._sheets())
            self._dates = self._date_styles()
            self._strings = self._shared_strings()
            self._sheet, self.header, self._places, self._first = self._choose(sheets)
        except _DAMAGED as error:
            raise self._refused(error) from None
        self.positions = {purpose: self.header.index(column) for purpose, column in mapping.columns().items()}

    @property
    def bytes_read(self) -> int:
        return 0 if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        self._raw.close()

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header that hold anything in a mapped column; lines are the sheet's rows."""
        with self._raw:
            try:
                for number, cells in self._cells(self._sheet):
                    if number >= self._first:
                        row = self._row(number, cells)
                        if row is not None:
                            yield row
            except _DAMAGED as error:
                raise self._refused(error) from None

    def _refused(self, error: Exception) -> InputError:
        why = str(error) if isinstance(error, XmlRefused) else "a damaged or locked archive"
        return refusal(
            self.path, f"as a workbook it holds {why}", "Save it again as .xlsx, or as CSV in UTF-8."
        )

    # -- the parts of the archive -----------------------------------------------------------------------

    def _check_parts(self) -> None:
        parts = self._zip.infolist()
        names = {part.filename for part in parts}
        if "xl/workbook.xml" not in names:
            kind = (
                "another kind of archive"
                if "[Content_Types].xml" not in names
                else "no workbook of the .xlsx kind"
            )
            raise XmlRefused(kind)
        if len(parts) > _MOST_PARTS or len(names) < len(parts):
            raise XmlRefused("too many parts, or two of one name")
        for part in parts:
            if part.file_size > 16 * _MIB and part.file_size > part.compress_size * _MOST_BLOWN_UP:
                raise XmlRefused("a part that unpacks to far more than a sheet does: a zip bomb")

    def _parse(self, part: str, most: int, start: _Start, end: _End) -> Iterator[None]:
        try:
            info = self._zip.getinfo(part)
        except KeyError:
            raise XmlRefused("a reference to a part that is not there") from None
        if info.file_size > most:
            raise XmlRefused(f"a part of {info.file_size // _MIB} MiB where {most // _MIB} MiB is the most")
        # zipfile gives no more than the size that the archive declares, which was checked
        with self._zip.open(info) as stream:
            yield from parse(stream, start, end)

    def _sheets(self) -> Iterator[_Sheet]:
        """The sheets in their order, hidden ones too; finds out from when serial numbers count."""
        targets: dict[str, str] = {}
        found: list[tuple[str, str]] = []

        def relation(name: str, attributes: dict[str, str], _line: int) -> None:
            if name == "Relationship":
                targets[attributes.get("Id", "")] = attributes.get("Target", "")

        def sheet(name: str, attributes: dict[str, str], _line: int) -> None:
            if name == "sheet":
                found.append((attributes.get("name", ""), attributes.get("id", "")))
            elif name == "workbookPr" and attributes.get("date1904", "") in ("1", "true"):
                self._epoch = MAC_EPOCH

        for _ in self._parse("xl/_rels/workbook.xml.rels", _MOST_OTHER, relation, _nothing):
            pass
        for _ in self._parse("xl/workbook.xml", _MOST_OTHER, sheet, _nothing):
            pass
        for name, relation_id in found:
            target = targets.get(relation_id, "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part in self._zip.namelist():
                yield _Sheet(name, part)

    def _date_styles(self) -> frozenset[int]:
        """Numbers of the cell styles that show a number as a date."""
        if "xl/styles.xml" not in self._zip.namelist():
            return frozenset()
        formats = dict(BUILTIN_FORMATS)
        styles: list[int] = []
        inside = False

        def start(name: str, attributes: dict[str, str], _line: int) -> None:
            nonlocal inside
            if name == "numFmt":
                formats[_whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
            elif name == "cellXfs":
                inside = True
            elif name == "xf" and inside:
                styles.append(_whole(attributes.get("numFmtId")))

        def end(name: str, _text: str) -> None:
            nonlocal inside
            inside = inside and name != "cellXfs"

        for _ in self._parse("xl/styles.xml", _MOST_OTHER, start, end):
            pass
        return frozenset(
            number for number, style in enumerate(styles) if is_date_format(formats.get(style, "General"))
        )

    def _shared_strings(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self._zip.namelist():
            return []
        strings: list[str] = []
        pieces: list[str] = []
        phonetic = False

        def start(name: str, _attributes: dict[str, str], _line: int) -> None:
            nonlocal phonetic
            phonetic = phonetic or name == "rPh"

        def end(name: str, text: str) -> None:
            nonlocal phonetic
            if name == "t" and not phonetic:
                pieces.append(text)
            elif name == "rPh":
                phonetic = False
            elif name == "si":
                if len(strings) >= _MOST_TEXTS:
                    raise XmlRefused(f"more than {_MOST_TEXTS} texts")
                strings.append("".join(pieces)[:_MOST_IN_CELL])
                pieces.clear()

        for _ in self._parse("xl/sharedStrings.xml", _MOST_STRINGS, start, end):
            pass
        return strings

    def _cells(self, sheet: _Sheet) -> Iterator[tuple[int, dict[int, _Raw]]]:
        """Rows that hold cells: the row's number, and its cells by column (1 is A)."""
        ready: list[tuple[int, dict[int, _Raw]]] = []
        cells: dict[int, _Raw] = {}
        row = column = 0
        kind, style, value, pieces = "n", 0, "", list[str]()
        phonetic = False

        def start(name: str, attributes: dict[str, str], _line: int) -> None:
            nonlocal row, column, kind, style, value, phonetic
            if name == "row":
                row = _whole(attributes.get("r")) or row + 1
                column = 0
                cells.clear()
            elif name == "c":
                place = _REFERENCE.fullmatch(attributes.get("r", ""))
                column = _column(place[1]) if place else column + 1
                kind, style, value = attributes.get("t", "n"), _whole(attributes.get("s")), ""
                pieces.clear()
            elif name == "rPh":
                phonetic = True

        def end(name: str, text: str) -> None:
            nonlocal value, phonetic
            if name == "v":
                value = text
            elif name == "t" and not phonetic and len(pieces) < _MOST_PIECES:
                pieces.append(text)
            elif name == "rPh":
                phonetic = False
            elif name == "c" and column <= _MOST_COLUMNS:
                found = "".join(pieces) if kind == "inlineStr" else value
                if found:
                    cells[column] = _Raw(kind, style, found[:_MOST_IN_CELL])
            elif name == "row" and cells:
                ready.append((row, dict(cells)))

        for _ in self._parse(sheet.part, _MOST_SHEET, start, end):
            yield from ready
            ready.clear()

    # -- header and values ------------------------------------------------------------------------------

    def _choose(self, sheets: list[_Sheet]) -> tuple[_Sheet, list[str], list[int], int]:
        """The sheet, its wanted columns' names and places, and the number of its first row below the header."""
        wanted = sorted(set(self._mapping.columns().values()))
        named = self._mapping.file.sheet
        chosen = [sheet for sheet in sheets if named is None or sheet.name == named]
        if not chosen:
            names = ", ".join(sheet.name for sheet in sheets[:20])
            raise refusal(
                self.path,
                f"it has no sheet {named!r}; its sheets are {names}" if named else "it has no sheet",
                "Correct file.sheet in the mapping.",
            )
        nearest: tuple[list[str], list[str]] = (wanted, [])
        empty = True
        for sheet in chosen:
            top = list(islice(self._cells(sheet), _HEADER_WITHIN))
            empty = empty and not top
            for depth in range(1, _HEADER_DEPTH + 1):
                for place in range(len(top) - depth + 1):
                    found = self._names(top[place : place + depth])
                    missing = [name for name in wanted if len(found.get(name, ())) != 1]
                    if not missing:
                        below = top[place + depth - 1][0] + 1
                        return sheet, wanted, [found[name][0] for name in wanted], below
                    if len(missing) < len(nearest[0]):
                        nearest = (missing, list(found))
        if empty:
            raise refusal(self.path, "its sheet is empty", "Export it again.")
        raise missing_columns(self.path, self._mapping, *nearest)

    def _names(self, rows: list[tuple[int, dict[int, _Raw]]]) -> dict[str, list[int]]:
        """The names that columns have under these header rows: their lowest text alone, or with what stands above.

        A merged cell has its text in its first column only: above the lowest row, a text counts until the next one.
        """
        columns = sorted({column for _, cells in rows for column in cells})
        found: dict[str, list[int]] = {}
        texts = [{c: self._text(raw).strip() for c, raw in cells.items()} for _, cells in rows]
        for column in columns:
            path: list[str] = []
            for above in texts[:-1]:
                left = [c for c in above if c <= column]
                if left:
                    path.append(above[max(left)])
            lowest = texts[-1].get(column)
            own = lowest or next((level[column] for level in reversed(texts[:-1]) if column in level), "")
            for name in {own, " / ".join([*path, lowest]) if lowest and path else own}:
                if name:
                    found.setdefault(name, []).append(column)
        return found

    def _text(self, raw: _Raw) -> str:
        if raw.kind == "s":
            place = _whole(raw.text)
            return self._strings[place] if 0 <= place < len(self._strings) else ""
        return raw.text

    def _row(self, number: int, cells: dict[int, _Raw]) -> Row | None:
        fields: list[Cell] = []
        for name, place in zip(self.header, self._places, strict=True):
            raw = cells.get(place)
            if raw is not None and raw.kind == "e":
                return Row(number, number, [], "an error of the spreadsheet in place of a value", name)
            fields.append("" if raw is None else self._value(raw, name in self._moments))
        return Row(number, number, fields) if any(fields) else None

    def _value(self, raw: _Raw, moment: bool) -> Cell:
        if raw.kind == "d":
            try:
                return datetime.fromisoformat(raw.text)
            except ValueError:
                return raw.text
        if raw.kind == "b":
            return "true" if raw.text == "1" else "false"
        if raw.kind != "n":
            return self._text(raw)
        try:
            number = float(raw.text)
        except ValueError:
            return raw.text
        # A number under a time's column is a serial, unless it is a time written out in digits.
        if 0 <= number < _LAST_SERIAL and (raw.style in self._dates or moment):
            return _moment(number, self._epoch)
        return str(int(number)) if number.is_integer() and abs(number) < 2**63 else repr(number)


def _moment(serial: float, epoch: datetime) -> Cell:
    """A serial number as a moment without a zone; its text where it is none."""
    try:
        found = from_excel(serial, epoch)
    except (ValueError, OverflowError):
        return repr(serial)
    if isinstance(found, datetime):
        return found
    if isinstance(found, date):
        return datetime.combine(found, time())
    return repr(serial)


def _whole(text: str | None) -> int:
    """A number in an attribute; 0 when it is missing or none, or so long that it is a trick."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _nothing(_name: str, _text: str) -> None:
    """Where only opening tags matter."""
