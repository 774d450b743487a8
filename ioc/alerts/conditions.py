"""Does a rule's condition hold? Pure: for production and for tests of rules alike.

Every answer is yes, no, or unknown. Unknown is what a silent device is, an empty denominator, a reading or a sample
whose validity is over: it neither raises nor clears anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ioc.alerts.model import (
    AbsenceCondition,
    DeviceCondition,
    DossierCondition,
    KpiCondition,
    Observation,
    ReadingCondition,
    SiteCondition,
)
from ioc.district.worktime import WorkCalendar
from ioc.dossiers.ledger import Measure, Period
from ioc.kpi import targets
from ioc.kpi.definition import Direction, Kpi
from ioc.kpi.targets import Target

#: Which of a dossier's periods each situation is.
SITUATIONS: Final[Mapping[str, Measure]] = {
    "due_soon": Measure.DUE_SOON,
    "overdue": Measure.OVERDUE,
    "late_without_apology": Measure.LATE_WITHOUT_APOLOGY,
}
#: Words for the numbers that the database keeps.
DEVICE_KINDS: Final[Mapping[int, str]] = {1: "camera", 2: "wifi", 3: "kiosk"}
DEVICE_STATES: Final = ("unknown", "ok", "degraded", "down", "maintenance")
DEVICE_FLAGS: Final[Mapping[str, Mapping[str, int]]] = {
    "camera": {"frozen": 1, "stalled": 2},
    "wifi": {"saturated": 1},
    "kiosk": {},
}


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a condition.

    :param holds: None is unknown.
    :param since: from when it is so, in event time; may lie ahead. None: it can't be told, only that it is so now.
    :param until: when it ends by the clock, if that is known.
    """

    holds: bool | None
    since: datetime | None = None
    until: datetime | None = None
    value: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def observed(
        self, rule: str, subject: str, unit_id: int | None = None, point: str | None = None
    ) -> Observation:
        """The same as what is told of a rule's subject."""
        return Observation(
            rule=rule,
            subject=subject,
            holds=self.holds,
            since=self.since,
            until=self.until,
            unit_id=unit_id,
            point=point,
            value=self.value,
            detail=self.detail,
        )


UNKNOWN: Final = Found(None)


def all_of(parts: Iterable[bool | None]) -> bool | None:
    """Whether all hold: one that does not decides, and else one that is unknown. Of none, no."""
    given = list(parts)
    if not given or False in given:
        return False
    return None if None in given else True


def beyond(
    value: float, *, above: float | None, below: float | None, clear: float | None, fired: bool
) -> bool:
    """Whether a value is past a limit, or, having been, did not go back past ``clear`` yet."""
    if above is not None:
        return value >= clear if fired and clear is not None else value > above
    if below is not None:
        return value <= clear if fired and clear is not None else value < below
    return False


# -- devices ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device's newest state.

    :param kind: ``camera``, ``wifi`` or ``kiosk``.
    :param state: one of :data:`DEVICE_STATES`.
    :param since: begin of the run of equal state and flags.
    :param valid_until: after this nothing is known of it.
    :param clients: None where they are not known.
    """

    code: str
    kind: str
    state: str
    since: datetime
    valid_until: datetime
    flags: frozenset[str] = frozenset()
    clients: int | None = None
    reason: str | None = None
    unit_id: int | None = None
    point: str | None = None

    def known_at(self, now: datetime) -> bool:
        """Whether anything is known of it."""
        return self.state != "unknown" and now <= self.valid_until


def flags_of(kind: str, stored: int) -> frozenset[str]:
    """Names of the flags that a number stands for."""
    return frozenset(name for name, bit in DEVICE_FLAGS[kind].items() if stored & bit)


def device(condition: DeviceCondition, row: DeviceRow, now: datetime) -> Found:
    """Hold a device's state against a condition.

    A device under maintenance is known to be looked after: nothing is wrong with it. Since when there are few clients
    a state does not tell.
    """
    if row.kind != condition.device:
        return Found(False)
    if not row.known_at(now):
        return UNKNOWN
    if row.state == "maintenance":
        return Found(False, row.since)
    parts: list[bool | None] = []
    if condition.states:
        parts.append(row.state in condition.states)
    if condition.flag is not None:
        parts.append(condition.flag in row.flags)
    if condition.reason is not None:
        parts.append(row.reason is not None and row.reason.startswith(condition.reason))
    if condition.clients_at_most is not None:
        # of a device that is down nobody can tell
        known = row.clients is not None and row.state != "down"
        parts.append(row.clients <= condition.clients_at_most if known and row.clients is not None else None)
    holds = all_of(parts)
    if holds is None:
        return UNKNOWN
    detail: dict[str, Any] = {"state": row.state}
    if row.flags:
        detail["flags"] = sorted(row.flags)
    if row.reason:
        detail["reason"] = row.reason[:200]
    return Found(
        holds,
        since=row.since if condition.clients_at_most is None else None,
        value=None if row.clients is None else float(row.clients),
        detail=detail,
    )


# -- dossiers --------------------------------------------------------------------------------------------


def dossier(condition: DossierCondition, periods: Sequence[Period], now: datetime) -> Found:
    """Hold a dossier's periods in a situation against a condition.

    :param periods: see :func:`ioc.dossiers.ledger.periods`; in order of time, apart from one another.
    :returns: the stretch that holds now, or the next one, which ``since`` tells; what is over holds no more.
    """
    ended: datetime | None = None
    for begins, ends in periods:
        since = begins + condition.after
        until = ends if condition.before is None else _earlier(ends, begins + condition.before)
        if until is None or (until > since and until > now):
            return Found(True, since, until)
        ended = until
    return Found(False, ended)


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


# -- indicators and readings -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator's current figure for a unit, and the target in force for it, if there is one."""

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    target: Target | None = None


