"""The index of a month, component by component, and what its points were lost on; asked of the database's functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ioc.index766.formulas import Component, Formula, in_force
from ioc.index766.grades import Grade, grade_of
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import Steps
from ioc.kpi.question import read_moment

#: Most late dossiers that one answer lists.
MOST_LATE: Final = 1_000
DEFAULT_LATE: Final = 200
_ZONE: Final = "SELECT ioc.unit_zone(%s, %s), ioc.unit_start(%s, %s), now()"
_MONTH: Final = (
    "SELECT version, component, points, numerator, denominator, origin, stated_points, published_at"
    " FROM ioc.index766_month(%s, %s, %s, %s)"
)
_LOSSES: Final = (
    "SELECT component, procedure, missing, counted, points FROM ioc.index766_losses(%s, %s, %s, %s)"
)
_LATE: Final = (
    "SELECT code, unit, procedure, field, how, due_on, days_late, points, total"
    " FROM ioc.index766_late(%s, %s, %s, %s, %s)"
)
_WRITTEN: Final = re.compile(r"(\d{4})-(\d{2})")


class Scored(NamedTuple):
    """A component with its points.

    :param origin: ``live`` (our facts), ``imported`` (the portal's), None while unknown.
    :param stated: the portal's own points, where it published any: beside a live figure, to compare.
    """

    version: int
    component: str
    points: float | None
    numerator: float | None
    denominator: float | None
    origin: str | None
    stated: float | None
    published_at: datetime | None


class Loss(NamedTuple):
    """What a component lost on a procedure; without a procedure, on dossiers of none that is known."""

    component: str
    procedure: str | None
    missing: float
    """Dossiers (1 where procedures are counted) that miss the mark."""
    counted: float | None
    points: float


class Late(NamedTuple):
    """A dossier that was late in the month."""

    code: str | None
    unit: str
    procedure: str | None
    field: str | None
    how: str
    due_on: date | None
    days_late: int | None
    points: float
    total: int


@dataclass(frozen=True, slots=True)
class Month:
    """A unit's index of a month."""

    unit: str | None
    month: date
    zone: ZoneInfo
    as_of: datetime | None
    formula: Formula
    scored: tuple[Scored, ...]
    losses: tuple[Loss, ...] = ()
    late: tuple[Late, ...] = ()

    def component(self, scored: Scored) -> Component:
        found = self.formula.find(scored.component)
        if found is None:
            raise RuntimeError(f"the database has a component {scored.component} that the program has not")
        return found

    def points(self, group: str | None = None) -> tuple[float | None, float | None, float, float]:
        """Return value, points known, the most that these can give, and the most of all, of a group or of the whole."""
        mine = [
            (s, self.component(s))
            for s in self.scored
            if group is None or s.component.startswith(f"{group}.")
        ]
        known = [(s.points, c.max) for s, c in mine if s.points is not None]
        most, whole = sum(most for _, most in known), sum(c.max for _, c in mine)
        points = round(sum(points for points, _ in known), 6) if known else None
        return (points if most == whole else None), points, most, whole


def ask_month(
    reader: str,
    unit: str | None,
    month: str | None,
    as_of: str | None = None,
    *,
    losses: bool = False,
    late: int = 0,
) -> Steps[Month]:
    """Steps to the index of a month.

    :param month: ``2026-03``; None is the running one. ``as_of``: as known at that moment.
    :param losses: with what the points were lost on; ``late``: how many late dossiers to list with them.
    :raises KpiError: there is no such unit, or the month or moment makes no sense.
    """
    ((zone_name, start, now),) = yield _ZONE, (reader, unit, reader, unit)
    zone = ZoneInfo(zone_name)
    known_at = None if as_of is None else read_moment(as_of, zone, what="as_of")
    if known_at is not None and known_at > now:
        raise BadQuestionError(
            "The moment of as_of is in the future.", remedy="Give a moment in the past, or leave it out."
        )
    begins = read_month(month, now.astimezone(zone).date())
    formula = in_force(begins)
    if formula is None:
        raise BadQuestionError(
            f"No formula is known for {begins:%Y-%m}.",
            remedy="ioc/index766/formulas.toml holds the months that are.",
        )
    asked: Sequence[object] = (reader, unit, begins, known_at)
    scored = tuple(Scored(*row) for row in (yield _MONTH, asked))
    lost: tuple[Loss, ...] = ()
    dossiers: tuple[Late, ...] = ()
    if losses:
        lost = tuple(Loss(*row) for row in (yield _LOSSES, asked))
        if late:
            dossiers = tuple(Late(*row) for row in (yield _LATE, (*asked, min(late, MOST_LATE))))
    return Month(start, begins, zone, known_at, formula, scored, lost, dossiers)


def read_month(text: str | None, today: date) -> date:
    """Return the first day of a month that is written ``2026-03``; of the running one without a text.

    :raises BadQuestionError: it is none, or lies ahead.
    """
    if text is None:
        return today.replace(day=1)
    match = _WRITTEN.fullmatch(text.strip())
    try:
        found = date(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        found = None
    if found is None or found.year < 2000:
        raise BadQuestionError(f"{text!r} is no month.", remedy="Write 2026-03.")
    if found > today:
        raise BadQuestionError(f"The month {found:%Y-%m} has not begun.", remedy="Ask for one that has.")
    return found


def month_document(found: Month, grades: Sequence[Grade] = ()) -> dict[str, Any]:
    """The index as the API and the command line give it."""
    value, points, most, whole = found.points()
    groups = list(dict.fromkeys(component.group for component in found.formula.component))
    return {
        **_head(found),
        "value": value,
        "points_known": points,
        "of_known": most,
        "of": whole,
        "grade": grade_of(value, found.formula.grades or grades),
        "groups": [_group(found, group) for group in groups],
    }


def losses_document(found: Month, *, with_dossiers: bool) -> dict[str, Any]:
    """What the points were lost on; a component's rows add up to what it lost.

    :param with_dossiers: whether the late dossiers are named.
    """
    parts = []
    for scored in found.scored:
        component = found.component(scored)
        if scored.points is None or scored.points >= component.max:
            continue
        part: dict[str, Any] = {
            "component": scored.component,
            "origin": scored.origin,
            "lost": _rounded(component.max - scored.points),
            "missing": None
            if scored.numerator is None or scored.denominator is None
            else _count(scored.denominator - scored.numerator),
            "procedures": [
                {
                    "procedure": loss.procedure,
                    "missing": _count(loss.missing),
                    "counted": _count(loss.counted),
                    "points": _rounded(loss.points),
                }
                for loss in found.losses
                if loss.component == scored.component
            ],
        }
        if component.live is not None and component.live.count == "handled" and scored.origin == "live":
            part["late_dossiers"] = found.late[0].total if found.late else None
            part["dossiers"] = [_late(late) for late in found.late] if with_dossiers else None
        parts.append(part)
    unknown = [scored.component for scored in found.scored if scored.points is None]
    return {**_head(found), "components": parts, "unknown": unknown}


def _head(found: Month) -> dict[str, Any]:
    return {
        "unit": found.unit,
        "month": f"{found.month:%Y-%m}",
        "as_of": None if found.as_of is None else found.as_of.astimezone(found.zone).isoformat(),
        "formula": {"version": found.formula.version, "basis": found.formula.basis},
    }


def _group(found: Month, group: str) -> dict[str, Any]:
    value, points, most, whole = found.points(group)
    return {
        "group": group,
        "value": value,
        "points_known": points,
        "of_known": most,
        "of": whole,
        "components": [
            _scored(found, scored) for scored in found.scored if scored.component.startswith(f"{group}.")
        ],
    }


def _scored(found: Month, scored: Scored) -> dict[str, Any]:
    component = found.component(scored)
    return {
        "component": scored.component,
        "name": {"vi": component.name_vi, "en": component.name_en},
        "points": scored.points,
        "of": component.max,
        "numerator": _count(scored.numerator),
        "denominator": _count(scored.denominator),
        "origin": scored.origin,
        "published_points": _rounded(scored.stated),
        "published_at": None
        if scored.published_at is None
        else scored.published_at.astimezone(found.zone).isoformat(),
        "formula": component.words,
        "certainty": {"points": component.points, "formula": component.formula},
    }


def _late(late: Late) -> dict[str, Any]:
    return {
        "code": late.code,
        "unit": late.unit,
        "procedure": late.procedure,
        "field": late.field,
        "how": late.how,
        "due_on": None if late.due_on is None else late.due_on.isoformat(),
        "days_late": late.days_late,
        "points": _rounded(late.points),
    }


def _count(value: float | None) -> int | float | None:
    return int(value) if value is not None and value.is_integer() else value


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
