"""What must hold between the files of a pack: references, periods, trees, shares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

from ioc.district.agencies import agency_key
from ioc.district.model import Pack, Period, Unit
from ioc.district.problems import Problems


class _Coded(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def line(self) -> int: ...


_Row = TypeVar("_Row", bound=_Coded)


def check_pack(pack: Pack, problems: Problems) -> None:
    """Find every contradiction of a pack that was read; findings go to ``problems``."""
    units = _unique("units.csv", pack.units, problems)
    _check_tree(pack, units, problems)
    _check_successions(pack, units, problems)
    _check_groups(pack, units, problems)
    _check_points(pack, units, problems)
    _check_devices(pack, problems)
    _check_agencies(pack, units, problems)
    fields = _unique("fields.csv", pack.fields, problems)
    for procedure in _unique("procedures.csv", pack.procedures, problems).values():
        if procedure.field not in fields:
            problems.error(
                "procedures.csv",
                procedure.line,
                f"Field {procedure.field!r} of {procedure.code} is not in fields.csv.",
            )


def _unique(file: str, rows: Sequence[_Row], problems: Problems) -> dict[str, _Row]:
    found: dict[str, _Row] = {}
    for row in rows:
        if row.code in found:
            problems.error(file, row.line, f"Code {row.code!r} stands on line {found[row.code].line} too.")
        else:
            found[row.code] = row
    return found


def _check_tree(pack: Pack, units: dict[str, Unit], problems: Problems) -> None:
    if pack.root not in units:
        problems.error("pack.toml", 0, f"root {pack.root!r} is not a unit of units.csv.")
    for unit in units.values():
        if unit.parent is None:
            continue
        parent = units.get(unit.parent)
        if parent is None:
            problems.error(
                "units.csv", unit.line, f"Parent {unit.parent!r} of {unit.code} is not a unit here."
            )
        elif not parent.period.covers(unit.period):
            problems.error(
                "units.csv",
                unit.line,
                f"{unit.code} holds {unit.period}, longer than its parent {parent.code} {parent.period}.",
                "Give the parent the longer period, or the unit another parent.",
            )
        if _in_a_ring(unit, units):
            problems.error("units.csv", unit.line, f"{unit.code} is among its own ancestors.")


def _in_a_ring(unit: Unit, units: dict[str, Unit]) -> bool:
    met: set[str] = set()
    code = unit.parent
    while code is not None and code in units and code not in met:
        if code == unit.code:
            return True
        met.add(code)
        code = units[code].parent
    return False


def _check_successions(pack: Pack, units: dict[str, Unit], problems: Problems) -> None:
    file = "successions.csv"
    shares: dict[tuple[str, object], float] = defaultdict(float)
    seen: dict[tuple[str, str, object], int] = {}
    for row in pack.successions:
        key = (row.predecessor, row.successor, row.valid_from)
        if key in seen:
            problems.error(
                file, row.line, f"{row.predecessor} → {row.successor} stands on line {seen[key]} too."
            )
            continue
        seen[key] = row.line
        before, after = units.get(row.predecessor), units.get(row.successor)
        for code, unit in ((row.predecessor, before), (row.successor, after)):
            if unit is None:
                problems.error(file, row.line, f"{code!r} is not a unit of units.csv.")
        if row.predecessor == row.successor:
            problems.error(file, row.line, f"{row.predecessor} can't take its own place.")
        if before and before.period.start and before.period.start >= row.valid_from:
            problems.error(file, row.line, f"{before.code} does not exist before {row.valid_from}.")
        if after and not after.period.holds_on(row.valid_from):
            problems.error(
                file,
                row.line,
                f"{after.code} {after.period} does not hold on {row.valid_from}, when it takes over.",
            )
        if row.share is None:
            problems.note(
                file,
                row.line,
                f"Nobody has said which share of {row.predecessor} went to {row.successor}.",
                "Nothing is re-mapped along it; answers that would need it say so.",
            )
        else:
            group = (row.predecessor, row.valid_from)
            shares[group] += row.share
            if shares[group] > 1.0 + 1e-9:
                problems.error(
                    file,
                    row.line,
                    f"Shares of {row.predecessor} on {row.valid_from} come to {shares[group]:g}, above 1.",
                )


def _check_groups(pack: Pack, units: dict[str, Unit], problems: Problems) -> None:
    file = "groups.csv"
    periods: dict[tuple[str, str], list[tuple[Period, int]]] = defaultdict(list)
    members: dict[str, set[str]] = defaultdict(set)
    for row in pack.memberships:
        if row.period.start and row.period.end and row.period.end <= row.period.start:
            continue  # told when the line was read
        group, member = units.get(row.group), units.get(row.member)
        for code, unit in ((row.group, group), (row.member, member)):
            if unit is None:
                problems.error(file, row.line, f"{code!r} is not a unit of units.csv.")
        if group and group.kind != "group":
            problems.error(
                file,
                row.line,
                f"{group.code} is a {group.kind}, no group.",
                "Units of other kinds have those below them by their column parent.",
            )
        if member and not member.period.overlaps(row.period):
            problems.error(
                file, row.line, f"{member.code} {member.period} does not hold on any day of {row.period}."
            )
        if row.group in _above(row.member, units):
            problems.error(
                file, row.line, f"{row.member} is below {row.group} already, by parents of units.csv."
            )
        for period, line in periods[row.group, row.member]:
            if period.overlaps(row.period):
                problems.error(
                    file,
                    row.line,
                    f"{row.member} is in {row.group} twice at a time: {row.period} here, {period} on line {line}.",
                )
        periods[row.group, row.member].append((row.period, row.line))
        if _holds(row.member, row.group, units, members):
            problems.error(
                file, row.line, f"{row.group} is in {row.member} itself: they would hold each other."
            )
        else:
            members[row.group].add(row.member)


def _above(code: str, units: dict[str, Unit]) -> set[str]:
    found: set[str] = set()
    unit = units.get(code)
    while unit is not None and unit.parent is not None and unit.parent not in found:
        found.add(unit.parent)
        unit = units.get(unit.parent)
    return found


def _holds(outer: str, inner: str, units: dict[str, Unit], members: dict[str, set[str]]) -> bool:
    """Whether ``inner`` is ``outer`` or somewhere in it, by parents and memberships."""
    below: dict[str, set[str]] = defaultdict(set)
    for unit in units.values():
        if unit.parent is not None:
            below[unit.parent].add(unit.code)
    reached: set[str] = set()
    waiting = [outer]
    while waiting:
        code = waiting.pop()
        if code not in reached:
            reached.add(code)
            waiting.extend(below[code] | members[code])
    return inner in reached


def _check_points(pack: Pack, units: dict[str, Unit], problems: Problems) -> None:
    file = "points.csv"
    periods: dict[str, list[tuple[Period, int]]] = defaultdict(list)
    for row in pack.points:
        for period, line in periods[row.code]:
            if period.overlaps(row.period):
                problems.error(
                    file,
                    row.line,
                    f"Point {row.code} has two units at a time: {row.period} here, {period} on line {line}.",
                )
        periods[row.code].append((row.period, row.line))
        unit = units.get(row.unit)
        if unit is None:
            problems.error(file, row.line, f"Unit {row.unit!r} of point {row.code} is not in units.csv.")
        elif not unit.period.covers(row.period):
            problems.error(
                file,
                row.line,
                f"Point {row.code} is in {unit.code} {row.period}, but that unit holds {unit.period}.",
            )
    for code, rows in periods.items():
        ordered = sorted(rows, key=lambda item: (item[0].start is not None, item[0].start))
        for (earlier, _), (later, line) in pairwise(ordered):
            if earlier.end and later.start and earlier.end < later.start:
                problems.error(
                    file,
                    line,
                    f"Point {code} has no unit from {earlier.end} to {later.start}.",
                    "Close the gap.",
                )


def _check_devices(pack: Pack, problems: Problems) -> None:
    points = set(pack.point_codes())
    for device in _unique("devices.csv", pack.devices, problems).values():
        if device.point not in points:
            problems.error(
                "devices.csv",
                device.line,
                f"Point {device.point!r} of device {device.code} is not in points.csv.",
            )


def _check_agencies(pack: Pack, units: dict[str, Unit], problems: Problems) -> None:
    file = "agencies.csv"
    periods: dict[tuple[str, str], list[tuple[Period, int]]] = defaultdict(list)
    for row in pack.agencies:
        unit = units.get(row.unit)
        if unit is None:
            problems.error(
                file,
                row.line,
                f"Unit {row.unit!r} of {row.name!r} is not in units.csv.",
                "Add the unit there, or correct the code.",
            )
        elif not unit.period.covers(row.period):
            problems.error(
                file,
                row.line,
                f"{row.name!r} stands for {unit.code} {row.period}, but that unit holds {unit.period}.",
                "Give the row valid_from and valid_to within the unit's.",
            )
        same = periods[agency_key(row.name), row.scheme]
        for period, line in same:
            if period.overlaps(row.period):
                problems.error(
                    file,
                    row.line,
                    f"{row.name!r} has two rows at a time: {row.period} here, {period} on line {line}.",
                    "Names are compared without case and blanks; keep one row, or give each its own period.",
                )
        same.append((row.period, row.line))
