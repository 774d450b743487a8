"""The documents that the command line and the API both give: the same words for the same answer."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ioc.kpi.definition import Kpi
from ioc.kpi.query import REASONS, Answer, Current, Point
from ioc.kpi.question import Areas
from ioc.kpi.targets import Target, judge


def series_document(answer: Answer) -> dict[str, Any]:
    """Return the series as the contract has it; times carry the unit's offset."""
    question = answer.question
    in_force = [
        target_document(target, answer.zone) for target in answer.targets.of(question.kpi.id, question.unit)
    ]
    return {
        "kpi": question.kpi.id,
        "version": question.kpi.version,
        "unit": answer.unit,
        "bucket": question.bucket,
        "as_of": _local(question.as_of, answer.zone),
        "provenance": provenance_document(answer),
        **({"targets": in_force} if in_force else {}),
        "points": [_point(answer, point) for point in answer.points],
    }


def provenance_document(answer: Answer) -> dict[str, Any]:
    """Return what stands behind a series.

    ``complete`` says that every window of the range is closed; ``coverage`` is the share of device-time whose state
    is known, of dossiers and queues that of the units that were heard from. ``late_facts`` counts the range's facts
    that came after their window had closed, ``late_share`` is what they are of all; both are None as of an earlier
    moment. ``areas`` tells of a re-mapped answer which other units' figures are in it with what share, and whose
    are left out since nobody has said their share.
    """
    found = answer.provenance
    areas = answer.areas and {
        "mode": answer.question.areas.value,
        **answer.areas,
        "shares": [
            {**part, "from": _moved(part["from"], answer.zone), "to": _moved(part["to"], answer.zone)}
            for part in answer.areas["shares"]
        ],
    }
    return {
        "definition": f"{answer.question.kpi.id}@{answer.question.kpi.version}",
        "time_zone": str(answer.zone),
        "from": _local(answer.question.start, answer.zone),
        "to": _local(answer.question.end, answer.zone),
        "closed_until": _moved(found["closed_until"], answer.zone),
        "complete": found["complete"],
        "late_facts": None if found["late_facts"] is None else int(found["late_facts"]),
        "late_share": found["late_share"],
        "newest_fact": _moved(found["newest_fact"], answer.zone),
        "coverage": found["coverage"],
        **({} if areas is None else {"areas": areas}),
    }


def target_document(target: Target, zone: ZoneInfo) -> dict[str, Any]:
    """Return a target while it is in force; ``unit`` is the one that it was given to, null for every unit."""
    return {
        "from": _local(target.since, zone),
        "to": _local(target.until, zone),
        "value": target.value,
        "warning": target.warning,
        "strict": target.strict,
        "each": target.each,
        "unit": target.of_unit,
        "certainty": target.certainty,
    }


def current_document(
    figure: Current, kpi: Kpi, zone: ZoneInfo, areas: Areas, target: Target | None
) -> dict[str, Any]:
    """Return one newest figure."""
    return {
        "kpi": kpi.id,
        "version": kpi.version,
        "unit": figure.unit,
        "window": kpi.current_window.value,
        "since": _local(figure.since, zone),
        "value": _number(figure.value, share=kpi.is_ratio),
        "numerator": _number(figure.numerator),
        "denominator": _number(figure.denominator),
        **_beside(figure, kpi, areas, target),
    }


def _beside(figure: Current | Point, kpi: Kpi, areas: Areas, target: Target | None) -> dict[str, Any]:
    """What stands beside a figure: its target where it has one, whether it is an estimate where areas are re-mapped."""
    found: dict[str, Any] = {}
    if target is not None:
        found["target"] = target.value
        found["status"] = judge(kpi, target, figure.value).value
    if areas is Areas.REMAPPED:
        found["estimated"] = figure.estimated
        found["reason"] = figure.reason and REASONS[figure.reason]
    return found


def kpi_document(kpi: Kpi) -> dict[str, Any]:
    """Return a definition in words; what only the SQL functions need is left out."""
    found = asdict(kpi)
    for internal in ("numerator_measures", "denominator_measures", "known_measures", "device_kind", "source"):
        del found[internal]
    found["name"] = {"vi": found.pop("name_vi"), "en": found.pop("name_en")}
    found["formula"] = {"vi": found.pop("formula_vi"), "en": found.pop("formula_en")}
    return found


def series_csv(answer: Answer) -> str:
    """Return the points as CSV with a header; unknown figures are empty."""
    text = io.StringIO()
    rows = [_point(answer, point) for point in answer.points]
    names = [
        "time",
        *([answer.question.by] if answer.question.by else []),
        "value",
        "numerator",
        "denominator",
        *(["target", "status"] if answer.targets.by_kpi else []),
        *(["estimated", "reason"] if answer.question.is_remapped else []),
    ]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _point(answer: Answer, point: Point) -> dict[str, Any]:
    found: dict[str, Any] = {
        "time": _local(point.time, answer.zone),
        "value": _number(point.value, share=answer.question.kpi.is_ratio),
        "numerator": _number(point.numerator),
        "denominator": _number(point.denominator),
    }
    if answer.question.by is not None:
        found[answer.question.by] = point.dim
    found.update(_beside(point, answer.question.kpi, answer.question.areas, answer.target_of(point)))
    return found


def _number(value: float | None, *, share: bool = False) -> float | int | None:
    """Counts read better as whole numbers; a share stays a fraction."""
    if value is None or share or not value.is_integer():
        return value
    return int(value)


def _local(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat()


def _moved(text: str | None, zone: ZoneInfo) -> str | None:
    return None if text is None else _local(datetime.fromisoformat(text), zone)
