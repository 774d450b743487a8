"""Single dossiers: lists in pages, tables for exports, and the events of one. No personal data: none is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.history.columns import Kind, columns
from ioc.history.cursor import BadCursorError
from ioc.history.table import Statement, Table
from ioc.kpi.errors import BadQuestionError, KpiError
from ioc.kpi.query import Steps
from ioc.kpi.question import read_moment


class State(StrEnum):
    """How a dossier stands, by the same entries from which the gauges are summed."""

    OPEN = "open"
    LATE = "late"
    """Open and overdue: ``dossier.overdue`` counts these."""
    DUE = "due"
    """Open and within 24 hours of its due moment: ``dossier.due_24h``."""
    WITHOUT_APOLOGY = "without_apology"
    """Overdue and covered by no letter of apology: ``dossier.late_without_apology``."""
    PAUSED = "paused"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


class Order(StrEnum):
    """Orders of a list."""

    NEWEST = "-received"
    OLDEST = "received"
    DUE = "due"


class UnknownDossierError(KpiError):
    """There is no such dossier, or this reader may not know of it; the two can't be told apart."""

    slug = "unknown-dossier"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which dossiers are asked for. Of several values of a dimension either fits; an empty one is "without a value"."""

    unit: str | None = None
    state: State | None = None
    procedure: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    start: str | None = None
    """Accepted from this moment on, as typed."""
    end: str | None = None

    @property
    def noted(self) -> dict[str, object]:
        """The parts by the names of their parameters: for cursors and the access log."""
        return {
            "unit": self.unit,
            "state": self.state,
            "procedure": self.procedure,
            "field": self.field,
            "channel": self.channel,
            "from": self.start,
            "to": self.end,
        }


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last dossier of a page: what it is ordered by, and its number."""

    at: datetime | None
    dossier: int


COLUMNS: Final = columns(
    code=Kind.TEXT,
    unit=Kind.TEXT,
    channel=Kind.TEXT,
    field=Kind.TEXT,
    procedure=Kind.TEXT,
    applicant=Kind.TEXT,
    status=Kind.INTEGER,
    state=Kind.TEXT,
    received_at=Kind.MOMENT,
    original_due_at=Kind.MOMENT,
    due_at=Kind.MOMENT,
    completed_at=Kind.MOMENT,
    withdrawn_at=Kind.MOMENT,
    overdue=Kind.FLAG,
    due_soon=Kind.FLAG,
    without_apology=Kind.FLAG,
    completed_late=Kind.FLAG,
    apologised_at=Kind.MOMENT,
    promised_at=Kind.MOMENT,
    paid_online=Kind.FLAG,
    digitised=Kind.FLAG,
    satisfied=Kind.FLAG,
    newest_fact=Kind.MOMENT,
)
_ENDED: Final = {
    State.COMPLETED: "d.completed_at IS NOT NULL AND (d.withdrawn_at IS NULL OR d.completed_at <= d.withdrawn_at)",
    State.WITHDRAWN: "d.withdrawn_at IS NOT NULL AND (d.completed_at IS NULL OR d.withdrawn_at < d.completed_at)",
}
_OPEN: Final = "d.completed_at IS NULL AND d.withdrawn_at IS NULL"
_MARKS: Final = {
    State.LATE: "m.overdue",
    State.DUE: "m.due_soon",
    State.WITHOUT_APOLOGY: "m.without_apology",
    State.PAUSED: "m.paused",
}
_SELECTED: Final = f"""
d.code, u.code, d.channel, d.field, d.procedure, d.applicant, d.status,
CASE WHEN {_ENDED[State.COMPLETED]} THEN 'completed' WHEN d.withdrawn_at IS NOT NULL THEN 'withdrawn'
     WHEN m.paused THEN 'paused' ELSE 'open' END,
d.received_at, d.original_due_at, d.due_at, d.completed_at, d.withdrawn_at, m.overdue, m.due_soon, m.without_apology,
m.completed_late, d.apologised_at, d.promised_at, d.paid_online, d.digitised, d.satisfied, d.newest_fact
"""
_AFTER: Final = {
    Order.NEWEST: "(d.received_at, d.dossier_id) < (%(at)s, %(id)s)",
    Order.OLDEST: "(d.received_at, d.dossier_id) > (%(at)s, %(id)s)",
    Order.DUE: "(d.due_at > %(at)s OR (d.due_at = %(at)s AND d.dossier_id > %(id)s) OR d.due_at IS NULL)",
}
_AFTER_NO_DUE: Final = "d.due_at IS NULL AND d.dossier_id > %(id)s"
_ORDER: Final = {
    Order.NEWEST: "{0}received_at DESC, {0}dossier_id DESC",
    Order.OLDEST: "{0}received_at, {0}dossier_id",
    Order.DUE: "{0}due_at, {0}dossier_id",
}


