"""Given due dates against those that a procedure's time gives. A report only: NgayHenTra stays what counts.

The first due date is compared, as it was before supplements and letters, by local date. A dossier is counted by the
procedure that it names; the time it may take is the district pack's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ioc.district.worktime import WorkCalendar
from ioc.kpi.errors import BadQuestionError, TooManyPointsError
from ioc.kpi.query import Steps
from ioc.kpi.question import read_moment

#: Most dossiers that one check looks at.
MOST: Final = 50_000
#: How far back a check reaches without a start.
DEFAULT_SPAN: Final = timedelta(days=30)
_ZONE: Final = "SELECT ioc.unit_zone(%s, %s), ioc.unit_start(%s, %s), now()"
_ROWS: Final = (
    "SELECT code, procedure, received_at, due_at, time_zone, working_time, working_days, calendar_days"
)
_DOSSIERS: Final = f"{_ROWS} FROM ioc.dossier_due_check(%s, %s, %s, %s, %s)"


class Verdict(StrEnum):
    """What comparing a given due date came to."""

    AGREES = "agrees"
    EARLIER = "earlier"
    """Given earlier than the procedure's time allows."""
    LATER = "later"
    """Given later: the dossier has more time than its procedure, and is late less often."""
    NO_DUE_DATE = "no due date"
    NO_TERM = "no term"
    """The pack doesn't say how long the procedure may take, or the dossier names none."""


class Checked(NamedTuple):
    """A dossier with both dates."""

    code: str
    verdict: Verdict
    given: date | None
    expected: date | None

    @property
    def days(self) -> int | None:
        """Calendar days by which the given date lies after the expected one; negative before it."""
        return None if self.given is None or self.expected is None else (self.given - self.expected).days


@dataclass(slots=True)
class Counted:
    """A procedure's dossiers."""

    procedure: str | None
    verdicts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    most_earlier: int = 0
    """Days of the widest gap; and the other way."""
    most_later: int = 0
    examples: list[Checked] = field(default_factory=list)
    """Those that disagree most, at most as many as were asked for."""

    @property
    def dossiers(self) -> int:
        return sum(self.verdicts.values())

    @property
    def disagreeing(self) -> int:
        return self.verdicts[Verdict.EARLIER] + self.verdicts[Verdict.LATER]


@dataclass(frozen=True, slots=True)
class DueCheck:
    """The report."""

    unit: str | None
    start: datetime
    end: datetime
    zone: ZoneInfo
    procedures: tuple[Counted, ...]


def expected_due(
    received: datetime, calendar: WorkCalendar, working_days: float | None, calendar_days: int | None
) -> datetime | None:
    """When a dossier falls due by its procedure's time; None where that is not known.

    Working days begin with the next opening where it came outside hours. Calendar days count from the day after, and a
    last day on which offices are closed moves to the next working day.
    """
    if working_days is not None:
        return calendar.add_days(received, working_days)
    if calendar_days is None:
        return None
    day = received.astimezone(calendar.zone).date() + timedelta(days=calendar_days)
    if not calendar.is_working_day(day):
        day = calendar.next_working_day(day)
    return datetime.combine(day, calendar.closes, calendar.zone)


def check(code: str, given: datetime | None, expected: datetime | None, zone: ZoneInfo) -> Checked:
    """Compare two due dates by local date."""
    given_on = None if given is None else given.astimezone(zone).date()
    expected_on = None if expected is None else expected.astimezone(zone).date()
    if expected_on is None:
        verdict = Verdict.NO_TERM
    elif given_on is None:
        verdict = Verdict.NO_DUE_DATE
    elif given_on == expected_on:
        verdict = Verdict.AGREES
    else:
        verdict = Verdict.EARLIER if given_on < expected_on else Verdict.LATER
    return Checked(code, verdict, given_on, expected_on)


