"""Questions on one connection, as the command line asks them: time from the question to the last figure."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from deploy.bench.history.province import ROOT, Size, unit_code
from deploy.bench.latency import Spread, spread
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import SYSTEM_READER, Steps, answer, ask, current
from ioc.kpi.question import Asked

Connection = psycopg.Connection[Any]
Tell = Callable[[str], None]

#: Surges compare with weeks of arrivals, and the index puts several indicators together: both are left out.
_MADE_OF_OTHERS: Final = ("dossier.surge", "queue.surge", "index766.")
_PLAIN: Final = tuple(kpi for kpi in CATALOGUE if not kpi.startswith(_MADE_OF_OTHERS))
#: A wall's indicators: the first thirty, of dossiers, queues and cameras.
WALL: Final = _PLAIN[:30]
_WALL_UNITS: Final = 10
#: Indicators of units; the platform's own have none.
OF_UNITS: Final = tuple(kpi for kpi in _PLAIN if "unit" in CATALOGUE[kpi].dimensions)


@dataclass
class Asking:
    """One kind of question, asked again and again.

    :param limit_ms: p95 that is aimed at; None where none was set.
    """

    name: str
    limit_ms: float | None
    times: dict[str, list[float]] = field(default_factory=dict)

    def took(self, what: str, seconds: float) -> None:
        """Note one question about ``what``."""
        self.times.setdefault(what, []).append(seconds)

    @property
    def spread(self) -> Spread:
        """Percentiles of all questions together."""
        return spread([taken for times in self.times.values() for taken in times])

    @property
    def slowest(self) -> tuple[str, Spread]:
        """The subject whose p95 is highest."""
        return max(
            ((what, spread(times)) for what, times in self.times.items()), key=lambda found: found[1].p95
        )


def measure(database: str, size: Size, tell: Tell, *, rounds: int = 8) -> list[Asking]:
    """Ask every kind of question about every indicator, ``rounds`` times each, after one round that is left out."""
    rng = random.Random(5)
    one = Asking("one unit's year by day", 50)
    many = Asking(f"{size.units} units' year by day, in one question", 300)
    wall = Asking(f"a wall: {len(WALL)} indicators × {_WALL_UNITS} units", 100)
    whole = Asking("the province's year by day", None)
    months = Asking("the province's three years by month and field", None)
    past = Asking("one unit's year by day, as known half a year ago", None)
    year_ago, half = datetime.now(UTC) - timedelta(days=365), datetime.now(UTC) - timedelta(days=182)
    year, learned = f"{year_ago:%Y-%m-%d}", half.isoformat()
    three = f"{datetime.now(UTC) - timedelta(weeks=size.weeks):%Y-%m}-01"

    def unit() -> str:
        return unit_code(rng.randrange(size.units) + 1)

    with psycopg.connect(database, autocommit=True) as connection:
        for turn in range(rounds + 1):
            tell(f"questions: round {turn} of {rounds}")
            for kpi in OF_UNITS:
                asked: list[tuple[Asking, Asked]] = [
                    (one, Asked(unit=unit(), start=year, bucket="1d")),
                    (many, Asked(unit=ROOT, start=year, bucket="1d", by="unit")),
                    (whole, Asked(unit=ROOT, start=year, bucket="1d")),
                ]
                if "field" in CATALOGUE[kpi].dimensions:
                    asked.append((months, Asked(unit=ROOT, start=three, bucket="1mo", by="field")))
                    asked.append((past, Asked(unit=unit(), start=year, bucket="1d", as_of=learned)))
                for asking, question in asked:
                    seconds = _timed(connection, ask(SYSTEM_READER, kpi, question))
                    if turn:
                        asking.took(kpi, seconds)
            for _ in range(6):
                units = [unit_code(n + 1) for n in rng.sample(range(size.units), _WALL_UNITS)]
                seconds = _timed(connection, current(SYSTEM_READER, WALL, units))
                if turn:
                    wall.took("wall", seconds)
    return [one, many, wall, whole, months, past]


def _timed(connection: Connection, steps: Steps[Any]) -> float:
    began = time.perf_counter()
    answer(connection, steps, timeout_s=60.0)
    return time.perf_counter() - began


_EXPLAIN: Final = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 2",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_buffers = on",
    "SET auto_explain.log_timing = off",
    "SET auto_explain.log_nested_statements = on",
    "SET auto_explain.log_parameter_max_length = 0",
    "SET client_min_messages = log",
)


def plans(superuser: str, kpi: str, asked: Asked | None, units: Sequence[str] = ()) -> str:
    """Return EXPLAIN (ANALYZE, BUFFERS) of the statements, from 2 ms on, that a question runs inside its functions.

    :param superuser: address of the database for a role that may load ``auto_explain``.
    :param asked: a series; None is the wall of ``units``.
    """
    found: list[str] = []
    with psycopg.connect(superuser, autocommit=True) as connection:
        steps: Steps[Any] = (
            current(SYSTEM_READER, WALL, units) if asked is None else ask(SYSTEM_READER, kpi, asked)
        )
        answer(connection, steps, timeout_s=60.0)  # warm
        for statement in _EXPLAIN:
            connection.execute(statement.encode())
        connection.add_notice_handler(lambda notice: found.append(notice.message_primary or ""))
        steps = current(SYSTEM_READER, WALL, units) if asked is None else ask(SYSTEM_READER, kpi, asked)
        answer(connection, steps, timeout_s=60.0)
    return "\n\n".join(text for text in found if "duration" in text)
