"""JSON Lines as a stream; and how a column's name finds its value in a JSON object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from connectors.onestop.mapping import Mapping
from connectors.onestop.reading import Row, mapped_columns, missing_columns

_MOST_IN_LINE: Final = 1024 * 1024
_LOOKED_AT: Final = 200
"""Objects at the beginning in which a mapped column must turn up at least once, or its name is wrong."""
_MARK: Final = b"\xef\xbb\xbf"

_decoder: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])


class NoScalar(Exception):  # noqa: N818 (caught by the readers, never seen outside)
    """A list or object stands where one value is expected."""


def find(record: Any, name: str) -> Any:
    """The value of a column: the key itself, or a path of keys and list places parted by dots. None when absent."""
    if isinstance(record, dict) and name in record:
        return record[name]
    for part in name.split("."):
        if isinstance(record, dict):
            record = record.get(part)
        elif isinstance(record, list) and part.isascii() and part.isdecimal() and len(part) < 7:
            place = int(part)
            record = record[place] if place < len(record) else None
        else:
            return None
    return record


def as_text(value: Any) -> str:
    """A JSON scalar as the text that a CSV would hold.

    :raises NoScalar: for a list or an object.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(2**63) <= value < 2**64 else repr(float(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    raise NoScalar


def row_of(record: Any, header: list[str], line: int) -> Row:
    """The mapped columns of one object, as a row; nothing else of it goes further."""
    fields: list[str] = []
    for name in header:
        try:
            fields.append(as_text(find(record, name)))
        except (NoScalar, OverflowError):
            return Row(line, line, [], "a list or an object where one value is expected", name)
    return Row(line, line, fields)


class JsonLines:
    """A file with one JSON object a line, UTF-8, lines of at most 1 MiB.

    :raises InputError: at once, when a column of the mapping turns up in none of the first 200 objects.
    """

    format = "JSON Lines"
    encoding = "utf-8"

    def __init__(self, path: Path, raw: BinaryIO, size: int, mapping: Mapping) -> None:
        self.path = path
        self.size = size
        self._raw = raw
        self.header, self.positions = mapped_columns(mapping)
        self._check_columns(mapping)
        raw.seek(0)

    @property
    def bytes_read(self) -> int:
        return 0 if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        self._raw.close()

    def rows(self) -> Iterator[Row]:
        with self._raw:
            for number, record in self._records():
                yield record if isinstance(record, Row) else row_of(record, self.header, number)

    def _records(self) -> Iterator[tuple[int, dict[str, Any] | Row]]:
        number = 0
        while line := self._raw.readline(_MOST_IN_LINE + 1):
            number += 1
            if len(line) > _MOST_IN_LINE:
                while not line.endswith(b"\n") and (line := self._raw.readline(_MOST_IN_LINE)):
                    pass
                yield number, Row(number, number, [], f"a line of more than {_MOST_IN_LINE} bytes")
                continue
            line = line.removeprefix(_MARK) if number == 1 else line
            if line.isspace():
                continue
            try:
                yield number, _decoder.decode(line)
            except UnicodeDecodeError:
                yield number, Row(number, number, [], "bytes that are not utf-8", undecodable=True)
            except msgspec.ValidationError:
                yield number, Row(number, number, [], "not a JSON object")
            except (msgspec.DecodeError, RecursionError) as error:
                yield number, Row(number, number, [], _why(error), undecodable="utf-8" in str(error))

    def _check_columns(self, mapping: Mapping) -> None:
        missing = set(self.header)
        seen: set[str] = set()
        objects = 0
        for _, record in self._records():
            if isinstance(record, Row):
                continue
            objects += 1
            seen.update(list(record)[:100])
            missing = {name for name in missing if find(record, name) is None and name not in record}
            if not missing or objects == _LOOKED_AT:
                break
        # a column that is seldom filled may well begin later; one that makes the rows may not
        needed = missing & {mapping.columns()["code"]}
        if objects and needed:
            raise missing_columns(self.path, mapping, sorted(needed), sorted(seen))


def _why(error: Exception) -> str:
    """What is wrong with a line, without any of it."""
    if isinstance(error, RecursionError):
        return "not JSON: nested too deeply"
    return f"not JSON: {error}"
