"""Editions of de-identified counts: each month's partition is made once, when it has settled, and kept for good."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.history.columns import Kind, columns
from ioc.history.disclosure import DIMENSIONS, partition
from ioc.history.dossiers import moments
from ioc.history.table import Statement, Table
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import Steps, clock

#: One edition at a time is made on a database.
EDITION_LOCK: Final = 0x696F6305
#: Stands in a group's row for "any that is not shown in another row".
OTHERS: Final = "(others)"
#: Stands for "without a value".
NONE: Final = "(none)"
#: Most months in one question.
MOST_MONTHS: Final = 240

COLUMNS: Final = columns(
    month=Kind.DAY,
    unit=Kind.TEXT,
    procedure=Kind.TEXT,
    channel=Kind.TEXT,
    outcome=Kind.TEXT,
    dossiers=Kind.INTEGER,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which months, of which unit and all below it."""

    unit: str | None = None
    start: str | None = None
    end: str | None = None


def months(reader: str, wanted: Wanted, settle_days: float) -> Steps[tuple[list[date], ZoneInfo]]:
    """Steps to the months that are asked for.

    :param settle_days: how long after its end a month is given.
    :raises BadQuestionError: the range is not of whole months that have settled.
    """
    zone, now = yield from clock(reader, wanted.unit)
    start, end = moments(wanted.start, wanted.end, zone)
    settled = (now.astimezone(zone) - timedelta(days=settle_days)).date().replace(day=1)
    if start is None:
        raise BadQuestionError(
            "From which month on?", remedy="Add from=2026-01-01: the first day of a month."
        )
    last = settled if end is None else end.astimezone(zone).date()
    first = start.astimezone(zone).date()
    for edge, moment, what in ((first, start, "from"), (last, end, "to")):
        local = None if moment is None else moment.astimezone(zone)
        if edge.day != 1 or (local is not None and (local.hour, local.minute, local.second) != (0, 0, 0)):
            raise BadQuestionError(
                f"De-identified counts are given by whole months, and {what} is {edge.isoformat()}.",
                remedy="Give the first day of a month.",
            )
    if last > settled:
        raise BadQuestionError(
            f"Months are given {settle_days:g} days after their end: so far until {settled.isoformat()}.",
            remedy=f"Give to={settled.isoformat()} or earlier.",
        )
    found: list[date] = []
    month = first
    while month < last:
        found.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    if len(found) > MOST_MONTHS:
        raise BadQuestionError(
            f"{len(found)} months are more than {MOST_MONTHS}.", remedy="Ask for a shorter range."
        )
    if not found:
        raise BadQuestionError("The range holds no month that has settled.", remedy="Give an earlier start.")
    return found, zone


def ensure(wanted: list[date], smallest: int) -> Steps[None]:
    """Steps that make the editions which are not there yet; to be driven in a transaction that may write."""
    rows = yield (
        (
            "SELECT m.month, i.inside FROM unnest(%s::date[]) AS m (month)"
            " CROSS JOIN (VALUES (true), (false)) AS i (inside)"
            " WHERE NOT EXISTS (SELECT FROM ioc.disclosure_edition e"
            " WHERE e.month = m.month AND e.in_district = i.inside)"
        ),
        (wanted,),
    )
    if not rows:
        return
    # made by whoever comes first; who waits finds them made
    yield "SELECT pg_advisory_xact_lock(%s)", (EDITION_LOCK,)
    yield (
        "INSERT INTO ioc.disclosure_key (key) VALUES (%s) ON CONFLICT DO NOTHING RETURNING true",
        (secrets.token_bytes(32),),
    )
    ((key,),) = yield "SELECT key FROM ioc.disclosure_key", ()
    for month, inside in rows:
        cells = yield (
            "SELECT unit, procedure, channel, outcome, dossiers FROM ioc.disclosure_counts(%s, %s)",
            (month, inside),
        )
        groups = partition({tuple(row[:4]): row[4] for row in cells}, smallest, bytes(key))
        if not groups:
            # nothing is shown of it, so nothing is held to it: the month's dossiers may be imported yet
            continue
        made = yield (
            (
                "INSERT INTO ioc.disclosure_edition (month, in_district, smallest) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING RETURNING true"
            ),
            (month, inside, smallest),
        )
        if not made:
            continue
        padded = [(*group.values, *(None,) * (len(DIMENSIONS) - len(group.values))) for group in groups]
        yield (
            (
                "INSERT INTO ioc.disclosure_group SELECT %s, %s, * FROM unnest"
                "(%s::smallint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[]) RETURNING true"
            ),
            (
                month,
                inside,
                [len(group.values) for group in groups],
                *([row[place] for row in padded] for place in range(len(DIMENSIONS))),
                [group.dossiers for group in groups],
            ),
        )


# A group without a unit is of several ones: only who may see all of them is given it.
_GROUPS: Final = """
SELECT g.month, {unit}, {procedure}, {channel}, {outcome}, g.dossiers
FROM ioc.disclosure_group g
WHERE g.month = ANY (%(months)s)
  AND CASE WHEN g.depth = 0
           THEN CASE WHEN g.in_district THEN (SELECT d.root_unit FROM ioc.district d) IN (SELECT s.code FROM scope s)
                     ELSE (SELECT every FROM whole) END
           ELSE g.unit IN (SELECT s.code FROM scope s) END
ORDER BY g.month, g.in_district DESC, g.depth = 0, g.unit, g.procedure NULLS LAST, g.channel NULLS LAST, g.outcome
"""
_SHOWN: Final = "CASE WHEN g.depth < {place} THEN '(others)' ELSE coalesce(g.{name}, '(none)') END"
_STATEMENT: Final = (
    "WITH scope AS MATERIALIZED (SELECT code FROM ioc.unit_scope(%(reader)s, %(unit)s)),"  # noqa: S608 - names only
    " whole AS (SELECT NOT EXISTS (SELECT FROM ioc.unit u WHERE u.code NOT IN (SELECT s.code FROM scope s)) AS every)"
    + _GROUPS.format(
        **{name: _SHOWN.format(place=place, name=name) for place, name in enumerate(DIMENSIONS, start=1)}
    )
)


def table(reader: str, wanted: Wanted, found: list[date], zone: ZoneInfo) -> Steps[Table]:
    """Steps to the table of the editions' groups that lie within what was asked for."""
    yield "SELECT ioc.unit_start(%s, %s)", (reader, wanted.unit)
    parameters: dict[str, Any] = {"reader": reader, "unit": wanted.unit, "months": found}
    return Table("dossier-counts", COLUMNS, (Statement(_STATEMENT, parameters),), zone)
