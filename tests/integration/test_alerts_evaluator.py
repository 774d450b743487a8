"""The evaluator of alerts as it runs: crews, questions about indicators, killed and frozen processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from ioc.alerts import life
from ioc.alerts.crew import Crew
from ioc.alerts.evaluator import ClockCrew, FiguresCrew, SweepCrew, crews
from ioc.alerts.loading import load_book
from ioc.alerts.looking import faults
from ioc.alerts.model import AbsenceCondition, DeviceCondition, Kind, KpiCondition, Rule
from ioc.dossiers.ledger import Measure
from ioc.kpi.steps import run
from ioc.settings import Settings
from tests.integration import kpi_data
from tests.integration.alerting import a_rule, bring_in, down
from tests.integration.kpi_data import Connection, LedgerEntry

WITHIN_S = 90.0
OPEN = a_rule("too-many", kind=Kind.KPI, condition=KpiCondition("dossier.open", above=9))


@contextmanager
def session(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as found:
        yield found


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with session(database) as found:
        kpi_data.add_unit(found, "go-dau")
        for code in ("bau-don", "thanh-duc"):
            kpi_data.add_unit(found, code, parent="go-dau")
        kpi_data.add_district(found, "go-dau")
        yield found


@pytest.fixture
def here(database: str) -> Settings:
    """Settings of this test's database; no other server."""
    return Settings(database_url=SecretStr(database))


@contextmanager
def working(*found: Crew) -> Iterator[None]:
    """Crews at work, each in its thread, as in the evaluator."""
    stop = threading.Event()
    threads = [threading.Thread(target=crew.run, args=(stop,), daemon=True) for crew in found]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(WITHIN_S)
            assert not thread.is_alive()


def wait_for(told: Callable[[], Any], wanted: Any = True) -> None:
    """Wait until something is so."""
    until = time.monotonic() + WITHIN_S
    while (found := told()) != wanted:
        assert time.monotonic() < until, f"{found!r} instead of {wanted!r}"
        time.sleep(0.05)


def alerts(connection: Connection) -> list[str]:
    """All alerts there ever were: rule and key, and whether they are over."""
    rows = connection.execute(
        "SELECT r.code || ' ' || a.key || CASE WHEN a.cleared_at IS NULL THEN '' ELSE ' over' END"
        " FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id) ORDER BY a.alert_id"
    ).fetchall()
    return [name for (name,) in rows]


def alert() -> str:
    return "too-many kpi:dossier.open@"


def open_dossiers(connection: Connection, count: int, unit: str = "bau-don", late: int = 0) -> None:
    """Dossiers accepted a day ago, some of them late."""
    moment = datetime.now(UTC) - timedelta(days=1)
    measures = [Measure.RECEIVED] * count + [Measure.OPEN] * count + [Measure.OVERDUE] * late
    kpi_data.add_entries(connection, [LedgerEntry(unit, measure, moment, moment) for measure in measures])


def close_dossiers(connection: Connection) -> None:
    connection.execute("DELETE FROM ioc.dossier_ledger WHERE measure = 10")


def add_camera(connection: Connection, code: str, *, silent: bool = False) -> None:
    """A camera that is down, or of which nothing was heard for an hour."""
    number = kpi_data.add_device(connection, code, 1, "bau-don")
    connection.execute(
        "INSERT INTO ioc.device_state (device_id, kind, unit_id, state, since, last_time, valid_until)"
        " SELECT device_id, kind, unit_id, %s, now(), now() - interval '1 hour', now() + %s FROM ioc.device"
        " WHERE device_id = %s",
        (0 if silent else 3, timedelta(0) if silent else timedelta(days=1), number),
    )


def test_two_partitions_that_breach_only_together_raise_exactly_one_alert(
    connection: Connection, database: str, here: Settings
) -> None:
    bring_in(connection, [OPEN])
    with working(FiguresCrew(here), FiguresCrew(here)), session(database) as one, session(database) as other:
        for turn in (1, 2):
            # each sees five: the limit is nine
            with one.transaction(), other.transaction():
                for partition, unit in ((one, "bau-don"), (other, "thanh-duc")):
                    open_dossiers(partition, 5, unit)
                    found = partition.execute(
                        "SELECT value FROM ioc.kpi_current('system', ARRAY['dossier.open'], NULL)"
                    ).fetchone()
                    assert found == (5,)
            wait_for(lambda: alerts(connection), ["too-many kpi:dossier.open@ over"] * (turn - 1) + [alert()])
            close_dossiers(connection)
            wait_for(lambda: alerts(connection), ["too-many kpi:dossier.open@ over"] * turn)


