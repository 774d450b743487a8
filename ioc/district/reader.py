"""Reads a district pack: a folder of small text files. What each holds is in docs/concepts/district-pack.md."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from ioc.alerts.window import Window
from ioc.district import duty, maintenance, targets
from ioc.district.agencies import LONGEST_NAME, agency_key
from ioc.district.alert_call_checks import check_calls
from ioc.district.alert_checks import check_alerts
from ioc.district.alerts import AlertReading, alert_files, is_of_alerts, read_alerts, without_bad
from ioc.district.checks import check_pack
from ioc.district.manifest import FILE as MANIFEST
from ioc.district.manifest import Manifest, clocks, in_order, read_manifest, zone_exists
from ioc.district.model import (
    Agency,
    Certainty,
    Device,
    DeviceKind,
    Field,
    Membership,
    Number,
    Pack,
    PointPeriod,
    Procedure,
    Succession,
    Target,
    Unit,
)
from ioc.district.probing import check_probing
from ioc.district.problems import PackError, Problem, Problems
from ioc.district.sources import COLUMNS, OPTIONAL, Source, check_sources, read_sources
from ioc.district.tables import Row, read_table
from ioc.district.unknown import note_unknown
from ioc.district.worktime import Hours
from ioc.duty.model import Person, Roster

#: Letters of a role.
_LONGEST_CONTACT: Final = 100
#: File → columns it must have, columns it may have, whether it must exist.
TABLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]]] = {
    "units.csv": (
        ("code", "scheme", "name_vi", "name_en", "kind", "parent", "valid_from", "valid_to", "certainty"),
        ("time_zone", "phone", "contact", "note"),
        True,
    ),
    "successions.csv": (("predecessor", "successor", "share", "valid_from", "certainty"), ("note",), False),
    "groups.csv": (("group", "member", "valid_from", "valid_to", "certainty"), ("note",), False),
    "points.csv": (
        ("code", "unit", "name_vi", "name_en", "valid_from", "valid_to", "certainty"),
        ("latitude", "longitude", "phone", "contact", "note"),
        True,
    ),
    "devices.csv": (
        ("code", "kind", "point", "name", "address", "interval_s", "valid_from", "valid_to"),
        ("secret", "options", "client_limit", "note"),
        True,
    ),
    "fields.csv": (("code", "name_vi", "name_en"), ("note",), False),
    "procedures.csv": (
        ("code", "field", "name_vi", "name_en", "working_days"),
        ("note", "calendar_days"),
        False,
    ),
    "agencies.csv": (("name", "unit", "scheme", "valid_from", "valid_to", "certainty"), ("note",), False),
    "sources.csv": (COLUMNS, OPTIONAL, False),
    "calendar.csv": (("day", "kind", "name"), ("hours",), False),
    targets.FILE: (targets.COLUMNS, targets.OPTIONAL, False),
    **duty.FILES,
    maintenance.FILE: (maintenance.COLUMNS, maintenance.OPTIONAL, False),
}
#: A mistake on a line of these costs that line alone when connectors read the pack.
_LINE_BY_LINE: Final = ("devices.csv", "sources.csv", *duty.FILES)

UNIT_KINDS: Final = ("province", "district", "commune", "ward", "town", "group", "other")
_SECONDS_PER_DAY: Final = 86_400.0
_WORKED_OF_WEEK: Final = 5 / 7
_MOST_CLIENTS: Final = 100_000.0
_OPENING: Final = re.compile(r"([01]\d:[0-5]\d|2[0-3]:[0-5]\d)-([01]\d:[0-5]\d|2[0-3]:[0-5]\d)")


@dataclass(frozen=True)
class Reading:
    """What came of reading a folder."""

    pack: Pack | None
    """None when there are errors."""
    errors: Sequence[Problem]
    notes: Sequence[Problem]
    usable: Pack | None = None
    """The pack without the devices and sources whose lines have errors, and without the rules, policies and channels
    that have any; None when there are others."""


def read_pack(folder: Path) -> Pack:
    """Read and check a pack.

    :raises PackError: naming every mistake with file and line.
    """
    reading = examine(folder)
    if reading.pack is None:
        raise PackError(folder, reading.errors)
    return reading.pack


def examine(folder: Path) -> Reading:
    """Read a pack and say all that is wrong with it, without raising."""
    problems = Problems()
    if not folder.is_dir():
        problems.error(str(folder), 0, "The folder does not exist.", "Name the folder that holds pack.toml.")
        return Reading(None, problems.errors, problems.notes)
    manifest = read_manifest(folder, problems)
    overrides = _calendar(_rows(folder, "calendar.csv", problems))
    zone = manifest.time_zone if manifest else "UTC"
    tables = _Tables(
        units=tuple(_units(_rows(folder, "units.csv", problems), zone)),
        successions=tuple(_successions(_rows(folder, "successions.csv", problems))),
        memberships=tuple(_memberships(_rows(folder, "groups.csv", problems))),
        points=tuple(_points(_rows(folder, "points.csv", problems))),
        devices=tuple(_devices(_rows(folder, "devices.csv", problems))),
        fields=tuple(_fields(_rows(folder, "fields.csv", problems))),
        procedures=tuple(_procedures(_rows(folder, "procedures.csv", problems))),
        agencies=tuple(_agencies(_rows(folder, "agencies.csv", problems))),
        sources=tuple(read_sources(_rows(folder, "sources.csv", problems))),
        targets=tuple(targets.read_targets(_rows(folder, targets.FILE, problems))),
        people=tuple(duty.read_people(_rows(folder, duty.PEOPLE, problems))),
        rosters=tuple(
            duty.read_rosters(
                _rows(folder, duty.ROSTERS, problems), _rows(folder, duty.SHIFTS, problems), zone, problems
            )
        ),
        alerts=read_alerts(folder, problems),
        maintenance=tuple(
            maintenance.read_windows(
                _rows(folder, maintenance.FILE, problems), ZoneInfo(zone if zone_exists(zone) else "UTC")
            )
        ),
    )
    for path in sorted(folder.glob("*.csv")):
        if path.name not in TABLES:
            problems.note(path.name, 0, "The file is not read.", f"Known are {', '.join(TABLES)}.")
    if manifest is None:
        return Reading(None, problems.errors, problems.notes)
    pack = _assemble(manifest, tables, overrides, _digest(folder))
    if not problems.unread:
        check_pack(pack, problems)
        targets.check_targets(pack.targets, {unit.code: unit for unit in pack.units}, problems)
        units = {unit.code: unit for unit in pack.units}
        duty.check_duty(pack.rosters, pack.people, units, pack.calendar, problems)
        check_probing(pack, folder, problems)
        check_sources(pack, folder, problems)
        today = datetime.now(ZoneInfo(pack.time_zone)).date()
        maintenance.check_windows(
            pack.maintenance,
            rules={rule.code for rule in pack.alerts.rules},
            units=units,
            points=pack.point_codes(),
            problems=problems,
        )
        check_alerts(pack, tables.alerts.lost, problems, today)
        check_calls(pack, tables.alerts.lost, folder, problems, today)
        note_unknown(pack, problems, today)
    return Reading(
        None if problems.errors else pack, problems.errors, problems.notes, _usable(pack, problems)
    )


def _usable(pack: Pack, problems: Problems) -> Pack | None:
    bad = {(problem.file, problem.line) for problem in problems.errors}
    if any((file not in _LINE_BY_LINE or line == 0) and not is_of_alerts(file) for file, line in bad):
        return None
    alerts = without_bad(pack.alerts, problems)
    kept = {rule.code for rule in alerts.rules}
    return replace(
        pack,
        devices=tuple(device for device in pack.devices if ("devices.csv", device.line) not in bad),
        sources=tuple(source for source in pack.sources if ("sources.csv", source.line) not in bad),
        alerts=alerts,
        trials=tuple(trial for trial in pack.trials if trial.rule.code in kept),
    )


@dataclass(frozen=True)
class _Tables:
    units: tuple[Unit, ...]
    successions: tuple[Succession, ...]
    memberships: tuple[Membership, ...]
    points: tuple[PointPeriod, ...]
    devices: tuple[Device, ...]
    fields: tuple[Field, ...]
    procedures: tuple[Procedure, ...]
    agencies: tuple[Agency, ...]
    sources: tuple[Source, ...]
    targets: tuple[Target, ...]
    people: tuple[Person, ...]
    rosters: tuple[Roster, ...]
    alerts: AlertReading
    maintenance: tuple[Window, ...]


def _assemble(manifest: Manifest, tables: _Tables, overrides: dict[date, bool | Hours], digest: str) -> Pack:
    return Pack(
        id=manifest.id,
        version=manifest.version,
        name_vi=manifest.name_vi,
        name_en=manifest.name_en,
        root=manifest.root,
        time_zone=manifest.time_zone,
        calendar=manifest.calendar(overrides),
        units=tables.units,
        successions=tables.successions,
        memberships=tables.memberships,
        points=tables.points,
        devices=tables.devices,
        fields=tables.fields,
        procedures=tables.procedures,
        agencies=tables.agencies,
        sources=tables.sources,
        targets=tables.targets,
        people=tables.people,
        rosters=tables.rosters,
        alerts=tables.alerts.alerts,
        trials=tables.alerts.trials,
        maintenance=tables.maintenance,
        digest=digest,
    )


def _digest(folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in (MANIFEST, *TABLES, *alert_files(folder)):
        path = folder / name
        if path.is_file():
            data = path.read_bytes()
            digest.update(f"{name} {len(data)}\n".encode())
            digest.update(data)
    return digest.hexdigest()


def _rows(folder: Path, name: str, problems: Problems) -> Iterator[Row]:
    columns, optional, needed = TABLES[name]
    return read_table(folder / name, columns, problems, optional=optional, needed=needed)


def _units(rows: Iterator[Row], zone: str) -> Iterator[Unit]:
    for row in rows:
        own_zone = row.fields.get("time_zone") or zone
        if not zone_exists(own_zone):
            row.error(f"time_zone {own_zone!r} is no IANA time zone.", "Such as Asia/Ho_Chi_Minh.")
        yield Unit(
            code=row.code("code"),
            scheme=row.text("scheme"),
            name_vi=row.text("name_vi"),
            name_en=row.text("name_en"),
            kind=row.choice("kind", UNIT_KINDS),
            parent=row.optional_code("parent"),
            time_zone=own_zone,
            period=row.period(),
            certainty=row.member("certainty", Certainty),
            line=row.line,
            number=_number(row),
        )


def _number(row: Row) -> Number | None:
    phone, contact = row.phone("phone"), row.text("contact", required=False)
    if len(contact) > _LONGEST_CONTACT:
        row.error(
            f"contact has more than {_LONGEST_CONTACT} letters.",
            "It is a role, such as Trực lãnh đạo; nobody's name.",
        )
    if phone is None and contact and not row.bad:
        row.error("contact is given and phone is empty.", "contact says whose number it is.")
    return None if phone is None else Number(phone, contact)


def _successions(rows: Iterator[Row]) -> Iterator[Succession]:
    for row in rows:
        start = row.day("valid_from")
        if start is None and not row.bad:
            row.error("valid_from is empty.", "It is the first day of the successor.")
        yield Succession(
            predecessor=row.code("predecessor"),
            successor=row.code("successor"),
            share=row.number("share", 0.0, 1.0),
            valid_from=start or date.min,
            certainty=row.member("certainty", Certainty),
            line=row.line,
        )


def _memberships(rows: Iterator[Row]) -> Iterator[Membership]:
    for row in rows:
        yield Membership(
            group=row.code("group"),
            member=row.code("member"),
            period=row.period(),
            certainty=row.member("certainty", Certainty),
            line=row.line,
        )


def _points(rows: Iterator[Row]) -> Iterator[PointPeriod]:
    for row in rows:
        latitude, longitude = row.degrees("latitude", 90.0), row.degrees("longitude", 180.0)
        if (latitude is None) != (longitude is None) and not row.bad:
            given, lacking = ("longitude", "latitude") if latitude is None else ("latitude", "longitude")
            row.error(
                f"{given} is given and {lacking} is empty.",
                "A position takes both; without one, leave both empty.",
            )
        yield PointPeriod(
            code=row.code("code"),
            unit=row.code("unit"),
            name_vi=row.text("name_vi"),
            name_en=row.text("name_en"),
            period=row.period(),
            certainty=row.member("certainty", Certainty),
            line=row.line,
            latitude=latitude,
            longitude=longitude,
            number=_number(row),
        )


_KINDS: Final = {"camera": DeviceKind.CAMERA, "wifi": DeviceKind.WIFI, "kiosk": DeviceKind.KIOSK}


def _devices(rows: Iterator[Row]) -> Iterator[Device]:
    for row in rows:
        yield Device(
            code=row.code("code"),
            kind=_KINDS.get(row.choice("kind", tuple(_KINDS)), DeviceKind.CAMERA),
            point=row.code("point"),
            name=row.text("name"),
            address=row.address("address"),
            interval_s=row.number("interval_s", 0.0, _SECONDS_PER_DAY, default=60.0) or 60.0,
            period=row.period(),
            line=row.line,
            secret=row.secret("secret"),
            options=row.options("options"),
            client_limit=_limit(row),
        )


def _limit(row: Row) -> int | None:
    found = row.number("client_limit", 0.0, _MOST_CLIENTS)
    return None if found is None else max(1, round(found))


def _fields(rows: Iterator[Row]) -> Iterator[Field]:
    for row in rows:
        yield Field(row.code("code"), row.text("name_vi"), row.text("name_en"), row.line)


def _procedures(rows: Iterator[Row]) -> Iterator[Procedure]:
    for row in rows:
        days = row.number("working_days", 0.0, 1000.0)
        calendar_days = row.number("calendar_days", 0.0, 1000.0)
        if calendar_days is not None and not calendar_days.is_integer():
            row.error("calendar_days is no whole number.")
        if (days is None) == (calendar_days is None) and not row.bad:
            row.error(
                "working_days is empty."
                if days is None
                else "working_days and calendar_days are both given.",
                "A procedure's time counts in one of the two.",
            )
        yield Procedure(
            code=row.code("code"),
            field=row.code("field"),
            name_vi=row.text("name_vi"),
            name_en=row.text("name_en"),
            working_days=days or (calendar_days or 7.0) * _WORKED_OF_WEEK,
            calendar_days=None if calendar_days is None else int(calendar_days),
            line=row.line,
        )


def _agencies(rows: Iterator[Row]) -> Iterator[Agency]:
    for row in rows:
        name = row.text("name")
        if len(name) > LONGEST_NAME:
            row.error(f"name has {len(name)} characters.", f"A name has at most {LONGEST_NAME}.")
        elif name and not agency_key(name):
            row.error("name holds nothing that can be seen.", "Write the name as the one-stop system does.")
        yield Agency(
            name=name,
            unit=row.code("unit"),
            scheme=row.optional_code("scheme") or "",
            period=row.period(),
            certainty=row.member("certainty", Certainty),
            line=row.line,
        )


def _calendar(rows: Iterator[Row]) -> dict[date, bool | Hours]:
    found: dict[date, bool | Hours] = {}
    for row in rows:
        day = row.day("day")
        worked = row.choice("kind", ("holiday", "workday")) == "workday"
        row.text("name")
        hours = _half_day(row, worked=worked)
        if day is None:
            if not row.bad:
                row.error("day is empty.")
        elif day in found:
            row.error(f"{day} stands twice.")
        else:
            found[day] = hours or worked
    return found


def _half_day(row: Row, *, worked: bool) -> Hours:
    """The day's own opening periods, written ``07:00-11:30 13:30-15:00``; none where the column is empty."""
    text = row.text("hours", required=False)
    parts = [_OPENING.fullmatch(part) for part in text.split()]
    periods = [(part[1], part[2]) for part in parts if part is not None]
    found = clocks(periods)
    if text and not (len(periods) == len(parts) and in_order(periods)):
        row.error(f"hours {text!r} can't be read.", "Write 07:00-11:30, with a blank between two periods.")
    elif text and not worked:
        row.error("A holiday has no hours.", "A half day is a workday with its hours.")
    return found if worked else ()
