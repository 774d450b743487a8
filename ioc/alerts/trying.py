"""Runs the tests of rules: the same pure functions as in production, with a clock that the story moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ioc.alerts import conditions, machine
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import Found
from ioc.alerts.durations import duration_text
from ioc.alerts.machine import Turn
from ioc.alerts.model import (
    AbsenceCondition,
    DeviceCondition,
    DossierCondition,
    Hours,
    KpiCondition,
    Observation,
    Phase,
    ReadingCondition,
    Rule,
    Signal,
    SiteCondition,
    SyntheticCondition,
)
from ioc.alerts.trial import Seen, Trial
from ioc.district.worktime import WorkCalendar
from ioc.dossiers import ledger
from ioc.dossiers.reducer import Dossier
from ioc.kpi.catalogue import find
from ioc.kpi.targets import Target

#: How long a device, connector or process of a story may be silent where its rule does not say: three minutes.
OWN_LIMIT: Final = timedelta(minutes=3)
_FOREVER: Final = timedelta(days=3650)
_SUBJECT: Final = "test"
#: Status codes of a one-stop system: in progress, paused.
_IN_HAND, _PAUSED = 4, 6


@dataclass(frozen=True)
class Tried:
    """What came of a test; times count from its beginning."""

    trial: Trial
    fired: tuple[timedelta, ...]
    cleared: tuple[timedelta, ...]

    @property
    def passed(self) -> bool:
        return self.fired == self.trial.fires_at and self.cleared == self.trial.clears_at

    def told(self) -> str:
        """What differs from what the test expects; empty where nothing does."""
        parts = [
            f"{what} {_times(found)}, not {_times(wanted)}"
            for what, found, wanted in (
                ("fires", self.fired, self.trial.fires_at),
                ("clears", self.cleared, self.trial.clears_at),
            )
            if found != wanted
        ]
        return "; ".join(parts)


class Player(Protocol):
    """Whoever keeps the signal while a story is told."""

    @property
    def due_at(self) -> datetime | None:
        """When the signal moves by itself."""

    @property
    def fired(self) -> bool:
        """Whether it fires now."""

    def observe(self, seen: Observation, now: datetime) -> Turn: ...
    def ripen(self, now: datetime) -> Turn: ...


def try_rule(trial: Trial, calendar: WorkCalendar, player: Player | None = None) -> Tried:
    """Tell a story to its rule.

    :param player: other than the machine alone.
    """
    return _Story(trial, calendar, player or _Machine(trial.rule, calendar)).told()


def _times(times: tuple[timedelta, ...]) -> str:
    return "at " + ", ".join(f"+{duration_text(at)}" for at in times) if times else "never"


class _Machine:
    """Keeps the signal in memory."""

    def __init__(self, rule: Rule, calendar: WorkCalendar) -> None:
        self._rule = rule
        self._opens = RuleBook(calendar=calendar).opens(rule)
        self._signal: Signal | None = None

    @property
    def due_at(self) -> datetime | None:
        return None if self._signal is None else self._signal.due_at

    @property
    def fired(self) -> bool:
        return self._signal is not None and self._signal.phase is Phase.FIRING

    def observe(self, seen: Observation, now: datetime) -> Turn:
        self._signal, turn = machine.observe(self._signal, seen, self._rule, now, self._opens)
        return turn

    def ripen(self, now: datetime) -> Turn:
        if self._signal is None:
            return Turn.NONE
        self._signal, turn = machine.ripen(self._signal, self._rule, now)
        return turn


@dataclass
class _Story:
    trial: Trial
    calendar: WorkCalendar
    player: Player
    fired: list[timedelta] = field(default_factory=list)
    cleared: list[timedelta] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begins = self.trial.begins.replace(tzinfo=self.calendar.zone).astimezone(UTC)
        self.view = _VIEWS[type(self.trial.rule.condition)](self.trial.rule, self.begins, self.calendar)

    def told(self) -> Tried:
        for moment, seen in self._moments():
            self._pass_time(moment)
            if seen is not None:
                self.view.see(seen, moment)
            found = self.view.look(moment, fired=self.player.fired)
            self._note(self.player.observe(found.observed(self.trial.rule.code, _SUBJECT), moment), moment)
        self._pass_time(self.begins + self.trial.until)
        return Tried(self.trial, tuple(self.fired), tuple(self.cleared))

    def _moments(self) -> Iterator[tuple[datetime, Seen | None]]:
        """When something is seen, and when the evaluator would look although nothing is."""
        last = self.begins + self.trial.until
        moments: list[tuple[datetime, int, Seen | None]] = []
        for order, one in enumerate(self.trial.seen):
            at = self.begins + one.at
            moments.append((at, order, one))
            looks_at = self.view.looks_at(at)
            if looks_at is not None:
                moments.append((looks_at, -1, None))
        for at, _, seen in sorted(moments, key=lambda moment: moment[:2]):
            if at <= last:
                yield at, seen

    def _pass_time(self, until: datetime) -> None:
        """Let the signal's own moments come, each at its time."""
        while (at := self.player.due_at) is not None and at <= until:
            self._note(self.player.ripen(at), at)

    def _note(self, turn: Turn, at: datetime) -> None:
        if turn is Turn.FIRED:
            self.fired.append(at - self.begins)
        elif turn is Turn.CLEARED:
            self.cleared.append(at - self.begins)


