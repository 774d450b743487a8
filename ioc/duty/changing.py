"""Changes before they are made: what makes no sense is refused, what contradicts another change is explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ioc.duty.clock import instant
from ioc.duty.errors import ConflictError, DutyError, UnknownRosterError
from ioc.duty.intervals import difference, intersection, union
from ioc.duty.model import Change, ChangeKind, Person, Plan, Roster, Shift, Window
from ioc.duty.shifts import held
from ioc.duty.temporary import check_temporary
from ioc.duty.warning import WarningKind, watch

_LONGEST: Final = timedelta(days=400)
_LISTED: Final = 5


def the_roster(plan: Plan, code: str | None) -> Roster:
    """The roster of this code; without a code, the only one there is.

    :raises UnknownRosterError: there is none, or more than one to choose from.
    """
    known = ", ".join(roster.code for roster in plan.rosters) or "none"
    if code is None:
        if len(plan.rosters) == 1:
            return plan.rosters[0]
        raise UnknownRosterError("No roster is named.", remedy=f"Rosters here: {known}.")
    found = plan.roster(code)
    if found is None:
        raise UnknownRosterError(f"There is no roster {code!r} here.", remedy=f"Rosters here: {known}.")
    return found


def checked(plan: Plan, change: Change) -> tuple[Change, tuple[str, ...]]:
    """The change with its layer named where only one can be meant, and notes on what it does not do.

    :raises DutyError: it makes no sense.
    :raises ConflictError: it contradicts a change that is in force; which one is said.
    """
    people = tuple(_person(plan, code) for code in change.named)
    _check_times(change)
    if change.other is not None and change.kind not in (ChangeKind.REPLACE, ChangeKind.SWAP):
        raise DutyError(
            f"A second person does not go with {change.kind}.",
            remedy="Leave that one out; replace puts somebody in another one's place.",
        )
    if change.kind is ChangeKind.LEAVE:
        _check_leave(plan, change)
        return change, tuple(_left_empty(plan, change))
    roster = the_roster(plan, change.roster)
    change = replace(change, roster=roster.code, layer=_layer(roster, change))
    if change.kind is ChangeKind.TEMPORARY:
        check_temporary(roster, change)
    if change.kind in (ChangeKind.REPLACE, ChangeKind.SWAP):
        if change.other is None:
            raise DutyError(f"A {change.kind} needs a second person.", remedy="Name who takes the place.")
        if change.other == change.person:
            raise DutyError(f"{change.person} can't take the place of {change.person}.")
    for person in people:
        _check_period(person, change, roster)
    for other in plan.changes:
        if other.withdrawn_at is None:
            _check_pair(change, other, roster)
    if change.kind is ChangeKind.TEMPORARY:
        return change, tuple(_lacking(plan, roster, change))
    return change, tuple(_idle(plan, roster, change))


def swap(
    plan: Plan, roster: Roster, layer: str | None, first: tuple[str, datetime], second: tuple[str, datetime]
) -> Change:
    """The exchange of two whole shifts.

    :param first: a person, and any instant of the shift that he gives away.
    :param second: the other person, likewise.
    :raises DutyError: one of them has no such shift, or has the other's already.
    """
    mine, yours = _shift_of(plan, roster, layer, *first), _shift_of(plan, roster, layer, *second)
    if mine.layer != yours.layer:
        raise DutyError(
            f"The shifts are of two layers, {mine.layer} and {yours.layer}.",
            remedy="Swap within a layer, or make two replacements.",
        )
    for person, shift in ((first[0], yours), (second[0], mine)):
        if any(
            person in other.people and other.layer == shift.layer
            for other in held(plan, roster, shift.start, shift.end)
        ):
            raise DutyError(
                f"{person} is on duty already in the shift {_shown(shift, roster.zone)}: there is nothing to swap."
            )
    return Change(
        ChangeKind.SWAP,
        first[0],
        mine.start,
        mine.end,
        roster=roster.code,
        layer=mine.layer,
        other=second[0],
        other_start=yours.start,
        other_end=yours.end,
    )


def described(change: Change, zone: ZoneInfo) -> str:
    """A change in a few words, for messages; people by their codes."""
    place = "/".join(filter(None, (change.roster, change.layer)))
    words = {
        ChangeKind.ADD: f"add {change.person}",
        ChangeKind.REMOVE: f"remove {change.person}",
        ChangeKind.REPLACE: f"{change.other} in place of {change.person}",
        ChangeKind.SWAP: f"swap of {change.person} and {change.other}",
        ChangeKind.LEAVE: f"leave of {change.person}",
        ChangeKind.TEMPORARY: f"temporary schedule of {len(change.shifts)} shifts",
    }[change.kind]
    number = "" if change.id is None else f"{change.id}: "
    times = [_times(change.start, change.end, zone)]
    if change.other_start is not None and change.other_end is not None:
        times.append(_times(change.other_start, change.other_end, zone))
    return f"{number}{words}{' in ' + place if place else ''}, {' and '.join(times)}"


# -- what makes no sense --------------------------------------------------------------------------------


def _person(plan: Plan, code: str) -> Person:
    found = plan.people.get(code)
    if found is None:
        raise DutyError(
            f"There is no person {code!r}.",
            remedy="People are in people.csv of the district pack; use the code.",
        )
    return found


def _check_times(change: Change) -> None:
    pairs = [(change.start, change.end)]
    if change.other_start is not None and change.other_end is not None:
        pairs.append((change.other_start, change.other_end))
    for start, end in pairs:
        if end <= start:
            raise DutyError(
                f"The end {end.isoformat()} is not after the start {start.isoformat()}.",
                remedy="The end is the first moment after.",
            )
        if end - start > _LONGEST:
            raise DutyError(
                f"The change lasts {(end - start).days} days, more than {_LONGEST.days}.",
                remedy="What lasts belongs in the district pack: duty.csv and people.csv.",
            )


def _layer(roster: Roster, change: Change) -> str | None:
    known = ", ".join(roster.layers)
    if change.layer is not None:
        if change.layer not in roster.layers:
            raise DutyError(f"{roster.code} has no layer {change.layer!r}.", remedy=f"Its layers: {known}.")
        return change.layer
    if len(roster.layers) == 1:
        return roster.layers[0]
    if change.kind is ChangeKind.ADD:
        raise DutyError(f"{roster.code} has several layers.", remedy=f"Name one: {known}.")
    return None


def _check_period(person: Person, change: Change, roster: Roster) -> None:
    zone = roster.zone
    ends = [w for w in change.comes() if w.into == person.code]
    for window in ends:
        early = person.valid_from is not None and window.start < instant(person.valid_from, time(), zone)
        late = person.valid_to is not None and window.end > instant(person.valid_to, time(), zone)
        if early or late:
            raise DutyError(
                f"{person.code} is among the people from {person.valid_from or '…'} to {person.valid_to or '…'} only.",
                remedy="Choose times within that, or mend people.csv of the district pack.",
            )


# -- what contradicts another ---------------------------------------------------------------------------


def _check_pair(change: Change, other: Change, roster: Roster) -> None:
    """One person in two changes at a time: what is meant would hang on their order."""
    if other.kind is ChangeKind.LEAVE:
        for window in change.comes():
            if window.into == other.person and window.start < other.end and other.start < window.end:
                raise ConflictError(
                    f"{other.person} is on leave then ({described(other, roster.zone)}).",
                    remedy="Choose somebody else, or withdraw the leave first: ioc duty withdraw.",
                )
        return
    if other.roster != roster.code or not (
        change.layer is None or other.layer is None or change.layer == other.layer
    ):
        return
    if change.kind is ChangeKind.TEMPORARY:
        _check_beside(change, other, roster)
        return
    for mine in change.windows():
        for theirs in other.windows():
            shared = {mine.out, mine.into} & {theirs.out, theirs.into} - {None}
            if shared and mine.start < theirs.end and theirs.start < mine.end:
                raise ConflictError(
                    f"{', '.join(sorted(filter(None, shared)))} is in another change at that time "
                    f"({described(other, roster.zone)}).",
                    remedy="Withdraw that one first (ioc duty withdraw), or choose times beside it.",
                )


def _check_beside(change: Change, other: Change, roster: Roster) -> None:
    """A temporary schedule comes first: what it would be mixed with has to be taken back before."""
    times = other.windows() or (Window(None, None, other.start, other.end),)
    if any(window.start < change.end and change.start < window.end for window in times):
        raise ConflictError(
            f"There is another change at that time ({described(other, roster.zone)}).",
            remedy="Withdraw that one first (ioc duty withdraw); what differs from the temporary schedule comes after.",
        )


def _check_leave(plan: Plan, change: Change) -> None:
    for other in plan.changes:
        if (
            other.kind is ChangeKind.LEAVE
            and other.withdrawn_at is None
            and other.person == change.person
            and other.start < change.end
            and change.start < other.end
        ):
            zone = plan.calendar.zone
            raise ConflictError(
                f"{change.person} is on leave then already ({described(other, zone)}).",
                remedy="Withdraw that one first (ioc duty withdraw), or give the days that are missing.",
            )


# -- what is worth knowing ------------------------------------------------------------------------------


def _left_empty(plan: Plan, leave: Change) -> Iterator[str]:
    for other in plan.changes:
        if other.withdrawn_at is not None or other.roster is None:
            continue
        if any(w.into == leave.person and w.start < leave.end and leave.start < w.end for w in other.comes()):
            zone = roster.zone if (roster := plan.roster(other.roster)) else plan.calendar.zone
            yield f"{leave.person} was to stand in then ({described(other, zone)}): leave comes first."


def _idle(plan: Plan, roster: Roster, change: Change) -> Iterator[str]:
    for window in change.windows():
        found = held(plan, roster, window.start, window.end)
        for person, meant in ((window.out, True), (window.into, False)):
            if person is None:
                continue
            own = union((s.start, s.end) for s in found if person in s.people and change.touches(s.layer))
            if meant and not intersection(own, [(window.start, window.end)]):
                yield f"{person} has no shift by rotation then: nothing changes for them."
            if not meant and not difference([(window.start, window.end)], own):
                yield f"{person} is on duty by rotation all that time already."


def _lacking(plan: Plan, roster: Roster, change: Change) -> Iterator[str]:
    with_it = replace(plan, changes=(*plan.changes, change))
    for place, found in enumerate(watch(with_it, roster, change.start, change.end)):
        if place >= _LISTED:
            yield "There is more that is lacking: ioc duty check lists it."
            return
        if found.kind is not WarningKind.MISSING:
            yield f"{found.text('en')[:-1]}, {_times(found.start, found.end, roster.zone)}."


# -- shifts ---------------------------------------------------------------------------------------------


def _shift_of(plan: Plan, roster: Roster, layer: str | None, person: str, moment: datetime) -> Shift:
    near = held(plan, roster, moment - timedelta(days=1), moment + timedelta(days=60))
    own: Sequence[Shift] = [
        shift for shift in near if person in shift.people and (layer is None or shift.layer == layer)
    ]
    for shift in own:
        if shift.start <= moment < shift.end:
            return shift
    listed = "; ".join(_shown(shift, roster.zone) for shift in own[:_LISTED]) or "none in 60 days"
    raise DutyError(
        f"{person} has no shift by rotation at {moment.astimezone(roster.zone):%Y-%m-%d %H:%M}.",
        remedy=f"Shifts near it: {listed}.",
    )


def _shown(shift: Shift, zone: ZoneInfo) -> str:
    return f"{shift.layer}/{shift.code} {_times(shift.start, shift.end, zone)}"


def _times(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    return f"{start.astimezone(zone):%Y-%m-%d %H:%M} to {end.astimezone(zone):%Y-%m-%d %H:%M}"
