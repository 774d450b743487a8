"""Reads a TOML file that holds one kind of table again and again, block by block: a mistake in one costs that one."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ioc.district.problems import Problems
from ioc.district.tables import read_text
from ioc.district.toml_values import Values

#: Longest file: what a person reviews is far shorter, and reading TOML takes its time.
MOST_BYTES: Final = 1024 * 1024
_QUIET: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_TOP: Final = re.compile(r"^[ \t]*(\[\[?)[ \t]*([A-Za-z0-9_-]+)[ \t]*\]\]?[ \t]*\r?$", re.MULTILINE)
_HEADER: Final = re.compile(r"^[ \t]*\[\[?[ \t]*([A-Za-z0-9_. -]+?)[ \t]*\]\]?")
_KEY: Final = re.compile(r"^[ \t]*([A-Za-z0-9_-]+)(?:[ \t]*\.[^=\n]*)?[ \t]*=")
_CODE: Final = re.compile(r'^[ \t]*code[ \t]*=[ \t]*"([A-Za-z0-9._-]{1,50})"', re.MULTILINE)


@dataclass(frozen=True)
class _Piece:
    header: str
    doubled: bool
    line: int
    text: str
    quiet: str


@dataclass
class Lost:
    """What was written and could not be read: whoever refers to it is not to blame.

    :param all: nobody knows what else there was.
    """

    codes: set[str] = field(default_factory=set)
    all: bool = False

    def add(self, code: str | None) -> None:
        if code:
            self.codes.add(code)
        else:
            self.all = True

    def __contains__(self, code: str) -> bool:
        return self.all or code in self.codes


def read_blocks(path: Path, name: str, table: str, problems: Problems, lost: Lost) -> Iterator[Values]:
    """Yield every ``[[table]]`` of a file with where its keys stand; what can't be read becomes a problem.

    :param name: how findings call the file.
    """
    text = _text(path, name, problems)
    if text is None:
        lost.all = True
        return
    before, pieces = _pieces(text)
    if before.strip():
        line = len(before) - len(before.lstrip())
        problems.error(
            name,
            before.count("\n", 0, line) + 1,
            f"Something stands before the first [[{table}]].",
            f"All that the file says belongs under [[{table}]].",
        )
    for piece in pieces:
        if piece.header != table or not piece.doubled:
            problems.error(
                name,
                piece.line,
                f"{'[[' if piece.doubled else '['}{piece.header}{']]' if piece.doubled else ']'} is not known here.",
                f"Write [[{table}]].",
            )
            lost.add(_code(piece))
            continue
        found = _parsed(piece, name, table, problems)
        if found is None:
            lost.add(_code(piece))
        else:
            yield Values(name, piece.line, found, problems, lines=_lines(piece, table))


def _text(path: Path, name: str, problems: Problems) -> str | None:
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            problems.error(name, 0, "The file is larger than 1 MiB.", "Split it by topic.")
            return None
        own = Problems()
        text = read_text(path, own)
    except OSError as error:
        problems.error(name, 0, f"The file can't be read: {error.strerror}.")
        return None
    for problem in own.errors:
        problems.error(name, problem.line, problem.message, problem.remedy)
    return text


def _pieces(text: str) -> tuple[str, list[_Piece]]:
    """What stands before the first table, and each table with its first line."""
    # what is quoted or a comment must not look like a table
    quiet = _QUIET.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    starts = list(_TOP.finditer(quiet))
    if not starts:
        return quiet, []
    ends = [*(start.start() for start in starts[1:]), len(text)]
    breaks = [place for place, letter in enumerate(text) if letter == "\n"]
    return quiet[: starts[0].start()], [
        _Piece(
            start[2],
            start[1] == "[[",
            bisect_right(breaks, start.start()) + 1,
            text[start.start() : end],
            quiet[start.start() : end],
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def _parsed(piece: _Piece, name: str, table: str, problems: Problems) -> dict[str, Any] | None:
    code = _code(piece)
    whose = f"{code}: " if code else ""
    try:
        tables = tomllib.loads(piece.text)
    except RecursionError:
        problems.error(name, piece.line, f"{whose}The block is nested too deep.")
        return None
    except ValueError as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place[1]) if place else piece.text.rstrip().count("\n") + 1
        what = str(error).split(" (at ")[0]
        problems.error(name, piece.line + line - 1, f"{whose}The line is no TOML: {what}.")
        return None
    first, *others = tables.pop(table)
    if others or tables:
        extra = next(iter(tables), table)
        problems.error(
            name,
            piece.line,
            f"{whose}The block holds a table {extra[:50]!r} of its own beside it.",
            f"Tables of the block begin with {table}, such as [[{table}.…]].",
        )
        return None
    found: dict[str, Any] = first
    return found


def _code(piece: _Piece) -> str | None:
    found = _CODE.search(piece.text)
    return found[1] if found else None


def _lines(piece: _Piece, table: str) -> dict[tuple[str, int, str], int]:
    """Where each key stands: by the part of the block that it is in, which of these, and its name."""
    found: dict[tuple[str, int, str], int] = {}
    counts: dict[str, int] = {}
    part, number = "", 0
    for line, content in enumerate(piece.quiet.split("\n"), piece.line):
        header = _HEADER.match(content)
        if header is not None:
            part = header[1].replace(" ", "").removeprefix(table).removeprefix(".")
            number = counts.get(part, 0)
            counts[part] = number + 1
            found.setdefault((part, number, ""), line)
            continue
        key = _KEY.match(content)
        if key is not None:
            found.setdefault((part, number, key[1]), line)
    return found
