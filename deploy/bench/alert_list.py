"""How fast alerts are listed and filtered over HTTP: ten thousand open ones, and a history behind them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import psycopg

from deploy.bench.ground import Ground
from deploy.bench.latency import Spread, spread
from deploy.bench.roles import free_port, running, wait_until_healthy
from ioc.access import readers
from ioc.alerts import asking
from ioc.alerts.asking import Filter, Order
from ioc.alerts.encoding import rule_to_json
from ioc.alerts.model import DeviceCondition, Kind, Rule, Severity
from ioc.alerts.states import State
from ioc.storage.migrate import upgrade

OPEN: Final = 10_000
CLEARED: Final = 200_000
UNITS: Final = 30
RULES: Final = 25
#: What a list or a filter may take.
LIMIT_MS: Final = 100.0
_TIMES: Final = 200
_AT_ONCE: Final = 8
_PASSWORD: Final = "a long password"  # noqa: S105 - of a database that lives for a minute
Ask = tuple[str, str, dict[str, Any]]
"""What it is called, who asks, and the parameters."""

QUESTIONS: Final[Sequence[Ask]] = (
    ("200 worst open alerts", "chief", {}),
    ("1,000 open alerts", "chief", {"limit": 1000}),
    ("open alerts, newest first", "chief", {"order": "-opened"}),
    ("by severity", "chief", {"severity": "critical"}),
    ("by rule and severity", "chief", {"rule": "rule.7", "severity": ["minor", "major"]}),
    ("by unit", "chief", {"unit": "u7"}),
    ("by point", "chief", {"point": "p211"}),
    ("by subject", "chief", {"subject": "device:d4242"}),
    ("nobody acknowledged", "chief", {"state": "waiting"}),
    ("held back", "chief", {"held": ["snoozed", "maintenance"]}),
    ("given to somebody", "chief", {"assigned": "truc-3"}),
    ("by a text", "chief", {"text": "D424"}),
    ("by a text that nothing has", "chief", {"text": "không có"}),
    ("of a time", "chief", {"from": "2026-02-01", "to": "2026-02-02", "state": "all"}),
    ("cleared ones, newest first", "chief", {"state": "cleared"}),
    ("a reader of one unit", "clerk", {}),
    ("a reader of one unit, cleared ones", "clerk", {"state": "cleared"}),
)
_FILL: Final = """
INSERT INTO ioc.alert (rule_id, key, severity, unit_id, point, subject, since, opened_at, cleared_at, members, joined,
    acknowledged_at, acknowledged_by, assigned_to, snoozed_until, maintenance_id, changed_at)
SELECT r.rule_id, 'device:d' || n, 1 + n %% 5, u.unit_id, 'p' || n %% 700, 'device:d' || n, o.at, o.at,
       CASE WHEN %(cleared)s THEN o.at + interval '20 minutes' END, 1, 1,
       CASE WHEN n %% 3 = 0 THEN o.at END, CASE WHEN n %% 3 = 0 THEN 'truc-1' END,
       CASE WHEN n %% 50 = 0 THEN 'truc-3' END,
       CASE WHEN n %% 40 = 0 THEN '2100-01-01'::timestamptz END, CASE WHEN n %% 60 = 0 THEN 1 END, o.at
