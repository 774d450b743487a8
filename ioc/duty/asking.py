"""Questions about duty, the same for the command line and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ioc.duty.changing import checked, the_roster
from ioc.duty.errors import DutyError
from ioc.duty.handover import HandOver, hand_overs
from ioc.duty.model import Change, Plan, Roster
from ioc.duty.store import plan_of, worded_plan
from ioc.duty.timeline import LONGEST, Timeline, compute
from ioc.duty.warning import DutyWarning, warnings_of
from ioc.duty.wording import Wording, read
from ioc.duty.written import written
from ioc.kpi.query import Steps

#: How far ahead gaps are looked for when no other time is asked about.
AHEAD: Final = timedelta(days=14)
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Looked:
    """One roster as it was asked for."""

    roster: Roster
    now: Timeline
    """From :data:`AHEAD` before the moment asked about to as much after it."""
    line: Timeline | None
    """From and to as asked; None when only the moment was."""
    warnings: tuple[DutyWarning, ...]
    """Of the time asked about; without one, ahead of the moment."""
    hand_overs: tuple[HandOver, ...]


@dataclass(frozen=True)
class Duty:
    """An answer."""

    at: datetime
    zone: ZoneInfo
    plan: Plan
    rosters: tuple[Looked, ...]


def ask(
    reader: str,
    *,
    roster: str | None = None,
    at: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> Steps[Duty]:
    """Steps to who is on duty at a moment, and from one time to another.

    :param roster: one; None is every roster that the reader may see.
    :param at: date or time; None is now.
    :param start: begin of a preview; with ``end``, or alone for :data:`AHEAD`.
    :raises DutyError: there is no such roster, or the times are none.
    """
    ((zone_name, now),) = yield "SELECT ioc.unit_zone(%s, NULL), now()", (reader,)
    zone = ZoneInfo(zone_name)
    moment = (now if at is None else written(at, zone, what="at")).astimezone(UTC)
    span = _span(start, end, moment, zone)
    low, high = moment - AHEAD, moment + AHEAD
    reach = (low, high) if span is None else (min(low, span[0]), max(high, span[1]))
    plan = yield from plan_of(reader, *reach)
    asked = span or (moment, moment + _INSTANT)
    wanted = plan.rosters_in(*asked) if roster is None else (the_roster(plan, roster),)
    return Duty(moment, zone, plan, tuple(look(plan, found, moment, span) for found in wanted))


def suppose(
    reader: str,
    wordings: Sequence[Wording],
    *,
    roster: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> Steps[tuple[Duty, tuple[str, ...]]]:
    """Steps to the answer for a time, had these changes been made, and to what is worth knowing about them.

    Each is held against the plan and those before it, as if it were made; nothing is stored.

    :raises DutyError: one makes no sense, or contradicts another.
    """
    plan = yield from worded_plan(reader, wordings)
    changes: list[Change] = []
    notes: list[str] = []
    for wording in wordings:
        change, said = checked(plan, read(plan, wording))
        plan = replace(plan, changes=(*plan.changes, change))
        changes.append(change)
        notes += said
    if start is None and end is None:
        start = min(min(change.start, change.other_start or change.start) for change in changes).isoformat()
        end = max(max(change.end, change.other_end or change.end) for change in changes).isoformat()
    duty = yield from ask(reader, roster=roster, start=start, end=end)
    return with_changes(duty, tuple(changes)), tuple(notes)


def look(plan: Plan, roster: Roster, moment: datetime, span: tuple[datetime, datetime] | None) -> Looked:
    """One roster of a plan, at a moment and in a span."""
    now = compute(plan, roster, moment - AHEAD, moment + AHEAD)
    line = None if span is None else compute(plan, roster, *span)
    watched = line or compute(plan, roster, moment, moment + AHEAD)
    return Looked(roster, now, line, tuple(warnings_of(plan, watched)), tuple(hand_overs(watched)))


def with_changes(duty: Duty, changes: tuple[Change, ...]) -> Duty:
    """The same answer, had these changes been made: what if."""
    plan = replace(duty.plan, changes=(*duty.plan.changes, *changes))
    rosters = tuple(
        look(plan, one.roster, duty.at, None if one.line is None else (one.line.start, one.line.end))
        for one in duty.rosters
    )
    return Duty(duty.at, duty.zone, plan, rosters)


def _span(
    start: str | None, end: str | None, moment: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime] | None:
    if start is None and end is None:
        return None
    low = moment if start is None else written(start, zone, what="from")
    high = low + AHEAD if end is None else written(end, zone, what="to")
    if high <= low:
        raise DutyError("to is not after from.", remedy="to is the first moment that is not asked about.")
    if high - low > LONGEST:
        raise DutyError(f"More than {LONGEST.days} days are asked about.", remedy="Ask for a shorter time.")
    return low, high
