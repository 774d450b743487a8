"""Turns one CSV row into facts, or into the reason why it can't be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from connectors.onestop.mapping import Column, Mapping, PersonColumn
from connectors.onestop.reading import Row, undecodable
from ioc.events import Channel, DossierProgress, DossierProgressed, DossierRecord, event_id

_YES: Final = frozenset({"1", "true", "yes", "y", "x", "có", "co"})
_NO: Final = frozenset({"0", "false", "no", "n", "không", "khong"})
_OLDEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_NEWEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_MOMENTS: Final = ("received_at", "due_at", "completed_at", "withdrawn_at")


@dataclass(frozen=True)
class Rejection:
    """Why a row was left out. Never holds what stood in it: that may be personal."""

    line: int
    column: str
    found: str
    reason: str


@dataclass(frozen=True)
class Facts:
    """What one row says."""

    record: DossierRecord
    code: str
    changed_at: datetime | None
    latest: datetime
    """Latest moment that the row knows; orders rows of one dossier when the source has no change time."""
    progress: DossierProgressed | None


class _Bad(Exception):  # noqa: N818 (caught here, never seen outside)
    def __init__(self, purpose: str, found: str, reason: str) -> None:
        super().__init__(reason)
        self.purpose, self.found, self.reason = purpose, found, reason


def describe(value: str) -> str:
    """Say what kind of value this is without repeating it."""
    if not value.strip():
        return "empty"
    kind = "digits" if value.strip().isdigit() else "text"
    return f"{kind}, {len(value)} characters"


@dataclass
class RowReader:
    """Reads rows of one file under its mapping.

    :param mapping: the mapping.
    :param header: column names of the file.
    :param positions: purpose → position in a row, from :class:`connectors.onestop.reading.CsvFile`.
    :param now: a fact dated after this is refused: the platform would not believe it either.
    :param pseudonym: replaces a person's name; needed when the mapping hashes one.
    """

    mapping: Mapping
    header: list[str]
    positions: dict[str, int]
    now: datetime
    pseudonym: Callable[[str], str] | None = None
    unmapped: Counter[str] = field(default_factory=Counter)
    """How many values of each column were not in the mapping's list and were left unknown."""
    undecodable_rows: int = 0
    first_undecodable: int = 0

    def __post_init__(self) -> None:
        self._zone = self.mapping.zone
        self._format = self.mapping.time.format
        self._empty = frozenset(self.mapping.file.empty) | {""}
        self._values: dict[str, dict[str, str]] = {}
        for prefix, table in (("", self.mapping.dossier), ("progress.", self.mapping.progress)):
            for key in table.__struct_fields__ if table is not None else ():
                ref = getattr(table, key)
                if isinstance(ref, Column) and ref.values is not None:
                    self._values[prefix + key] = ref.values

    def read(self, row: Row) -> Facts | Rejection:
        """Return the row's facts, or why there are none."""
        if row.fault is not None:
            lines = "" if row.last_line == row.first_line else f" (lines {row.first_line} to {row.last_line})"
            return Rejection(row.first_line, "", "the row", row.fault + lines)
        try:
            return self._facts(row)
        except _Bad as bad:
            position = self.positions.get(bad.purpose)
            column = self.header[position] if position is not None else bad.purpose
            return Rejection(row.first_line, column, bad.found, bad.reason)

    def _facts(self, row: Row) -> Facts:
        texts: dict[str, str] = {}
        for purpose, position in self.positions.items():
            text = row.fields[position].strip()
            if undecodable(text):
                self.undecodable_rows += 1
                self.first_undecodable = self.first_undecodable or row.first_line
                raise _Bad(purpose, describe(text), f"bytes that are not {self.mapping.file.encoding}")
            if text not in self._empty:
                texts[purpose] = text
        code = texts.get("code", "")
        if not code:
            raise _Bad("code", "empty", "a dossier needs a code")
        if len(code) > 50:
            raise _Bad("code", describe(code), "a dossier's code has 50 characters at most")
        unit = self.mapping.unit.code if self.mapping.unit else self._mapped("unit", texts)
        if not unit or len(unit) > 50:
            raise _Bad(
                "unit", describe(unit or ""), "a dossier needs the code of its unit, 50 characters at most"
            )
        moments = {key: self._moment(key, texts) for key in _MOMENTS}
        channel = self._mapped("channel", texts)
        record = DossierRecord(
            unit=unit,
            channel=self._channel(channel) if channel else None,
            field=self._short("field", texts),
            procedure=self._short("procedure", texts),
            status=self._whole("status", texts),
            digitised=self._flag("digitised", texts),
            paid_online=self._flag("paid_online", texts),
            received_at=moments["received_at"],
            due_at=moments["due_at"],
            completed_at=moments["completed_at"],
            withdrawn_at=moments["withdrawn_at"],
        )
        changed_at = self._moment("changed_at", texts)
        progress = self._progress(code, unit, texts) if self.mapping.progress else None
        known = [moments["received_at"], moments["completed_at"], moments["withdrawn_at"]]
        candidates = [changed_at] if changed_at else [moment for moment in known if moment]
        if not candidates and progress is not None:
            candidates = [progress.time]
        if not candidates:
            raise _Bad("received_at", "empty", "the row says of no moment when anything happened")
        if max(candidates) > self.now:
            raise _Bad("changed_at" if changed_at else "received_at", "time", "it lies in the future")
        return Facts(record, code, changed_at, max(candidates), progress)

    def _progress(self, code: str, unit: str, texts: dict[str, str]) -> DossierProgressed | None:
        time = self._moment("progress.time", texts)
        if time is None:
            return None
        if time > self.now:
            raise _Bad("progress.time", "time", "it lies in the future")
        step = self._short("progress.step", texts)
        handler = texts.get("progress.handler")
        table = self.mapping.progress
        person = table.handler if table is not None else None
        if not (isinstance(person, PersonColumn) and person.treatment == "hash" and self.pseudonym):
            handler = None
        status = self._whole("progress.status", texts)
        # The handler makes no id: with a new key the same step would otherwise be another fact.
        parts = (
            "ioc.dossier.progressed.v1",
            unit,
            step or "",
            str(status),
            texts.get("progress.instance", ""),
        )
        return DossierProgressed(
            specversion="1.0",
            id=event_id(self.mapping.source, code, "\x1f".join(parts), time),
            source=self.mapping.source,
            subject=code,
            time=time,
            data=DossierProgress(
                unit=unit,
                step=step,
                status=status,
                handler=self.pseudonym(handler) if handler and self.pseudonym else None,
            ),
        )

    def _mapped(self, purpose: str, texts: dict[str, str]) -> str | None:
        text = texts.get(purpose)
        values = self._values.get(purpose)
        if text is None or values is None:
            return text
        mapped = values.get(text)
        if mapped is None:
            self.unmapped[self.header[self.positions[purpose]]] += 1
        return mapped

    def _channel(self, text: str) -> Channel | None:
        try:
            return Channel(text)
        except ValueError:
            self.unmapped[self.header[self.positions["channel"]]] += 1
            return None

    def _short(self, purpose: str, texts: dict[str, str]) -> str | None:
        text = self._mapped(purpose, texts)
        if text is not None and len(text) > 200:
            raise _Bad(purpose, describe(text), "200 characters at most")
        return text

    def _whole(self, purpose: str, texts: dict[str, str]) -> int | None:
        text = self._mapped(purpose, texts)
        if text is None:
            return None
        if not text.lstrip("-").isdecimal() or len(text) > 9:
            raise _Bad(purpose, describe(text), "not a whole number")
        return int(text)

    def _flag(self, purpose: str, texts: dict[str, str]) -> bool | None:
        text = self._mapped(purpose, texts)
        if text is None:
            return None
        if text.casefold() in _YES:
            return True
        if text.casefold() in _NO:
            return False
        self.unmapped[self.header[self.positions[purpose]]] += 1
        return None

    def _parse(self, text: str) -> datetime:
        if self._format == "iso":
            return datetime.fromisoformat(text)
        return datetime.strptime(text, self._format)  # noqa: DTZ007 (the caller puts the zone)

    def _moment(self, purpose: str, texts: dict[str, str]) -> datetime | None:
        text = texts.get(purpose)
        if text is None:
            return None
        try:
            moment = self._parse(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._zone)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            wanted = "an ISO 8601 time" if self._format == "iso" else f"a time like {self._format}"
            raise _Bad(purpose, describe(text), f"not {wanted}") from None
        if not _OLDEST <= moment < _NEWEST:
            raise _Bad(purpose, "time", "not between the years 1900 and 2200")
        return moment


_encoder = msgspec.json.Encoder()


def content(record: DossierRecord) -> bytes:
    """Canonical bytes of a view: equal views have equal bytes."""
    return _encoder.encode(record)


def read_record(stored: bytes) -> DossierRecord:
    """Inverse of :func:`content`."""
    return _decoder.decode(stored)


_decoder: msgspec.json.Decoder[DossierRecord] = msgspec.json.Decoder(DossierRecord)
