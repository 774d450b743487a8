"""The documents that the command line and the API both give."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ioc.forecast.backtest import Report
from ioc.forecast.query import Answer, Clearings, Miss, Misses, Surge, Surges, UnitClearing, UnitMisses

#: What each reason and state means, for people.
REASONS = {
    "overdue": {"vi": "đã quá hạn", "en": "its date has passed"},
    "slow": {
        "vi": "hồ sơ tương tự ở tuổi này hiếm khi xong trong thời gian còn lại",
        "en": "few dossiers like it that were open at its age ended within the time left",
    },
    "queue": {
        "vi": "theo tốc độ hiện nay, đến lượt thì đã quá hạn",
        "en": "at today's pace its turn comes after its date",
    },
}


def surges_document(answer: Surges) -> dict[str, Any]:
    """Surges of each unit asked for; figures that are unknown are null."""
    return {**_head(answer), "surges": [_surge(found, answer.place.zone) for found in answer.surges]}


def clearing_document(answer: Clearings) -> dict[str, Any]:
    """When open dossiers are worked off: the scope, then its units."""
    return {
        **_head(answer),
        "interval": "four of five outcomes",
        "units": [_clearing(found, answer.place.zone) for found in answer.units],
    }


def misses_document(answer: Misses, *, with_dossiers: bool = True) -> dict[str, Any]:
    """Counts by unit, and the dossiers listed unless the reader may not see single ones."""
    found: dict[str, Any] = {
        **_head(answer),
        "units": [_unit_misses(unit) for unit in answer.units],
        "found": answer.found,
        "dossiers": None,
    }
    if with_dossiers:
        found["dossiers"] = [_miss(miss, answer.place.zone) for miss in answer.listed]
    return found


def report_document(report: Report) -> dict[str, Any]:
    """A back-test in figures."""
    return asdict(report)


def _head(answer: Answer) -> dict[str, Any]:
    place = answer.place
    return {
        "unit": place.unit,
        "time": _local(place.moment, place.zone),
        "as_of": _local(place.as_of, place.zone),
        "time_zone": str(place.zone),
    }


def _surge(found: Surge, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "unit": found.unit,
        "subject": found.subject,
        "state": found.state,
        "since": _local(found.since, zone),
        "observed": _rounded(found.observed),
        "expected": _rounded(found.expected),
        "held_back": _rounded(found.held_back),
        "chance": None if found.chance is None else float(f"{found.chance:.3g}"),
        "today": {"observed": _rounded(found.today_observed), "expected": _rounded(found.today_expected)},
        "memory_days": found.memory,
        "memory_from": None if found.memory_from is None else found.memory_from.isoformat(),
    }


def _clearing(found: UnitClearing, zone: ZoneInfo) -> dict[str, Any]:
    cleared = found.clearing
    return {
        "unit": found.unit,
        "open": found.open,
        "pace_per_day": None if found.pace is None else round(found.pace.per_day, 2),
        "pace_days": None if found.pace is None else found.pace.days,
        "working_days": None if cleared is None else round(cleared.days, 1),
        "working_days_low": None if cleared is None else round(cleared.low, 1),
        "working_days_high": None if cleared is None or cleared.high is None else round(cleared.high, 1),
        "at": _local(found.at, zone),
        "at_low": _local(found.low, zone),
        "at_high": _local(found.high, zone),
    }


def _unit_misses(found: UnitMisses) -> dict[str, Any]:
    return {
        **found._asdict(),
        "sum_of_chances": None if found.sum_of_chances is None else round(found.sum_of_chances, 1),
    }


def _miss(found: Miss, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "code": found.code,
        "unit": found.unit,
        "field": found.field,
        "procedure": found.procedure,
        "received_at": _local(found.received_at, zone),
        "due": found.due.isoformat(),
        "chance": round(found.chance, 3),
        "reason": {"code": found.reason.value, **REASONS[found.reason.value]},
        "expected_at": _local(found.expected, zone),
        "expected_low": _local(found.low, zone),
        "expected_high": _local(found.high, zone),
        "turn": found.turn,
        "turn_at": _local(found.turn_at, zone),
    }


def _rounded(value: float | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if value.is_integer() else round(value, 2)


def _local(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")
