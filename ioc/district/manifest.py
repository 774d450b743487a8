"""Reads ``pack.toml``: who the pack is for, its root unit, zone and working time."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from ioc.district.problems import Problems
from ioc.district.tables import read_text
from ioc.district.worktime import Hours, Regime, WorkCalendar

FILE = "pack.toml"
FORMAT = 1

_CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$"
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
_Code = Annotated[str, msgspec.Meta(pattern=_CODE)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Clock = Annotated[str, msgspec.Meta(pattern=_CLOCK)]
_MEANT = {
    _CODE: "a code of 1 to 50 letters without marks, digits, '.', '_' or '-'",
    _CLOCK: 'a time of day such as "07:30"',
}


_Periods = tuple[tuple[_Clock, _Clock], ...]
_Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]
#: Weekdays as keys of a TOML table are texts.
_ShortDays = dict[Annotated[str, msgspec.Meta(pattern=r"^[1-7]$")], _Periods]


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table ``[[working_time.changes]]``: working time from a day on. What it does not name stays as it was."""

    valid_from: date
    hours: _Periods | None = None
    weekdays: tuple[_Weekday, ...] | None = None
    short_days: _ShortDays | None = None


class WorkingTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table ``[working_time]``."""

    hours: _Periods = (("07:00", "11:30"), ("13:30", "17:00"))
    weekdays: tuple[_Weekday, ...] = (1, 2, 3, 4, 5)
    holidays: str = ""
    short_days: _ShortDays = {}
    changes: tuple[Change, ...] = ()

    def in_order(self) -> list[Change]:
        """Each change with all that holds from its day on; the first one is the beginning."""
        found = [Change(date.min, self.hours, self.weekdays, self.short_days)]
        for change in self.changes:
            last = found[-1]
            found.append(
                Change(
                    change.valid_from,
                    last.hours if change.hours is None else change.hours,
                    last.weekdays if change.weekdays is None else change.weekdays,
                    last.short_days if change.short_days is None else change.short_days,
                )
            )
        return found


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    format: int
    id: _Code
    version: _Text
    name_vi: _Text
    name_en: _Text
    root: _Code
    time_zone: str
    working_time: WorkingTime = WorkingTime()

    def calendar(self, overrides: dict[date, bool | Hours]) -> WorkCalendar:
        """Working calendar of this manifest with the pack's own days."""
        first, *later = (
            Regime(
                change.valid_from,
                clocks(change.hours or ()),
                tuple(sorted(change.weekdays or ())),
                {int(day): clocks(periods) for day, periods in (change.short_days or {}).items()},
            )
            for change in self.working_time.in_order()
        )
        return WorkCalendar(
            time_zone=self.time_zone,
            hours=first.hours,
            weekdays=frozenset(first.weekdays),
            holidays_of=self.working_time.holidays or None,
            overrides=overrides,
            short_days=first.short_days,
            later=tuple(later),
        )


def clocks(periods: Iterable[tuple[str, str]]) -> Hours:
    """Read opening periods that are written ``("07:00", "11:30")``."""
    return tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in periods)


def in_order(periods: Iterable[tuple[str, str]]) -> bool:
    """Whether opening periods are some, follow one another and don't overlap."""
    found = [clock for pair in periods for clock in pair]
    return bool(found) and found == sorted(set(found))


def zone_exists(name: str) -> bool:
    """Whether the IANA database knows this time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return bool(name)


def read_manifest(folder: Path, problems: Problems) -> Manifest | None:
    """Read ``pack.toml``; None when it can't be used, with the reasons in ``problems``."""
    try:
        text = read_text(folder / FILE, problems)
    except OSError as error:
        problems.error(FILE, 0, f"The file can't be read: {error.strerror}.", "A pack begins with it.")
        return None
    if text is None:
        return None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place[1]) if place else len(text.splitlines())
        problems.error(FILE, line, f"The line is no TOML: {str(error).split(' (at ')[0]}.")
        return None
    if tables.get("format", FORMAT) != FORMAT:
        problems.error(
            FILE,
            _line(text, "format"),
            f"The pack has format {tables['format']!r}, this program reads format {FORMAT}.",
        )
        return None
    return _checked(tables, text, problems)


def _checked(tables: dict[str, Any], text: str, problems: Problems) -> Manifest | None:
    try:
        found = msgspec.convert(tables, Manifest)
    except msgspec.ValidationError as error:
        message = str(error)
        named = re.search(r"`([a-z_]+)`", message)
        path = re.search(r"\$\.([a-z_.]+)", message)
        key = (named and _line(text, named[1]) and named[1]) or (path[1].split(".")[-1] if path else "")
        problems.error(FILE, _line(text, key) or 0, _plain(message))
        return None
    before = len(problems.errors)
    if not zone_exists(found.time_zone):
        problems.error(FILE, _line(text, "time_zone"), f"time_zone {found.time_zone!r} is no IANA time zone.")
    working = found.working_time
    written = [working.hours, *working.short_days.values()]
    for change in working.changes:
        written += [] if change.hours is None else [change.hours]
        written += (change.short_days or {}).values()
    if not all(in_order(periods) for periods in written):
        problems.error(
            FILE,
            _line(text, "hours"),
            "hours are not in order.",
            'Write them as [["07:00", "11:30"], ["13:30", "17:00"]].',
        )
    days = [change.valid_from for change in working.changes]
    if days != sorted(set(days)):
        problems.error(
            FILE, _line(text, "valid_from"), "changes of working time are not in order of their days."
        )
    if not working.weekdays or any(change.weekdays == () for change in working.changes):
        problems.error(FILE, _line(text, "weekdays"), "weekdays is empty: nothing would ever fall due.")
    if found.working_time.holidays and not _country_exists(found.working_time.holidays):
        problems.error(
            FILE,
            _line(text, "holidays"),
            f"holidays {found.working_time.holidays!r} is no country code, such as VN.",
        )
    return found if len(problems.errors) == before else None


def _country_exists(code: str) -> bool:
    import holidays

    return code in holidays.list_supported_countries(include_aliases=False)


def _line(text: str, key: str) -> int:
    """Line on which a key is set; 0 when it is not."""
    found = re.search(rf"^[ \t]*{re.escape(key)}[ \t]*=", text, re.MULTILINE) if key else None
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _plain(message: str) -> str:
    """A sentence of msgspec's with the pack's words."""
    plain = message.replace("Object missing required field", "The key is missing:")
    plain = plain.replace("Object contains unknown field", "The key is unknown:")
    for pattern, meant in _MEANT.items():
        plain = plain.replace(f"`str` matching regex {pattern!r}", meant)
    return re.sub(r" - at `\$\.?([^`]*)`", lambda place: f" ({place[1]})" if place[1] else "", plain) + "."
