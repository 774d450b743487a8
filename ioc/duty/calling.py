"""Whom a step of an escalation calls at a moment, and why nobody, where nobody is there.

Every channel asks here. :func:`whom` is pure; a process that asks often keeps a :class:`Roll` and renews it by
:func:`current`, which costs one small question to the database while nothing changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from ioc.alerts.model import Target
from ioc.duty.clock import instant
from ioc.duty.model import ChangeKind, Plan, Roster
from ioc.duty.store import plan_of
from ioc.duty.timeline import Timeline, compute
from ioc.kpi.query import SYSTEM_READER, Steps

_BEFORE: Final = timedelta(hours=1)
_AHEAD: Final = timedelta(days=1)
_INSTANT: Final = timedelta(microseconds=1)


class Why(StrEnum):
    """Why somebody who should be called is not, or why there is nobody."""

    UNKNOWN_ROSTER = "unknown_roster"
    UNKNOWN_LAYER = "unknown_layer"
    GAP = "gap"
    """No shift is held then."""
    EMPTY = "empty"
    """A shift is held, and nobody was put in it."""
    LEAVE = "leave"
    REMOVED = "removed"
    """A change takes the person off, and brings nobody."""
    UNKNOWN_PERSON = "unknown_person"
    """The pack does not name such a person."""
    NOT_VALID = "not_valid"
    """The person is among the people at another time."""


_WORDS: Final[dict[Why, tuple[str, str]]] = {
    Why.UNKNOWN_ROSTER: ("không có lịch trực này", "there is no such roster"),
    Why.UNKNOWN_LAYER: ("lịch trực không có tuyến này", "the roster has no such layer"),
    Why.GAP: ("không có ca trực", "no shift is held"),
    Why.EMPTY: ("ca trực chưa phân công ai", "nobody is assigned to the shift"),
    Why.LEAVE: ("đang nghỉ phép", "is on leave"),
    Why.REMOVED: ("đã được rút khỏi ca", "was taken off the shift"),
    Why.UNKNOWN_PERSON: ("không có trong danh sách người trực", "is not among the people"),
    Why.NOT_VALID: ("không thuộc danh sách người trực vào lúc này", "is not among the people at that time"),
}


@dataclass(frozen=True, slots=True)
class Absent:
    """A place where a target finds nobody, or not the one that is meant."""

    why: Why
    roster: str | None = None
    layer: str | None = None
    person: str | None = None

    def text(self, language: str = "vi") -> str:
        """The reason in a few words; people by their codes."""
        place = "/".join(filter(None, (self.roster, self.layer)))
        return f"{' '.join(filter(None, (place, self.person)))}: {_WORDS[self.why][language != 'vi']}"


@dataclass(frozen=True, slots=True)
class Called:
    """An answer: everybody once, in the order in which they are called."""

    people: tuple[str, ...]
    channels: tuple[str, ...]
    """Channels that are of nobody, as the targets name them."""
    absent: tuple[Absent, ...]

    @property
    def nobody(self) -> bool:
        """Whether there is neither a person nor a channel: the fallback's turn."""
        return not self.people and not self.channels


