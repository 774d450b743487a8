"""Turns one row into facts, or into the reason why it can't be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from connectors.onestop.cells import Bad, Cells, Columns, Undecodable
from connectors.onestop.ends import Ends, ends_of
from connectors.onestop.mapping import Mapping, PersonColumn
from connectors.onestop.reading import Row
from ioc.events import (
    DossierApologised,
    DossierApology,
    DossierPaid,
    DossierPayment,
    DossierProgress,
    DossierProgressed,
    DossierRated,
    DossierRating,
    DossierRecord,
    DossierRecorded,
    DossierSupplement,
    DossierSupplemented,
    event_id,
)

Happening: TypeAlias = (
    DossierProgressed | DossierApologised | DossierRated | DossierPaid | DossierSupplemented
)
"""A fact that has a time of its own, other than a dossier's view."""

_PAST: Final = ("submitted_at", "received_at", "rejected_at", "completed_at", "returned_at", "withdrawn_at")
_DUE_AHEAD: Final = timedelta(days=50 * 366)
_RECORDED: Final = "ioc.dossier.recorded.v1"


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

    code: str
    aliases: tuple[str, ...]
    record: DossierRecord | None
    changed_at: datetime | None
    latest: datetime
    """Latest moment that the row knows; orders rows of one dossier when the source has no change time."""
    happenings: tuple[Happening, ...]


