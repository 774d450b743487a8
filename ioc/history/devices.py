"""Devices over time: their samples, and their runs of equal state. In pages for one device, as tables for many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.history.columns import Column, Kind, columns
from ioc.history.dossiers import moments
from ioc.history.table import Statement, Table
from ioc.kpi.errors import BadQuestionError, KpiError
from ioc.kpi.query import Steps

KINDS: Final = {1: "camera", 2: "wifi", 3: "kiosk"}
STATES: Final = {0: "unknown", 1: "ok", 2: "degraded", 3: "down", 4: "maintenance"}
_DEFAULT_SPAN: Final = timedelta(days=1)

_STATE: Final = (
    "(ARRAY['unknown', 'ok', 'degraded', 'down', 'maintenance'])[{0}.state + 1]"  # STATES, by number
)
_HEAD: Final = (Column("device", Kind.TEXT), Column("unit", Kind.TEXT))
_CAMERA: Final = columns(
    time=Kind.MOMENT,
    recorded_at=Kind.MOMENT,
    state=Kind.TEXT,
    last_frame_age_s=Kind.NUMBER,
    fps=Kind.NUMBER,
    bitrate_kbps=Kind.NUMBER,
    clock_offset_s=Kind.NUMBER,
    frozen=Kind.FLAG,
    stalled=Kind.FLAG,
    moved=Kind.FLAG,
    rung=Kind.TEXT,
    reason=Kind.TEXT,
)
_WIFI: Final = columns(
    time=Kind.MOMENT,
    recorded_at=Kind.MOMENT,
    state=Kind.TEXT,
    clients=Kind.INTEGER,
    rtt_ms=Kind.NUMBER,
    loss=Kind.NUMBER,
    internet_ok=Kind.FLAG,
    rx_bytes=Kind.NUMBER,
    tx_bytes=Kind.NUMBER,
    reason=Kind.TEXT,
)
#: What a sample of each kind holds.
SAMPLES: Final = {"camera": _CAMERA, "wifi": _WIFI}
#: What a run of equal state holds; the one that lasts has no end.
STATE_COLUMNS: Final = columns(started=Kind.MOMENT, ended=Kind.MOMENT, state=Kind.TEXT, reason=Kind.TEXT)


class UnknownDeviceError(KpiError):
    """There is no such device, or this reader may not know of it."""

    slug = "unknown-device"
    status = 404


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The moment of a page's last row."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """The device that is asked about."""

    number: int
    code: str
    kind: str
    unit: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one device, in order of time."""

    device: Device
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    next: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows of which devices; a range without a start is that of the day before its end."""

    kind: str | None = None
    unit: str | None = None
    device: str | None = None
    start: str | None = None
    end: str | None = None

    @property
    def noted(self) -> dict[str, object]:
        """The parts by the names of their parameters, for the access log."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "device": self.device,
            "from": self.start,
            "to": self.end,
        }


def device(reader: str, code: str) -> Steps[Device]:
    """Steps to the device of this code.

    :raises UnknownDeviceError: there is none, or the reader may not see its unit.
    """
    rows = yield (
        (
            "SELECT d.device_id, d.code, d.kind, u.code, u.time_zone FROM ioc.device d JOIN ioc.unit u USING (unit_id)"
            " WHERE d.code = %s AND d.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%s) r)"
        ),
        (code, reader),
    )
    if not rows:
        raise UnknownDeviceError(
            "There is no such device.", remedy="GET /api/v1/devices lists those that a reader may ask about."
        )
    number, known, kind, unit, zone = rows[0]
    return Device(number, known, KINDS[kind], unit, ZoneInfo(zone))