def count(found: Iterable[tuple[str | None, Checked]], *, examples: int = 0) -> tuple[Counted, ...]:
    """Count by procedure, those with most disagreement first."""
    counted: dict[str | None, Counted] = {}
    disagreeing: dict[str | None, list[Checked]] = defaultdict(list)
    for procedure, checked in found:
        mine = counted.setdefault(procedure, Counted(procedure))
        mine.verdicts[checked.verdict] += 1
        days = checked.days
        if days:
            mine.most_earlier = max(mine.most_earlier, -days)
            mine.most_later = max(mine.most_later, days)
            disagreeing[procedure].append(checked)
    for procedure, mine in counted.items():
        widest = sorted(disagreeing[procedure], key=lambda one: (-abs(one.days or 0), one.code))
        mine.examples = widest[:examples]
    return tuple(sorted(counted.values(), key=lambda c: (-c.disagreeing, -c.dossiers, c.procedure or "")))


def ask_due_check(
    reader: str,
    unit: str | None,
    start: str | None,
    end: str | None,
    *,
    examples: int,
    calendar_of: Callable[[str, str | None], WorkCalendar],
) -> Steps[DueCheck]:
    """Steps to the report on the dossiers accepted from ``start`` (included) to ``end`` (not).

    :param examples: how many dossiers to name for each procedure.
    :param calendar_of: the calendar of a time zone and the district's working time as stored.
    :raises KpiError: there is no such unit, the range makes no sense, or holds too many dossiers.
    """
    ((zone_name, scope, now),) = yield _ZONE, (reader, unit, reader, unit)
    zone = ZoneInfo(zone_name)
    until = now if end is None else read_moment(end, zone, what="to")
    since = until - DEFAULT_SPAN if start is None else read_moment(start, zone, what="from")
    if since >= until:
        raise BadQuestionError(
            "The range ends before it starts.", remedy="The start is included, the end is not."
        )
    rows = yield _DOSSIERS, (reader, unit, since, until, MOST + 1)
    if len(rows) > MOST:
        raise TooManyPointsError(
            f"More than {MOST} dossiers were accepted then.", remedy="Ask for a shorter range."
        )
    return DueCheck(scope, since, until, zone, count(_checked(rows, calendar_of), examples=examples))


def _checked(
    rows: Iterable[tuple[Any, ...]], calendar_of: Callable[[str, str | None], WorkCalendar]
) -> Iterable[tuple[str | None, Checked]]:
    for code, procedure, received, due, zone_name, working_time, working_days, calendar_days in rows:
        calendar = calendar_of(zone_name, working_time)
        expected = expected_due(received, calendar, working_days, calendar_days)
        yield procedure, check(code, due, expected, calendar.zone)


def due_check_document(found: DueCheck, *, with_dossiers: bool) -> dict[str, Any]:
    """The report as the API and the command line give it."""
    return {
        "unit": found.unit,
        "from": found.start.astimezone(found.zone).isoformat(),
        "to": found.end.astimezone(found.zone).isoformat(),
        "dossiers": sum(counted.dossiers for counted in found.procedures),
        "disagreeing": sum(counted.disagreeing for counted in found.procedures),
        "procedures": [_counted(counted, with_dossiers=with_dossiers) for counted in found.procedures],
    }


def _counted(counted: Counted, *, with_dossiers: bool) -> dict[str, Any]:
    return {
        "procedure": counted.procedure,
        "dossiers": counted.dossiers,
        **{verdict.name.lower(): number for verdict, number in counted.verdicts.items()},
        "most_days_earlier": counted.most_earlier,
        "most_days_later": counted.most_later,
        "examples": [_example(one) for one in counted.examples] if with_dossiers else None,
    }


def _example(one: Checked) -> dict[str, Any]:
    return {
        "code": one.code,
        "given": None if one.given is None else one.given.isoformat(),
        "expected": None if one.expected is None else one.expected.isoformat(),
        "days": one.days,
    }