def test_units_are_held_against_their_own_targets_and_one_bad_rule_stops_no_other(
    connection: Connection, here: Settings
) -> None:
    connection.execute(
        "INSERT INTO ioc.kpi_target (kpi, unit_code, value, certainty)"
        " VALUES ('dossier.overdue', 'bau-don', 1, 'V'), ('dossier.overdue', 'thanh-duc', 3, 'V')"
    )
    target = a_rule(
        "target", kind=Kind.KPI, condition=KpiCondition("dossier.overdue", target=True, each=True)
    )
    each = a_rule("each", kind=Kind.KPI, condition=KpiCondition("dossier.open", above=9, each=True))
    scoped = a_rule(
        "scoped",
        kind=Kind.KPI,
        condition=KpiCondition("dossier.open", above=1, each=True),
        units=("bau-don",),
    )
    # no catalogue has it: a check of the pack would have said so
    bad = a_rule("bad", kind=Kind.KPI, condition=KpiCondition("dossier.unheard-of", above=1))
    bring_in(connection, [bad, OPEN, each, scoped, target])
    open_dossiers(connection, 10, "bau-don", late=2)
    open_dossiers(connection, 5, "thanh-duc", late=2)
    with working(FiguresCrew(here)):
        wait_for(
            lambda: sorted(alerts(connection)),
            [
                "each kpi:dossier.open@bau-don",
                "scoped kpi:dossier.open@bau-don",
                "target kpi:dossier.overdue@bau-don",
                alert(),
            ],
        )
        wait_for(lambda: [fault.code for fault in run(connection, faults.faults())], ["bad"])
        (fault,) = run(connection, faults.faults())
        assert "dossier.unheard-of" in fault.reason
        bring_in(connection, [OPEN])
        wait_for(lambda: run(connection, faults.faults()), [])


def test_a_pending_indicator_does_not_fire_while_it_can_not_be_asked(
    connection: Connection, here: Settings
) -> None:
    slow = a_rule(
        "slow",
        kind=Kind.KPI,
        condition=KpiCondition("dossier.open", above=1),
        holds_for=timedelta(seconds=4),
    )
    bring_in(connection, [slow])
    open_dossiers(connection, 2)
    with working(FiguresCrew(here), ClockCrew(here)):
        due = "SELECT count(due_at) FROM ioc.alert_signal"
        wait_for(lambda: connection.execute(due).fetchone(), (1,))
        connection.execute("ALTER TABLE ioc.dossier_ledger RENAME TO away")
        wait_for(lambda: connection.execute(due).fetchone(), (0,))
        assert alerts(connection) == []
        connection.execute("ALTER TABLE ioc.away RENAME TO dossier_ledger")
        wait_for(lambda: alerts(connection), ["slow kpi:dossier.open@"])


def test_what_is_due_fires_and_is_linked_without_anybody_asking(
    connection: Connection, here: Settings
) -> None:
    site = a_rule("site.outage")
    camera = a_rule("camera.down", holds_for=timedelta(seconds=1), inhibited_by=("site.outage",))
    book = bring_in(connection, [site, camera])
    now = datetime.now(UTC)
    with working(ClockCrew(here)):
        with connection.transaction():
            run(connection, life.settle(book, [down("camera.down", "device:C-1", now, point="P-1")], now))
        wait_for(lambda: alerts(connection), ["camera.down device:C-1"])
        with connection.transaction():
            run(connection, life.settle(book, [down("site.outage", "point:P-1", now, point="P-1")], now))
        wait_for(lambda: connection.execute("SELECT count(inhibited_by) FROM ioc.alert").fetchone(), (1,))


def test_a_look_that_one_rule_spoils_goes_on_without_it(connection: Connection, here: Settings) -> None:
    silent = a_rule("silent", kind=Kind.ABSENCE, condition=AbsenceCondition("device", "camera"))
    # beyond what a moment can be
    broken = a_rule(
        "broken",
        kind=Kind.ABSENCE,
        condition=AbsenceCondition("device", "camera", timedelta(days=999_999_999)),
    )
    bring_in(connection, [broken, silent])
    add_camera(connection, "C-1", silent=True)
    with working(ClockCrew(here)):
        wait_for(lambda: alerts(connection), ["silent device:C-1"])
        wait_for(lambda: [fault.code for fault in run(connection, faults.faults())], ["broken"])


