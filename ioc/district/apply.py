"""Brings a district pack into the database: one transaction, harmless when repeated."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from ioc.district.agencies import agency_key
from ioc.district.apply_alerts import apply_alerts
from ioc.district.apply_duty import apply_rosters
from ioc.district.apply_maintenance import apply_maintenance
from ioc.district.model import Device, Number, Pack
from ioc.district.procedures import replace_procedures

_UNIT = """
INSERT INTO ioc.unit AS u (code, name_vi, name_en, kind, parent_code, scheme, time_zone, valid_from, valid_to, phone,
                           contact, declared)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)
ON CONFLICT (code) DO UPDATE
   SET name_vi = excluded.name_vi, name_en = excluded.name_en, kind = excluded.kind, parent_code = excluded.parent_code,
       scheme = excluded.scheme, time_zone = excluded.time_zone, valid_from = excluded.valid_from,
       valid_to = excluded.valid_to, phone = excluded.phone, contact = excluded.contact, declared = true
 WHERE (u.name_vi, u.name_en, u.kind, u.parent_code, u.scheme, u.time_zone, u.valid_from, u.valid_to, u.phone,
        u.contact, u.declared)
       IS DISTINCT FROM (excluded.name_vi, excluded.name_en, excluded.kind, excluded.parent_code, excluded.scheme,
                         excluded.time_zone, excluded.valid_from, excluded.valid_to, excluded.phone, excluded.contact,
                         true)
"""

_EDGE = """
INSERT INTO ioc.unit_edge AS e (from_code, to_code, share, valid_from) VALUES (%s, %s, %s, %s)
ON CONFLICT (from_code, to_code, valid_from) DO UPDATE SET share = excluded.share
 WHERE e.share IS DISTINCT FROM excluded.share
"""

_MEMBER = """
INSERT INTO ioc.unit_member AS m (group_code, member_code, valid_from, valid_to) VALUES (%s, %s, %s, %s)
ON CONFLICT (group_code, member_code, valid_from) DO UPDATE SET valid_to = excluded.valid_to
 WHERE m.valid_to IS DISTINCT FROM excluded.valid_to
"""

_POINT = """
INSERT INTO ioc.point AS p (code, unit_code, name_vi, name_en, valid_from, valid_to, latitude, longitude, phone,
                            contact)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (code, valid_from) DO UPDATE
   SET unit_code = excluded.unit_code, name_vi = excluded.name_vi, name_en = excluded.name_en,
       valid_to = excluded.valid_to, latitude = excluded.latitude, longitude = excluded.longitude,
       phone = excluded.phone, contact = excluded.contact
 WHERE (p.unit_code, p.name_vi, p.name_en, p.valid_to, p.latitude, p.longitude, p.phone, p.contact)
       IS DISTINCT FROM (excluded.unit_code, excluded.name_vi, excluded.name_en, excluded.valid_to, excluded.latitude,
                         excluded.longitude, excluded.phone, excluded.contact)
"""

# A fact stamps the unit of its own time; the pack's unit holds only until there is one.
_DEVICE = """
INSERT INTO ioc.device AS d (code, kind, unit_id, point_code, name, address, interval_s, valid_from, valid_to,
                             client_limit, declared)
VALUES (%(code)s, %(kind)s, (SELECT unit_id FROM ioc.unit WHERE code = %(unit)s), %(point)s, %(name)s, %(address)s,
        %(interval_s)s, %(valid_from)s, %(valid_to)s, %(client_limit)s, true)
ON CONFLICT (code) DO UPDATE
   SET kind = excluded.kind, point_code = excluded.point_code, name = excluded.name, address = excluded.address,
       interval_s = excluded.interval_s, valid_from = excluded.valid_from, valid_to = excluded.valid_to,
       client_limit = excluded.client_limit, declared = true,
       unit_id = CASE WHEN EXISTS (SELECT FROM ioc.device_state s WHERE s.device_id = d.device_id)
                      THEN d.unit_id ELSE excluded.unit_id END
 WHERE (d.kind, d.point_code, d.name, d.address, d.interval_s, d.valid_from, d.valid_to, d.client_limit, d.declared)
       IS DISTINCT FROM (excluded.kind, excluded.point_code, excluded.name, excluded.address, excluded.interval_s,
                         excluded.valid_from, excluded.valid_to, excluded.client_limit, true)
    OR (d.unit_id <> excluded.unit_id
        AND NOT EXISTS (SELECT FROM ioc.device_state s WHERE s.device_id = d.device_id))
"""

_AGENCY = """
INSERT INTO ioc.agency AS a (key, scheme, name, unit_code, valid_from, valid_to) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (key, scheme, valid_from) DO UPDATE
   SET name = excluded.name, unit_code = excluded.unit_code, valid_to = excluded.valid_to
 WHERE (a.name, a.unit_code, a.valid_to) IS DISTINCT FROM (excluded.name, excluded.unit_code, excluded.valid_to)
