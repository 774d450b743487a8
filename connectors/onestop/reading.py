"""Reads a CSV file as a stream: checks it as a whole first, then yields rows with their line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.onestop.mapping import Mapping
from ioc.errors import InputError

_SAMPLE_BYTES: Final = 65_536
_SEPARATORS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\xef\xbb\xbf": "UTF-8"}
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
"""What an undecodable byte becomes under ``surrogateescape``."""


@dataclass(frozen=True)
class Row:
    """One record of the file: the lines that it spans and its fields, or why it can't be split into fields."""

    first_line: int
    last_line: int
    fields: list[str]
    fault: str | None = None


def undecodable(text: str) -> bool:
    """Whether the text holds bytes that are not of the file's encoding."""
    return not text.isascii() and _ESCAPED.search(text) is not None


class CsvFile:
    """One CSV file under a mapping.

    :raises InputError: at once, when the file is missing, empty, binary, or its header has not the mapping's columns.
    """

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self.path = path
        self._mapping = mapping
        self._encoding = mapping.file.encoding
        try:
            self.size = path.stat().st_size
            self._raw = path.open("rb")
        except OSError as error:
            raise InputError(f"{path} can't be read: {error.strerror}.") from None
        try:
            self._check_bytes(self._raw.read(_SAMPLE_BYTES))
            self._raw.seek(0)
            encoding = (
                "utf-8-sig"
                if self._encoding.lower().replace("_", "-") in ("utf-8", "utf8")
                else self._encoding
            )
            text = io.TextIOWrapper(self._raw, encoding, errors="surrogateescape", newline="")
            self._reader = csv.reader(
                text, delimiter=mapping.file.separator, quotechar=mapping.file.quote, strict=True
            )
            self.header = self._read_header()
            self.positions = self._find_columns()
        except BaseException:
            self._raw.close()
            raise

    @property
    def bytes_read(self) -> int:
        """How far into the file the reader is, for a progress bar."""
        return 0 if self._raw.closed else self._raw.tell()

    def rows(self) -> Iterator[Row]:
        """Yield every record after the header; blank lines are passed over. Closes the file at the end."""
        width = len(self.header)
        with self._raw:
            while True:
                before = self._reader.line_num
                try:
                    fields = next(self._reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Row(before + 1, self._reader.line_num, [], f"not CSV: {error}")
                    continue
                except UnicodeError as error:
                    raise self._bad(
                        f"from line {before + 1} on it can't be read as {self._encoding} ({error})",
                        "Set file.encoding in the mapping to the file's encoding.",
                    ) from None
                if not fields:
                    continue
                fault = None if len(fields) == width else f"{len(fields)} fields where the header has {width}"
                yield Row(before + 1, self._reader.line_num, fields, fault)

    def wrong_encoding(self, bad: int, rows: int, line: int) -> InputError:
        """The error for a file of which too many rows hold undecodable bytes."""
        return self._bad(
            f"{bad} of {rows} rows hold bytes that are not {self._encoding}, first in line {line}",
            "Set file.encoding in the mapping to the file's encoding (Vietnamese exports: utf-8, utf-16, cp1258).",
        )

    def no_rows(self) -> InputError:
        """The error for a file with a header and nothing below it."""
        return self._bad("it has a header and no rows", "Export it again.")

    def _bad(self, found: str, remedy: str) -> InputError:
        return InputError(f"{self.path} can't be imported: {found}. Nothing was published.", remedy=remedy)

    def _check_bytes(self, sample: bytes) -> None:
        if not sample.strip():
            raise self._bad("it is empty", "Export it again.")
        wide = self._encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32"))
        for mark, name in _MARKS.items():
            if sample.startswith(mark) and not self._encoding.upper().startswith(
                (name, name.replace("-", ""))
            ):
                raise self._bad(
                    f"it begins with the mark of {name}, expected was {self._encoding}",
                    f'Set file.encoding = "{name.lower()}" in the mapping.',
                )
        if not wide and b"\0" in sample:
            raise self._bad(
                f"it holds NUL bytes: a binary file, or UTF-16; expected was text in {self._encoding}",
                "Export it as CSV, or set file.encoding in the mapping.",
            )

    def _read_header(self) -> list[str]:
        try:
            header = [name.strip() for name in next(self._reader)]
        except (csv.Error, StopIteration, UnicodeError) as error:
            raise self._bad(
                f"its first line is not a CSV header in {self._encoding} ({error})",
                "Check file.encoding, file.separator and file.quote in the mapping.",
            ) from None
        if any(undecodable(name) for name in header):
            raise self._bad(
                f"its header is not text in {self._encoding}",
                "Set file.encoding in the mapping to the file's encoding.",
            )
        return header

    def _find_columns(self) -> dict[str, int]:
        wanted = self._mapping.columns()
        missing = sorted({name for name in wanted.values() if name not in self.header})
        separator = self._mapping.file.separator
        if missing:
            if len(self.header) == 1:
                for other, name in _SEPARATORS.items():
                    if other != separator and other in self.header[0]:
                        raise self._bad(
                            f"its header is one column with {name} in it, expected separator was"
                            f" {_SEPARATORS.get(separator, repr(separator))}",
                            f"Set file.separator = {other!r} in the mapping.",
                        )
            shown = ", ".join(name[:60] for name in self.header[:40])
            raise self._bad(
                f"its header lacks {', '.join(missing)}; found {shown}",
                f"Correct the column names in the mapping {self._mapping.name}, or export the columns.",
            )
        doubled = sorted({name for name in wanted.values() if self.header.count(name) > 1})
        if doubled:
            raise self._bad(f"its header has {', '.join(doubled)} more than once", "Export it again.")
        return {purpose: self.header.index(name) for purpose, name in wanted.items()}
