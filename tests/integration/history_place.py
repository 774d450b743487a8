"""A database with dossiers and devices for tests of the history, and the API over it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import IO

import httpx

from ioc.access import readers
from ioc.access.passwords import hash_password
from ioc.dossiers.ledger import Measure
from tests.integration.kpi_data import Connection, add_district, add_unit
from tests.servers import free_ports

PASSWORD = "a long password"


@cache
def _hash() -> str:
    """Argon2 takes its time, and every test has readers."""
    return hash_password(PASSWORD)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One dossier, as its projection and ledger have it."""

    code: str
    unit: str = "go-1"
    received: datetime
    due: datetime | None = None
    completed: datetime | None = None
    withdrawn: datetime | None = None
    late: bool = False
    overdue_since: datetime | None = None
    apology_missing_since: datetime | None = None
    paused_since: datetime | None = None
    due_soon_since: datetime | None = None
    procedure: str | None = None
    field: str | None = None
    channel: str | None = None
    recorded: datetime | None = None


def add_places(connection: Connection) -> None:
    """The district go with go-1 and go-2, a unit outside of it, and readers of several kinds."""
    add_unit(connection, "go")
    add_unit(connection, "go-1", parent="go")
    add_unit(connection, "go-2", parent="go")
    add_unit(connection, "outside", "Europe/Amsterdam")
    add_district(connection, "go")
    readers.add(connection, "planner", role="planner", district_only=True)
    readers.add(connection, "clerk", role="operator", root_unit="go-1")
    readers.add(connection, "chief", role="leader")
    connection.execute(
        "UPDATE ioc.reader SET password_hash = %s WHERE name NOT IN ('system', 'guest', 'grafana')",
        (_hash(),),
    )


def add_cases(connection: Connection, cases: list[Case]) -> None:
    """Dossiers with their ledger entries, as the stream worker would have written them."""
    with connection.transaction(), connection.cursor() as cursor:
        for case in cases:
            dims = (case.unit, case.channel, case.field, case.procedure)
            cursor.execute(
                "INSERT INTO ioc.dossier_series (unit_id, channel, field, procedure)"
                " SELECT unit_id, %s, %s, %s FROM ioc.unit WHERE code = %s ON CONFLICT DO NOTHING",
                (*dims[1:], dims[0]),
            )
            cursor.execute(
                "INSERT INTO ioc.dossier (code, unit_id, channel, field, procedure, received_at, due_at,"
                " original_due_at, completed_at, withdrawn_at, status, facts)"
                " SELECT %s, unit_id, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1 FROM ioc.unit WHERE code = %s"
                " RETURNING dossier_id",
                (
                    case.code,
                    *dims[1:],
                    case.received,
                    case.due,
                    case.due,
                    case.completed,
                    case.withdrawn,
                    9 if case.completed else 4,
                    case.unit,
                ),
            )
            row = cursor.fetchone()
            assert row is not None
            cursor.executemany(
                "INSERT INTO ioc.dossier_ledger (dossier_id, series_id, measure, delta, effective_at, recorded_at)"
                " SELECT %s, s.series_id, %s, %s, %s, %s FROM ioc.dossier_series s JOIN ioc.unit u USING (unit_id)"
                " WHERE u.code = %s AND s.channel IS NOT DISTINCT FROM %s AND s.field IS NOT DISTINCT FROM %s"
                " AND s.procedure IS NOT DISTINCT FROM %s",
                [
                    (row[0], measure, delta, at, case.recorded or case.received, *dims)
                    for measure, delta, at in _entries(case)
                ],
            )


def _entries(case: Case) -> list[tuple[int, int, datetime]]:
    found: list[tuple[int, int, datetime]] = [
        (Measure.RECEIVED, 1, case.received),
        (Measure.OPEN, 1, case.received),
    ]
    ended = case.completed or case.withdrawn
    if ended is not None:
        found.append((Measure.OPEN, -1, ended))
    if case.completed is not None:
        found.append((Measure.COMPLETED, 1, case.completed))
        found.append((Measure.LATE if case.late else Measure.ON_TIME, 1, case.completed))
    elif case.withdrawn is not None:
        found.append((Measure.WITHDRAWN, 1, case.withdrawn))
    for measure, since in (
        (Measure.OVERDUE, case.overdue_since),
        (Measure.LATE_WITHOUT_APOLOGY, case.apology_missing_since),
        (Measure.PAUSED, case.paused_since),
        (Measure.DUE_SOON, case.due_soon_since),
    ):
        if since is not None:
            found.append((measure, 1, since))
            if ended is not None:
                found.append((measure, -1, ended))
    return found


def add_samples(
    connection: Connection, *, devices: int, each: int, since: datetime, unit: str = "go-1"
) -> None:
    """Access points with a sample a minute each."""
    connection.execute(
        "INSERT INTO ioc.device (code, kind, unit_id) SELECT 'ap-' || to_char(n, 'FM0000'), 2, u.unit_id"
        " FROM generate_series(1, %s) AS n CROSS JOIN ioc.unit u WHERE u.code = %s",
        (devices, unit),
    )
    connection.execute(
        "INSERT INTO ioc.wifi_sample (device_id, time, recorded_at, unit_id, state, valid_ms, clients, rtt_ms, loss,"
        " internet_ok, reason)"
        " SELECT d.device_id, t.at, t.at, d.unit_id, 1, 180000, (d.device_id + t.n) %% 40, 3.5 + t.n %% 17, 0, true,"
        " CASE WHEN t.n %% 50 = 0 THEN '=cmd' END"
        " FROM ioc.device d CROSS JOIN (SELECT n, %s + n * interval '1 minute' AS at"
        " FROM generate_series(0, %s - 1) AS n) t WHERE d.kind = 2",
        (since, each),
    )


@contextmanager
def serving(
    database: str, state: Path, *, output: IO[bytes] | None = None, **settings: str
) -> Iterator[tuple[str, int]]:
    """``ioc serve`` as a process of its own; gives its address and process id.

    :param output: where what it logs goes.
    """
    port = free_ports(1)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("IOC_")},
        "IOC_DATABASE_URL": database,
        "IOC_STATE_DIR": str(state),
        **settings,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ioc.cli", "serve", "--port", str(port)],
        env=environment,
        cwd=state,
        stdout=output,
        stderr=output,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{address}/health/live")
                break
            except httpx.TransportError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(20)


def wait_for(connection: Connection, statement: str, wanted: object, seconds: float = 60) -> None:
    """Wait until the first value that the statement gives is the wanted one."""
    until = time.monotonic() + seconds
    while True:
        row = connection.execute(statement.encode()).fetchone()
        if row is not None and row[0] == wanted:
            return
        assert time.monotonic() < until, (statement, row, wanted)
        time.sleep(0.05)


def day(text: str) -> datetime:
    """Noon of a day in Vietnam."""
    return datetime.fromisoformat(f"{text}T05:00:00").replace(tzinfo=UTC)


def ago(**past: float) -> datetime:
    return datetime.now(UTC) - timedelta(**past)
