"""What must hold between rules, policies, channels and the rest of a pack."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from ioc.alerts.durations import duration_text
from ioc.alerts.model import (
    AbsenceCondition,
    AlertPack,
    Grouping,
    Kind,
    KpiCondition,
    Rule,
    Severity,
)
from ioc.district.alert_rules import share_problem
from ioc.district.model import Pack
from ioc.district.problems import Problems
from ioc.district.toml_blocks import Lost

if TYPE_CHECKING:
    from ioc.kpi.definition import Kpi

#: Kinds whose subjects are the platform's own and belong to no unit.
_OF_NO_UNIT: Final = (Kind.READING, Kind.SYNTHETIC)
PROCESSES: Final = ("stream", "serve", "ingest", "connect", "evaluate", "deliver", "auditor")


@dataclass
class LostAlerts:
    """Rules, policies and channels that have a mistake of their own."""

    rules: Lost = field(default_factory=Lost)
    policies: Lost = field(default_factory=Lost)
    channels: Lost = field(default_factory=Lost)


def check_alerts(pack: Pack, lost: LostAlerts, problems: Problems, today: date) -> None:
    """Find what does not fit; findings go to ``problems``, each at the line where its rule begins."""
    alerts = pack.alerts
    policies = {policy.code for policy in alerts.policies}
    units = {unit.code: unit for unit in pack.units}
    tested = {trial.rule.code for trial in pack.trials}
    for rule in alerts.rules:
        check = _Checked(rule, problems)
        for code in (*rule.units, *getattr(rule.condition, "units", ())):
            if check.known("Unit", code, units, "units.csv") and not units[code].period.holds_on(today):
                check.note(
                    f"Unit {code} holds {units[code].period}: nothing new is of it.", "Name today's unit."
                )
        if rule.policy is not None:
            check.known("Policy", rule.policy, policies, "policies.toml", lost.policies)
        elif rule.remind is not None:
            check.error("It reminds, but calls nobody.", "Name a policy, or leave remind out.")
        elif rule.severity >= Severity.MAJOR and rule.kind is not Kind.SYNTHETIC:
            check.note(
                f"It is {rule.severity.word} and calls nobody.", "Name a policy if somebody should come."
            )
        if rule.code not in tested:
            check.note(
                "It has no test.", "Write [[rule.test]]: what is seen, and when the alert is to be there."
            )
        if rule.runbook_vi and rule.runbook_vi.isascii():
            check.note(
                "runbook_vi has no Vietnamese letter.", "Write the line in Vietnamese, with its accents."
            )
        _check_grouping(rule, check)
        if isinstance(rule.condition, KpiCondition):
            _check_kpi(rule.condition, pack, check)
        if isinstance(rule.condition, AbsenceCondition):
            _check_absence(rule.condition, check)
    _check_inhibition(alerts, lost.rules, problems)


class _Checked:
    """Notes findings about one rule."""

    def __init__(self, rule: Rule, problems: Problems) -> None:
        self._rule, self._problems = rule, problems

    def error(self, message: str, remedy: str = "") -> None:
        self._problems.error(self._rule.file, self._rule.line, f"{self._rule.code}: {message}", remedy)

    def note(self, message: str, remedy: str = "") -> None:
        self._problems.note(self._rule.file, self._rule.line, f"{self._rule.code}: {message}", remedy)

    def known(self, what: str, code: str, among: Iterable[str], place: str, lost: Lost | None = None) -> bool:
        codes = list(among)
        if code in codes:
            return True
        if lost is not None and code in lost:
            return False
        near = difflib.get_close_matches(code, codes, n=1)
        self.error(f"{what} {code!r} is not in {place}.", f"Did you mean {near[0]}?" if near else "")
        return False


def _at_points(rule: Rule) -> bool:
    """Whether a rule's subjects stand at reception points."""
    absent = isinstance(rule.condition, AbsenceCondition) and rule.condition.of in ("device", "tickets")
    return absent or rule.kind in (Kind.DEVICE, Kind.SITE)


def _check_grouping(rule: Rule, check: _Checked) -> None:
    if rule.group_by is Grouping.POINT and not _at_points(rule):
        check.error(
            f"group_by point makes nothing of rules of kind {rule.kind.value}: they stand at no point.",
            "Group by unit, district or subject.",
        )
    own = rule.kind in _OF_NO_UNIT or (rule.kind is Kind.ABSENCE and not _at_points(rule))
    if own and (rule.group_by is Grouping.UNIT or rule.units):
        check.error(
            "What it looks at is the platform's own and of no unit.",
            "Leave units out, and group by district or subject.",
        )