@dataclass
class RowReader:
    """Reads rows of one file or answer under its mapping.

    :param mapping: the mapping.
    :param header: names of a row's fields.
    :param positions: purpose → position in a row, from :class:`connectors.onestop.reading.Table`.
    :param now: the clock; a fact dated after it by more than the tolerance is refused: the platform would not believe
        it either.
    :param pseudonym: replaces a person's name; needed when the mapping hashes one.
    """

    mapping: Mapping
    header: list[str]
    positions: dict[str, int]
    now: datetime
    pseudonym: Callable[[str], str] | None = None
    tolerance: timedelta = timedelta(seconds=300)
    encoding: str = "utf-8"
    undecodable_rows: int = 0
    first_undecodable: int = 0

    def __post_init__(self) -> None:
        self._columns = Columns(self.mapping, self.header, self.positions, self.encoding)

    @property
    def unmapped(self) -> Counter[str]:
        """How many values of each column were not in the mapping's list and were left unknown."""
        return self._columns.unmapped

    def read(self, row: Row) -> Facts | Rejection:
        """Return the row's facts, or why there are none."""
        if row.fault is not None:
            lines = "" if row.last_line == row.first_line else f" (lines {row.first_line} to {row.last_line})"
            if row.undecodable:
                self._note_undecodable(row)
            return Rejection(row.first_line, row.column, "the row", row.fault + lines)
        try:
            return self._facts(self._columns.cells(row))
        except Bad as bad:
            if isinstance(bad, Undecodable):
                self._note_undecodable(row)
            return Rejection(row.first_line, self._columns.name(bad.purpose), bad.found, bad.reason)

    def _note_undecodable(self, row: Row) -> None:
        self.undecodable_rows += 1
        self.first_undecodable = self.first_undecodable or row.first_line

    def _facts(self, cells: Cells) -> Facts:
        code = cells.code("code", "a dossier")
        unit = self.mapping.unit.code if self.mapping.unit else cells.code("unit", "a dossier's unit")
        kind = self._kind(cells)
        changed_at = cells.moment("changed_at")
        aliases = tuple(
            dict.fromkeys(
                cells.code(f"aliases.{place}", "a second code")
                for place in range(len(self.mapping.dossier.aliases))
                if f"aliases.{place}" in cells.values
            )
        )
        aliases = tuple(alias for alias in aliases if alias != code)
        record = None
        if self.mapping.tells_views and kind in (None, "dossier"):
            record = self._record(cells, unit, aliases)
        happenings = tuple(self._happenings(cells, code, unit, kind))
        known = [] if record is None else past_moments(record)
        candidates = [changed_at] if changed_at else known
        candidates = candidates or [event.time for event in happenings]
        if not candidates:
            raise Bad(self._when(kind), "empty", "the row says of no moment when anything happened")
        if record is None and not happenings:
            raise Bad(self._when(kind), "empty", "the row tells nothing but a code")
        latest = max(candidates)
        if latest > self.now + self.tolerance:
            raise Bad("changed_at" if changed_at else "received_at", "time", "it lies in the future")
        if changed_at is not None and known and max(known) > changed_at + self.tolerance:
            raise Bad("changed_at", "time", "the row knows of later moments than its own change time")
        if record is not None and record.due_at is not None and record.due_at > latest + _DUE_AHEAD:
            raise Bad("due_at", "time", "more than 50 years ahead")
        return Facts(code, aliases, record, changed_at, latest, happenings)

    def _kind(self, cells: Cells) -> str | None:
        if self.mapping.kind is None:
            return None
        kind = cells.text("kind")
        if kind is None:
            raise Bad(
                "kind",
                "a value" if "kind" in cells.values else "empty",
                "no kind of row that the mapping lists",
            )
        return kind

    def _when(self, kind: str | None) -> str:
        """The purpose that a row without any moment lacks."""
        if kind in (None, "dossier") and self.mapping.tells_views:
            return "received_at"
        tables = [kind] if kind is not None else ["progress", "apology", "rating", "payment", "supplement"]
        purposes = [f"{table}.{key}" for table in tables for key in ("time", "received_at", "asked_at")]
        return next((purpose for purpose in purposes if purpose in self.positions), "code")

    def _ends(self, cells: Cells, status: int | None) -> Ends:
        returned, rejected = cells.moment("returned_at"), cells.moment("rejected_at")
        if self.mapping.dossier.ended_at is not None:
            return ends_of(status, ended=cells.moment("ended_at"), returned=returned, rejected=rejected)
        return Ends(rejected, cells.moment("completed_at"), returned, cells.moment("withdrawn_at"))

    def _record(self, cells: Cells, unit: str, aliases: tuple[str, ...]) -> DossierRecord:
        status = cells.whole("status")
        ends = self._ends(cells, status)
        return DossierRecord(
            unit=unit,
            aliases=aliases,
            channel=cells.channel(),
            field=cells.short("field"),
            procedure=cells.short("procedure"),
            applicant=cells.applicant(),
            service_level=cells.whole("service_level", 0, 4),
            status=status,
            submitted_at=cells.moment("submitted_at"),
            received_at=cells.moment("received_at"),
            rejected_at=ends.rejected_at,
            due_at=cells.moment("due_at"),
            completed_at=ends.completed_at,
            returned_at=ends.returned_at,
            withdrawn_at=ends.withdrawn_at,
            fee_vnd=cells.dong("fee_vnd"),
            payable_online=cells.flag("payable_online"),
            paid_online=cells.flag("paid_online"),
            digitised=cells.flag("digitised"),
            reused=cells.flag("reused"),
            from_store=cells.flag("from_store"),
            result_digital=cells.flag("result_digital"),
        )

    def _happenings(self, cells: Cells, code: str, unit: str, kind: str | None) -> Iterator[Happening]:
        mapping = self.mapping
        if mapping.progress and kind in (None, "dossier"):
            yield from self._progress(cells, code, unit)
        if mapping.apology and kind in (None, "apology") and (at := self._time(cells, "apology.time")):
            letter = DossierApology(
                unit=unit,
                reason=cells.short("apology.reason"),
                old_due_at=cells.moment("apology.old_due_at"),
                new_due_at=cells.moment("apology.new_due_at"),
            )
            yield self._event(DossierApologised, letter, code, at, cells.text("apology.instance"))
        if mapping.rating and kind in (None, "rating") and (at := self._time(cells, "rating.time")):
            satisfied = cells.flag("rating.satisfied")
            if satisfied is None:
                raise Bad(
                    "rating.satisfied",
                    "a value" if "rating.satisfied" in cells.values else "empty",
                    "unknown",
                )
            rating = DossierRating(unit=unit, satisfied=satisfied, score=cells.whole("rating.score", 0, 100))
            yield self._event(DossierRated, rating, code, at, cells.text("rating.instance"))
        if mapping.payment and kind in (None, "payment") and (at := self._time(cells, "payment.time")):
            amount = cells.dong("payment.amount_vnd")
            if amount is None:
                raise Bad("payment.amount_vnd", "empty", "a payment needs an amount")
            payment = DossierPayment(
                unit=unit,
                amount_vnd=amount,
                online=cells.flag("payment.online"),
                payment=cells.short("payment.payment", 64),
            )
            yield self._event(DossierPaid, payment, code, at, cells.text("payment.instance"))
        if mapping.supplement and kind in (None, "supplement"):
            yield from self._supplements(cells, code, unit)

    def _supplements(self, cells: Cells, code: str, unit: str) -> Iterator[Happening]:
        asked, came = self._time(cells, "supplement.asked_at"), self._time(cells, "supplement.received_at")
        old, new = cells.moment("supplement.old_due_at"), cells.moment("supplement.new_due_at")
        instance = cells.text("supplement.instance")
        if asked is not None:
            # the due date moves when the papers come; a source that never says when moves it at once
            moves = came is None
            data = DossierSupplement(
                unit=unit,
                received=False,
                old_due_at=old if moves else None,
                new_due_at=new if moves else None,
            )
            yield self._event(DossierSupplemented, data, code, asked, instance)
        if came is not None:
            data = DossierSupplement(unit=unit, received=True, old_due_at=old, new_due_at=new)
            yield self._event(DossierSupplemented, data, code, came, instance)

    def _progress(self, cells: Cells, code: str, unit: str) -> Iterator[Happening]:
        time = self._time(cells, "progress.time")
        if time is None:
            return
        step = cells.short("progress.step")
        status = cells.whole("progress.status")
        table = self.mapping.progress
        person = table.handler if table is not None else None
        handler = None
        if isinstance(person, PersonColumn) and person.treatment == "hash" and self.pseudonym:
            name = cells.text("progress.handler")
            handler = self.pseudonym(name) if name else None
        # The handler makes no id: with a new key the same step would otherwise be another fact.
        parts = (
            "ioc.dossier.progressed.v1",
            unit,
            step or "",
            str(status),
            cells.text("progress.instance") or "",
        )
        yield DossierProgressed(
            specversion="1.0",
            id=event_id(self.mapping.source, code, "\x1f".join(parts), time),
            source=self.mapping.source,
            subject=code,
            time=time,
            data=DossierProgress(
                unit=unit, step=step, status=status, role=cells.short("progress.role"), handler=handler
            ),
        )

    def _time(self, cells: Cells, purpose: str) -> datetime | None:
        """When something happened: never in the future."""
        time = cells.moment(purpose)
        if time is not None and time > self.now + self.tolerance:
            raise Bad(purpose, "time", "it lies in the future")
        return time

    def _event(
        self, kind: type[Any], data: msgspec.Struct, code: str, at: datetime, instance: str | None
    ) -> Happening:
        """A fact whose id is made of all that it says, so that a correction is another fact."""
        what = "\x1f".join((kind.__struct_config__.tag, _encoder.encode(data).decode(), instance or ""))
        made: Happening = kind(
            specversion="1.0",
            id=event_id(self.mapping.source, code, what, at),
            source=self.mapping.source,
            subject=code,
            time=at,
            data=data,
        )
        return made


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[DossierRecord] = msgspec.json.Decoder(DossierRecord)


def past_moments(record: DossierRecord) -> list[datetime]:
    """The moments in a view that lie behind it: it can't be older than any of them."""
    return [at for at in (getattr(record, name) for name in _PAST) if at is not None]


def content(record: DossierRecord) -> bytes:
    """Canonical bytes of a view: equal views have equal bytes."""
    return _encoder.encode(record)


def read_record(stored: bytes) -> DossierRecord:
    """Inverse of :func:`content`."""
    return _decoder.decode(stored)


def recorded(
    source: str, code: str, record: DossierRecord, fingerprint: bytes, time: datetime, version: int | None
) -> DossierRecorded:
    """A dossier's view as a fact.

    :param time: the source's own change time, or the latest moment of the view.
    :param version: the view's number among the source's views of this dossier, where it has no change time.
    """
    changed = time if version is None else f"v{version}"
    return DossierRecorded(
        specversion="1.0",
        id=event_id(source, code, f"{_RECORDED}/{fingerprint.hex()}", changed),
        source=source,
        subject=code,
        time=time,
        sequence="" if version is None else f"{version:012d}",
        data=record,
    )
