"""Rules, policies and channels of a pack in a real database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from ioc.alerts.book import RuleBook
from ioc.alerts.loading import load_book
from ioc.alerts.model import (
    AlertPack,
    Channel,
    DeviceCondition,
    Kind,
    KpiCondition,
    Policy,
    Rule,
    Severity,
    Step,
    Target,
)
from ioc.alerts.store import channels_of
from ioc.cli.main import build
from ioc.district import PackError, apply_pack, read_pack
from ioc.district.apply_alerts import apply_alerts
from ioc.kpi.query import answer
from ioc.settings import Settings

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
DOWN = Rule(
    "camera.down",
    "Camera mất tín hiệu",
    "Camera down",
    Severity.MAJOR,
    Kind.DEVICE,
    DeviceCondition("camera", states=("down",)),
    "Kiểm tra nguồn điện.",
    holds_for=timedelta(minutes=3),
    policy="truc",
)
LATE = Rule(
    "dossier.late",
    "Đúng hạn thấp",
    "On time low",
    Severity.WARNING,
    Kind.KPI,
    KpiCondition("dossier.on_time_rate", below=0.98, clear=0.985),
    "Rà soát hồ sơ.",
)
ALERTS = AlertPack(
    (DOWN, LATE),
    (Policy("truc", "Trực", "Duty", (Step(timedelta(0), (Target(roster="truc-ioc"),)),)),),
    (Channel("email", "apprise", "env:IOC_MAIL"),),
)


@pytest.fixture
def connection(place: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        found.execute("TRUNCATE ioc.alert_rule, ioc.alert_policy, ioc.alert_channel RESTART IDENTITY CASCADE")
        yield found


def _book(connection: psycopg.Connection[Any]) -> RuleBook:
    return answer(connection, load_book())


def _apply(connection: psycopg.Connection[Any], alerts: AlertPack) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        return apply_alerts(cursor, alerts)


def test_what_a_pack_says_of_alerts_is_in_force_and_stays_as_it_is_when_said_again(
    connection: psycopg.Connection[Any],
) -> None:
    assert _apply(connection, ALERTS) == 4
    assert _apply(connection, ALERTS) == 0
    book = _book(connection)
    assert list(book.rules.values()) == list(ALERTS.rules)
    assert book.policies == {"truc": ALERTS.policies[0]}
    assert answer(connection, channels_of()) == {"email": ALERTS.channels[0]}


def test_a_changed_rule_keeps_its_number_and_its_columns_keep_step(
    connection: psycopg.Connection[Any],
) -> None:
    _apply(connection, ALERTS)
    before = _book(connection)
    worse = replace(LATE, severity=Severity.CRITICAL)
    assert _apply(connection, replace(ALERTS, rules=(worse, DOWN))) == 2
    after = _book(connection)
    assert list(after.rules) == ["dossier.late", "camera.down"]
    assert after.ids["dossier.late"] == before.ids["dossier.late"]
    assert after.rules["dossier.late"] == worse
    rows = connection.execute("SELECT code, position, kind, severity FROM ioc.alert_rule ORDER BY position")
    assert rows.fetchall() == [("dossier.late", 0, "kpi", 5), ("camera.down", 1, "device", 4)]


def test_a_rule_that_is_gone_is_retired_and_comes_back_under_its_number(
    connection: psycopg.Connection[Any],
) -> None:
    _apply(connection, ALERTS)
    number = _book(connection).ids["camera.down"]
    assert _apply(connection, AlertPack(rules=(LATE,))) == 4
    assert list(_book(connection).rules) == ["dossier.late"]
    assert connection.execute("SELECT retired FROM ioc.alert_rule WHERE code = 'camera.down'").fetchone() == (
        True,
    )
    assert _book(connection).policies == {}
    assert answer(connection, channels_of()) == {}
    _apply(connection, ALERTS)
    assert _book(connection).ids["camera.down"] == number


def test_a_definition_of_a_newer_platform_is_left_out_by_name(connection: psycopg.Connection[Any]) -> None:
    _apply(connection, ALERTS)
    connection.execute(
        """UPDATE ioc.alert_rule SET definition = definition || '{"mood": "calm"}' WHERE code = 'dossier.late'"""
    )
    book = _book(connection)
    assert list(book.rules) == ["camera.down"]
    assert "mood" in book.unread["dossier.late"]


def test_who_keeps_rules_in_memory_is_told_of_changes_and_of_nothing_else(
    connection: psycopg.Connection[Any],
) -> None:
    def revision() -> int:
        row = connection.execute("SELECT revision FROM ioc.alert_book").fetchone()
        assert row is not None
        return int(row[0])

    _apply(connection, ALERTS)
    before = revision()
    _apply(connection, ALERTS)
    assert revision() == before
    _apply(connection, replace(ALERTS, channels=()))
    assert revision() > before


def test_of_a_pack_that_is_not_whole_nothing_is_taken_away(connection: psycopg.Connection[Any]) -> None:
    _apply(connection, ALERTS)
    worse = replace(LATE, severity=Severity.CRITICAL)
    assert _apply(connection, AlertPack(rules=(worse,), whole=False)) == 1
    book = _book(connection)
    assert (book.rules["camera.down"], book.rules["dossier.late"]) == (DOWN, worse)
    assert list(book.policies) == ["truc"]
    assert list(answer(connection, channels_of())) == ["email"]


def test_the_shipped_pack_brings_its_rules_once(connection: psycopg.Connection[Any]) -> None:
    pack = read_pack(SHIPPED)
    alerts = pack.alerts
    applied = apply_pack(connection, pack)
    assert applied.alerts == len(alerts.rules) + len(alerts.policies) + len(alerts.channels)
    assert apply_pack(connection, pack).changed == 0
    assert list(_book(connection).rules.values()) == list(alerts.rules)


def test_a_bad_rule_stays_as_it_was_while_the_others_are_applied(
    connection: psycopg.Connection[Any], place: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    pack = Path(shutil.copytree(SHIPPED, tmp_path / "pack"))
    command = ["district", "apply", str(pack)]
    assert CliRunner().invoke(build(), command).exit_code == 0
    before = _book(connection)
    cameras, wifi = pack / "rules" / "cameras.toml", pack / "rules" / "wifi.toml"
    cameras.write_text(cameras.read_text("utf-8").replace('"minor"', '"bad"', 1), "utf-8")
    wifi.write_text(wifi.read_text("utf-8").replace('"minor"', '"major"', 1), "utf-8")
    again = CliRunner().invoke(build(), command)
    assert isinstance(again.exception, PackError)
    assert [problem.file for problem in again.exception.problems] == ["rules/cameras.toml"]
    after = _book(connection)
    assert after.rules["camera.down"] == before.rules["camera.down"]
    assert after.rules["wifi.down"].severity is Severity.MAJOR
    assert after.ids["wifi.down"] == before.ids["wifi.down"]


def test_any_other_mistake_applies_nothing(
    connection: psycopg.Connection[Any], place: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    pack = Path(shutil.copytree(SHIPPED, tmp_path / "pack"))
    with (pack / "devices.csv").open("a", encoding="utf-8") as file:
        file.write("x,drone,point.huyen,X,,60,,\n")
    found = CliRunner().invoke(build(), ["district", "apply", str(pack)])
    assert isinstance(found.exception, PackError)
    assert _book(connection).rules == {}