# -- what a story's subject looks like, by the kind of its rule ----------------------------------------------


class _View(ABC):
    """Remembers what was seen, and holds it against the condition."""

    def __init__(self, rule: Rule, begins: datetime, calendar: WorkCalendar) -> None:
        self.rule, self.begins, self.calendar = rule, begins, calendar
        self.seen: Seen | None = None

    def see(self, seen: Seen, now: datetime) -> None:  # noqa: ARG002
        self.seen = seen

    @abstractmethod
    def look(self, now: datetime, *, fired: bool) -> Found:
        """What the condition is, as seen last."""

    def looks_at(self, seen_at: datetime) -> datetime | None:  # noqa: ARG002
        """When the evaluator looks again after something was seen, although nothing else is."""
        return None


class _Device(_View):
    row: conditions.DeviceRow | None = None

    def see(self, seen: Seen, now: datetime) -> None:
        condition = self.rule.condition
        assert isinstance(condition, DeviceCondition)  # noqa: S101 - as _VIEWS says
        self.row = _row(self.row, condition.device, seen.state or "unknown", now, seen)

    def look(self, now: datetime, *, fired: bool) -> Found:  # noqa: ARG002
        condition = self.rule.condition
        assert isinstance(condition, DeviceCondition)  # noqa: S101
        return conditions.UNKNOWN if self.row is None else conditions.device(condition, self.row, now)


class _Site(_View):
    def __init__(self, rule: Rule, begins: datetime, calendar: WorkCalendar) -> None:
        super().__init__(rule, begins, calendar)
        self.rows: dict[str, conditions.DeviceRow] = {}

    def see(self, seen: Seen, now: datetime) -> None:
        for kind, state in seen.devices.items():
            self.rows[kind] = _row(self.rows.get(kind), kind, state, now, seen)

    def look(self, now: datetime, *, fired: bool) -> Found:  # noqa: ARG002
        assert isinstance(self.rule.condition, SiteCondition)  # noqa: S101
        return conditions.site(self.rule.condition, list(self.rows.values()), now)