def page(
    reader: str, wanted: Filter, *, order: Order, after: Place | None, limit: int
) -> Steps[tuple[list[tuple[Any, ...]], Place | None]]:
    """Steps to one page: rows of :data:`COLUMNS`, and the place of the last one while more follow.

    :raises BadQuestionError: the order does not fit the filter, or a moment can't be read.
    """
    if order is Order.DUE and (wanted.state is None or wanted.state in _ENDED):
        raise BadQuestionError(
            "Only open dossiers can be ordered by their due date.",
            remedy="Add state=open, late, due, without_apology or paused; or order by received.",
        )
    if order is not Order.DUE and after is not None and after.at is None:
        raise BadCursorError("The cursor can't be read.")
    parameters = yield from _parameters(reader, wanted)
    parameters |= {"limit": limit + 1}
    conditions = _conditions(wanted)
    if after is not None:
        parameters |= {"at": after.at, "id": after.dossier}
        conditions.append(_AFTER[order] if after.at is not None else _AFTER_NO_DUE)
    # each unit's own first rows come from its index; of these the first of all
    ordered = _ORDER[order]
    statement = (
        f"SELECT {_SELECTED}, d.dossier_id FROM ioc.unit_scope(%(reader)s, %(unit)s) s"  # noqa: S608 - constants
        " JOIN ioc.unit u ON u.unit_id = s.unit_id CROSS JOIN LATERAL ("
        " SELECT d.* FROM ioc.dossier d CROSS JOIN LATERAL ioc.dossier_marks(d.dossier_id) m"
        f" WHERE d.unit_id = s.unit_id AND {' AND '.join(conditions)}"
        f" ORDER BY {ordered.format('d.')} LIMIT %(limit)s) d"
        " CROSS JOIN LATERAL ioc.dossier_marks(d.dossier_id) m"
        f" ORDER BY {ordered.format('d.')} LIMIT %(limit)s"
    )
    rows = yield statement, parameters
    shown = [tuple(row[:-1]) for row in rows[:limit]]
    if len(rows) <= limit:
        return shown, None
    last = rows[limit - 1]
    at = last[10] if order is Order.DUE else last[8]
    return shown, Place(at, last[-1])


def table(reader: str, wanted: Filter) -> Steps[Table]:
    """Steps to the table of all dossiers that fit, unit by unit.

    :raises KpiError: there is no such unit, or a moment can't be read.
    """
    parameters = yield from _parameters(reader, wanted)
    statement = (
        f"SELECT {_SELECTED} FROM ioc.unit_scope(%(reader)s, %(unit)s) s"  # noqa: S608 - constants
        " JOIN ioc.unit u ON u.unit_id = s.unit_id JOIN ioc.dossier d ON d.unit_id = s.unit_id"
        " CROSS JOIN LATERAL ioc.dossier_marks(d.dossier_id) m"
        f" WHERE {' AND '.join(_conditions(wanted))}"
    )
    zone = ZoneInfo(str(parameters.pop("zone")))
    return Table("dossiers", COLUMNS, (Statement(statement, parameters),), zone)


def _parameters(reader: str, wanted: Filter) -> Steps[dict[str, Any]]:
    ((zone,),) = yield "SELECT ioc.unit_zone(%s, %s)", (reader, wanted.unit)
    start, end = moments(wanted.start, wanted.end, ZoneInfo(zone))
    return {
        "reader": reader,
        "unit": wanted.unit,
        "procedure": list(wanted.procedure) or None,
        "field": list(wanted.field) or None,
        "channel": list(wanted.channel) or None,
        "start": start,
        "end": end,
        "zone": zone,
    }


