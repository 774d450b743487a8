"""The roster's page as what is drawn: a value, so that it is drawn anew only when something changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from ioc.duty.asking import Duty, Looked, ask
from ioc.duty.clock import instant
from ioc.duty.model import Change, Plan, Roster
from ioc.duty.present import Present, present
from ioc.duty.store import changes_of
from ioc.kpi.query import Steps
from ioc.pages.duty.calendar import Day, Turn, bounds, days, turns

#: So much before and after is looked at too: a week-long turn is known whole.
_MARGIN = timedelta(days=8)
#: Changes that are listed.
MOST_CHANGES = 50


@dataclass(frozen=True)
class OfRoster:
    """One roster."""

    roster: Roster
    days: list[Day]
    turns: list[Turn]
    now: list[Present]


@dataclass(frozen=True)
class Drawn:
    """Everything that the page shows.

    :param names: code → what a person is called.
    :param changes: newest first; one more than is listed where there are more.
    """

    first: date
    last: date
    rosters: list[OfRoster]
    names: Mapping[str, str]
    titles: Mapping[str, str]
    changes: list[Change]

    def called(self, people: Sequence[str]) -> str:
        """People by their names."""
        return ", ".join(self.names.get(code, code) for code in people)

    def roster(self, code: str | None) -> OfRoster | None:
        """The one of this code."""
        return next((one for one in self.rosters if one.roster.code == code), None)


def drawn(reader: str, view: str, day: date | None, today: date) -> Steps[Drawn]:
    """Steps to what the page shows of every roster that the reader may see.

    :param day: any of the time that is looked at; None is today.
    """
    first, last = bounds(view, day or today)
    low, high = first - _MARGIN, last + _MARGIN + timedelta(days=1)
    duty = yield from ask(reader, start=low.isoformat(), end=high.isoformat())
    changes = yield from changes_of(reader, None, limit=MOST_CHANGES + 1)
    return of(duty, first, last, changes)


def of(duty: Duty, first: date, last: date, changes: list[Change]) -> Drawn:
    """What is drawn of an answer."""
    found = [_roster(duty, one, first, last) for one in duty.rosters]
    people = _people(duty.plan)
    return Drawn(
        first,
        last,
        found,
        {code: name for code, (name, _) in people.items()},
        {code: title for code, (_, title) in people.items()},
        changes,
    )


def _roster(duty: Duty, one: Looked, first: date, last: date) -> OfRoster:
    zone = one.roster.zone
    start = instant(first, time(), zone)
    end = instant(last + timedelta(days=1), time(), zone)
    line = one.line or one.now
    seen = [turn for turn in turns(line) if turn.start < end and turn.end > start]
    return OfRoster(
        one.roster,
        days(one, duty.plan.calendar, first, last),
        seen,
        present(one.now, one.roster.layers, duty.at),
    )


def _people(plan: Plan) -> dict[str, tuple[str, str]]:
    found = {code: (one.name, one.title) for edition in plan.earlier for code, one in edition.people.items()}
    return found | {code: (one.name, one.title) for code, one in plan.people.items()}


def share(moment: datetime, start: datetime, end: datetime) -> float:
    """Where a moment lies in a time, from 0 to 100."""
    return max(0.0, min(100.0, 100 * (moment - start) / (end - start)))
