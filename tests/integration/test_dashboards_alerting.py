"""Grafana's own rules on the platform's health, asked of a real database as Grafana's role asks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from dashboards import role
from dashboards.alerting import RULES, Rule
from ioc.settings import Settings
from tests.integration.kpi_data import Connection
from tests.servers import Servers

_BY_CODE = {rule.code: rule for rule in RULES}


@pytest.fixture(scope="module")
def asked(servers: Servers, ready: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A session of the role with which Grafana logs in."""
    secret = role.ensure(ready, admin_dsn=servers.admin_dsn(ready))
    with psycopg.connect(role.dsn(ready, secret), autocommit=True, row_factory=dict_row) as session:
        yield session


@pytest.fixture
def platform(ready: Settings) -> Iterator[Connection]:
    """A session of the platform's own, on a database in which nothing was measured yet."""
    with psycopg.connect(ready.database_dsn, autocommit=True) as session:
        for table in ("heartbeat", "partition_offset", "platform_sample", "unreadable_count"):
            session.execute(f"DELETE FROM ioc.{table}")  # noqa: S608 - names of ours
        yield session


def raised(session: psycopg.Connection[dict[str, Any]], code: str) -> set[str]:
    """For which rows the rule would be raised, as Grafana decides it: by the one figure of each row."""
    rule = _BY_CODE[code]
    found = set()
    for row in session.execute(rule.sql.encode()).fetchall():
        figure = _figure(row)
        if (rule.above is not None and figure > rule.above) or (
            rule.below is not None and figure < rule.below
        ):
            found.add(" ".join(str(value) for value in row.values() if isinstance(value, str)))
    return found


def _figure(row: Mapping[str, Any]) -> float:
    (figure,) = (value for value in row.values() if isinstance(value, int | float))
    return float(figure)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_may_be_asked_by_grafanas_role_and_gives_one_figure_a_row(
    asked: psycopg.Connection[dict[str, Any]], platform: Connection, rule: Rule
) -> None:
    for row in asked.execute(rule.sql.encode()).fetchall():
        _figure(row)


def test_a_silent_process_is_named_and_one_that_was_stopped_is_not(
    asked: psycopg.Connection[dict[str, Any]], platform: Connection
) -> None:
    assert (
        asked.execute(_BY_CODE["heartbeat"].sql.encode()).fetchall() == []
    )  # which raises it: nothing ever beat
    assert _BY_CODE["heartbeat"].on_nothing == "Alerting"
    for name, age, stopped in (("serve@a", 1, False), ("stream@a", 60, False), ("deliver@a", 60, True)):
        platform.execute(
            "INSERT INTO ioc.heartbeat (name, kind, host, at, interval_s, stopped)"
            " VALUES (%s, 'process', 'a', now() - make_interval(secs => %s), 5, %s)",
            (name, age, stopped),
        )
    assert raised(asked, "heartbeat") == {"stream 1"}


def test_a_database_that_answers_raises_nothing(
    asked: psycopg.Connection[dict[str, Any]], platform: Connection
) -> None:
    assert raised(asked, "database") == set()
    assert _BY_CODE["database"].on_error == "Alerting"


def test_lag_is_raised_above_its_limit_and_unknown_is_no_figure(
    asked: psycopg.Connection[dict[str, Any]], platform: Connection
) -> None:
    assert asked.execute(_BY_CODE["lag"].sql.encode()).fetchall() == []  # no data, and not zero
    _partition(platform, "ioc.cameras", lag=50_000)
    assert raised(asked, "lag") == set()
    _partition(platform, "ioc.wifi", lag=1)
    assert raised(asked, "lag") == {""}


def test_freshness_is_of_devices_alone(
    asked: psycopg.Connection[dict[str, Any]], platform: Connection
) -> None:
    for topic, quiet_s in (("ioc.dossiers", 40_000), ("ioc.cameras", 5), ("ioc.wifi", 2_000)):
        _partition(platform, topic, quiet_s=quiet_s)
    assert raised(asked, "freshness") == {"ioc.wifi"}


def test_a_halted_partition_is_named(asked: psycopg.Connection[dict[str, Any]], platform: Connection) -> None:
    _partition(platform, "ioc.cameras")
    _partition(platform, "ioc.wifi", halted=True)
    assert raised(asked, "halted") == {"ioc.wifi 0"}


def test_many_unreadable_records_are_told(
    asked: psycopg.Connection[dict[str, Any]], platform: Connection
) -> None:
    assert raised(asked, "unreadable") == set()
    platform.execute(
        "INSERT INTO ioc.unreadable_count (topic, hour, records) VALUES ('ioc.wifi', date_trunc('hour', now()), 101)"
    )
    assert raised(asked, "unreadable") == {""}


def _partition(
    session: Connection, topic: str, *, lag: int = 0, quiet_s: float = 0, halted: bool = False
) -> None:
    session.execute(
        "INSERT INTO ioc.partition_offset"
        " (cluster_id, topic, topic_id, partition, next_offset, log_end, newest_fact, halted_at)"
        " VALUES ('c', %(topic)s, %(topic)s, 0, 0, %(lag)s, now() - make_interval(secs => %(quiet_s)s),"
        "         CASE WHEN %(halted)s THEN now() END)",
        {"topic": topic, "lag": lag, "quiet_s": quiet_s, "halted": halted},
    )