def samples(reader: str, code: str, wanted: Wanted, *, after: Place | None, limit: int) -> Steps[Page]:
    """Steps to a page of one device's samples in units that the reader may see."""
    found = yield from device(reader, code)
    fields = _fields(found.kind)
    parameters = yield from _of_one(reader, found, wanted, after, limit)
    rows = yield (
        (
            f"SELECT {_listed(fields)} FROM ioc.{found.kind}_history x"  # noqa: S608 - names above
            " WHERE x.device_id = %(device)s AND x.time >= %(start)s AND x.time < %(end)s"
            " AND x.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r)"
            " AND (%(after)s::timestamptz IS NULL OR x.time > %(after)s) ORDER BY x.time LIMIT %(limit)s"
        ),
        parameters,
    )
    return _page(found, fields, rows, limit)


def states(reader: str, code: str, wanted: Wanted, *, after: Place | None, limit: int) -> Steps[Page]:
    """Steps to a page of one device's runs of equal state that touch the range; silence is a run of state unknown."""
    found = yield from device(reader, code)
    parameters = yield from _of_one(reader, found, wanted, after, limit)
    rows = yield (
        (
            f"SELECT x.started, x.ended, {_STATE.format('x')}, x.reason FROM ioc.device_stretch x"  # noqa: S608 - constants
            " WHERE x.device_id = %(device)s AND x.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r)"
            " AND x.started < %(end)s AND coalesce(x.ended, 'infinity') > %(start)s"
            " AND (%(after)s::timestamptz IS NULL OR x.started > %(after)s) ORDER BY x.started LIMIT %(limit)s"
        ),
        parameters,
    )
    return _page(found, STATE_COLUMNS, rows, limit)


def newest_samples(reader: str, code: str, wanted: Wanted, *, limit: int) -> Steps[Page]:
    """Steps to the last of one device's samples in a range, the newest first; ``next`` tells that there are more."""
    found = yield from device(reader, code)
    fields = _fields(found.kind)
    parameters = yield from _of_one(reader, found, wanted, None, limit)
    rows = yield (
        (
            f"SELECT {_listed(fields)} FROM ioc.{found.kind}_history x"  # noqa: S608 - names above
            " WHERE x.device_id = %(device)s AND x.time >= %(start)s AND x.time < %(end)s"
            " AND x.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r)"
            " ORDER BY x.time DESC LIMIT %(limit)s"
        ),
        parameters,
    )
    return _page(found, fields, rows, limit)


def newest_states(reader: str, code: str, wanted: Wanted, *, limit: int) -> Steps[Page]:
    """Steps to the last of one device's runs that touch a range, the newest first; ``next`` tells of more."""
    found = yield from device(reader, code)
    parameters = yield from _of_one(reader, found, wanted, None, limit)
    rows = yield (
        (
            f"SELECT x.started, x.ended, {_STATE.format('x')}, x.reason FROM ioc.device_stretch x"  # noqa: S608 - constants
            " WHERE x.device_id = %(device)s AND x.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r)"
            " AND x.started < %(end)s AND coalesce(x.ended, 'infinity') > %(start)s"
            " ORDER BY x.started DESC LIMIT %(limit)s"
        ),
        parameters,
    )
    return _page(found, STATE_COLUMNS, rows, limit)


def samples_table(reader: str, wanted: Wanted) -> Steps[Table]:
    """Steps to the table of all samples of a kind in a range, device by device.

    :raises BadQuestionError: no kind is named, or one that has no samples.
    """
    if wanted.kind is None:
        raise BadQuestionError("Samples of which kind?", remedy="Add kind=camera or kind=wifi.")
    fields = _fields(wanted.kind)
    zone, statement, parameters = yield from _table(
        reader,
        wanted,
        f"SELECT d.code, u.code, {_listed(fields)} FROM ioc.{wanted.kind}_history x"  # noqa: S608 - names above
        " JOIN ioc.device d ON d.device_id = x.device_id JOIN ioc.unit u ON u.unit_id = x.unit_id"
        " WHERE x.time >= %(start)s AND x.time < %(end)s",
        "x.device_id, x.time",
    )
    return Table(f"{wanted.kind}-samples", _HEAD + fields, (Statement(statement, parameters),), zone)


