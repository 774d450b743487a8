"""Lists of alerts in pages, and how many there are: what a reader may know of, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts.actions import SEEN
from ioc.alerts.looking.faults import Fault, faults
from ioc.alerts.model import Severity
from ioc.alerts.states import Held, State
from ioc.history.dossiers import moments
from ioc.kpi.errors import BadQuestionError
from ioc.kpi.query import Steps

LONGEST_TEXT: Final = 200


class Order(StrEnum):
    """Orders of a list."""

    WORST = "-severity"
    """The worst first, of these the newest; open alerts only."""
    NEWEST = "-opened"
    OLDEST = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which alerts are asked for; of several values of one part any fits.

    :param unit: code, with all below it.
    :param subject: one that opened it, or is a member.
    :param text: a part of the subject, key, point, or of the rule's code or names, in whatever case.
    :param start: opened from here on, as typed; ``end``: before this.
    """

    state: State = State.OPEN
    severity: tuple[Severity, ...] = ()
    kind: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    unit: str | None = None
    point: str | None = None
    subject: str | None = None
    assigned: str | None = None
    held: tuple[Held, ...] = ()
    text: str | None = None
    start: str | None = None
    end: str | None = None

    @property
    def noted(self) -> dict[str, object]:
        """The parts, for cursors."""
        return {
            "state": self.state,
            "severity": [int(severity) for severity in self.severity],
            "kind": self.kind,
            "rule": self.rule,
            "unit": self.unit,
            "point": self.point,
            "subject": self.subject,
            "assigned": self.assigned,
            "held": self.held,
            "text": self.text,
            "from": self.start,
            "to": self.end,
        }


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last alert of a page."""

    severity: int
    at: datetime
    alert: int


@dataclass(frozen=True, slots=True)
class Row:
    """One alert as it stands.

    :param held: why nobody is called for it now; empty when somebody is, or it is over.
    """

    id: int
    rule: str
    kind: str
    name_vi: str
    name_en: str
    severity: int
    key: str
    subject: str
    unit: str | None
    point: str | None
    since: datetime
    opened_at: datetime
    cleared_at: datetime | None
    members: int
    joined: int
    value: float | None
    detail: dict[str, Any]
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    ack_expires_at: datetime | None
    assigned_to: str | None
    snoozed_until: datetime | None
    inhibited_by: int | None
    maintenance: int | None
    flapping: bool
    policy: str | None
    changed_at: datetime

    @property
    def held(self) -> list[Held]:
        if self.cleared_at is not None:
            return []
        marks = (
            (Held.INHIBITED, self.inhibited_by),
            (Held.SNOOZED, self.snoozed_until),
            (Held.MAINTENANCE, self.maintenance),
            (Held.FLAPPING, self.flapping or None),
        )
        return [why for why, mark in marks if mark is not None]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; ``next`` while more follow."""

    rows: list[Row]
    next: Place | None
    zone: ZoneInfo


COLUMNS: Final = """
a.alert_id, r.code, r.kind, coalesce(r.definition->>'name_vi', r.code), coalesce(r.definition->>'name_en', r.code),
a.severity, a.key, a.subject, u.code, a.point, a.since, a.opened_at, a.cleared_at, a.members, a.joined, a.value,
a.detail, a.acknowledged_at, a.acknowledged_by, a.ack_expires_at, a.assigned_to, a.snoozed_until, a.inhibited_by,
a.maintenance_id, a.flapping, a.policy->'policy'->>'code', a.changed_at
"""
FROM: Final = "ioc.alert a JOIN ioc.alert_rule r USING (rule_id) LEFT JOIN ioc.unit u USING (unit_id)"
_OF_UNIT: Final = "a.unit_id = ANY (ARRAY(SELECT s.unit_id FROM ioc.unit_scope(%(reader)s, %(unit)s) s))"
#: Units of which alerts may be in the answer; null: those of no unit.
_SCOPE: Final = """
SELECT s.unit_id FROM ioc.unit_scope(%(reader)s, %(unit)s) s
UNION ALL SELECT NULL WHERE %(unit)s::text IS NULL AND ioc.reader_sees_all(%(reader)s)
"""
_STATES: Final = {
    State.OPEN: "a.cleared_at IS NULL",
    State.WAITING: "a.cleared_at IS NULL AND a.acknowledged_at IS NULL",
    State.ACKNOWLEDGED: "a.cleared_at IS NULL AND a.acknowledged_at IS NOT NULL",
    State.CLEARED: "a.cleared_at IS NOT NULL",
    State.ALL: "true",
}
_HELD: Final = {
    Held.INHIBITED: "a.inhibited_by IS NOT NULL",
    Held.SNOOZED: "a.snoozed_until IS NOT NULL",
    Held.MAINTENANCE: "a.maintenance_id IS NOT NULL",
    Held.FLAPPING: "a.flapping",
    Held.NOT: "(a.inhibited_by IS NULL AND a.snoozed_until IS NULL AND a.maintenance_id IS NULL AND NOT a.flapping)",
}
_ORDER: Final = {
    Order.WORST: "a.severity DESC, a.opened_at DESC, a.alert_id DESC",
    Order.NEWEST: "a.opened_at DESC, a.alert_id DESC",
    Order.OLDEST: "a.opened_at, a.alert_id",
}
_AFTER: Final = {
    Order.WORST: "(a.severity, a.opened_at, a.alert_id) < (%(severity_at)s, %(at)s, %(id)s)",
    Order.NEWEST: "(a.opened_at, a.alert_id) < (%(at)s, %(id)s)",
    Order.OLDEST: "(a.opened_at, a.alert_id) > (%(at)s, %(id)s)",
}
_SUBJECT: Final = (
    "(a.subject = %(subject)s OR a.alert_id IN (SELECT s.alert_id FROM ioc.alert_signal s"
    " WHERE s.subject = %(subject)s AND s.rule_id = a.rule_id))"
)
_TEXTS: Final = "a.subject, a.key, a.point, r.code, r.definition->>'name_vi', r.definition->>'name_en'"


