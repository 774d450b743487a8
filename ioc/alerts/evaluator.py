"""The evaluator of alerts: what begins and ends by the clock, and what is only seen in committed data.

Three crews work beside one another, so that a slow indicator never holds up what is due: the *clock* (signals whose
time came, silencing, acknowledgements that run out, silence, points, readings), the *figures* (indicators) and the
*sweep* (what partitions could not see, and clearing up).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import psycopg

from ioc.alerts import actions, life, maintenance, trail
from ioc.alerts.book import RuleBook
from ioc.alerts.crew import TICK_S, Connection, Crew, Task, now_of
from ioc.alerts.looking import figures, forgetting, kept, measured, points, silence, sweep
from ioc.alerts.looking.figures import Ask
from ioc.alerts.looking.kept import Signals
from ioc.alerts.model import Observation, Rule
from ioc.errors import IocError
from ioc.kpi.query import Steps, answer
from ioc.kpi.steps import run
from ioc.settings import Settings

CLOCK_LOCK: Final = 0x696F6308
FIGURES_LOCK: Final = 0x696F6309
SWEEP_LOCK: Final = 0x696F630C

_LOOK_S: Final = 1.0
_FIGURES_S: Final = 2.0
_SWEEP_S: Final = 15.0
_RETIRE_S: Final = 5.0
_FORGET_S: Final = 3600.0
#: Signals moved in one transaction.
_LOT: Final = 2000
#: Rows put right in one transaction: locked together, so few.
_RIGHT: Final = 500
_QUESTION_S: Final = 10.0


class ClockCrew(Crew):
    """What is due, and what is silent, out or too full."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("clock", CLOCK_LOCK, settings)
        self._heard = True
        self._linked = 0.0
        self.tasks = [
            Task("ripen", 0.0, self._ripen),
            Task("link", 0.0, self._link),
            Task("lapse", _LOOK_S, self._lapse),
            Task("maintenance", _LOOK_S, self._maintenance),
            Task("points", _LOOK_S, lambda c: self._look(c, points.rules, points.look)),
            Task(
                "silence",
                _LOOK_S,
                lambda c: self._look(
                    c, silence.rules, lambda book, _, now: silence.look(book, now, settings.topic_prefix)
                ),
            ),
            Task("readings", _LOOK_S, lambda c: self._look(c, measured.rules, measured.look)),
        ]

    def begin(self, connection: Connection) -> None:
        """Listen for alerts that open or clear, wherever that is."""
        connection.add_notify_handler(lambda _: setattr(self, "_heard", True))
        connection.execute(f"LISTEN {trail.NEWS}".encode())
        self._heard = True

    def _ripen(self, connection: Connection) -> None:
        book = self.book(connection)
        while not self._stop.is_set():
            with connection.transaction():
                moved = run(connection, life.ripen(book, now_of(connection), _LOT)).moved
            if moved < _LOT:
                return

    def _link(self, connection: Connection) -> None:
        if not self._heard and time.monotonic() - self._linked < _SWEEP_S:
            return
        self._heard = False
        with connection.transaction():
            run(connection, life.link(self.book(connection), now_of(connection)))
        self._linked = time.monotonic()

    def _lapse(self, connection: Connection) -> None:
        with connection.transaction():
            run(connection, actions.lapse(now_of(connection)))

    def _maintenance(self, connection: Connection) -> None:
        with connection.transaction():
            run(connection, maintenance.mark(now_of(connection)))

    def _look(
        self,
        connection: Connection,
        rules: Callable[[RuleBook], Sequence[Rule]],
        look: Callable[[RuleBook, Signals, datetime], Steps[list[Observation]]],
    ) -> None:
        """Look with all rules at a time; where that fails with each by itself, so that a bad one stops no other."""
        book = self.book(connection)
        asked = rules(book)
        bad: dict[str, str] = {}
        try:
            if asked:
                _look_once(connection, book, asked, look)
        except (IocError, psycopg.Error, ValueError, TypeError, ArithmeticError, LookupError):
            if connection.closed:
                raise
            for rule in asked:
                try:
                    _look_once(connection, replace(book, rules={rule.code: rule}), [rule], look)
                except (
                    IocError,
                    psycopg.Error,
                    ValueError,
                    TypeError,
                    ArithmeticError,
                    LookupError,
                ) as error:
                    if connection.closed:
                        raise
                    bad[rule.code] = f"{type(error).__name__}: {error}"
        self.at_fault(connection, book, asked, bad)


def _look_once(
    connection: Connection,
    book: RuleBook,
    rules: Sequence[Rule],
    look: Callable[[RuleBook, Signals, datetime], Steps[list[Observation]]],
) -> None:
    with connection.transaction():
        now = now_of(connection)
        signals = run(connection, kept.of_rules(book, rules))
        news = kept.news(signals, run(connection, look(book, signals, now)))
        run(connection, life.settle(book, news, now))


