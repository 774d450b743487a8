"""Changes as people write them, in a file or a request: texts that become a change of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from ioc.duty.changing import swap, the_roster
from ioc.duty.errors import DutyError
from ioc.duty.model import Change, ChangeKind, FixedShift, Plan, Roster
from ioc.duty.temporary import only_layer, schedule
from ioc.duty.written import written

LONGEST_REASON: Final = 500
_Value = TypeVar("_Value", str, datetime)


@dataclass(frozen=True)
class ShiftWording:
    """One shift of a temporary schedule; the layer may be left out where there is one only."""

    people: tuple[str, ...]
    start: str
    end: str
    layer: str | None = None
    needs: int = 1


@dataclass(frozen=True)
class Wording:
    """What was written; times without an offset are in the roster's zone.

    A swap names in ``start`` and ``other_start`` any moment of the two shifts. A temporary schedule reaches from its
    first shift to its last unless ``start`` and ``end`` say otherwise.
    """

    kind: str
    person: str | None = None
    start: str | None = None
    end: str | None = None
    roster: str | None = None
    layer: str | None = None
    other: str | None = None
    other_start: str | None = None
    reason: str = ""
    shifts: tuple[ShiftWording, ...] = ()


def read(plan: Plan, wording: Wording) -> Change:
    """The change that is meant; whether it contradicts another is checked later.

    :param plan: with what is held at the times that are spoken of.
    :raises DutyError: something is missing, or makes no sense.
    """
    kind = _kind(wording.kind)
    reason = wording.reason.strip().replace("\x00", "")
    if len(reason) > LONGEST_REASON:
        raise DutyError(f"reason is longer than {LONGEST_REASON} characters.")
    if wording.shifts and kind is not ChangeKind.TEMPORARY:
        raise DutyError("Shifts are named in a temporary schedule alone.", remedy="Leave shifts out.")
    roster, zone = _place(plan, kind, wording)
    start = _moment(wording.start, "from", zone)
    end = _moment(wording.end, "to", zone)
    if kind is ChangeKind.TEMPORARY and roster is not None:
        if wording.person or wording.other:
            raise DutyError(
                "A temporary schedule names people in its shifts.", remedy="Leave person and other out."
            )
        shifts = tuple(_shift(roster, shift, wording.layer) for shift in wording.shifts)
        return schedule(roster, shifts, start=start, end=end, layer=wording.layer, reason=reason)
    person = _needed(wording.person, "person", "Name the person by the code of people.csv.")
    if kind is ChangeKind.SWAP and roster is not None:
        other = _needed(wording.other, "other", "Name the second person of the swap.")
        first = _needed(start, "from", "Name any moment of the shift that is given away.")
        second = _needed(
            _moment(wording.other_start, "other_from", zone),
            "other_from",
            "Name any moment of the other person's shift.",
        )
        return replace(swap(plan, roster, wording.layer, (person, first), (other, second)), reason=reason)
    return Change(
        kind,
        person,
        _needed(start, "from", "Name the date or time at which it begins."),
        _needed(end, "to", "Name the first moment after it."),
        roster=None if roster is None else roster.code,
        layer=wording.layer,
        other=wording.other or None,
        reason=reason,
    )


def moments(plan: Plan, wordings: Iterable[Wording]) -> Iterator[datetime]:
    """Every moment that is spoken of, to know for what time a plan is needed.

    :raises DutyError: as :func:`read`, for what can be said without the times.
    """
    for wording in wordings:
        _, zone = _place(plan, _kind(wording.kind), wording)
        texts = [(wording.start, "from"), (wording.end, "to"), (wording.other_start, "other_from")]
        for shift in wording.shifts:
            texts += [(shift.start, "from"), (shift.end, "to")]
        yield from (found for text, what in texts if (found := _moment(text, what, zone)) is not None)


def _kind(text: str) -> ChangeKind:
    try:
        return ChangeKind(text)
    except ValueError:
        known = ", ".join(ChangeKind)
        raise DutyError(f"kind {text!r} is not one of {known}.") from None


def _place(plan: Plan, kind: ChangeKind, wording: Wording) -> tuple[Roster | None, ZoneInfo]:
    if kind is not ChangeKind.LEAVE:
        roster = the_roster(plan, wording.roster or None)
        return roster, roster.zone
    if wording.roster or wording.layer:
        raise DutyError("Leave is of every roster.", remedy="Leave roster and layer empty.")
    return None, plan.calendar.zone


def _shift(roster: Roster, shift: ShiftWording, layer: str | None) -> FixedShift:
    start, end = _moment(shift.start, "from", roster.zone), _moment(shift.end, "to", roster.zone)
    return FixedShift(
        only_layer(roster, shift.layer or layer),
        shift.people,
        _needed(start, "from", "Name when the shift begins."),
        _needed(end, "to", "Name when the shift ends."),
        shift.needs,
    )


def _moment(text: str | None, what: str, zone: ZoneInfo) -> datetime | None:
    return written(text, zone, what=what) if text else None


def _needed(value: _Value | None, name: str, remedy: str) -> _Value:
    if not value:
        raise DutyError(f"{name} is empty.", remedy=remedy)
    return value
