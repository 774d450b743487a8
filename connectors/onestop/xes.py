"""XES event logs (IEEE 1849), plain or gzipped, as a stream: one row an event, with its trace's attributes.

Columns are named as process-mining tools name them in CSV: an event's ``concept:name`` is just that, its trace's is
``case:concept:name``.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from connectors.onestop.mapping import Mapping
from connectors.onestop.reading import Cell, Row, mapped_columns, missing_columns, refusal
from connectors.onestop.xmlguard import Readable, XmlRefused, parse
from ioc.errors import InputError

_SCALARS: Final = frozenset({"string", "date", "int", "float", "boolean", "id"})
_CASE: Final = "case:"
_MOST_EVENTS: Final = 20_000
"""Events of one trace: its attributes may stand behind them, so that they wait."""
_MOST_UNPACKED: Final = 2 * 1024**3
_MOST_BLOWN_UP: Final = 500
_FREE: Final = 16 * 1024 * 1024
"""Bytes that any gzip file may unpack to, before its ratio counts."""
_EVENTS_SHOWN: Final = 200


class _Bounded:
    """An unpacking stream that ends a bomb early."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._stream = gzip.GzipFile(fileobj=packed)
        self._given = 0

    def read(self, size: int) -> bytes:
        try:
            piece = self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise XmlRefused(f"its gzip is damaged or cut off ({error.__class__.__name__})") from None
        self._given += len(piece)
        most = max(_FREE, self._packed.tell() * _MOST_BLOWN_UP)
        if self._given > min(most, _MOST_UNPACKED):
            raise XmlRefused("it unpacks to far more than an event log does: a gzip bomb")
        return piece


class XesFile:
    """One XES log under a mapping.

    :raises InputError: at once, when it is no event log, or its code's column turns up in none of the first events.
    """

    format = "XES"
    encoding = "utf-8"

    def __init__(self, path: Path, raw: BinaryIO, size: int, mapping: Mapping, *, packed: bool) -> None:
        self.path = path
        self.size = size
        self._raw = raw
        self._packed = packed
        self.header, self.positions = mapped_columns(mapping)
        self._check_columns(mapping)

    @property
    def bytes_read(self) -> int:
        return 0 if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        self._raw.close()

    def rows(self) -> Iterator[Row]:
        with self._raw:
            yield from self._rows(_Reading(self.header))

    def _rows(self, log: _Reading) -> Iterator[Row]:
        self._raw.seek(0)
        stream: Readable = _Bounded(self._raw) if self._packed else self._raw
        try:
            for _ in parse(stream, log.start, log.end):
                yield from log.take()
        except XmlRefused as error:
            raise self._refused(error) from None

    def _refused(self, error: XmlRefused) -> InputError:
        return refusal(self.path, f"as an XES log it holds {error}", "Export it again, as XES 1.0 or 2.0.")

    def _check_columns(self, mapping: Mapping) -> None:
        log = _Reading(self.header)
        shown = 0
        for _ in self._rows(log):
            shown += 1
            if mapping.columns()["code"] in log.seen or shown > _EVENTS_SHOWN:
                break
        if shown and mapping.columns()["code"] not in log.seen:
            raise missing_columns(self.path, mapping, [mapping.columns()["code"]], sorted(log.seen))


class _Reading:
    """The log's tags as they come: keeps the mapped attributes of the trace under way, and its events."""

    def __init__(self, header: list[str]) -> None:
        self._header = header
        self._wanted = frozenset(header)
        #: Wanted attributes that turned up, and the first others.
        self.seen: set[str] = set()
        self._path: list[str] = []
        self._trace: dict[str, Cell] = {}
        self._event: dict[str, Cell] | None = None
        self._event_line = self._trace_line = 0
        self._events: list[tuple[int, dict[str, Cell]]] = []
        self._ready: list[Row] = []

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if not self._path and name != "log":
            what = "a web page" if name.casefold() in ("html", "table", "workbook") else "other XML"
            raise XmlRefused(f"{what}, not an event log")
        # of nested attributes only the outermost are read: the path tells whose an attribute is
        place = tuple(self._path[-2:])
        self._path.append(name)
        if name == "trace" and place == ("log",):
            self._trace, self._events, self._trace_line = {}, [], line
        elif name == "event" and place == ("log", "trace"):
            self._event, self._event_line = {}, line
            if len(self._events) >= _MOST_EVENTS:
                raise XmlRefused(f"a trace of more than {_MOST_EVENTS} events (line {line})")
        elif name in _SCALARS:
            if place == ("log", "trace"):
                self._keep(self._trace, _CASE + attributes.get("key", ""), name, attributes)
            elif place == ("trace", "event") and self._event is not None:
                self._keep(self._event, attributes.get("key", ""), name, attributes)

    def end(self, name: str, text: str) -> None:  # noqa: ARG002 - XES keeps values in attributes
        self._path.pop()
        if name == "event" and self._event is not None and self._path == ["log", "trace"]:
            self._events.append((self._event_line, self._event))
            self._event = None
        elif name == "trace" and self._path == ["log"]:
            for line, event in self._events or [(self._trace_line, {})]:
                known = {**self._trace, **event}
                self._ready.append(Row(line, line, [known.get(name, "") for name in self._header]))
            self._events = []

    def take(self) -> list[Row]:
        """The rows that are complete since the last call."""
        ready, self._ready = self._ready, []
        return ready

    def _keep(self, owner: dict[str, Cell], key: str, kind: str, attributes: dict[str, str]) -> None:
        if key in self._wanted:
            self.seen.add(key)
            owner[key] = _value(kind, attributes.get("value", ""))
        elif len(self.seen) < 100:
            self.seen.add(key)


def _value(kind: str, text: str) -> Cell:
    if kind == "date":
        try:
            return datetime.fromisoformat(text.strip())
        except ValueError:
            return text
    if kind == "float":
        try:
            number = float(text)
        except ValueError:
            return text
        return str(int(number)) if number.is_integer() else repr(number)
    return text