def test_rules_that_are_gone_take_their_alerts_along_and_new_ones_find_what_is_down(
    connection: Connection, here: Settings
) -> None:
    add_camera(connection, "C-1")
    with working(SweepCrew(here)):
        bring_in(connection, [a_rule("camera.down")])
        wait_for(lambda: alerts(connection), ["camera.down device:C-1"])
        bring_in(
            connection, [a_rule("camera.away", condition=DeviceCondition("camera", ("down", "degraded")))]
        )
        wait_for(lambda: alerts(connection), ["camera.down device:C-1 over", "camera.away device:C-1"])
        connection.execute(
            "INSERT INTO ioc.alert_rule (code, position, kind, severity, definition)"
            " VALUES ('newer', 9, 'device', 3, '{\"code\": \"newer\", \"mood\": 1}')"
        )
        wait_for(lambda: [fault.code for fault in run(connection, faults.faults())], ["newer"])


_PROCESS = """
import sys, threading
from pydantic import SecretStr
from ioc.alerts.evaluator import crews
from ioc.settings import Settings
stop = threading.Event()
found = [threading.Thread(target=c.run, args=(stop,)) for c in crews(Settings(database_url=SecretStr(sys.argv[1])))]
for thread in found:
    thread.start()
"""


@contextmanager
def evaluators(url: str, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    found = [subprocess.Popen([sys.executable, "-c", _PROCESS, url]) for _ in range(count)]
    try:
        yield found
    finally:
        for process in found:
            process.kill()
            process.wait()


def test_whoever_is_killed_or_frozen_another_takes_over_and_no_alert_comes_twice(
    connection: Connection, database: str
) -> None:
    due = a_rule("camera.down", holds_for=timedelta(milliseconds=300))
    book = bring_in(connection, [due, OPEN])
    wanted: list[str] = []

    def leader() -> int | None:
        row = connection.execute(
            "SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND a.application_name = 'ioc-alerts-clock' AND l.granted"
            " AND a.datname = current_database()"
        ).fetchone()
        return None if row is None else row[0]

    def tell(code: str) -> None:
        now = datetime.now(UTC)
        add_camera(connection, code)
        with connection.transaction():
            run(connection, life.settle(book, [down("camera.down", f"device:{code}", now)], now))
        wanted.append(f"camera.down device:{code}")

    with evaluators(database, 3) as processes:
        for turn in range(2):
            wait_for(lambda: leader() is not None)
            before = leader()
            tell(f"C-{turn}")
            victim = _owner(processes, before)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            tell(f"D-{turn}")
            wait_for(lambda: leader() not in (None, before))  # noqa: B023
            wait_for(lambda: sorted(alerts(connection)), sorted(wanted))
        open_dossiers(connection, 10)
        wait_for(lambda: sorted(alerts(connection)), sorted([*wanted, alert()]))
    rows = connection.execute(
        "SELECT count(*), count(DISTINCT alert_id) FROM ioc.alert_event WHERE kind = 'opened'"
    ).fetchone()
    assert rows == (5, 5)


def _owner(processes: list[subprocess.Popen[bytes]], port: int | None) -> subprocess.Popen[bytes]:
    """The process that talks from a local port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if int(row[1].split(":")[1], 16) == port}
    for process in processes:
        if process.poll() is None:
            for file in Path(f"/proc/{process.pid}/fd").iterdir():
                with suppress(FileNotFoundError):
                    if str(file.readlink()) in inodes:
                        return process
    raise AssertionError(f"no process talks from port {port}")


def test_a_database_that_goes_away_is_waited_for(connection: Connection, here: Settings) -> None:
    bring_in(connection, [OPEN])
    with working(*crews(here)):
        end = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name LIKE 'ioc-alerts-%' AND datname = current_database()"
        )
        wait_for(lambda: connection.execute(end).fetchone(), (3,))
        open_dossiers(connection, 10)
        wait_for(lambda: alerts(connection), [alert()])


def test_the_book_is_read_again_when_a_rule_changed(connection: Connection) -> None:
    bring_in(connection, [OPEN, a_rule("scoped", units=("bau-don",))])
    book = run(connection, load_book())
    assert set(book.rules) == {"too-many", "scoped"}
    scoped: Rule = book.rules["scoped"]
    (unit,) = connection.execute("SELECT unit_id FROM ioc.unit WHERE code = 'bau-don'").fetchall()[0]
    assert book.covers(scoped, unit)
    assert not book.covers(scoped, unit + 1)
    assert book.covers(book.rules["too-many"], None)
