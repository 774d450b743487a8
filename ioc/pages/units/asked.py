"""What the pages of units ask, of one snapshot each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.alerts import asking as alerts
from ioc.duty.asking import ask as ask_duty
from ioc.duty.model import Roster
from ioc.history.points import PointNow, points
from ioc.kpi import targets
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import Current, Steps, current
from ioc.kpi.targets import Targets

#: Indicators of the list.
LISTED: Final = (
    "dossier.open",
    "dossier.overdue",
    "dossier.due_24h",
    "dossier.late_without_apology",
    "queue.waiting",
    "camera.down",
)
#: Indicators of one unit.
OF_ONE: Final = (
    "dossier.received",
    "dossier.completed",
    "dossier.on_time_rate",
    "dossier.open",
    "dossier.overdue",
    "dossier.due_24h",
    "dossier.late_without_apology",
    "dossier.online_rate",
    "queue.waiting",
    "queue.wait_p50",
    "queue.served_within_15m",
    "camera.availability",
    "wifi.availability",
    "wifi.clients",
)
_MOST_ALERTS: Final = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator of one unit now; of its window only the word, since its begin moves with the clock."""

    kpi: str
    value: float | None
    numerator: float | None
    denominator: float | None
    target: float | None = None
    strict: bool = False
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Figures by unit and indicator; open alerts by unit, of those below it too. None: not for this reader."""

    figures: dict[str, dict[str, float | None]]
    alerts: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is on duty of one layer of a roster."""

    roster_vi: str
    roster_en: str
    layer: str
    people: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class UnitNow:
    """How a unit stands. Alerts and duty are None where the reader is a guest."""

    figures: tuple[Figure, ...]
    points: tuple[PointNow, ...]
    alerts: tuple[alerts.Row, ...] | None
    more_alerts: bool
    duty: tuple[OnDuty, ...] | None


def listed(
    reader: str, units: Sequence[str], below: dict[str, frozenset[str]], *, named: bool
) -> Steps[Listed]:
    """Steps to the figures of some units, in one question.

    :param below: of each unit, those in it, itself included.
    """
    figures: dict[str, dict[str, float | None]] = {unit: {} for unit in units}
    for figure in (yield from current(reader, LISTED, units)) if units else ():
        if figure.unit is not None:
            figures[figure.unit][figure.kpi] = figure.value
    if not named:
        return Listed(figures, None)
    counts = yield from alerts.counts(reader, None)
    own = {
        unit: sum(one.waiting + one.held + one.acknowledged for one in by.values())
        for unit, by in counts.units.items()
        if unit is not None
    }
    return Listed(figures, {unit: sum(own.get(code, 0) for code in below[unit]) for unit in units})


def unit_now(reader: str, code: str, above: Collection[str], *, named: bool) -> Steps[UnitNow]:
    """Steps to how a unit stands.

    :param above: units that it is in: their rosters are its own where it has none.
    :raises KpiError: there is no such unit, or the reader may not see it.
    """
    figures = yield from current(reader, OF_ONE, [code])
    in_force = yield from targets.ask(reader, OF_ONE, [code])
    ((now,),) = yield "SELECT now()", ()
    scope = yield "SELECT s.code FROM ioc.unit_scope(%s, %s) s", (reader, code)
    inside = {unit for (unit,) in scope}
    places = yield from points(reader)
    mine = tuple(place for place in places if place.unit in inside)
    told = tuple(_figure(figure, in_force, code, now) for figure in figures)
    if not named:
        return UnitNow(told, mine, None, False, None)
    page = yield from alerts.page(
        reader, alerts.Filter(unit=code), order=alerts.Order.WORST, after=None, limit=_MOST_ALERTS
    )
    duty = yield from _duty(reader, code, above)
    return UnitNow(told, mine, tuple(page.rows), page.next is not None, duty)


def _figure(figure: Current, in_force: Targets, code: str, now: datetime) -> Figure:
    target = in_force.at(figure.kpi, code, now)
    plain = Figure(figure.kpi, figure.value, figure.numerator, figure.denominator)
    if target is None:
        return plain
    status = targets.judge(CATALOGUE[figure.kpi], target, figure.value)
    return Figure(
        figure.kpi,
        figure.value,
        figure.numerator,
        figure.denominator,
        target.value,
        target.strict,
        status.value,
    )


def _duty(reader: str, code: str, above: Collection[str]) -> Steps[tuple[OnDuty, ...]]:
    duty = yield from ask_duty(reader)

    def near(roster: Roster) -> bool:
        return roster.unit is None or roster.unit == code or roster.unit in above

    own = [looked for looked in duty.rosters if looked.roster.unit == code]
    found = []
    for looked in own or [looked for looked in duty.rosters if near(looked.roster)]:
        span = looked.now.at(duty.at)
        for layer, people in span.on:
            names = tuple(duty.plan.people[one].name if one in duty.plan.people else one for one in people)
            found.append(OnDuty(looked.roster.name_vi, looked.roster.name_en, layer, names, span.end))
    return tuple(found)
