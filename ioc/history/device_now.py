"""Devices as they are now: lists in pages, how many are in which state, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.history.devices import KINDS, STATES, UnknownDeviceError
from ioc.kpi.steps import Steps

LONGEST_TEXT: Final = 100
#: What needs somebody first.
_WORST_FIRST: Final = ("down", "unknown", "degraded", "maintenance", "ok")
_NUMBERS: Final = {name: number for number, name in STATES.items()}
_RANK: Final = "coalesce(array_position(%(worst)s::int[], d.state::int), 0)"
_COLUMNS: Final = """
d.code, d.kind, d.unit, d.point_code, d.name, d.state, d.since, d.last_time, d.clients, d.reason, d.declared,
d.interval_s, u.time_zone, u.name_vi, u.name_en, p.name_vi, p.name_en
"""
_FROM: Final = """
ioc.reader_device d JOIN ioc.unit u USING (unit_id)
LEFT JOIN LATERAL (SELECT p.name_vi, p.name_en FROM ioc.point p WHERE p.code = d.point_code
                   ORDER BY p.valid_from DESC LIMIT 1) p ON true
"""
_FITS: Final = """
d.reader = %(reader)s
AND (%(kind)s::int IS NULL OR d.kind = %(kind)s)
AND (%(point)s::text IS NULL OR d.point_code = %(point)s)
AND (%(unit)s::text IS NULL OR d.unit_id IN (SELECT unit_id FROM ioc.unit_scope(%(reader)s, %(unit)s)))
AND (%(text)s::text IS NULL
     OR concat_ws(' ', d.code, d.name, d.point_code, p.name_vi, p.name_en, u.name_vi, u.name_en) ILIKE %(text)s)
"""
_LIST: Final = f"""
SELECT {_COLUMNS}, {_RANK} FROM {_FROM}
WHERE {_FITS} AND (%(state)s::int IS NULL OR d.state = %(state)s)
  AND (%(after)s::text IS NULL OR ({_RANK}, d.code) > (%(after_rank)s::int, %(after)s))
ORDER BY {_RANK}, d.code LIMIT %(limit)s
"""  # noqa: S608 - of constants above
_COUNTS: Final = f"SELECT d.state, count(*) FROM {_FROM} WHERE {_FITS} GROUP BY 1"  # noqa: S608 - of constants above
_ONE: Final = f"SELECT {_COLUMNS} FROM {_FROM} WHERE d.reader = %(reader)s AND d.code = %(code)s"  # noqa: S608
# The newest sample of each; last_time may trail it by some seconds, and one sample is near it always.
_SAMPLES: Final = """
SELECT d.code, s.time, s.last_frame_age_s, s.rung, s.detail->>'model', s.detail->>'firmware', s.rtt_ms
FROM ioc.device d JOIN ioc.device_state n USING (device_id)
CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT c.time, c.last_frame_age_s, c.rung, c.detail, NULL::real AS rtt_ms FROM ioc.camera_sample c
         WHERE d.kind = 1 AND c.device_id = d.device_id AND c.time >= n.last_time - interval '1 hour'
         ORDER BY c.time DESC LIMIT 1)
        UNION ALL
        (SELECT w.time, NULL::real, NULL, w.detail, w.rtt_ms FROM ioc.wifi_sample w
         WHERE d.kind = 2 AND w.device_id = d.device_id AND w.time >= n.last_time - interval '1 hour'
         ORDER BY w.time DESC LIMIT 1)
    ) AS either
) AS s
WHERE d.code = ANY (%(codes)s)
"""
_PLACES: Final = """
SELECT DISTINCT u.code, u.name_vi, u.name_en, NULL, NULL, NULL
FROM ioc.reader_device d JOIN ioc.unit u USING (unit_id) WHERE d.reader = %(reader)s
UNION ALL
SELECT DISTINCT NULL, NULL, NULL, d.point_code, p.name_vi, p.name_en
FROM ioc.reader_device d
JOIN LATERAL (SELECT p.name_vi, p.name_en FROM ioc.point p WHERE p.code = d.point_code
              ORDER BY p.valid_from DESC LIMIT 1) p ON true
WHERE d.reader = %(reader)s
LIMIT 2000
"""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last device of a page: the rank of its state, 0 where order is by code, and its code."""

    rank: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which devices are asked for.

    :param unit: code, with all below it.
    :param text: a part of the code or a name of device, point or unit, in whatever case.
    """

    unit: str | None = None
    point: str | None = None
    kind: str | None = None
    state: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What its newest probe found.

    :param last_frame_age_s: seconds from its last decoded picture to the moment of the sample; None: no picture.
    :param rung: first rung of a camera's ladder that failed; the last one passed when all is well.
    """

    time: datetime
    last_frame_age_s: float | None
    rung: str | None
    model: str | None
    firmware: str | None
    rtt_ms: float | None

    @property
    def last_frame_at(self) -> datetime | None:
        """When the last decoded picture was taken."""
        if self.last_frame_age_s is None:
            return None
        return self.time - timedelta(seconds=self.last_frame_age_s)