"""

_DISTRICT = """
INSERT INTO ioc.district AS d (code, root_unit, time_zone, pack_version, working_time) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (only_one) DO UPDATE
   SET code = excluded.code, root_unit = excluded.root_unit, time_zone = excluded.time_zone,
       pack_version = excluded.pack_version, working_time = excluded.working_time, applied_at = now()
 WHERE (d.code, d.root_unit, d.time_zone, d.pack_version, d.working_time)
       IS DISTINCT FROM (excluded.code, excluded.root_unit, excluded.time_zone, excluded.pack_version,
                         excluded.working_time)
"""

_TARGET = """
INSERT INTO ioc.kpi_target AS t (kpi, unit_code, valid_from, valid_to, value, warning, strict, each, certainty)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (kpi, unit_code, valid_from) DO UPDATE
   SET valid_to = excluded.valid_to, value = excluded.value, warning = excluded.warning, strict = excluded.strict,
       each = excluded.each, certainty = excluded.certainty
 WHERE (t.valid_to, t.value, t.warning, t.strict, t.each, t.certainty)
       IS DISTINCT FROM (excluded.valid_to, excluded.value, excluded.warning, excluded.strict, excluded.each,
                         excluded.certainty)
"""
# Days on which the calendar differs from its weekdays, for SQL; the years that dossiers are likely to speak of.
_EXCEPTIONAL = "INSERT INTO ioc.exceptional_day (day, worked) VALUES (%s, %s)"
_YEARS = range(2000, 2051)

#: Two appliers would otherwise wait for one another's rows in different orders.
_LOCK = 0x696F6303


@dataclass(frozen=True)
class Applied:
    """Rows that an application wrote or took away; all zero when the database held the pack already."""

    units: int
    successions: int
    memberships: int
    points: int
    devices: int
    undeclared_devices: int
    """Devices that the pack no longer names: their history stays, they are no longer expected to report."""
    agencies: int
    targets: int
    procedures: int
    duty: int
    """Rosters and people on duty."""
    alerts: int
    """Rules, policies, channels and standing maintenance windows of alerts."""
    district: int

    @property
    def changed(self) -> int:
        return (
            self.units
            + self.successions
            + self.memberships
            + self.points
            + self.devices
            + self.undeclared_devices
            + self.agencies
            + self.targets
            + self.procedures
            + self.duty
            + self.alerts
            + self.district
        )


def apply_pack(
    conn: psycopg.Connection[Any], pack: Pack, *, today: date | None = None, at: datetime | None = None
) -> Applied:
    """Bring the database to what the pack says, in one transaction of ``conn``.

    Units that the pack does not name are left alone (importers and facts bring their own); points, successions, groups,
    devices, agency names, procedures, targets, rosters, people on duty and what is said of alerts are the pack's alone.
    A share that nobody has said is stored as unknown.

    :param today: day that decides to which unit a device belongs before its first fact; default is the day in the
        pack's time zone.
    :param at: from when on rosters and people hold that differ from those before; default is now.
    """
    day = today or datetime.now(ZoneInfo(pack.time_zone)).date()
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _replace_exceptional_days(cursor, pack)
        return Applied(
            units=_write(cursor, _UNIT, _unit_rows(pack)),
            successions=_replace_edges(cursor, pack),
            memberships=_replace_members(cursor, pack),
            points=_replace_points(cursor, pack),
            devices=_write(cursor, _DEVICE, [_device_row(pack, device, day) for device in pack.devices]),
            undeclared_devices=_changed(
                cursor,
                "UPDATE ioc.device SET declared = false WHERE declared AND code <> ALL (%s)",
                ([device.code for device in pack.devices],),
            ),
            agencies=_replace_agencies(cursor, pack),
            targets=_replace_targets(cursor, pack),
            procedures=replace_procedures(cursor, pack),
            duty=apply_rosters(cursor, pack, at=at),
            alerts=apply_alerts(cursor, pack.alerts) + apply_maintenance(cursor, pack.maintenance),
            district=_changed(
                cursor,
                _DISTRICT,
                (
                    pack.id,
                    pack.root,
                    pack.time_zone,
                    f"{pack.version}+{pack.digest}",
                    pack.calendar.to_json(),
                ),
            ),
        )


def _replace_exceptional_days(cursor: psycopg.Cursor[Any], pack: Pack) -> None:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM ioc.exceptional_day)"
        " AND EXISTS (SELECT FROM ioc.district WHERE working_time = %s::jsonb)",
        (pack.calendar.to_json(),),
    )
    if cursor.fetchone() == (True,):
        return
    cursor.execute("DELETE FROM ioc.exceptional_day")
    days = (date(year, 1, 1) + timedelta(days=n) for year in _YEARS for n in range(365 + isleap(year)))
    odd = (
        (day, worked)
        for day in days
        if (worked := pack.calendar.is_working_day(day)) != (day.isoweekday() in pack.calendar.weekdays)
    )
    cursor.executemany(_EXCEPTIONAL, list(odd))


def _unit_rows(pack: Pack) -> Iterable[Sequence[Any]]:
    for unit in pack.units:
        yield (
            unit.code,
            unit.name_vi,
            unit.name_en,
            unit.kind,
            unit.parent,
            unit.scheme,
            unit.time_zone,
            unit.period.start,
            unit.period.end,
            *_number(unit.number),
        )


def _number(number: Number | None) -> tuple[str | None, str | None]:
    return (None, None) if number is None else (number.phone, number.contact or None)


def _replace_edges(cursor: psycopg.Cursor[Any], pack: Pack) -> int:
    rows = [(row.predecessor, row.successor, row.share, row.valid_from) for row in pack.successions]
    gone = _changed(
        cursor,
        "DELETE FROM ioc.unit_edge WHERE (from_code, to_code, valid_from) NOT IN"
        " (SELECT * FROM unnest(%s::text[], %s::text[], %s::date[]))",
        ([row[0] for row in rows], [row[1] for row in rows], [row[3] for row in rows]),
    )
    return gone + _write(cursor, _EDGE, rows)


def _replace_members(cursor: psycopg.Cursor[Any], pack: Pack) -> int:
    rows = [(row.group, row.member, row.period.start or date.min, row.period.end) for row in pack.memberships]
    gone = _changed(
        cursor,
        "DELETE FROM ioc.unit_member WHERE (group_code, member_code, valid_from) NOT IN"
        " (SELECT * FROM unnest(%s::text[], %s::text[], %s::date[]))",
        ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]),
    )
    return gone + _write(cursor, _MEMBER, rows)


def _replace_points(cursor: psycopg.Cursor[Any], pack: Pack) -> int:
    rows = [
        (
            row.code,
            row.unit,
            row.name_vi,
            row.name_en,
            row.period.start or date.min,
            row.period.end,
            row.latitude,
            row.longitude,
            *_number(row.number),
        )
        for row in pack.points
    ]
    gone = _changed(
        cursor,
        "DELETE FROM ioc.point WHERE (code, valid_from) NOT IN (SELECT * FROM unnest(%s::text[], %s::date[]))",
        ([row[0] for row in rows], [row[4] for row in rows]),
    )
    return gone + _write(cursor, _POINT, rows)


def _replace_agencies(cursor: psycopg.Cursor[Any], pack: Pack) -> int:
    rows = [
        (agency_key(row.name), row.scheme, row.name, row.unit, row.period.start or date.min, row.period.end)
        for row in pack.agencies
    ]
    gone = _changed(
        cursor,
        "DELETE FROM ioc.agency WHERE (key, scheme, valid_from) NOT IN"
        " (SELECT * FROM unnest(%s::text[], %s::text[], %s::date[]))",
        ([row[0] for row in rows], [row[1] for row in rows], [row[4] for row in rows]),
    )
    written = _write(cursor, _AGENCY, rows)
    if gone or written:
        # A name that has a row now is asked for anew: where its row does not reach, it comes back by itself.
        cursor.execute("DELETE FROM ioc.agency_unmapped WHERE key IN (SELECT key FROM ioc.agency)")
    return gone + written


def _replace_targets(cursor: psycopg.Cursor[Any], pack: Pack) -> int:
    rows = [
        (
            row.kpi,
            row.unit or "",
            row.period.start or date.min,
            row.period.end,
            row.value,
            row.warning,
            row.strict,
            row.each,
            row.certainty.value,
        )
        for row in pack.targets
    ]
    gone = _changed(
        cursor,
        "DELETE FROM ioc.kpi_target WHERE (kpi, unit_code, valid_from) NOT IN"
        " (SELECT * FROM unnest(%s::text[], %s::text[], %s::date[]))",
        ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]),
    )
    return gone + _write(cursor, _TARGET, rows)


def _device_row(pack: Pack, device: Device, today: date) -> dict[str, Any]:
    day = max(today, device.period.start) if device.period.start else today
    return {
        "code": device.code,
        "kind": int(device.kind),
        # a point that is closed today still has devices with a history: they stay with the district as a whole
        "unit": pack.unit_of(device.point, day) or pack.root,
        "point": device.point,
        "name": device.name,
        "address": device.address,
        "interval_s": device.interval_s,
        "valid_from": device.period.start,
        "valid_to": device.period.end,
        "client_limit": device.client_limit,
    }


def _write(cursor: psycopg.Cursor[Any], statement: str, rows: Iterable[Any]) -> int:
    cursor.executemany(statement, list(rows))
    return max(cursor.rowcount, 0)


def _changed(cursor: psycopg.Cursor[Any], statement: str, parameters: Sequence[Any]) -> int:
    cursor.execute(statement, parameters)
    return max(cursor.rowcount, 0)
