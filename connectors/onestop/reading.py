"""Opens a file of dossiers by what it holds: every format becomes rows of the columns that the mapping names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeAlias

from connectors.onestop.mapping import FileTable, Mapping
from ioc.errors import InputError

_SAMPLE_BYTES: Final = 65_536

Cell: TypeAlias = str | datetime
"""A value as text, or a moment where the format itself says that it is one (naive: in the mapping's zone)."""

#: What a watched folder takes up, some only to refuse it with the reason; a file's format is seen from its content.
SUFFIXES: Final = (".csv", ".xlsx", ".jsonl", ".xes", ".xes.gz", ".xls", ".json", ".xml")


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file: the lines that it spans and its fields, or why it has none."""

    first_line: int
    last_line: int
    fields: Sequence[Cell]
    fault: str | None = None
    column: str = ""
    """The column at fault, when it is one."""
    undecodable: bool = False
    """The fault is bytes that are not of the file's encoding."""


class Layout(Protocol):
    """What the reader of a sheet needs to know of it; a mapping says it, and so may others."""

    @property
    def name(self) -> str:
        """Named in errors."""

    @property
    def file(self) -> FileTable:
        """How the file is written."""

    def columns(self) -> dict[str, str]:
        """What each column that is read is for → its name in the file."""

    def moments(self) -> frozenset[str]:
        """Names of the columns in which a number of a workbook may be a date."""


class Table(Protocol):
    """An open file of any format, checked as a whole as far as its beginning tells.

    ``header`` names the fields of every row; ``positions`` tells where the mapping's purposes stand among them.
    """

    path: Path
    format: str
    """What kind of file it turned out to be, for the report."""
    size: int
    header: list[str]
    positions: dict[str, int]
    encoding: str

    @property
    def bytes_read(self) -> int:
        """How far into the file the reader is, for a progress bar."""

    def rows(self) -> Iterator[Row]:
        """Yield every record. Closes the file at the end.

        :raises InputError: when the file can't be read any further: nothing of it is to be used then.
        """

    def close(self) -> None:
        """Let the file go; harmless when it is closed."""


def open_table(path: Path, mapping: Mapping) -> Table:
    """Open a file of dossiers as what its content shows it to be.

    :raises InputError: at once, when the file is missing, empty, of no known format, or lacks the mapping's columns.
    """
    return _opened(path, lambda raw, sample, size: _open(path, raw, sample, size, mapping))


def open_sheet(path: Path, layout: Layout) -> Table:
    """Open a CSV file or a workbook, whichever its content shows it to be.

    :raises InputError: at once, when the file is missing, empty, neither of them, or lacks the layout's columns.
    """
    return _opened(path, lambda raw, sample, size: _open_sheet(path, raw, sample, size, layout))


def _opened(path: Path, read: Callable[[BinaryIO, bytes, int], Table]) -> Table:
    try:
        size = path.stat().st_size
        raw = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from None
    try:
        sample = raw.read(_SAMPLE_BYTES)
        raw.seek(0)
        return read(raw, sample, size)
    except OSError as error:
        raw.close()
        raise InputError(f"{path} can't be read: {error.strerror or error}.") from None
    except BaseException:
        raw.close()
        raise


# Formats' readers are imported below, so that a library is loaded only when a file of its format comes.


def _open_sheet(path: Path, raw: BinaryIO, sample: bytes, size: int, layout: Layout) -> Table:
    from connectors.onestop.delimited import CsvFile

    if not sample.removeprefix(b"\xef\xbb\xbf").lstrip():
        raise refusal(path, "it is empty", "Export it again.")
    if sample.startswith(b"PK\x03\x04"):
        from connectors.onestop.workbook import Workbook

        return Workbook(path, raw, size, layout)
    if sample.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise refusal(
            path,
            "it is a workbook of the old .xls kind, or locked with a password",
            "Save it as .xlsx without one.",
        )
    return CsvFile(path, raw, sample, size, layout)


def _open(path: Path, raw: BinaryIO, sample: bytes, size: int, mapping: Mapping) -> Table:
    text = sample.removeprefix(b"\xef\xbb\xbf").lstrip()
    if sample.startswith(b"\x1f\x8b") or _is_xml(text):
        from connectors.onestop.xes import XesFile

        return XesFile(path, raw, size, mapping, packed=sample.startswith(b"\x1f\x8b"))
    if text.startswith(b"{"):
        from connectors.onestop.jsonlines import JsonLines

        return JsonLines(path, raw, size, mapping)
    if text.startswith(b"["):
        raise refusal(
            path,
            "it is one JSON list",
            "Write one object a line (JSON Lines); `jq -c '.[]'` turns one into the other.",
        )
    return _open_sheet(path, raw, sample, size, mapping)


def _is_xml(text: bytes) -> bool:
    return text.startswith(b"<") or text[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<")


def refusal(path: Path, found: str, remedy: str) -> InputError:
    """The error for a file that can't be imported as a whole."""
    return InputError(f"{path} can't be imported: {found}. Nothing was published.", remedy=remedy)


def missing_columns(path: Path, mapping: Layout, missing: Sequence[str], found: Sequence[str]) -> InputError:
    """The error for a file without the mapping's columns.

    The names that it has are shown only when one of them is a wanted one: otherwise this is no header, and may be a
    person's row.
    """
    if any(name in found for name in mapping.columns().values()):
        has = "found " + ", ".join(name[:60] for name in found[:40])
    else:
        has = f"its first row has {len(found)} fields and none of the mapping's names"
    return refusal(
        path,
        f"its header lacks {', '.join(missing)}; {has}",
        f"Correct the column names in the mapping {mapping.name}, or export the file with its header and columns.",
    )


def find_columns(path: Path, mapping: Layout, header: Sequence[str]) -> dict[str, int]:
    """Where the mapping's purposes stand in a header.

    :raises InputError: when a column is missing or stands there twice.
    """
    wanted = mapping.columns()
    missing = sorted({name for name in wanted.values() if name not in header})
    if missing:
        raise missing_columns(path, mapping, missing, header)
    doubled = sorted({name for name in wanted.values() if header.count(name) > 1})
    if doubled:
        raise refusal(path, f"its header has {', '.join(doubled)} more than once", "Export it again.")
    return {purpose: header.index(name) for purpose, name in wanted.items()}


def mapped_columns(mapping: Mapping) -> tuple[list[str], dict[str, int]]:
    """Header and positions for formats whose records name their fields: the mapped ones, nothing else."""
    header = sorted(set(mapping.columns().values()))
    return header, {purpose: header.index(name) for purpose, name in mapping.columns().items()}