FROM generate_series(1, %(count)s) n
JOIN ioc.alert_rule r ON r.position = n %% %(rules)s JOIN ioc.unit u ON u.code = 'u' || n %% %(units)s
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' + n * interval '25 seconds' AS at) o
"""


@dataclass(frozen=True)
class Asked:
    """What one question took: asked alone, and by eight at a time; milliseconds."""

    name: str
    alerts: int
    alone: Spread
    together: Spread


@dataclass(frozen=True)
class Measured:
    """Every question, and how the database answered the first of them."""

    asked: list[Asked]
    plans: dict[str, str]


def measure(ground: Ground, tell: Callable[[str], None]) -> Measured:
    """Fill a database, and ask over HTTP."""
    with _database(ground) as url:
        tell(f"{OPEN:,} open alerts, {CLEARED:,} cleared ones")
        with psycopg.connect(url, autocommit=True) as connection:
            _fill(connection)
            plans = {
                "the worst open alerts": _plan(connection, Filter(), Order.WORST),
                "a unit's open ones": _plan(connection, replace(Filter(), unit="u7"), Order.WORST),
                "a unit's cleared ones": _plan(
                    connection, replace(Filter(), unit="u7", state=State.CLEARED), Order.NEWEST
                ),
            }
        with ground.folder() as folder:
            settings = ground.worker_settings("none.", url, folder)
            port, log = free_port(), Path(folder) / "serve.log"
            with running(settings, ("ioc.cli", "serve", "--port", str(port)), log) as process:
                wait_until_healthy(process, port, "/health/live", log)
                return Measured(asyncio.run(_ask(f"http://127.0.0.1:{port}", tell)), plans)


@contextmanager
def _database(ground: Ground) -> Iterator[str]:
    name = f"bench_{uuid4().hex[:8]}"
    url = ground.postgres.ensure_database(name)
    try:
        upgrade(url)
        yield url
    finally:
        ground.postgres.drop_database(name)


def _fill(connection: psycopg.Connection[Any]) -> None:
    cursor = connection.cursor()
    cursor.executemany(
        "INSERT INTO ioc.unit (code, name_vi, name_en, time_zone, parent_code)"
        " VALUES (%s, %s, %s, 'Asia/Ho_Chi_Minh', %s)",
        [
            ("go", "Huyện", "District", None),
            *((f"u{n}", f"Xã {n}", f"Commune {n}", "go") for n in range(UNITS)),
        ],
    )
    cursor.execute(
        "INSERT INTO ioc.district (code, root_unit, time_zone, pack_version)"
        " VALUES ('go', 'go', 'Asia/Ho_Chi_Minh', '1')"
    )
    rules = [
        Rule(
            f"rule.{n}",
            f"Luật {n}",
            f"Rule {n}",
            Severity.MAJOR,
            Kind.DEVICE,
            DeviceCondition("camera"),
            "Xem.",
        )
        for n in range(RULES)
    ]
    cursor.executemany(
        "INSERT INTO ioc.alert_rule (code, position, kind, severity, definition) VALUES (%s, %s, %s, %s, %s)",
        [
            (rule.code, n, rule.kind.value, int(rule.severity), rule_to_json(rule))
            for n, rule in enumerate(rules)
        ],
    )
    for cleared, count in ((True, CLEARED), (False, OPEN)):
        cursor.execute(_FILL.encode(), {"cleared": cleared, "count": count, "rules": RULES, "units": UNITS})
    cursor.execute(
        "INSERT INTO ioc.alert_signal (rule_id, subject, phase, since, unit_id, alert_id)"
        " SELECT rule_id, subject, 2, since, unit_id, alert_id FROM ioc.alert WHERE cleared_at IS NULL"
    )
    cursor.execute("VACUUM ANALYZE ioc.alert, ioc.alert_signal, ioc.alert_rule, ioc.unit")
    readers.add(connection, "chief", _PASSWORD)
    readers.add(connection, "clerk", _PASSWORD, root_unit="u7")


def _plan(connection: psycopg.Connection[Any], wanted: Filter, order: Order) -> str:
    """How the database answers a page, from the statement that the platform itself asks."""
    steps = asking.page("chief", wanted, order=order, after=None, limit=200)
    statement, parameters = next(steps)
    while True:
        rows = connection.execute(statement.encode(), parameters).fetchall()
        if "ioc.alert a" in statement:
            explained = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS) " + statement.encode(), parameters)
            steps.close()
            return "\n".join(line for (line,) in explained.fetchall())
        statement, parameters = steps.send(rows)


async def _ask(address: str, tell: Callable[[str], None]) -> list[Asked]:
    found: list[Asked] = []
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        for name, reader, parameters in QUESTIONS:
            tell(name)

            async def once(
                reader: str = reader, parameters: dict[str, Any] = parameters
            ) -> tuple[float, int]:
                began = time.perf_counter()
                answered = await client.get("/api/v1/alerts", params=parameters, auth=(reader, _PASSWORD))
                answered.raise_for_status()
                took = time.perf_counter() - began
                return took, len(answered.json()["alerts"])

            for _ in range(3):
                _, alerts = await once()
            alone = [(await once())[0] for _ in range(_TIMES)]
            together: list[float] = []
            for _ in range(_TIMES // _AT_ONCE):
                together += [took for took, _ in await asyncio.gather(*(once() for _ in range(_AT_ONCE)))]
            found.append(Asked(name, alerts, spread(alone), spread(together)))
    return found


def section(measured: Measured, table: Callable[[Sequence[str], Sequence[Sequence[str]]], str]) -> str:
    """Return the section of the report."""
    rows = [
        (
            one.name,
            f"{one.alerts:,}",
            f"{one.alone.p50:.0f}",
            f"**{one.alone.p95:.0f}**",
            f"{one.together.p50:.0f}",
            f"{one.together.p95:.0f}",
            "yes" if one.alone.p95 <= LIMIT_MS else "**no**",
        )
        for one in measured.asked
    ]
    plans = "".join(
        f"\nThe plan of {name}:\n\n```text\n{plan}\n```\n" for name, plan in measured.plans.items()
    )
    return (
        "## Lists of alerts\n\n"
        f"{OPEN:,} open alerts of {UNITS} units and {RULES} rules with {CLEARED:,} cleared ones behind them, through "
        f"`ioc serve` over real connections, from the question to the last byte; {_TIMES} times each, milliseconds. "
        f"Asked is a p95 of {LIMIT_MS:.0f} alone; beside it with {_AT_ONCE} that ask at a time.\n\n"
        + table(
            ("question", "alerts", "p50", "p95", f"p50 of {_AT_ONCE}", f"p95 of {_AT_ONCE}", "holds"), rows
        )
        + plans
    )