def moments(start: str | None, end: str | None, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Read the ends of a range; either may be open.

    :raises BadQuestionError: one can't be read or lies outside the years 1900 to 2200; the range ends before its start.
    """
    read = [
        None if text is None else read_moment(text, zone, what=what)
        for text, what in ((start, "from"), (end, "to"))
    ]
    for moment, what in zip(read, ("from", "to"), strict=True):
        if moment is not None and not 1900 <= moment.year < 2200:
            raise BadQuestionError(
                f"{moment.isoformat()} of {what} is not between the years 1900 and 2200.",
                remedy="Give a date or time of the district's own history.",
            )
    first, last = read
    if first is not None and last is not None and first >= last:
        raise BadQuestionError(
            f"The range ends at {last.isoformat()}, not after its start {first.isoformat()}.",
            remedy="The start is included, the end is not: give a later end.",
        )
    return first, last


def _conditions(wanted: Filter) -> list[str]:
    found = ["d.received_at IS NOT NULL", "d.merged_into IS NULL", "NOT d.erased"]
    if wanted.state in _ENDED:
        found.append(_ENDED[wanted.state])
    elif wanted.state is not None:
        found.append(_OPEN)
    if wanted.state in _MARKS:
        found.append(_MARKS[wanted.state])
    found += [
        f"coalesce(d.{name}, '') = ANY (%({name})s)"
        for name, values in (
            ("procedure", wanted.procedure),
            ("field", wanted.field),
            ("channel", wanted.channel),
        )
        if values
    ]
    if wanted.start is not None:
        found.append("d.received_at >= %(start)s")
    if wanted.end is not None:
        found.append("d.received_at < %(end)s")
    return found


# -- one dossier ----------------------------------------------------------------------------------------


class EventPlace(msgspec.Struct, frozen=True, array_like=True):
    """The last event of a page."""

    time: datetime
    sequence: str
    id: str
    source: int


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about a dossier."""

    time: datetime
    recorded_at: datetime
    type: str
    id: str
    source: str
    sequence: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """A dossier's code, as it counts, and one page of its events."""

    code: str
    unit: str
    zone: ZoneInfo
    merged_into: str | None
    events: list[Event]
    next: EventPlace | None


_TYPES: Final = {
    1: "ioc.dossier.recorded.v1",
    2: "ioc.dossier.progressed.v1",
    3: "ioc.dossier.apologised.v1",
    4: "ioc.dossier.rated.v1",
    5: "ioc.dossier.paid.v1",
    6: "ioc.dossier.supplemented.v1",
    7: "ioc.dossier.merged.v1",
}
_ONE: Final = """
SELECT d.dossier_id, d.code, u.code, u.time_zone, d.merged_into
FROM ioc.dossier d JOIN ioc.unit u USING (unit_id)
WHERE d.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r)
  AND d.code IN (%(code)s, (SELECT a.code FROM ioc.dossier_alias a WHERE a.alias = %(code)s ORDER BY a.code LIMIT 1))
  AND NOT d.erased
ORDER BY d.code = %(code)s DESC LIMIT 1
"""
# what an officer's hash says about him is nobody's question here
_EVENTS: Final = """
SELECT f.time, f.recorded_at, f.kind, f.id, s.name, f.sequence, f.body - 'handler', f.source_id
FROM ioc.dossier_fact f JOIN ioc.source s USING (source_id)
WHERE f.dossier_id = %(dossier)s
  AND (%(time)s::timestamptz IS NULL
       OR (f.time, f.sequence, f.id, f.source_id) > (%(time)s, %(sequence)s::text, %(id)s::text, %(source)s::int))
ORDER BY f.time, f.sequence, f.id, f.source_id LIMIT %(limit)s
"""


def standing(reader: str, code: str) -> Steps[tuple[Any, ...]]:
    """Steps to how one dossier stands now: a row of :data:`COLUMNS`.

    :param code: the dossier's, or another code of it.
    :raises UnknownDossierError: there is none, or the reader may not see its unit.
    """
    found = yield _ONE, {"reader": reader, "code": code}
    if not found:
        raise _unknown()
    statement = (
        f"SELECT {_SELECTED} FROM ioc.dossier d JOIN ioc.unit u USING (unit_id)"  # noqa: S608 - constants
        " CROSS JOIN LATERAL ioc.dossier_marks(d.dossier_id) m WHERE d.dossier_id = %s"
    )
    rows = yield statement, (found[0][0],)
    return tuple(rows[0])


def _unknown() -> UnknownDossierError:
    return UnknownDossierError(
        "There is no such dossier.",
        remedy="GET /api/v1/dossiers lists those that a reader may ask about.",
    )


def events(reader: str, code: str, *, after: EventPlace | None, limit: int) -> Steps[History]:
    """Steps to the events of one dossier, in the order in which they happened.

    :param code: the dossier's, or another code of it.
    :raises UnknownDossierError: there is none, or the reader may not see its unit.
    """
    found = yield _ONE, {"reader": reader, "code": code}
    if not found:
        raise _unknown()
    dossier, known, unit, zone, merged_into = found[0]
    rows = yield (
        _EVENTS,
        {
            "dossier": dossier,
            "time": after and after.time,
            "sequence": after and after.sequence,
            "id": after and after.id,
            "source": after and after.source,
            "limit": limit + 1,
        },
    )
    return History(known, unit, ZoneInfo(zone), merged_into, _events(rows[:limit]), _next(rows, limit))


def _events(rows: Sequence[tuple[Any, ...]]) -> list[Event]:
    return [
        Event(time, recorded_at, _TYPES.get(kind, "unknown"), fact, source, sequence, data)
        for time, recorded_at, kind, fact, source, sequence, data, _ in rows
    ]


def _next(rows: Sequence[tuple[Any, ...]], limit: int) -> EventPlace | None:
    if len(rows) <= limit:
        return None
    time, _, _, fact, _, sequence, _, source = rows[limit - 1]
    return EventPlace(time, sequence, fact, source)