def _check_kpi(condition: KpiCondition, pack: Pack, check: _Checked) -> None:
    # imported here since the catalogue knows the ledger's measures, and the ledger the pack's calendar
    from ioc.kpi.catalogue import find
    from ioc.kpi.errors import UnknownKpiError

    try:
        kpi = find(condition.kpi)
    except UnknownKpiError as error:
        check.error(error.message, error.remedy)
        return
    if (condition.units or condition.each) and "unit" not in kpi.dimensions:
        check.error(f"{kpi.id} is of no unit.", "Leave units and each out.")
    if condition.least is not None and kpi.denominator is None:
        check.error(f"{kpi.id} has no denominator.", "least is for shares and quantiles: leave it out.")
    if kpi.unit_of_measure == "share":
        for name in ("above", "below", "clear"):
            wrong = share_problem(name, getattr(condition, name))
            if wrong is not None:
                check.error(*wrong)
    if condition.target:
        _check_target(condition, kpi, pack, check)


def _check_target(condition: KpiCondition, kpi: Kpi, pack: Pack, check: _Checked) -> None:
    # a target that makes no sense itself is told where it stands
    rows = [
        row
        for row in pack.targets
        if row.kpi == kpi.id and (kpi.unit_of_measure != "share" or 0 <= row.value <= 1)
    ]
    if kpi.direction.value == "none":
        check.error(f"{kpi.id} can have no target: neither more nor less of it is better.", "Give a limit.")
    elif not any(row.kpi == kpi.id for row in pack.targets):
        check.note(
            f"{kpi.id} has no target in targets.csv: the rule never fires.",
            "Add one, or give a limit with above or below.",
        )
    for row in rows:
        if condition.clear is None:
            continue
        better = condition.clear >= row.value if kpi.direction.value == "up" else condition.clear <= row.value
        if not better:
            check.error(
                f"clear {condition.clear:g} is worse than the target {row.value:g} on line {row.line} of targets.csv.",
                "It is where the rule lets go: on the better side of the target.",
            )
            return


def _check_absence(condition: AbsenceCondition, check: _Checked) -> None:
    from ioc.topics import STREAM_TOPICS

    if condition.of == "topic" and condition.name:
        check.known("Topic", condition.name, STREAM_TOPICS, "what workers read")
    if condition.of == "process" and condition.name and "@" not in condition.name:
        check.known("Process", condition.name, PROCESSES, "the platform")


# -- inhibition ------------------------------------------------------------------------------------------


def _check_inhibition(alerts: AlertPack, lost: Lost, problems: Problems) -> None:
    rules = {rule.code: rule for rule in alerts.rules}
    for rule in alerts.rules:
        check = _Checked(rule, problems)
        for code in rule.inhibited_by:
            if not check.known("inhibited_by: rule", code, rules, "the pack", lost):
                continue
            by = rules[code]
            if _at_points(by) and not _at_points(rule):
                check.note(
                    f"{code} never silences it: what it looks at stands at no point.",
                    "Take it out of inhibited_by.",
                )
            if by.kind is Kind.SITE and rule.kind is Kind.DEVICE and by.holds_for >= rule.holds_for:
                problems.error(
                    by.file,
                    by.line,
                    f"{by.code}: for {duration_text(by.holds_for)} is not shorter than the"
                    f" {duration_text(rule.holds_for)} of {rule.code}, which it is to silence.",
                    "The devices would have called by then: make it shorter here, or longer there.",
                )
    for ring in _rings({rule.code: rule.inhibited_by for rule in alerts.rules}):
        first = rules[ring[0]]
        _Checked(first, problems).error(
            f"Rules silence one another in a ring: {' ← '.join((*ring, ring[0]))}.",
            "None of them would call anybody: take one out of inhibited_by.",
        )


def _rings(edges: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rings among rules; at least one of every knot."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        path, open_ends = [start], [iter(edges[start])]
        while path:
            code = next((by for by in open_ends[-1] if by in edges and by not in done), None)
            if code is None:
                done.add(path.pop())
                open_ends.pop()
            elif code in path:
                found.append(tuple(path[path.index(code) :]))
            else:
                path.append(code)
                open_ends.append(iter(edges[code]))
    return found
