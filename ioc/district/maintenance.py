"""``maintenance.csv``: maintenance windows that stand for as long as the pack has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ioc.alerts.window import Window
from ioc.district.problems import Problems
from ioc.district.tables import Row
from ioc.errors import IocError

FILE: Final = "maintenance.csv"
COLUMNS: Final = ("name", "from", "hours")
OPTIONAL: Final = ("recurs", "rules", "units", "points", "subjects", "reason", "note")
#: Who made the pack's windows, in their trail; no reader's name has a colon.
MADE_BY: Final = "pack:maintenance.csv"
_MOST_HOURS: Final = 87_840.0


def read_windows(rows: Iterator[Row], zone: ZoneInfo) -> Iterator[Window]:
    """Read the file; moments are by the pack's clock."""
    # indicators know dossiers, which know the working time of packs
    from ioc.alerts import recurrence, writing
    from ioc.alerts.windows import check_subjects
    from ioc.kpi.question import read_moment

    for row in rows:
        hours = row.number("hours", 0, _MOST_HOURS)
        name, begins = row.text("name"), row.text("from")
        recurs = row.fields.get("recurs", "")
        if hours is None or not name or not begins:
            continue
        subjects = _codes(row, "subjects")
        try:
            start = read_moment(begins, zone, what="from").astimezone(UTC)
            check_subjects(subjects)
            window = Window(
                name=writing.name(name, "name"),
                rules=_codes(row, "rules"),
                units=_codes(row, "units"),
                points=_codes(row, "points"),
                subjects=subjects,
                starts_at=start,
                length=timedelta(hours=hours),
                recurs=recurrence.read(recurs, start, zone) if recurs else None,
                time_zone=zone.key,
                reason=writing.text(row.fields.get("reason", ""), "reason"),
                made_by=MADE_BY,
                line=row.line,
            )
        except IocError as error:
            row.error(error.message, error.remedy)
        else:
            yield window


def check_windows(
    windows: Sequence[Window],
    *,
    rules: Collection[str],
    units: Collection[str],
    points: Collection[str],
    problems: Problems,
) -> None:
    """Find names that stand twice and codes that nothing has; findings go to ``problems``."""
    lines: dict[str, int] = {}
    for window in windows:
        if window.name in lines:
            problems.error(
                FILE,
                window.line,
                f"{window.name!r} stands on line {lines[window.name]} too.",
                "Name it otherwise.",
            )
        lines.setdefault(window.name, window.line)
        for what, named, known, where in (
            ("Rule", window.rules, rules, "the rules"),
            ("Unit", window.units, units, "units.csv"),
            ("Point", window.points, points, "points.csv"),
        ):
            for code in named:
                if code not in known:
                    problems.error(FILE, window.line, f"{what} {code!r} is not in {where}.")


def _codes(row: Row, column: str) -> tuple[str, ...]:
    parts = (part.strip() for part in row.fields.get(column, "").split(";"))
    return tuple(dict.fromkeys(filter(None, parts)))