def states_table(reader: str, wanted: Wanted) -> Steps[Table]:
    """Steps to the table of all runs of equal state that touch a range, device by device."""
    zone, statement, parameters = yield from _table(
        reader,
        wanted,
        f"SELECT d.code, u.code, x.started, x.ended, {_STATE.format('x')}, x.reason FROM ioc.device_stretch x"  # noqa: S608
        " JOIN ioc.device d ON d.device_id = x.device_id JOIN ioc.unit u ON u.unit_id = x.unit_id"
        " WHERE x.started < %(end)s AND coalesce(x.ended, 'infinity') > %(start)s",
        "x.device_id, x.started",
    )
    return Table("device-states", _HEAD + STATE_COLUMNS, (Statement(statement, parameters),), zone)


def _table(
    reader: str, wanted: Wanted, statement: str, order: str
) -> Steps[tuple[ZoneInfo, str, dict[str, Any]]]:
    if wanted.device is not None:
        found = yield from device(reader, wanted.device)
        zone, number = found.zone, found.number
    else:
        ((name,),) = yield "SELECT ioc.unit_zone(%s, %s)", (reader, wanted.unit)
        zone, number = ZoneInfo(name), None
    start, end = yield from _range(wanted, zone)
    parameters: dict[str, Any] = {"reader": reader, "unit": wanted.unit, "start": start, "end": end}
    if wanted.device is not None and wanted.unit is None:
        # a device may be outside the district that a question without a unit is about
        statement += " AND x.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r)"
    else:
        statement += " AND x.unit_id IN (SELECT s.unit_id FROM ioc.unit_scope(%(reader)s, %(unit)s) s)"
    if number is not None:
        statement += " AND x.device_id = %(device)s"
        parameters["device"] = number
    if wanted.kind is not None:
        if wanted.kind not in KINDS.values():
            raise BadQuestionError(
                f"There are no devices of kind {wanted.kind!r}.",
                remedy=f"Kinds are {', '.join(KINDS.values())}.",
            )
        statement += " AND d.kind = %(kind)s"
        parameters["kind"] = next(n for n, name in KINDS.items() if name == wanted.kind)
    return zone, f"{statement} ORDER BY {order}", parameters


def _fields(kind: str) -> tuple[Column, ...]:
    if kind not in SAMPLES:
        raise BadQuestionError(
            f"There are no samples of {kind!r}.", remedy=f"Kinds with samples are {', '.join(SAMPLES)}."
        )
    return SAMPLES[kind]


def _listed(fields: tuple[Column, ...]) -> str:
    return ", ".join(_STATE.format("x") if f.name == "state" else f"x.{f.name}" for f in fields)


def _range(wanted: Wanted, zone: ZoneInfo) -> Steps[tuple[datetime, datetime]]:
    ((now,),) = yield "SELECT now()", ()
    start, end = moments(wanted.start, wanted.end, zone)
    last = end or now
    first = start or last - _DEFAULT_SPAN
    if first >= last:
        raise BadQuestionError(
            f"The range begins at {first.astimezone(zone).isoformat()}, which has not come yet.",
            remedy="Give an earlier start.",
        )
    return first, last


def _of_one(
    reader: str, found: Device, wanted: Wanted, after: Place | None, limit: int
) -> Steps[dict[str, Any]]:
    """Steps to the parameters that give a page of one device, and the row by which more is known to follow."""
    start, end = yield from _range(wanted, found.zone)
    return {
        "device": found.number,
        "reader": reader,
        "start": start,
        "end": end,
        "after": after and after.at,
        "limit": limit + 1,
    }


def _page(found: Device, fields: tuple[Column, ...], rows: Any, limit: int) -> Page:
    page = [tuple(row) for row in rows[:limit]]
    return Page(found, fields, page, Place(page[-1][0]) if len(rows) > limit else None)
