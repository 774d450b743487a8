"""A place with two months of dossiers, their story and devices, for the pages that people explore it with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import psycopg
from psycopg.types.json import Jsonb

from tests.integration.history_place import PASSWORD, Case, add_cases, add_places, ago, serving
from tests.integration.kpi_data import Connection
from tests.servers import Servers

#: What was accepted on it was learned two days late.
CORRECTED: Final = datetime(2026, 3, 10, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """Where it is served, and its database."""

    url: str
    database: str

    def api(self, path: str) -> dict[str, object]:
        """An answer of the API, as the planner is given it."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", auth=("planner", PASSWORD), timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


@contextmanager
def explored(servers: Servers) -> Iterator[Place]:
    """Serve it."""
    with servers.place() as settings:
        url = settings.database_dsn
        with psycopg.connect(url, autocommit=True) as connection:
            add_places(connection)
            name(connection)
            add_cases(connection, _cases())
            add_story(connection)
        with serving(url, settings.state_dir) as (address, _):
            yield Place(address, url)


def add_story(connection: Connection) -> None:
    """What happened to one dossier, and what procedures are called."""
    for code, vi in (("1.001193", "Đăng ký khai sinh"), ("1.012778", "Đăng ký biến động đất đai")):
        connection.execute(
            "INSERT INTO ioc.procedure (code, field, name_vi, name_en, working_days) VALUES (%s, 'x', %s, %s, 3)",
            (code, vi, vi),
        )
    connection.execute("INSERT INTO ioc.source (name) VALUES ('//one-stop')")
    at = ago(days=8)
    for number, (kind, body) in enumerate(
        (
            (1, {"unit": "go-2", "status": 2, "channel": "online", "due_at": ago(days=5).isoformat()}),
            (2, {"unit": "go-2", "status": 4, "step": "Thẩm định", "handler": "9f8e7d6c"}),
            (3, {"unit": "go-2", "reason": "Chờ xác minh", "new_due_at": ago(days=-2).isoformat()}),
        )
    ):
        when = at + timedelta(days=number * 2)
        connection.execute(
            "INSERT INTO ioc.dossier_fact (dossier_id, source_id, id, time, kind, recorded_at, body)"
            " SELECT d.dossier_id, s.source_id, %s, %s, %s, %s, %s FROM ioc.dossier d CROSS JOIN ioc.source s"
            " WHERE d.code = 'L-02'",
            (f"f{number}", when, kind, when + timedelta(hours=number), Jsonb(body)),
        )
    connection.execute(
        "UPDATE ioc.dossier SET apologised_at = %s, promised_at = %s WHERE code = 'L-02'",
        (ago(days=4), ago(days=-2)),
    )


def name(connection: Connection) -> None:
    """Names with marks, a procedure and a target."""
    for code, vi, en in (
        ("go", "Khu vực Gò Dầu", "Gò Dầu area"),
        ("go-1", "Xã Phước Thạnh", "Phước Thạnh commune"),
        ("go-2", "Phường Gò Dầu", "Gò Dầu ward"),
    ):
        connection.execute("UPDATE ioc.unit SET name_vi = %s, name_en = %s WHERE code = %s", (vi, en, code))
    connection.execute(
        "INSERT INTO ioc.kpi_target (kpi, value, warning, certainty)"
        " VALUES ('dossier.on_time_rate', 0.98, 0.9, 'V')"
    )


def _cases() -> list[Case]:
    found = []
    for place in range(60):
        received = datetime(2026, 3, 1, 2, tzinfo=UTC) + timedelta(days=place % 30, hours=place % 7)
        late = place % 9 == 0
        found.append(
            Case(
                code=f"H53-{place:04}",
                unit="go-1" if place % 3 else "go-2",
                received=received,
                due=received + timedelta(days=3),
                completed=received + timedelta(days=5 if late else 2),
                late=late,
                channel=("counter", "online", "post")[place % 3],
                field=("ho-tich", "dat-dai")[place % 2],
                procedure="1.001193" if place % 2 else "1.012778",
                recorded=received + timedelta(days=2) if received.date() == CORRECTED.date() else None,
            )
        )
    late_now = {"due": ago(days=5), "overdue_since": ago(days=4)}
    found += [
        Case(
            code="L-01",
            received=ago(days=9),
            **late_now,
            apology_missing_since=ago(days=4),
            field="dat-dai",
            channel="counter",
        ),
        Case(
            code="L-02",
            received=ago(days=8),
            **late_now,
            unit="go-2",
            field="ho-tich",
            channel="online",
            procedure="1.001193",
        ),
        Case(
            code="D-01",
            received=ago(days=2),
            due=ago(hours=-5),
            due_soon_since=ago(hours=19),
            channel="online",
        ),
        Case(code="P-01", received=ago(days=3), paused_since=ago(days=1), unit="go"),
        Case(code="O-01", received=ago(days=1), due=ago(days=-9), channel="post"),
    ]
    return found
