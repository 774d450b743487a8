"""What a report says, before it is set on a page: every figure comes from the KPI functions and the forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ioc.forecast import query as forecasts
from ioc.history import dossiers
from ioc.history.spans import Wholes, wholes
from ioc.kpi import targets
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import Steps
from ioc.kpi.targets import Status, judge
from ioc.reports.period import Period

#: What is told of the whole, in this order.
FIGURES: Final = (
    "dossier.received",
    "dossier.completed",
    "dossier.on_time_rate",
    "dossier.open",
    "dossier.overdue",
    "dossier.late_without_apology",
    "dossier.due_24h",
    "dossier.online_rate",
    "dossier.paid_online_rate",
    "dossier.digitised_rate",
    "dossier.processing_days_p50",
    "dossier.processing_days_p90",
    "dossier.satisfaction",
    "queue.issued",
    "queue.wait_p50",
    "queue.wait_p90",
    "queue.served_within_15m",
    "queue.no_show_rate",
    "camera.availability",
    "camera.down",
    "camera.mttr",
    "wifi.availability",
    "wifi.clients",
    "wifi.internet_ok_rate",
)
#: Longest lists on paper; what is left out is counted beside them.
MOST_LATE: Final = 60
MOST_OUTAGES: Final = 40
MOST_MISSES: Final = 40
#: Outages that are shorter say nothing to a leader, in seconds.
SHORTEST_OUTAGE_S: Final = 15 * 60

_UNITS: Final = """
SELECT u.code, u.name_vi, u.name_en, u.kind = 'group' AND (
    EXISTS (SELECT FROM ioc.unit b WHERE b.parent_code = u.code)
    OR EXISTS (SELECT FROM ioc.unit_member m WHERE m.group_code = u.code))
FROM ioc.reader_unit u
JOIN ioc.unit_scope(%(reader)s, %(unit)s) s USING (unit_id)
WHERE u.reader = %(reader)s AND coalesce(u.valid_from <= %(last)s, true)
  AND coalesce(%(first)s < u.valid_to, true)
ORDER BY u.code
"""
_WHOLE: Final = """
SELECT u.code, u.name_vi, u.name_en, u.time_zone, now() FROM ioc.reader_unit u
WHERE u.reader = %(reader)s AND u.code = coalesce(%(unit)s, ioc.unit_start(%(reader)s, %(unit)s))
"""
_HEARD: Final = """
SELECT EXISTS (SELECT FROM ioc.reader_device d
    JOIN ioc.unit_scope(%(reader)s, %(unit)s) v USING (unit_id)
    JOIN ioc.device_stretch s ON s.device_id = d.device_id
    WHERE d.reader = %(reader)s AND s.state <> 0 AND s.started < %(end)s AND coalesce(s.ended, now()) > %(start)s)
"""
_PROCEDURES: Final = "SELECT code, name_vi, name_en FROM ioc.procedure WHERE code = ANY (%s)"
# A place goes by the name that it had last.
_POINTS: Final = """
SELECT DISTINCT ON (code) code, name_vi, name_en FROM ioc.point WHERE code = ANY (%s) ORDER BY code, valid_from DESC
"""
# An outage counts where it reaches into the period; its length is its whole length until now.
_OUTAGES: Final = """
WITH outage AS (
    SELECT d.kind, d.code, d.name, d.unit, d.point_code, s.started, s.ended, s.reason
    FROM ioc.reader_device d
    JOIN ioc.unit_scope(%(reader)s, %(unit)s) v USING (unit_id)
    JOIN ioc.device_stretch s ON s.device_id = d.device_id
    WHERE d.reader = %(reader)s AND s.state = 3 AND s.started < %(end)s AND coalesce(s.ended, now()) > %(start)s
      AND coalesce(s.ended, now()) - s.started >= %(shortest)s * interval '1 second'
)
SELECT kind, code, name, unit, point_code, started, ended, reason, count(*) OVER () FROM outage
ORDER BY coalesce(ended, now()) - started DESC, code LIMIT %(most)s
"""


class Figure(NamedTuple):
    """One figure of the whole, with the period before and the target in force at the period's start."""

    kpi: str
    value: float | None
    before: float | None
    target: float | None
    status: Status | None


