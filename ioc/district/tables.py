"""Reads one CSV file of a pack: UTF-8, commas, a header row, one record a line, ``#`` begins a comment line."""

from __future__ import annotations

import csv
import difflib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from ioc.district.model import Option, Period
from ioc.district.problems import Problems
from ioc.district.secrets import HOW, is_reference

CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")
#: A login before the host, or a password as a parameter (``rtsp://h/user=a_password=b``).
ADDRESS_WITH_LOGIN: Final = re.compile(r"(?i)^[^/]*@|(pass|passwd|password|pwd)\s*=")
#: A number to call: digits, and what people put between them.
PHONE: Final = re.compile(r"\+?[0-9(][0-9 .()-]{1,46}[0-9]")
_MAX_BYTES: Final = 16 * 1024 * 1024
_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass
class Row:
    """One record. Its getters note what is wrong and hand back something harmless, so that one pass finds all."""

    file: str
    line: int
    fields: dict[str, str]
    problems: Problems
    bad: bool = False

    def error(self, message: str, remedy: str = "") -> None:
        self.bad = True
        self.problems.error(self.file, self.line, message, remedy)

    def text(self, column: str, *, required: bool = True) -> str:
        found = self.fields.get(column, "")
        if required and not found:
            self.error(f"{column} is empty.")
        return found

    def code(self, column: str) -> str:
        found = self.text(column)
        if found and not CODE.fullmatch(found):
            self.error(
                f"{column} {found!r} is no code.",
                "A code has 1 to 50 letters without marks, digits, '.', '_' or '-', and begins with a letter or digit.",
            )
        return found

    def optional_code(self, column: str) -> str | None:
        return self.code(column) if self.fields.get(column) else None

    def choice(self, column: str, choices: Sequence[str]) -> str:
        found = self.text(column)
        if found and found not in choices:
            near = difflib.get_close_matches(found.casefold(), choices, n=1)
            hint = f"Did you mean {near[0]}?" if near else ""
            self.error(f"{column} {found!r} is not one of {', '.join(choices)}.", hint)
        return found

    def member(self, column: str, choices: type[_Choice]) -> _Choice:
        found = self.choice(column, [choice.value for choice in choices])
        return choices(found) if found in {choice.value for choice in choices} else next(iter(choices))

    def day(self, column: str) -> date | None:
        found = self.fields.get(column, "")
        if not found:
            return None
        try:
            return date.fromisoformat(found) if len(found) == 10 else _not_a_day(found)
        except ValueError:
            self.error(f"{column} {found!r} is no date.", "Write it as 2025-07-01.")
            return None

    def period(self) -> Period:
        start, end = self.day("valid_from"), self.day("valid_to")
        if start is not None and end is not None and end <= start:
            self.error(
                f"valid_to {end} is not after valid_from {start}.",
                "valid_to is the first day after the period.",
            )
        return Period(start, end)

    def number(self, column: str, low: float, high: float, *, default: float | None = None) -> float | None:
        """A number above ``low``, up to ``high``; ``default`` where the field is empty."""
        found = self.fields.get(column, "")
        if not found:
            return default
        try:
            value = float(found)
        except ValueError:
            value = float("nan")
        if not low < value <= high:
            self.error(f"{column} {found!r} is no number above {low:g}, up to {high:g}.")
            return default
        return value

    def degrees(self, column: str, most: float) -> float | None:
        """Degrees from ``-most`` to ``most``; None where the field is empty."""
        found = self.fields.get(column, "")
        if not found:
            return None
        try:
            value = float(found)
        except ValueError:
            value = float("nan")
        if not -most <= value <= most:
            self.error(
                f"{column} {found!r} is no number from {-most:g} to {most:g}.",
                "Degrees with a decimal point, such as 11.085; south and west are negative.",
            )
            return None
        return value

    def phone(self, column: str) -> str | None:
        """A number to call, as people write it; None where the field is empty."""
        found = self.fields.get(column, "")
        if not found:
            return None
        digits = sum(letter.isdigit() for letter in found)
        if not PHONE.fullmatch(found) or not 3 <= digits <= 15:
            self.error(
                f"{column} {found!r} is no phone number.",
                "Write one number of 3 to 15 digits, with spaces, dots, dashes or brackets between, and + before a "
                "country's code. Whose it is goes into the column contact.",
            )
            return None
        return found

    def address(self, column: str) -> str | None:
        found = self.fields.get(column, "")
        if not found:
            return None
        if ADDRESS_WITH_LOGIN.search(found.partition("://")[2] or found):
            self.error(
                f"{column} holds a password or a login.",
                "Packs are passed around: name where the login is kept (env:NAME or file:PATH) in its own column.",
            )
            return None
        return found

    def secret(self, column: str) -> str | None:
        found = self.fields.get(column, "")
        if found and not is_reference(found):
            self.error(f"{column} is no reference.", HOW)
            return None
        return found or None

    def options(self, column: str) -> dict[str, Option]:
        """Values by name, written ``name=value;name=value``: numbers, yes and no, and texts."""
        found: dict[str, Option] = {}
        for part in filter(None, (part.strip() for part in self.fields.get(column, "").split(";"))):
            name, _, value = (side.strip() for side in part.partition("="))
            if not value:
                self.error(f"{column} can't be read.", "Write name=value, with ; between two of them.")
                continue
            if name in found:
                self.error(f"{column} names {name!r} twice.")
            found[name] = _option(value)
        return found