@dataclass(frozen=True, slots=True)
class Device:
    """A device with the state that holds now.

    :param kind: camera, wifi or kiosk.
    :param state: ok, degraded, down, maintenance, or unknown: silence.
    :param since: from when on; None: nothing was ever heard of it.
    :param last_time: when it was heard of last, to some seconds.
    :param declared: whether the applied pack names it.
    """

    code: str
    kind: str
    unit: str
    point: str | None
    name: str | None
    state: str
    since: datetime | None
    last_time: datetime | None
    clients: int | None
    reason: str | None
    declared: bool
    interval_s: float
    zone: ZoneInfo
    unit_vi: str
    unit_en: str
    point_vi: str | None
    point_en: str | None
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Devices in order, and where the next page begins."""

    devices: tuple[Device, ...]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Places:
    """Units and points that have devices which the reader may see: codes with their names."""

    units: tuple[tuple[str, str, str], ...]
    points: tuple[tuple[str, str, str], ...]


def listed(
    reader: str, wanted: Wanted, *, after: Place | None, limit: int, worst_first: bool = False
) -> Steps[Page]:
    """Steps to a page of devices that the reader may see, by code; or those that need somebody first.

    :raises UnknownUnitError: there is no such unit, or the reader may not see it.
    """
    parameters = _parameters(reader, wanted)
    rows = yield (
        _LIST,
        {
            **parameters,
            "state": None if wanted.state is None else _NUMBERS[wanted.state],
            # without a rank of their own all are alike, and the code decides
            "worst": [_NUMBERS[name] for name in _WORST_FIRST] if worst_first else [],
            "after": after and after.code,
            "after_rank": after and after.rank,
            "limit": limit + 1,
        },
    )
    page = rows[:limit]
    following = Place(page[-1][-1], page[-1][0]) if len(rows) > limit else None
    return Page(tuple(_device(row[:-1]) for row in page), following)


def counts(reader: str, wanted: Wanted) -> Steps[dict[str, int]]:
    """Steps to how many devices are in which state, whatever state is asked for."""
    rows = yield _COUNTS, _parameters(reader, wanted)
    found = {STATES[state]: int(count) for state, count in rows}
    return {state: found.get(state, 0) for state in _WORST_FIRST}


def with_samples(devices: Sequence[Device]) -> Steps[tuple[Device, ...]]:
    """Steps to the same devices with what their newest probes found."""
    rows = yield _SAMPLES, {"codes": [device.code for device in devices]}
    found = {code: Sample(*values) for code, *values in rows}
    return tuple(replace(device, sample=found.get(device.code)) for device in devices)


def one(reader: str, code: str) -> Steps[Device]:
    """Steps to one device.

    :raises UnknownDeviceError: there is none, or the reader may not see its unit.
    """
    rows = () if "\x00" in code else (yield _ONE, {"reader": reader, "code": code})
    if not rows:
        raise UnknownDeviceError(
            "There is no such device.", remedy="GET /api/v1/devices lists those that a reader may ask about."
        )
    (found,) = yield from with_samples([_device(rows[0])])
    return found


def places(reader: str) -> Steps[Places]:
    """Steps to the units and points that devices can be asked for by."""
    rows = yield _PLACES, {"reader": reader}
    units = sorted((row[1] or "", row[0], row[2] or "") for row in rows if row[0] is not None)
    points = sorted((row[4] or "", row[3], row[5] or "") for row in rows if row[3] is not None)
    return Places(
        tuple((code, vi, en) for vi, code, en in units), tuple((code, vi, en) for vi, code, en in points)
    )


def _parameters(reader: str, wanted: Wanted) -> dict[str, Any]:
    kinds = {name: number for number, name in KINDS.items()}
    text = (wanted.text or "").strip()[:LONGEST_TEXT].replace("\\", r"\\")
    plain = text.replace("%", r"\%").replace("_", r"\_").replace("\x00", "")
    return {
        "reader": reader,
        "unit": wanted.unit,
        "point": wanted.point,
        "kind": None if wanted.kind is None else kinds[wanted.kind],
        "text": f"%{plain}%" if plain else None,
    }


def _device(row: Sequence[Any]) -> Device:
    code, kind, unit, point, name, state, since, last, clients, reason, declared, interval_s, zone, *names = (
        row
    )
    return Device(
        code,
        KINDS[kind],
        unit,
        point,
        name,
        STATES[state],
        since,
        last,
        clients,
        reason,
        declared,
        interval_s,
        ZoneInfo(zone),
        *names,
    )