class _Dossier(_View):
    def __init__(self, rule: Rule, begins: datetime, calendar: WorkCalendar) -> None:
        super().__init__(rule, begins, calendar)
        self.dossier = Dossier(
            unit=_SUBJECT, status=_IN_HAND, received_at=begins, statuses=[(begins, _IN_HAND)]
        )

    def see(self, seen: Seen, now: datetime) -> None:
        found = self.dossier
        if seen.due is not None:
            found.due.append((now, self.begins + seen.due))
        if seen.done:
            found.completed_at = now
        if seen.apologised:
            found.apologies.append((now, None))
        code = _PAUSED if seen.paused else _IN_HAND
        if code != found.status:
            found.status = code
            found.statuses.append((now, code))

    def look(self, now: datetime, *, fired: bool) -> Found:  # noqa: ARG002
        condition = self.rule.condition
        assert isinstance(condition, DossierCondition)  # noqa: S101
        periods = ledger.periods(self.dossier, lambda _: self.calendar)
        return conditions.dossier(condition, periods.get(conditions.SITUATIONS[condition.situation], []), now)


class _Kpi(_View):
    def look(self, now: datetime, *, fired: bool) -> Found:  # noqa: ARG002
        condition, seen = self.rule.condition, self.seen
        assert isinstance(condition, KpiCondition)  # noqa: S101
        if seen is None:
            return conditions.UNKNOWN
        target = None
        if seen.target is not None:
            target = Target(None, None, seen.target, None, False, None, None, "")
        figure = conditions.Figure(seen.value, None, seen.of, target)
        return conditions.kpi(condition, find(condition.kpi), figure, fired=fired)


class _Reading(_View):
    def look(self, now: datetime, *, fired: bool) -> Found:
        condition, seen = self.rule.condition, self.seen
        assert isinstance(condition, ReadingCondition)  # noqa: S101
        if seen is None:
            return conditions.UNKNOWN
        row = conditions.ReadingRow(condition.reading, _SUBJECT, now, now + _FOREVER, seen.value)
        return conditions.reading(condition, row, now, fired=fired)


class _Absence(_View):
    def __init__(self, rule: Rule, begins: datetime, calendar: WorkCalendar) -> None:
        super().__init__(rule, begins, calendar)
        assert isinstance(rule.condition, AbsenceCondition)  # noqa: S101
        self.condition = rule.condition
        self.heard: datetime | None = None
        # as the evaluator has it: of tickets only working time counts where the rule is of working hours
        in_hours = self.condition.of == "tickets" and rule.hours is Hours.WORKING
        self.counted = calendar if in_hours else None

    def looks_at(self, seen_at: datetime) -> datetime | None:
        longer = self.condition.longer or OWN_LIMIT
        return seen_at + longer if self.counted is None else self.counted.add(seen_at, longer).astimezone(UTC)

    def see(self, seen: Seen, now: datetime) -> None:
        self.seen = seen
        if seen.heard:
            self.heard = now

    def look(self, now: datetime, *, fired: bool) -> Found:  # noqa: ARG002
        stopped = self.seen is not None and self.seen.stopped
        heard = conditions.Heard(self.heard, OWN_LIMIT, now, stopped)
        return conditions.absence(self.condition, heard, now, self.counted)


class _Synthetic(_View):
    def look(self, now: datetime, *, fired: bool) -> Found:  # noqa: ARG002
        return Found(self.seen is not None and self.seen.raised, now)


def _row(
    before: conditions.DeviceRow | None, kind: str, state: str, now: datetime, seen: Seen
) -> conditions.DeviceRow:
    """The newest state; it goes on for as long as nothing else is seen, and since its run of equal state began."""
    flags = frozenset(seen.flags)
    same = before is not None and (before.state, before.flags) == (state, flags)
    return conditions.DeviceRow(
        code=kind,
        kind=kind,
        state=state,
        since=before.since if before is not None and same else now,
        valid_until=now + _FOREVER,
        flags=flags,
        clients=seen.clients,
        reason=seen.reason,
    )


_VIEWS: Final[dict[type, Callable[[Rule, datetime, WorkCalendar], _View]]] = {
    DeviceCondition: _Device,
    SiteCondition: _Site,
    DossierCondition: _Dossier,
    KpiCondition: _Kpi,
    ReadingCondition: _Reading,
    AbsenceCondition: _Absence,
    SyntheticCondition: _Synthetic,
}
