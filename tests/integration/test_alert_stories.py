"""What the tests of shipped rules say is what the database does: the same stories, told to its signals and alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ioc.alerts import life
from ioc.alerts.book import RuleBook
from ioc.alerts.loading import load_book
from ioc.alerts.machine import Turn
from ioc.alerts.model import Observation, Phase, Rule
from ioc.alerts.trial import Trial
from ioc.alerts.trying import try_rule
from ioc.district import apply_pack, read_pack
from ioc.kpi.steps import run
from ioc.settings import Settings

PACK = read_pack(Path(__file__).parents[2] / "deploy" / "packs" / "go-dau")


class Database:
    """Keeps the signal as production does."""

    def __init__(self, connection: psycopg.Connection[Any], book: RuleBook, rule: Rule) -> None:
        self._connection, self._book, self._rule = connection, book, rule

    def _signal(self) -> tuple[int, datetime | None] | None:
        return self._connection.execute(
            "SELECT phase, due_at FROM ioc.alert_signal WHERE rule_id = %s",
            (self._book.ids[self._rule.code],),
        ).fetchone()

    @property
    def due_at(self) -> datetime | None:
        found = self._signal()
        return None if found is None else found[1]

    @property
    def fired(self) -> bool:
        found = self._signal()
        return found is not None and found[0] == Phase.FIRING

    def observe(self, seen: Observation, now: datetime) -> Turn:
        return _turn(run(self._connection, life.settle(self._book, [seen], now)))

    def ripen(self, now: datetime) -> Turn:
        return _turn(run(self._connection, life.ripen(self._book, now)))


def _turn(settled: life.Settled) -> Turn:
    if settled.opened:
        return Turn.FIRED
    return Turn.CLEARED if settled.cleared else Turn.NONE


@pytest.fixture(scope="module")
def connection(place: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        apply_pack(found, PACK)
        yield found


@pytest.fixture(scope="module")
def book(connection: psycopg.Connection[Any]) -> RuleBook:
    return run(connection, load_book())


@pytest.mark.parametrize("trial", PACK.trials, ids=lambda trial: f"{trial.rule.code} {trial.name}")
def test_a_story_ends_the_same(connection: psycopg.Connection[Any], book: RuleBook, trial: Trial) -> None:
    with connection.transaction(force_rollback=True):
        tried = try_rule(trial, book.calendar, Database(connection, book, trial.rule))
        assert tried.passed, tried.told()
        opened = connection.execute("SELECT count(*), count(cleared_at) FROM ioc.alert").fetchone()
    assert opened == (len(trial.fires_at), len(trial.clears_at))


def test_rules_in_force_are_those_of_the_pack(book: RuleBook) -> None:
    assert list(book.rules.values()) == list(PACK.alerts.rules)
    assert list(book.policies.values()) == sorted(PACK.alerts.policies, key=lambda policy: policy.code)
    assert book.unread == {}