class Missed(NamedTuple):
    """A unit that does not reach a target."""

    unit: str
    kpi: str
    value: float
    target: float
    status: Status


class Late(NamedTuple):
    """A dossier past its date whose applicant has no valid letter of apology."""

    code: str
    unit: str
    procedure: str | None
    received_at: datetime
    due_at: datetime
    promised_at: datetime | None


class Outage(NamedTuple):
    """A device that was down; ``ended`` None while it lasts."""

    kind: int
    code: str
    name: str | None
    unit: str
    point: str | None
    started: datetime
    ended: datetime | None
    reason: str | None


class Name(NamedTuple):
    """What a procedure or a reception point is called."""

    vi: str
    en: str | None


class Unit(NamedTuple):
    """A unit as it is called; ``gathers`` where it only stands for the units in it."""

    code: str
    name_vi: str
    name_en: str | None
    gathers: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that a report says. Lists are cut; the numbers beside them count all."""

    period: Period
    unit: Unit
    zone: ZoneInfo
    made_at: datetime
    figures: tuple[Figure, ...]
    units: tuple[Unit, ...]
    missed: tuple[Missed, ...]
    judged: int
    """How many figures of units there were to hold against a target."""
    late: tuple[Late, ...]
    late_in_all: int | None
    """None while no dossier was ever heard of."""
    outages: tuple[Outage, ...]
    outages_in_all: int
    devices_heard: bool
    """Whether anything is known of any device in the period."""
    clearing: tuple[forecasts.UnitClearing, ...]
    misses: tuple[forecasts.UnitMisses, ...]
    pressing: tuple[forecasts.Miss, ...]
    surges: tuple[forecasts.Surge, ...]
    procedures: Mapping[str, Name]
    points: Mapping[str, Name]

    @property
    def ended(self) -> bool:
        """Whether the period had ended when this was made."""
        return self.period.bounds(self.zone)[1] <= self.made_at

    def name_of(self, code: str | None, language: str) -> str:
        """What a unit is called; its code where it is none of the report's."""
        if code is None:
            code = self.unit.code
        found = next((unit for unit in (self.unit, *self.units) if unit.code == code), None)
        if found is None:
            return code
        return (found.name_en or found.name_vi) if language == "en" else found.name_vi


def gather(reader: str, unit: str | None, period: Period) -> Steps[Content]:
    """Steps to what a report says; to be driven in one snapshot.

    Figures are those of the period as they are known now. Late dossiers and forecasts are those of the moment: a
    report is read to act.

    :raises KpiError: there is no such unit, or the period has not begun.
    """
    ((code, name_vi, name_en, zone_name, now),) = yield from _whole(reader, unit)
    zone = ZoneInfo(zone_name)
    start, end = period.bounds(zone)
    if start >= now:
        raise BadQuestionError(
            f"The {period.kind} from {period.first.isoformat()} on has not begun.",
            remedy="Give an earlier day with --of.",
        )
    rows = yield _UNITS, {"reader": reader, "unit": unit, "first": period.first, "last": period.last}
    units = tuple(Unit(*row) for row in rows)
    figures, missed, judged = yield from _figures(reader, code, units, period, zone)
    late, late_in_all = yield from _late(reader, unit)
    span = {"start": start, "end": min(end, now), "shortest": SHORTEST_OUTAGE_S, "most": MOST_OUTAGES}
    outages = yield _OUTAGES, {"reader": reader, "unit": unit, **span}
    ((heard,),) = yield _HEARD, {"reader": reader, "unit": unit, **span}
    clearing = yield from forecasts.ask_clearing(reader, unit, None)
    misses = yield from forecasts.ask_misses(reader, unit, None, most=MOST_MISSES)
    surges = yield from forecasts.ask_surges(reader, None if unit is None else [unit], None)
    told = [*(found.procedure for found in late), *(found.procedure for found in misses.listed)]
    procedures = yield from _names(_PROCEDURES, told)
    found = tuple(Outage(*row[:-1]) for row in outages)
    points = yield from _names(_POINTS, (outage.point for outage in found))
    return Content(
        period=period,
        unit=Unit(code, name_vi, name_en),
        zone=zone,
        made_at=now,
        figures=figures,
        units=units,
        missed=missed,
        judged=judged,
        late=late,
        late_in_all=late_in_all,
        outages=found,
        outages_in_all=int(outages[0][-1]) if outages else 0,
        devices_heard=heard,
        clearing=clearing.units,
        misses=misses.units,
        pressing=misses.listed,
        surges=surges.surges,
        procedures=procedures,
        points=points,
    )