def _option(value: str) -> Option:
    if value in ("yes", "no"):
        return value == "yes"
    try:
        return float(value)
    except ValueError:
        return value


def _not_a_day(text: str) -> date:
    raise ValueError(text)


def read_table(
    path: Path,
    columns: Sequence[str],
    problems: Problems,
    *,
    optional: Sequence[str] = (),
    needed: bool = True,
) -> Iterator[Row]:
    """Yield each record of a file; what can't be read becomes a problem and is left out.

    :param columns: columns that the header must have, in any order.
    :param optional: columns that it may have; others are a mistake, most often a misspelt name.
    :param needed: whether the file must exist.
    """
    name = path.name
    text = _read(path, problems, needed=needed)
    if text is None:
        if needed or path.exists():
            problems.unread.add(name)
        return
    header: list[str] | None = None
    # some spreadsheets end lines with a carriage return alone
    for number, line in enumerate(text.split("\n" if "\n" in text else "\r"), 1):
        record = line.removesuffix("\r")
        if not record.strip() or record.lstrip().startswith("#"):
            continue
        try:
            fields = [
                unicodedata.normalize("NFC", part.strip()) for part in next(csv.reader([record], strict=True))
            ]
        except csv.Error as error:
            problems.error(
                name,
                number,
                f"The line is no CSV: {error}.",
                "A record ends on its line; quotes come in pairs.",
            )
            continue
        if header is None:
            if not _header_fits(name, number, fields, columns, optional, problems):
                problems.unread.add(name)
                return
            header = fields
        elif len(fields) != len(header):
            problems.error(
                name,
                number,
                f"The line has {len(fields)} fields, the header has {len(header)}.",
                "Put a text that holds a comma in double quotes.",
            )
        else:
            yield Row(name, number, dict(zip(header, fields, strict=True)), problems)
    if header is None:
        problems.unread.add(name)
        problems.error(
            name, 0, "The file is empty.", f"Its first line names the columns: {','.join(columns)}."
        )


def _read(path: Path, problems: Problems, *, needed: bool) -> str | None:
    try:
        return read_text(path, problems)
    except FileNotFoundError:
        if needed:
            problems.error(path.name, 0, "The file is missing.")
    except OSError as error:
        problems.error(path.name, 0, f"The file can't be read: {error.strerror}.")
    return None


def read_text(path: Path, problems: Problems) -> str | None:
    """Read a file of a pack as text; None, with the reason in ``problems``, when it is none.

    :raises OSError: it can't be read.
    """
    with open(path, "rb", opener=_opener) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            problems.error(path.name, 0, "This is a pipe or a device.", "Put a file there.")
            return None
        if found.st_size > _MAX_BYTES:
            problems.error(path.name, 0, "The file is larger than 16 MiB.")
            return None
        data = file.read(_MAX_BYTES)
    return decode_text(path.name, data, problems)


def _opener(path: str, flags: int) -> int:
    # the opening of a pipe would wait for somebody who writes
    return os.open(path, flags | os.O_NONBLOCK)


def decode_text(name: str, data: bytes, problems: Problems) -> str | None:
    """Decode UTF-8, with or without a byte order mark; name the line of the first byte that is no text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.error(name, line, "The text is not UTF-8.", "Save the file as UTF-8.")
        return None
    control = re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        problems.error(name, line, "The line holds control characters.", "Save the file as plain UTF-8 text.")
        return None
    return text


def _header_fits(
    name: str,
    line: int,
    header: list[str],
    columns: Sequence[str],
    optional: Sequence[str],
    problems: Problems,
) -> bool:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        problems.error(name, line, "The header has one column.", "Separate columns with commas.")
        return False
    missing = [column for column in columns if column not in header]
    unknown = [column for column in header if column not in (*columns, *optional)]
    doubled = sorted({column for column in header if header.count(column) > 1})
    if missing:
        problems.error(name, line, f"The header lacks {', '.join(missing)}.")
    if unknown:
        known = ", ".join((*columns, *optional))
        problems.error(
            name, line, f"The header has unknown columns: {', '.join(unknown)}.", f"Known are {known}."
        )
    if doubled:
        problems.error(name, line, f"The header names twice: {', '.join(doubled)}.")
    return not (missing or unknown or doubled)