def page(reader: str, wanted: Filter, *, order: Order, after: Place | None, limit: int) -> Steps[Page]:
    """Steps to one page.

    :raises KpiError: there is no such unit for this reader, a moment can't be read, or the order does not fit.
    """
    if order is Order.WORST and wanted.state in (State.CLEARED, State.ALL):
        raise BadQuestionError(
            "Only open alerts can be ordered by severity.",
            remedy="Order by -opened or opened, or ask for open, waiting or acknowledged ones.",
        )
    ((zone_name,),) = yield "SELECT ioc.unit_zone(%s, %s)", (reader, wanted.unit)
    zone = ZoneInfo(zone_name)
    conditions, parameters = conditions_of(reader, wanted, zone)
    if wanted.state in (State.CLEARED, State.ALL):
        rows = yield _SCOPE, parameters
        if len(rows) == 1 and rows[0][0] is not None:
            # said so, the unit's own index gives its newest at once, however long the history of others is
            parameters["only"] = rows[0][0]
            conditions.append("a.unit_id = %(only)s")
    parameters["limit"] = limit + 1
    if after is not None:
        parameters |= {"severity_at": after.severity, "at": after.at, "id": after.alert}
        conditions.append(_AFTER[order])
    rows = yield (
        f"SELECT {COLUMNS} FROM {FROM} WHERE {' AND '.join(conditions)} ORDER BY {_ORDER[order]} LIMIT %(limit)s",  # noqa: S608
        parameters,
    )
    found = [Row(*row) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    return Page(found, None if last is None else Place(last.severity, last.opened_at, last.id), zone)


def conditions_of(reader: str, wanted: Filter, zone: ZoneInfo) -> tuple[list[str], dict[str, Any]]:
    """What alerts (``a``, their rules ``r``) must fulfil, and the parameters of that.

    :raises BadQuestionError: the text is too long, or a moment can't be read.
    """
    start, end = moments(wanted.start, wanted.end, zone)
    text = None if wanted.text is None else wanted.text.strip().lower()
    if text is not None and not 0 < len(text) <= LONGEST_TEXT:
        raise BadQuestionError(
            f"The text to look for has {len(text)} characters.", remedy=f"Give 1 to {LONGEST_TEXT}."
        )
    parts = [
        ("reader", reader, SEEN if wanted.unit is None else _OF_UNIT),
        ("severity", [int(one) for one in wanted.severity], "a.severity = ANY (%(severity)s::smallint[])"),
        ("kind", list(wanted.kind), "r.kind = ANY (%(kind)s)"),
        ("rule", list(wanted.rule), "r.code = ANY (%(rule)s)"),
        ("point", wanted.point, "a.point = %(point)s"),
        ("subject", wanted.subject, _SUBJECT),
        ("assigned", wanted.assigned, "a.assigned_to = %(assigned)s"),
        ("text", text, f"strpos(lower(concat_ws(' ', {_TEXTS})), %(text)s) > 0"),
        ("start", start, "a.opened_at >= %(start)s"),
        ("end", end, "a.opened_at < %(end)s"),
    ]
    conditions = [_STATES[wanted.state]]
    if wanted.held:
        conditions.append(f"({' OR '.join(_HELD[held] for held in wanted.held)})")
    parameters: dict[str, Any] = {"reader": reader, "unit": wanted.unit}
    for name, value, condition in parts:
        if value is not None and value != []:
            parameters[name] = value
            conditions.append(condition)
    return conditions, parameters


# -- how many -------------------------------------------------------------------------------------------

_COUNTS: Final = """
SELECT u.code, a.severity, a.acknowledged_at IS NOT NULL,
       coalesce(a.inhibited_by, a.maintenance_id) IS NOT NULL OR a.snoozed_until IS NOT NULL OR a.flapping,
       count(*), max(a.opened_at)
FROM ioc.alert a LEFT JOIN ioc.unit u USING (unit_id)
WHERE a.cleared_at IS NULL AND {}
GROUP BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Count:
    """Open alerts of one severity.

    :param waiting: nobody acknowledged them, and somebody is called for them.
    :param held: nobody acknowledged them, and nobody is called for them now.
    """

    waiting: int = 0
    held: int = 0
    acknowledged: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.waiting + other.waiting, self.held + other.held, self.acknowledged + other.acknowledged
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Open alerts, of all units together and of each that has some; None is what is of no unit."""

    severities: dict[Severity, Count]
    units: dict[str | None, dict[Severity, Count]]
    newest: datetime | None
    zone: ZoneInfo


def counts(reader: str, unit: str | None) -> Steps[Counts]:
    """Steps to how many alerts are open.

    :raises KpiError: there is no such unit for this reader.
    """
    ((zone,),) = yield "SELECT ioc.unit_zone(%s, %s)", (reader, unit)
    rows = yield _COUNTS.format(SEEN if unit is None else _OF_UNIT), {"reader": reader, "unit": unit}
    total: dict[Severity, Count] = {}
    units: dict[str | None, dict[Severity, Count]] = {}
    for code, number, acknowledged, held, many, _ in rows:
        severity = Severity(number)
        count = Count(acknowledged=many) if acknowledged else Count(held=many) if held else Count(many)
        total[severity] = total.get(severity, Count()) + count
        of_unit = units.setdefault(code, {})
        of_unit[severity] = of_unit.get(severity, Count()) + count
    return Counts(total, units, max((row[5] for row in rows), default=None), ZoneInfo(zone))


# -- rules ----------------------------------------------------------------------------------------------

_RULES: Final = f"""
SELECT r.rule_id, r.code, r.definition::text, r.retired, coalesce(o.open, 0), coalesce(o.waiting, 0), o.newest
FROM ioc.alert_rule r LEFT JOIN (
    SELECT a.rule_id, count(*) AS open, count(*) FILTER (WHERE a.acknowledged_at IS NULL) AS waiting,
           max(a.opened_at) AS newest
    FROM ioc.alert a WHERE a.cleared_at IS NULL AND {SEEN} GROUP BY a.rule_id
) o USING (rule_id)
WHERE NOT r.retired OR o.open > 0 ORDER BY r.retired, r.position, r.rule_id
"""  # noqa: S608 - of the condition above


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule in force, or one that is gone from the pack while alerts of it are open.

    :param open: alerts of it that the reader sees; ``waiting``: those of them that nobody acknowledged.
    """

    id: int
    code: str
    definition: str
    retired: bool
    open: int
    waiting: int
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class RuleStates:
    """The rules in the pack's order.

    :param faults: by code, of those that can't be evaluated now.
    :param units: codes of the units that the reader may know of.
    """

    rules: list[RuleState]
    faults: Mapping[str, Fault]
    units: frozenset[str]
    zone: ZoneInfo


def rules(reader: str) -> Steps[RuleStates]:
    """Steps to the rules in force."""
    ((zone,),) = yield "SELECT ioc.unit_zone(%s, NULL)", (reader,)
    rows = yield _RULES, {"reader": reader}
    units = yield "SELECT u.code FROM ioc.reader_units(%s) r JOIN ioc.unit u USING (unit_id)", (reader,)
    wrong = yield from faults()
    return RuleStates(
        [RuleState(*row) for row in rows],
        {fault.code: fault for fault in wrong},
        frozenset(code for (code,) in units),
        ZoneInfo(zone),
    )


def words(severities: Sequence[str]) -> tuple[Severity, ...]:
    """Read severities as people write them.

    :raises BadQuestionError: one is none.
    """
    known = {severity.word: severity for severity in Severity}
    for word in severities:
        if word not in known:
            raise BadQuestionError(
                f"There is no severity {word[:40]!r}.", remedy=f"Severities are {', '.join(known)}."
            )
    return tuple(dict.fromkeys(known[word] for word in severities))
