"""A shift as what is shown of it: a value, so that it is drawn anew only when something changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.alerts import asking as alerts
from ioc.alerts.asking import Filter, Order, Row
from ioc.alerts.audit import Entry, trail
from ioc.alerts.period import Happened, happened
from ioc.delivery.facts import Facts, facts_of
from ioc.duty.asking import Looked, ask
from ioc.duty.changing import the_roster
from ioc.duty.handover import hand_overs
from ioc.duty.log import LogEntry, log_of
from ioc.duty.model import Roster
from ioc.duty.store import rosters_of
from ioc.kpi.query import Steps

MOST_OPEN = 20
MOST_DONE = 60
MOST_ENTRIES = 100
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shift:
    """From one hand-over of the roster's first layer to the next; a day where there is none.

    :param people: layer → who is on duty at its begin, or now in the shift that goes on.
    :param next: who is on duty in the first layer afterwards.
    """

    start: datetime
    end: datetime
    people: tuple[tuple[str, tuple[str, ...]], ...]
    next: tuple[str, ...]


@dataclass(frozen=True)
class Drawn:
    """Everything that the page shows.

    Lists hold one more than is shown where there are more.

    :param is_now: whether the shift goes on; only then is what is open told.
    :param names: code → what a person is called.
    """

    rosters: list[Roster]
    roster: Roster
    shift: Shift
    is_now: bool
    names: Mapping[str, str]
    happened: Happened
    open: int
    waiting: int
    worst: list[Row]
    facts: Mapping[int, Facts]
    done: list[Entry]
    entries: list[LogEntry]

    def called(self, people: tuple[str, ...]) -> str:
        """People by their names."""
        return ", ".join(self.names.get(code, code) for code in people)


def drawn(reader: str, code: str | None, at: datetime | None) -> Steps[Drawn | None]:
    """Steps to a roster's shift at a moment; None where there is no roster.

    :param code: the roster; None: the first.
    :param at: None is now.
    :raises UnknownRosterError: there is no such roster for this reader.
    """
    plan = yield from rosters_of(reader)
    if not plan.rosters:
        return None
    roster = plan.rosters[0] if code is None else the_roster(plan, code)
    duty = yield from ask(reader, roster=roster.code, at=None if at is None else at.isoformat())
    ((now,),) = yield "SELECT now()", ()
    (one,) = duty.rosters
    shift = shift_of(one, duty.at)
    is_now = shift.start <= now < shift.end
    asked = (shift.start.isoformat(), shift.end.isoformat())
    counts = yield from alerts.counts(reader, None)
    each = counts.severities.values()
    waiting = sum(count.waiting for count in each)
    worst: list[Row] = []
    if is_now:
        page = yield from alerts.page(reader, Filter(), order=Order.WORST, after=None, limit=MOST_OPEN + 1)
        worst = page.rows
    found = yield from happened(reader, shift.start, shift.end)
    facts = yield from facts_of([row.id for row in worst])
    done = yield from trail(reader, start=asked[0], end=asked[1], limit=MOST_DONE + 1)
    entries = yield from log_of(
        reader, roster.code, since=shift.start, until=shift.end, limit=MOST_ENTRIES + 1
    )
    return Drawn(
        list(plan.rosters),
        roster,
        shift,
        is_now,
        {person: known.name for person, known in duty.plan.people.items()},
        found,
        waiting + sum(count.held + count.acknowledged for count in each),
        waiting,
        worst,
        {fact.alert_id: fact for fact in facts},
        done.entries,
        entries,
    )


def shift_of(one: Looked, at: datetime) -> Shift:
    """The shift that a moment lies in."""
    line = one.now
    first = one.roster.layers[0] if one.roster.layers else None
    overs = [over for over in hand_overs(line) if over.layer == first]
    start = max((over.at for over in overs if over.at <= at), default=None)
    following = next((over for over in overs if over.at > at), None)
    if start is None:
        local = at.astimezone(one.roster.zone)
        start = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(at.tzinfo)
    end = start + _DAY if following is None else following.at
    people = () if following is None else (*following.staying, *following.arriving)
    return Shift(start, max(end, at + timedelta(microseconds=1)), line.at(at).on, people)
