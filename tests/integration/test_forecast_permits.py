"""Forecasts held against a real permit log, imported whole: better than what one would do without them."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ioc import topics
from ioc.forecast.backtest import Report, backtest
from ioc.forecast.report import text
from ioc.kpi.query import SYSTEM_READER, answer
from ioc.settings import Settings
from tests.integration.streaming import run_ioc, wait_counted, worker

pytestmark = pytest.mark.shared


@pytest.fixture
def report(settings: Settings, shared: Path) -> Report:
    with worker(settings, "--topic", topics.DOSSIERS):
        log = shared / "data" / "permits-receipt.csv"
        done = run_ioc(settings, "import", "dossiers", str(log), "--mapping", "coselog")
        assert done.returncode == 0, done.stderr
        wait_counted(settings, [topics.DOSSIERS])
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        return answer(connection, backtest(SYSTEM_READER, "coselog", every_days=10), timeout_s=60.0)


def test_looking_back_on_the_permit_log(report: Report) -> None:
    print(text(report))  # noqa: T201 - shown when something below does not hold
    assert report.dossiers == 1434
    clearing, misses, surge = report.clearing, report.misses, report.surge

    assert clearing is not None
    assert clearing.origins > 20
    assert clearing.error < clearing.last_week
    assert clearing.error < clearing.all_time
    assert 0.6 < clearing.inside < 0.95

    assert misses is not None
    assert misses.judged > 2000
    table, near, usual, queue = misses.rules
    assert table.missed == near.missed == usual.missed == queue.missed > 500
    assert table.brier < queue.brier
    assert table.brier < usual.brier < near.brier
    assert table.precision is not None
    assert table.precision > table.missed / misses.judged
    assert 0.6 < misses.inside < 0.95
    # the higher the chance that was said, the more missed; bins of few are left out
    shares = [found.share for found in misses.calibration if found.judged >= 50 and found.low >= 0.25]
    assert len(shares) >= 2
    assert shares == sorted(shares)

    assert surge is not None
    assert surge.looks > 3000
    assert surge.error < surge.naive_error
    assert surge.alarms / surge.months < 0.5
    assert surge.peer_days > 10 * surge.alarm_days / 2
    twice, thrice = surge.injected
    assert twice.in_one <= twice.in_two <= twice.in_five <= thrice.in_five
    assert thrice.in_five > 0.8
