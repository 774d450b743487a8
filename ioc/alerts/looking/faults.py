"""Rules that could not be evaluated, and why: kept for whoever asks what the rules do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.kpi.query import Steps

_NOTE: Final = """
INSERT INTO ioc.alert_rule_fault AS f (part, code, reason, since, at)
SELECT %(part)s, code, reason, %(now)s, %(now)s FROM unnest(%(codes)s::text[], %(reasons)s::text[]) AS n (code, reason)
ON CONFLICT (part, code) DO UPDATE SET reason = excluded.reason, at = excluded.at
"""
_OVER: Final = "DELETE FROM ioc.alert_rule_fault WHERE part = %s AND code <> ALL (%s)"
_FAULTS: Final = """
SELECT DISTINCT ON (code) code, reason, since, at FROM ioc.alert_rule_fault ORDER BY code, at DESC, part
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule or policy that could not be followed: why, since when, and when that was seen last."""

    code: str
    reason: str
    since: datetime
    at: datetime


def note(part: str, found: Mapping[str, str], now: datetime) -> Steps[None]:
    """Steps that keep which rules a part of the evaluator can't evaluate now, by code; it can all others."""
    codes = sorted(found)
    yield _OVER, (part, codes)
    if codes:
        reasons = [found[code][:500] for code in codes]
        yield _NOTE, {"part": part, "codes": codes, "reasons": reasons, "now": now}


def faults() -> Steps[list[Fault]]:
    """Steps to the rules that can't be evaluated."""
    rows = yield _FAULTS, ()
    return [Fault(*row) for row in rows]
