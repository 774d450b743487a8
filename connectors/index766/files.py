"""Published figures of the index of Decision 766 from a CSV file or a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from connectors.onestop.delimited import undecodable
from connectors.onestop.mapping import FileTable
from connectors.onestop.reading import Row, open_sheet
from ioc.errors import InputError
from ioc.index766.facts import COLUMNS, Figure, FigureError, keep, read_figure

#: Rows that one file may hold: a thousand units for forty months.
MOST_ROWS: Final = 1_000_000
_LISTED: Final = 50
_SEPARATORS: Final = (";", "\t")


class Layout(msgspec.Struct, frozen=True):
    """The columns of such a file; in a workbook, the first sheet that has them."""

    name: str = "index766"
    file: FileTable = FileTable()

    def columns(self) -> dict[str, str]:
        return {column: column for column in COLUMNS}

    def moments(self) -> frozenset[str]:
        return frozenset({"period", "published_at"})


class Fault(msgspec.Struct, frozen=True):
    """A row that was not taken. Never repeats a value."""

    line: int
    column: str
    reason: str


class Report(msgspec.Struct, frozen=True):
    """What came of a file."""

    file: str
    rows: int
    new: int
    corrected: int
    unchanged: int
    """Rows that say what was known already, and rows that stand twice."""
    rejected: int
    rejections: tuple[Fault, ...]
    """The first fifty."""
    disagreeing: tuple[int, ...] = ()
    """Lines whose points are not those that the formula gives for their counts; the points were taken."""
    dry_run: bool = False


def import_file(path: Path, dsn: str | None, *, source: str) -> Report:
    """Read a file and keep its figures; bad rows cost only themselves.

    :param dsn: database; None reads only, and leaves unknown which units exist and what is new.
    :raises InputError: the file can't be read as a whole; nothing was stored.
    :raises UnavailableError: the database is away; nothing was stored.
    """
    read = list(_figures(path, datetime.now(UTC)))
    if dsn is None:
        bad = [(line, figure) for line, figure in read if isinstance(figure, FigureError)]
        good = [(line, figure) for line, figure in read if isinstance(figure, Figure)]
        disagreeing = tuple(line for line, figure in good if figure.disagrees)
        return Report(path.name, len(read), 0, 0, 0, len(bad), _faults(bad), disagreeing, dry_run=True)
    found, stored = keep(dsn, read, source=source)
    return Report(
        path.name,
        len(read),
        stored.new,
        stored.corrected,
        stored.unchanged + found.repeated,
        len(found.bad),
        _faults(found.bad),
        tuple(found.disagreeing),
    )


def _faults(bad: list[tuple[int, FigureError]]) -> tuple[Fault, ...]:
    return tuple(Fault(line, error.column, error.reason) for line, error in bad[:_LISTED])


def _figures(path: Path, now: datetime) -> Iterator[tuple[int, Figure | FigureError]]:
    layout = Layout(file=FileTable(separator=_separator(path)))
    with closing(open_sheet(path, layout)) as table:
        places = {column: table.positions[column] for column in COLUMNS}
        for count, row in enumerate(table.rows()):
            if count >= MOST_ROWS:
                raise InputError(
                    f"{path} has more than {MOST_ROWS:,} rows. Nothing was stored.", remedy="Cut it."
                )
            try:
                yield row.first_line, read_figure(_said(row, places), now=now)
            except FigureError as error:
                yield row.first_line, error


def _said(row: Row, places: dict[str, int]) -> dict[str, object]:
    if row.fault is not None:
        raise FigureError(row.column or "row", row.fault)
    said: dict[str, object] = {column: row.fields[place] for column, place in places.items()}
    for column, value in said.items():
        if isinstance(value, str) and undecodable(value):
            raise FigureError(column, "its bytes are not UTF-8")
    return said


def _separator(path: Path) -> str:
    """The separator that the first line is written with: spreadsheets of this country write semicolons."""
    try:
        with path.open("rb") as file:
            head = file.readline(4096).decode("utf-8", "replace")
    except OSError:
        return ","  # whoever opens the file tells what is wrong with it
    return next((mark for mark in _SEPARATORS if head.count(mark) >= len(COLUMNS) - 1), ",")
