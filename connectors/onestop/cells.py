"""The values of one row, read as what the mapping says that they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.onestop.mapping import Column, Mapping
from connectors.onestop.reading import Cell, Row
from ioc.events import Applicant, Channel

_YES: Final = frozenset({"1", "true", "yes", "y", "x", "có", "co"})
_NO: Final = frozenset({"0", "false", "no", "n", "không", "khong"})
#: As the streams hold it: what is older is no fact of a district's systems.
_OLDEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_NEWEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CURRENCY: Final = re.compile(r"\s*(?:₫|đ|đồng|vnd|vnđ)\s*$", re.IGNORECASE)
#: Thousands parted by one sign all through, and no hundredths but zero behind another sign.
_AMOUNT: Final = re.compile(
    r"([0-9]{1,3}(?:([., \u00a0])[0-9]{3})(?:\2[0-9]{3})*)(?:(?!\2)[.,]0{1,2})?|([0-9]+)(?:[.,]0{1,2})?"
)
_UNSAFE: Final = re.compile("[\0\ud800-\udfff]")
"""NUL, which the database's texts can't hold, and halves of characters: undecodable bytes under ``surrogateescape``."""


class Bad(Exception):  # noqa: N818 (caught by the row reader, never seen outside)
    """A value can't be what the mapping says; never holds the value."""

    def __init__(self, purpose: str, found: str, reason: str) -> None:
        super().__init__(reason)
        self.purpose, self.found, self.reason = purpose, found, reason


class Undecodable(Bad):
    """A value holds bytes that are not of the file's encoding."""


def describe(value: Cell) -> str:
    """Say what kind of value this is without repeating it."""
    if isinstance(value, datetime):
        return "time"
    if not value.strip():
        return "empty"
    kind = "digits" if value.strip().isdigit() else "text"
    return f"{kind}, {len(value)} characters"


@dataclass
class Columns:
    """What a mapping makes of the cells of a row; counts the values that it does not list."""

    mapping: Mapping
    header: list[str]
    positions: dict[str, int]
    encoding: str
    unmapped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.zone = self.mapping.zone
        self.empty = frozenset(self.mapping.file.empty) | {""}
        self.values = {
            purpose: ref.values
            for purpose, ref in self.mapping.references()
            if isinstance(ref, Column) and ref.values is not None
        }
        self.parsers = [parser_of(how) for how in self.mapping.time.formats]
        self.wanted_time = " or ".join(
            _SAID.get(how, f"a time like {how}") for how in self.mapping.time.formats
        )

    def name(self, purpose: str) -> str:
        """The column of a purpose, as the file calls it."""
        position = self.positions.get(purpose)
        return purpose if position is None else self.header[position]

    def cells(self, row: Row) -> Cells:
        """The row's values by purpose.

        :raises Bad: when a value holds what no text of ours may hold.
        """
        found: dict[str, Cell] = {}
        for purpose, position in self.positions.items():
            value = row.fields[position]
            if isinstance(value, str):
                value = value.strip()
                if _UNSAFE.search(value):
                    if "\0" in value:
                        raise Bad(purpose, describe(value), "a NUL in it")
                    raise Undecodable(purpose, describe(value), f"bytes that are not {self.encoding}")
                if value in self.empty:
                    continue
            found[purpose] = value
        return Cells(self, found)


