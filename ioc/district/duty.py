"""``people.csv``, ``rosters.csv``, ``duty.csv``: who can be on duty, and by which rotations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Final

from ioc.district.problems import Problems
from ioc.district.tables import Row
from ioc.duty.model import CALENDAR_DAYS, WEEKDAYS, Advance, Calendar, Cover, Person, Roster, Rotation

PEOPLE: Final = "people.csv"
ROSTERS: Final = "rosters.csv"
SHIFTS: Final = "duty.csv"
FILES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]]] = {
    PEOPLE: (("code", "name"), ("title", "unit", "contacts", "valid_from", "valid_to", "note"), False),
    ROSTERS: (("code", "name_vi", "name_en", "cover"), ("unit", "time_zone", "note"), False),
    SHIFTS: (
        ("roster", "layer", "shift", "days", "starts", "ends", "turn", "people", "valid_from"),
        ("valid_to", "advance", "needs", "note"),
        False,
    ),
}
#: Ways on which somebody can be told.
CHANNELS: Final = ("email", "sms", "call", "zalo", "telegram", "teams", "webhook")
_LONGEST_TURN: Final = 366
_MOST_PEOPLE: Final = 50
#: Every kind of day comes within this time.
_LOOKED_AT_DAYS: Final = 400
_LONGEST_ADDRESS: Final = 300


def read_people(rows: Iterator[Row]) -> Iterator[Person]:
    """Read ``people.csv``. Messages never repeat an address: it is personal data."""
    for row in rows:
        period = row.period()
        yield Person(
            code=row.code("code"),
            name=row.text("name"),
            title=row.text("title", required=False),
            unit=row.optional_code("unit"),
            valid_from=period.start,
            valid_to=period.end,
            contacts=_contacts(row),
            line=row.line,
        )


def read_rosters(
    rows: Iterator[Row], shifts: Iterator[Row], zone: str, problems: Problems
) -> Iterator[Roster]:
    """Read ``rosters.csv`` with the shifts of ``duty.csv``, in the files' order."""
    of: dict[str, list[Rotation]] = defaultdict(list)
    lines: dict[str, int] = {}
    for row in shifts:
        roster = row.code("roster")
        rotation = _rotation(row)
        lines.setdefault(roster, row.line)
        if rotation is not None:
            of[roster].append(rotation)
    known: set[str] = set()
    for row in rows:
        code = row.code("code")
        if code in known:
            row.error(f"Code {code!r} stands twice.")
            continue
        known.add(code)
        yield Roster(
            code=code,
            name_vi=row.text("name_vi"),
            name_en=row.text("name_en"),
            time_zone=row.fields.get("time_zone") or zone,
            cover=row.member("cover", Cover),
            rotations=tuple(of[code]),
            unit=row.optional_code("unit"),
            line=row.line,
        )
    for code, line in lines.items():
        if code not in known:
            problems.error(SHIFTS, line, f"Roster {code!r} is not in {ROSTERS}.")


def check_duty(
    rosters: Sequence[Roster],
    people: Sequence[Person],
    units: Mapping[str, object],
    calendar: Calendar,
    problems: Problems,
) -> None:
    """Find what does not fit between the three files, the units and the calendar; findings go to ``problems``."""
    from ioc.district.manifest import zone_exists

    by_code: dict[str, Person] = {}
    for person in people:
        if person.code in by_code:
            line = by_code[person.code].line
            problems.error(PEOPLE, person.line, f"Code {person.code!r} stands on line {line} too.")
        by_code.setdefault(person.code, person)
        if person.unit is not None and person.unit not in units:
            problems.error(PEOPLE, person.line, f"Unit {person.unit!r} is not in units.csv.")
    for roster in rosters:
        if not zone_exists(roster.time_zone):
            problems.error(
                ROSTERS,
                roster.line,
                f"time_zone {roster.time_zone!r} is no IANA time zone.",
                "Such as Asia/Ho_Chi_Minh.",
            )
        if roster.unit is not None and roster.unit not in units:
            problems.error(ROSTERS, roster.line, f"Unit {roster.unit!r} is not in units.csv.")
        if not roster.rotations:
            problems.error(ROSTERS, roster.line, f"Roster {roster.code!r} has no shift in {SHIFTS}.")
        _check_rotations(roster, by_code, problems)
        _check_days(roster, calendar, problems)


