"""CSV as a stream."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from connectors.onestop.reading import Layout, Row, find_columns, refusal
from ioc.errors import InputError

_SEPARATORS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\xef\xbb\xbf": "UTF-8"}
_MOST_IN_LINE: Final = 1024 * 1024
"""Characters; the fields of one row together stay below a few of these (a quoted field may span lines)."""
_MOST_IN_FIELD: Final = 131_072
_MOST_LINES: Final = 1_000
"""Lines that a quoted field may run over: beyond, a quote was never closed."""
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
"""What an undecodable byte becomes under ``surrogateescape``."""


def undecodable(text: str) -> bool:
    """Whether the text holds bytes that are not of the file's encoding."""
    return not text.isascii() and _ESCAPED.search(text) is not None


class _Lines(Iterator[str]):
    """The text's lines, bounded: the rest of a line that is too long is passed over, and the line is marked."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.too_long = False
        self.in_record = 0
        self.unclosed = False

    def __next__(self) -> str:
        line = self._text.readline(_MOST_IN_LINE)
        if not line:
            raise StopIteration
        self.in_record += 1
        if self.in_record > _MOST_LINES:
            self.unclosed = True
            raise StopIteration
        if len(line) == _MOST_IN_LINE and line[-1] not in "\r\n":
            self.too_long = True
            while (rest := self._text.readline(_MOST_IN_LINE)) and rest[-1] not in "\r\n":
                pass
            return "\n"
        return line


class CsvFile:
    """One CSV file under a mapping.

    :raises InputError: at once, when the file is binary, or its header has not the mapping's columns.
    """

    format = "CSV"

    def __init__(self, path: Path, raw: BinaryIO, sample: bytes, size: int, mapping: Layout) -> None:
        self.path = path
        self.size = size
        self.encoding = mapping.file.encoding
        self._mapping = mapping
        self._raw = raw
        self._check_bytes(sample)
        self._text = io.TextIOWrapper(raw, self._codec(), errors="surrogateescape", newline="")
        self._lines = _Lines(self._text)
        self._reader = self._make_reader()
        self._line = 0
        self.header = self._read_header()
        self.positions = self._find_columns()

    @property
    def bytes_read(self) -> int:
        return 0 if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        self._text.close()

    def rows(self) -> Iterator[Row]:
        """Yield every record after the header; blank lines are passed over. Closes the file at the end."""
        width = len(self.header)
        with self._text:
            while True:
                before = self._line
                fields, fault = self._next()
                if fields is None:
                    return
                if fault is not None:
                    yield Row(before + 1, self._line, [], fault)
                elif fields:
                    wrong = (
                        None if len(fields) == width else f"{len(fields)} fields where the header has {width}"
                    )
                    yield Row(before + 1, self._line, fields, wrong)

    def _next(self) -> tuple[list[str] | None, str | None]:
        """The next record's fields, None at the end; or what is wrong with it."""
        self._lines.in_record = 0
        fields: list[str] | None = []
        fault: str | None = None
        try:
            fields = next(self._reader)
        except StopIteration:
            fields = None
        except csv.Error as error:
            fault = f"not CSV: {error}"
        except UnicodeError as error:
            raise refusal(
                self.path,
                f"from line {self._line + 1} on it can't be read as {self.encoding} ({error.__class__.__name__})",
                "Set file.encoding in the mapping to the file's encoding.",
            ) from None
        self._line += self._lines.in_record
        if self._lines.unclosed:
            # csv keeps the open field: a new reader goes on after the lines that it swallowed
            self._lines.unclosed = False
            self._reader = self._make_reader()
            return [], f"a quoted field that does not end within {_MOST_LINES} lines"
        if self._lines.too_long:
            self._lines.too_long = False
            self._reader = self._make_reader()
            return [], f"a line of more than {_MOST_IN_LINE} characters"
        return fields, fault

    def _make_reader(self) -> Iterator[list[str]]:
        csv.field_size_limit(_MOST_IN_FIELD)
        file = self._mapping.file
        return csv.reader(self._lines, delimiter=file.separator, quotechar=file.quote, strict=True)

    def _codec(self) -> str:
        plain = self.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        return "utf-8-sig" if plain else self.encoding

    def _check_bytes(self, sample: bytes) -> None:
        wide = self.encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32"))
        for mark, name in _MARKS.items():
            if sample.startswith(mark) and not self.encoding.upper().startswith(
                (name, name.replace("-", ""))
            ):
                raise refusal(
                    self.path,
                    f"it begins with the mark of {name}, expected was {self.encoding}",
                    f'Set file.encoding = "{name.lower()}" in the mapping.',
                )
        if not wide and b"\0" in sample:
            raise refusal(
                self.path,
                f"it holds NUL bytes: a binary file, or UTF-16; expected was text in {self.encoding}",
                "Export it as CSV, XLSX, JSON Lines or XES, or set file.encoding in the mapping.",
            )

    def _read_header(self) -> list[str]:
        """The first line that is not blank."""
        fields: list[str] | None = []
        fault: str | None = None
        while not fields and fields is not None and fault is None:
            fields, fault = self._next()
        if fields is None or fault is not None:
            raise refusal(
                self.path,
                f"its first line is not a CSV header in {self.encoding} ({fault or 'nothing in it'})",
                "Check file.encoding, file.separator and file.quote in the mapping.",
            )
        header = [name.strip() for name in fields]
        if any(undecodable(name) for name in header):
            raise refusal(
                self.path,
                f"its header is not text in {self.encoding}",
                "Set file.encoding in the mapping to the file's encoding.",
            )
        return header

    def _find_columns(self) -> dict[str, int]:
        try:
            return find_columns(self.path, self._mapping, self.header)
        except InputError:
            self._check_separator()
            raise

    def _check_separator(self) -> None:
        separator = self._mapping.file.separator
        if len(self.header) != 1:
            return
        for other, name in _SEPARATORS.items():
            if other != separator and other in self.header[0]:
                raise refusal(
                    self.path,
                    f"its header is one column with {name} in it, expected separator was"
                    f" {_SEPARATORS.get(separator, repr(separator))}",
                    f"Set file.separator = {other!r} in the mapping.",
                )