class FiguresCrew(Crew):
    """Indicators."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("figures", FIGURES_LOCK, settings)
        self._due: dict[tuple[object, ...], float] = {}
        self._next = 0.0
        self._asked = -1
        self.tasks = [Task("figures", TICK_S, self._figures)]

    def _figures(self, connection: Connection) -> None:
        book = self.book(connection)
        if book.revision == self._asked and time.monotonic() < self._next:
            return
        self._asked, self._next = book.revision, time.monotonic() + _FIGURES_S
        rules = figures.rules(book)
        if not rules:
            self.at_fault(connection, book, (), {})
            return
        with connection.transaction():
            asked = run(connection, figures.asks(book, now_of(connection)))
            gone = figures.over(asked, run(connection, kept.of_rules(book, rules)))
        bad: dict[str, str] = {}
        names = {(ask.units, *(rule.code for rule in ask.rules)): ask for ask in asked}
        self._due = {name: due for name, due in self._due.items() if name in names}
        for name, ask in names.items():
            began = time.monotonic()
            if began < self._due.get(name, 0.0) or self._stop.is_set():
                bad |= {r.code: self._faults[r.code] for r in ask.rules if r.code in self._faults}
                continue
            gone += self._answered(connection, ask, bad)
            ended = time.monotonic()
            self._due[name] = ended + max(_FIGURES_S, 2 * (ended - began))
        self._next = min(self._due.values(), default=self._next)
        self._settle(connection, book, gone)
        self.at_fault(connection, book, rules, bad)

    def _answered(self, connection: Connection, ask: Ask, bad: dict[str, str]) -> list[Observation]:
        """Ask and tell at once; where that fails, each rule by itself. Returns what is not known."""
        try:
            found = answer(connection, figures.question(ask), timeout_s=_QUESTION_S)
        except (IocError, psycopg.Error, ValueError) as error:
            if connection.closed:
                raise psycopg.OperationalError(str(error)) from error
            if len(ask.rules) > 1:
                return [seen for one in ask.alone() for seen in self._answered(connection, one, bad)]
            bad[ask.rules[0].code] = str(error)
            return figures.unanswered(ask)
        book = self.book(connection)
        with connection.transaction():
            now = now_of(connection)
            signals = run(connection, kept.of_rules(book, [r for r in ask.rules if r.code in book.ids]))
            seen = [one for one in figures.look(ask, found, signals, now) if one.rule in book.ids]
            news = [one for one in seen if kept.is_news(signals.get((one.rule, one.subject)), one)]
            run(connection, life.settle(book, news, now))
        return []

    def _settle(self, connection: Connection, book: RuleBook, seen: Sequence[Observation]) -> None:
        if seen:
            with connection.transaction():
                signals = run(connection, kept.of_rules(book, figures.rules(book)))
                news = [one for one in seen if kept.is_news(signals.get((one.rule, one.subject)), one)]
                run(connection, life.settle(book, news, now_of(connection)))


class SweepCrew(Crew):
    """What partitions could not see, rules that are gone, and clearing up."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("sweep", SWEEP_LOCK, settings)
        self._keep = timedelta(days=settings.keep_alerts_days) if settings.keep_alerts_days else None
        self._swept = -1
        self.tasks = [
            Task("rules", _LOOK_S, self._rules),
            Task("retired", _RETIRE_S, self._retire),
            Task("devices", _SWEEP_S, self._devices),
            Task("dossiers", _SWEEP_S, self._dossiers),
            Task("forgetting", _FORGET_S, self._forget),
        ]

    def _rules(self, connection: Connection) -> None:
        """Where rules changed, all is looked at now."""
        book = self.book(connection)
        if book.revision != self._swept:
            self._swept = book.revision
            for task in self.tasks[1:-1]:
                task.due = 0.0
        self.at_fault(connection, book, (), book.unread)

    def _retire(self, connection: Connection) -> None:
        """Signals of rules that are gone go too; a worker may still have told of them some seconds after."""
        book = self.book(connection)
        while not self._stop.is_set():
            with connection.transaction():
                moved = run(connection, life.retire(book, now_of(connection), _LOT)).moved
            if moved < _LOT:
                return

    def _devices(self, connection: Connection) -> None:
        book = self.book(connection)
        area = sweep.DEVICES
        after: int | None = 0 if book.of(area.kind) else None
        seen: set[str] = set()
        while after is not None and not self._stop.is_set():
            with connection.transaction():
                codes, after = run(connection, sweep.suspect_devices(book, after))
                wrong = run(connection, sweep.compare(area, book, codes, now_of(connection)))
            seen.update(codes)
            self._put_right(connection, area, book, wrong)
        self._signalled(connection, area, book, seen)

    def _dossiers(self, connection: Connection) -> None:
        book = self.book(connection)
        area = sweep.DOSSIERS
        after: sweep.Place | None = sweep.Place() if book.of(area.kind) else None
        seen: set[str] = set()
        while after is not None and not self._stop.is_set():
            with connection.transaction():
                now = now_of(connection)
                codes, after = run(connection, sweep.near_dossiers(after, now))
                wrong = run(connection, sweep.compare(area, book, codes, now))
            seen.update(codes)
            self._put_right(connection, area, book, wrong)
        self._signalled(connection, area, book, seen)

    def _signalled(self, connection: Connection, area: sweep.Area, book: RuleBook, seen: set[str]) -> None:
        for rule in book.of(area.kind):
            after: str | None = ""
            while after is not None and not self._stop.is_set():
                with connection.transaction():
                    now = now_of(connection)
                    codes, after = run(connection, sweep.signalled(area, book, rule, after, now, seen))
                    wrong = run(connection, sweep.compare(area, book, codes, now))
                seen.update(codes)
                self._put_right(connection, area, book, wrong)

    def _put_right(
        self, connection: Connection, area: sweep.Area, book: RuleBook, codes: Sequence[str]
    ) -> None:
        for place in range(0, len(codes), _RIGHT):
            with connection.transaction():
                run(
                    connection,
                    sweep.put_right(area, book, codes[place : place + _RIGHT], now_of(connection)),
                )

    def _forget(self, connection: Connection) -> None:
        while not self._stop.is_set():
            with connection.transaction():
                if not run(connection, forgetting.forget(now_of(connection), self._keep)):
                    return


def crews(settings: Settings) -> list[Crew]:
    """All of them, each to be run in a thread of its own."""
    return [ClockCrew(settings), FiguresCrew(settings), SweepCrew(settings)]