def _check_rotations(roster: Roster, people: Mapping[str, Person], problems: Problems) -> None:
    for place, rotation in enumerate(roster.rotations):
        for other in roster.rotations[:place]:
            if (rotation.layer, rotation.code) == (other.layer, other.code) and _overlap(rotation, other):
                problems.error(
                    SHIFTS,
                    rotation.line,
                    f"Shift {rotation.code!r} of {roster.code}/{rotation.layer} stands on line {other.line} too, "
                    "at the same time.",
                    "Give one of them another name, or periods that do not overlap.",
                )
        for code in dict.fromkeys(code for group in rotation.people for code in group):
            person = people.get(code)
            if person is None:
                problems.error(SHIFTS, rotation.line, f"Person {code!r} is not in {PEOPLE}.")
            elif _ends_early(person, rotation):
                problems.note(
                    SHIFTS,
                    rotation.line,
                    f"{code} is among the people from {person.valid_from or '…'} to {person.valid_to or '…'} only.",
                    "Turns outside that stay empty; `ioc duty check` lists them.",
                )


def _check_days(roster: Roster, calendar: Calendar, problems: Problems) -> None:
    for rotation in roster.rotations:
        days = (rotation.valid_from + timedelta(days=n) for n in range(_LOOKED_AT_DAYS))
        if not any(rotation.holds_on(day, calendar) for day in days):
            problems.error(
                SHIFTS,
                rotation.line,
                f"Shift {rotation.code!r} of {roster.code}/{rotation.layer} is held on no day"
                f" from {rotation.valid_from} to {rotation.valid_to or f'{_LOOKED_AT_DAYS} days later'}.",
                "Mend days, valid_from or valid_to.",
            )


def _rotation(row: Row) -> Rotation | None:
    starts, ends, first = _clock(row, "starts"), _clock(row, "ends"), row.day("valid_from")
    if first is None and not row.fields.get("valid_from"):
        row.error("valid_from is empty.", "It is the day on which the first people begin their turn.")
    people, needs = _people(row), _whole(row, "needs", 0, _MOST_PEOPLE, 1)
    small = next((group for group in people if len(group) < needs), None)
    if small is not None:
        row.error(
            f"The turn of {'+'.join(small)} has {len(small)} people, the shift needs {needs}.",
            "Join people of one turn with +, or lower needs.",
        )
    found = Rotation(
        layer=row.code("layer"),
        code=row.code("shift"),
        days=_days(row),
        starts=starts or time(),
        ends=ends or time(),
        turn=_whole(row, "turn", 1, _LONGEST_TURN, 1),
        advance=row.member("advance", Advance) if row.fields.get("advance") else Advance.CALENDAR,
        people=people,
        needs=needs,
        valid_from=first or date(2000, 1, 1),
        valid_to=row.period().end,
        line=row.line,
    )
    return None if row.bad else found


def _overlap(left: Rotation, right: Rotation) -> bool:
    return (left.valid_to is None or right.valid_from < left.valid_to) and (
        right.valid_to is None or left.valid_from < right.valid_to
    )


def _ends_early(person: Person, rotation: Rotation) -> bool:
    late = person.valid_from is not None and person.valid_from > rotation.valid_from
    early = person.valid_to is not None and (rotation.valid_to is None or person.valid_to < rotation.valid_to)
    return late or early


def _contacts(row: Row) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in row.fields.get("contacts", "").split(";"))):
        channel, _, address = (side.strip() for side in part.partition("="))
        if channel not in CHANNELS or not address:
            row.error(
                "contacts can't be read.",
                f"Write channel=address, with ; between two of them; channels are {', '.join(CHANNELS)}.",
            )
        elif len(address) > _LONGEST_ADDRESS:
            row.error(f"The address of {channel} is longer than {_LONGEST_ADDRESS} characters.")
        elif channel in found:
            row.error(f"contacts names {channel} twice.")
        else:
            found[channel] = address
    return found


def _people(row: Row) -> tuple[tuple[str, ...], ...]:
    text = row.fields.get("people", "")
    if not text:
        return ()
    groups = tuple(tuple(code.strip() for code in group.split("+")) for group in text.split(";"))
    for group in groups:
        if "" in group:
            row.error(
                "people has an empty place.", "Write codes, + within a turn and ; between turns: a+b; c+d."
            )
            return ()
        if len(set(group)) < len(group):
            row.error(f"The turn of {'+'.join(group)} names somebody twice.")
    return groups


def _days(row: Row) -> tuple[str, ...]:
    known = (*CALENDAR_DAYS, *WEEKDAYS)
    words = tuple(word.strip() for word in row.text("days").split("+"))
    unknown = [word for word in words if word and word not in known]
    if unknown:
        row.error(f"days {'+'.join(unknown)!r} is not known.", f"Join with +: {', '.join(known)}.")
    return tuple(word for word in known if word in words)


def _clock(row: Row, column: str) -> time | None:
    text = row.text(column)
    try:
        if len(text) != len("07:00"):
            raise ValueError(text)
        return time.fromisoformat(text)
    except ValueError:
        if text:
            row.error(f"{column} {text!r} is no time of day.", "Write it as 07:30.")
        return None


def _whole(row: Row, column: str, low: int, high: int, default: int) -> int:
    text = row.fields.get(column, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        row.error(f"{column} {text!r} is no whole number from {low} to {high}.")
        return default
    return int(text)