def _names(statement: str, codes: Iterable[str | None]) -> Steps[dict[str, Name]]:
    rows = yield statement, (sorted({code for code in codes if code is not None}),)
    return {code: Name(vi, en) for code, vi, en in rows}


def _whole(reader: str, unit: str | None) -> Steps[list[tuple[Any, ...]]]:
    yield "SELECT ioc.unit_zone(%s, %s)", (reader, unit)  # a unit that may not be seen is told here
    rows = yield _WHOLE, {"reader": reader, "unit": unit}
    if not rows:
        raise BadQuestionError(
            "There is no district to report on.",
            remedy="Apply a district pack (ioc district apply), or name a unit with --unit.",
        )
    return list(rows)


def _figures(
    reader: str, code: str, units: tuple[Unit, ...], period: Period, zone: ZoneInfo
) -> Steps[tuple[tuple[Figure, ...], tuple[Missed, ...], int]]:
    start, end = period.bounds(zone)
    below = [unit.code for unit in units if unit.code != code and not unit.gathers]
    now = yield from wholes(reader, FIGURES, [code, *below], start, end)
    before = yield from wholes(reader, FIGURES, [code], *period.before.bounds(zone))
    in_force = yield from targets.ask(reader, FIGURES, [code, *below])
    figures = []
    for kpi in FIGURES:
        target = in_force.at(kpi, code, start)
        value = _value(now, kpi, code)
        status = None if target is None else judge(CATALOGUE[kpi], target, value)
        figures.append(
            Figure(kpi, value, _value(before, kpi, code), None if target is None else target.value, status)
        )
    missed, judged = [], 0
    for kpi in FIGURES:
        for unit in below:
            target, value = in_force.at(kpi, unit, start), _value(now, kpi, unit)
            if target is None or value is None:
                continue
            judged += 1
            status = judge(CATALOGUE[kpi], target, value)
            if status is not Status.MET:
                missed.append(Missed(unit, kpi, value, target.value, status))
    return tuple(figures), tuple(missed), judged


def _value(found: Wholes, kpi: str, unit: str) -> float | None:
    whole = found.get((kpi, unit))
    return whole and whole.value


def _late(reader: str, unit: str | None) -> Steps[tuple[tuple[Late, ...], int | None]]:
    wanted = dossiers.Filter(unit=unit, state=dossiers.State.WITHOUT_APOLOGY)
    rows, _ = yield from dossiers.page(reader, wanted, order=dossiers.Order.DUE, after=None, limit=MOST_LATE)
    names = [column.name for column in dossiers.COLUMNS]
    places = [
        names.index(name) for name in ("code", "unit", "procedure", "received_at", "due_at", "promised_at")
    ]
    ((count,),) = yield (
        "SELECT value FROM ioc.kpi_current(%s, ARRAY['dossier.late_without_apology'], %s)",
        (reader, None if unit is None else [unit]),
    )
    return tuple(Late(*(row[place] for place in places)) for row in rows), None if count is None else int(
        count
    )