@dataclass(frozen=True)
class Cells:
    """One row's values by purpose; absent ones are unknown."""

    columns: Columns
    values: dict[str, Cell]

    def text(self, purpose: str) -> str | None:
        """A value as text, by the mapping's list where it has one."""
        value = self.values.get(purpose)
        text = value.isoformat() if isinstance(value, datetime) else value
        listed = self.columns.values.get(purpose)
        if text is None or listed is None:
            return text
        mapped = listed.get(text)
        if mapped is None:
            self._unmapped(purpose)
        return mapped

    def short(self, purpose: str, most: int = 200) -> str | None:
        text = self.text(purpose)
        if text is not None and len(text) > most:
            raise Bad(purpose, describe(text), f"{most} characters at most")
        return text

    def code(self, purpose: str, whose: str) -> str:
        """A code of 1 to 50 characters."""
        text = self.text(purpose)
        if not text:
            raise Bad(purpose, "empty", f"{whose} needs a code")
        if len(text) > 50:
            raise Bad(purpose, describe(text), f"{whose}'s code has 50 characters at most")
        return text

    def whole(self, purpose: str, least: int = -(2**15), most: int = 2**15 - 1) -> int | None:
        text = self.text(purpose)
        if text is None:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
            raise Bad(purpose, describe(text), "not a whole number")
        if not least <= int(text) <= most:
            raise Bad(purpose, describe(text), f"not between {least} and {most}")
        return int(text)

    def dong(self, purpose: str) -> int | None:
        """An amount in whole đồng; thousands may be parted and the currency named."""
        text = self.text(purpose)
        if text is None:
            return None
        found = _AMOUNT.fullmatch(_CURRENCY.sub("", text))
        if found is None or len(text) > 40:
            raise Bad(purpose, describe(text), "not an amount in whole đồng")
        amount = int(re.sub(r"[^0-9]", "", found[1] or found[3]))
        if amount > 10**12:
            raise Bad(purpose, describe(text), "more than 1,000 billion đồng")
        return amount

    def flag(self, purpose: str) -> bool | None:
        text = self.text(purpose)
        if text is None:
            return None
        if text.casefold() in _YES:
            return True
        if text.casefold() in _NO:
            return False
        self._unmapped(purpose)
        return None

    def channel(self) -> Channel | None:
        text = self.text("channel")
        if text is None or text in set(Channel):
            return None if text is None else Channel(text)
        self._unmapped("channel")
        return None

    def applicant(self) -> Applicant | None:
        text = self.text("applicant")
        if text is None or text in set(Applicant):
            return None if text is None else Applicant(text)
        self._unmapped("applicant")
        return None

    def moment(self, purpose: str) -> datetime | None:
        """A time in UTC."""
        value = self.values.get(purpose)
        if value is None:
            return None
        columns = self.columns
        try:
            moment = value if isinstance(value, datetime) else _first(columns.parsers, value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=columns.zone)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Bad(purpose, describe(value), f"not {columns.wanted_time}") from None
        if not _OLDEST <= moment < _NEWEST:
            raise Bad(purpose, "time", "not between the years 1990 and 2200")
        return moment

    def _unmapped(self, purpose: str) -> None:
        self.columns.unmapped[self.columns.name(purpose)] += 1


_Parser = Callable[[str], datetime]
_SAID: Final = {
    "iso": "an ISO 8601 time",
    "unix": "seconds since 1970",
    "unix-ms": "milliseconds since 1970",
}


def parser_of(how: str) -> _Parser:
    """What reads times written as a mapping's ``time.format`` says; it raises ValueError or OverflowError.

    :raises ValueError: when there is no such format.
    """
    if "%" not in how and how not in _SAID:
        raise ValueError(f"{how!r} is neither iso, unix, unix-ms nor a strptime format")
    if how == "iso":
        return datetime.fromisoformat
    if how in ("unix", "unix-ms"):
        unit = timedelta(seconds=1) if how == "unix" else timedelta(milliseconds=1)
        return lambda text: _EPOCH + int(text[:20]) * unit
    return lambda text: datetime.strptime(text, how)  # noqa: DTZ007 (the caller puts the zone)


def render(moment: datetime, how: str) -> str:
    """Write a time as :func:`parser_of` would read it."""
    if how == "iso":
        return moment.isoformat(timespec="seconds")
    if how in ("unix", "unix-ms"):
        return str((moment - _EPOCH) // timedelta(seconds=1) * (1 if how == "unix" else 1000))
    return moment.strftime(how)


def _first(parsers: list[_Parser], text: str) -> datetime:
    for parse in parsers[:-1]:
        try:
            return parse(text)
        except ValueError:
            continue
    return parsers[-1](text)