def kpi(condition: KpiCondition, indicator: Kpi, figure: Figure, *, fired: bool) -> Found:
    """Hold a figure against a condition.

    :param fired: whether the condition holds by what was seen before, and is left only beyond ``clear``.
    """
    if figure.value is None:
        return UNKNOWN
    if condition.least is not None and (figure.denominator is None or figure.denominator < condition.least):
        return UNKNOWN
    limit = condition.above if condition.above is not None else condition.below
    if condition.target:
        limit = None if figure.target is None else figure.target.value
        holds = _misses(condition, indicator, figure, figure.value, fired=fired)
    else:
        holds = beyond(
            figure.value, above=condition.above, below=condition.below, clear=condition.clear, fired=fired
        )
    detail = {"limit": limit, "numerator": figure.numerator, "denominator": figure.denominator}
    return Found(holds, value=figure.value, detail={k: v for k, v in detail.items() if v is not None})


def _misses(condition: KpiCondition, indicator: Kpi, figure: Figure, value: float, *, fired: bool) -> bool:
    target = figure.target
    if target is None or indicator.direction is Direction.NONE:
        return False
    if targets.judge(indicator, target, value) is targets.Status.MISSED:
        return True
    if not fired or condition.clear is None:
        return False
    return value <= condition.clear if indicator.direction is Direction.UP else value >= condition.clear


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A measurement of the platform's own machines and servers, unknown after ``valid_until``."""

    name: str
    instance: str
    at: datetime
    valid_until: datetime
    value: float | None
    unit: str = ""


def reading(condition: ReadingCondition, row: ReadingRow, now: datetime, *, fired: bool) -> Found:
    """Hold a reading against a condition; ``fired`` as in :func:`kpi`."""
    if row.name != condition.reading:
        return Found(False)
    if row.value is None or now > row.valid_until:
        return UNKNOWN
    holds = beyond(
        row.value, above=condition.above, below=condition.below, clear=condition.clear, fired=fired
    )
    limit = condition.above if condition.above is not None else condition.below
    return Found(holds, value=row.value, detail={"limit": limit, "unit": row.unit, "instance": row.instance})


# -- what should be heard from ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """When something was heard from.

    :param last: None: never, though it should be.
    :param limit: how long it may be silent by itself, where a rule does not say.
    :param seen_until: until when silence would have been noticed: where facts wait to be read, nobody knows whether
        one of them is from it. None: not at all.
    :param stopped: silent on purpose.
    """

    last: datetime | None
    limit: timedelta
    seen_until: datetime | None
    stopped: bool = False


def absence(
    condition: AbsenceCondition, heard: Heard, now: datetime, calendar: WorkCalendar | None = None
) -> Found:
    """Whether something was silent for longer than it may be; since when it was too long.

    :param calendar: of a silence of which only working time counts.
    """
    if heard.stopped:
        return Found(False)
    if heard.last is None:
        return Found(True, detail={"never": True})
    longer = heard.limit if condition.longer is None else condition.longer
    since = heard.last + longer if calendar is None else calendar.add(heard.last, longer).astimezone(UTC)
    if since > now:
        return Found(False, heard.last)
    if heard.seen_until is None or since > heard.seen_until:
        return UNKNOWN
    return Found(
        True,
        since,
        value=(min(now, heard.seen_until) - heard.last).total_seconds(),
        detail={"last": heard.last.isoformat()},
    )


# -- reception points ------------------------------------------------------------------------------------


def site(condition: SiteCondition, devices: Sequence[DeviceRow], now: datetime) -> Found:
    """Whether a reception point is out: all its devices are down or silent, one of them known to be down.

    :param devices: of one point, those that were ever heard from. Those under maintenance say nothing. A device is
        silent when its state is written as unknown; one whose validity only ran out may just not be read yet.
    """
    away: list[DeviceRow] = []
    waits = False
    for row in devices:
        if row.state == "maintenance":
            continue
        if row.state == "unknown":
            away.append(row)
        elif now > row.valid_until:
            waits = True
        elif row.state == "down":
            away.append(row)
        else:
            return Found(False, row.since)
    if devices and not away and not waits:
        return Found(False)
    kinds = {row.kind for row in away}
    if waits or not any(row.state == "down" for row in away):
        return UNKNOWN
    if len(kinds) < condition.kinds:
        return Found(False)
    return Found(
        True,
        max(row.since for row in away),
        value=float(len(away)),
        detail={"devices": sorted(row.code for row in away)[:20]},
    )