class Roll:
    """A plan whose timelines are computed once each, for moments in [``start``, ``end``).

    :param version: the database's, of what the plan was read from.
    """

    def __init__(self, plan: Plan, start: datetime, end: datetime, *, version: int | None = None) -> None:
        self.plan, self.start, self.end, self.version = plan, start, end, version
        self._lines: dict[str, Timeline] = {}

    def whom(self, targets: Iterable[Target], at: datetime) -> Called:
        """Whom these targets call at an instant.

        :raises ValueError: the instant is outside the times of this roll.
        """
        if not self.start <= at < self.end:
            raise ValueError(f"{at.isoformat()} is outside the roll")
        (piece,) = self.plan.pieces(at, at + _INSTANT)
        people: dict[str, None] = {}
        channels: dict[str, None] = {}
        absent: dict[Absent, None] = {}
        for target in targets:
            if target.channel is not None:
                channels[target.channel] = None
            elif target.person is not None:
                why = _missing(piece.plan, target.person, at)
                if why is None:
                    people[target.person] = None
                else:
                    absent[Absent(why, person=target.person)] = None
            elif target.roster is not None:
                self._roster(piece.plan, target.roster, target.layer, at, people, absent)
        return Called(tuple(people), tuple(channels), tuple(absent))

    def _roster(
        self,
        plan: Plan,
        code: str,
        layer: str | None,
        at: datetime,
        people: dict[str, None],
        absent: dict[Absent, None],
    ) -> None:
        roster = plan.roster(code)
        if roster is None:
            absent[Absent(Why.UNKNOWN_ROSTER, code)] = None
            return
        if layer is not None and layer not in roster.layers:
            absent[Absent(Why.UNKNOWN_LAYER, code, layer)] = None
            return
        line = self._lines.get(code)
        if line is None:
            line = self._lines[code] = compute(self.plan, roster, self.start, self.end)
        span = line.at(at)
        for one in roster.layers if layer is None else (layer,):
            here = span.of(one)
            people.update(dict.fromkeys(here))
            if not here:
                absent.update(dict.fromkeys(_reasons(plan, roster, line, one, at)))


def whom(plan: Plan, targets: Iterable[Target], at: datetime) -> Called:
    """Whom targets call at an instant: people on duty, people named, channels of nobody."""
    return Roll(plan, at, at + _INSTANT).whom(targets, at)


def current(now: datetime, held: Roll | None = None) -> Steps[Roll]:
    """Steps to the roll that holds at ``now``: the one that is held already while nothing changed."""
    ((version,),) = yield "SELECT version FROM ioc.duty_version", ()
    if held is not None and held.version == version and held.start <= now < held.end:
        return held
    # Read after the version: a change that comes in between makes the next question read it all again.
    start, end = now - _BEFORE, now + _AHEAD
    plan = yield from plan_of(SYSTEM_READER, start, end)
    return Roll(plan, start, end, version=version)


def _missing(plan: Plan, code: str, at: datetime) -> Why | None:
    """Why a person can't be called at an instant at all; None: nothing speaks against it."""
    person = plan.people.get(code)
    if person is None:
        return Why.UNKNOWN_PERSON
    zone = plan.calendar.zone
    if (person.valid_from is not None and at < instant(person.valid_from, time(), zone)) or (
        person.valid_to is not None and at >= instant(person.valid_to, time(), zone)
    ):
        return Why.NOT_VALID
    on_leave = any(
        change.kind is ChangeKind.LEAVE
        and change.withdrawn_at is None
        and change.person == code
        and change.start <= at < change.end
        for change in plan.changes
    )
    return Why.LEAVE if on_leave else None


def _reasons(plan: Plan, roster: Roster, line: Timeline, layer: str, at: datetime) -> Iterator[Absent]:
    held = [shift for shift in line.shifts if shift.layer == layer and shift.start <= at < shift.end]
    meant = dict.fromkeys(person for shift in held for person in shift.people)
    gone: set[str] = set()
    replaced: set[str] = set()
    for change in plan.changes:
        if change.withdrawn_at is not None or change.roster != roster.code or not change.touches(layer):
            continue
        for window in change.windows():
            if not window.start <= at < window.end:
                continue
            if window.into is None:
                gone.update(filter(None, (window.out,)))
            elif window.out is None or window.out in meant:
                meant[window.into] = None
                replaced.update(filter(None, (window.out,)))
    if not meant:
        yield Absent(Why.EMPTY if held else Why.GAP, roster.code, layer)
    for person in (one for one in meant if one not in replaced):
        why = _missing(plan, person, at) or (Why.REMOVED if person in gone else None)
        if why is not None:
            yield Absent(why, roster.code, layer, person)
