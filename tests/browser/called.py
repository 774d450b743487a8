"""The shipped pack, with numbers to call, dossiers, states of devices and an alert: for the pages of units."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from ioc.access import readers
from ioc.district import apply_pack, read_pack
from tests.browser.explored import Place
from tests.integration.history_place import PASSWORD, Case, add_cases, ago, serving
from tests.integration.kpi_data import Connection
from tests.servers import Servers

SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
#: A number that nobody has.
PHONE_NUMBER: Final = "0276 000 0001"
UNIT: Final = "25663"


@contextmanager
def called(servers: Servers, folder: Path) -> Iterator[Place]:
    """Serve it."""
    with servers.place() as settings:
        url = settings.database_dsn
        with psycopg.connect(url, autocommit=True) as connection:
            fill(connection, folder)
        with serving(url, settings.state_dir) as (address, _):
            yield Place(address, url)


def with_numbers(folder: Path) -> Path:
    """The shipped pack with a number for one unit and for one point, in columns of their own."""
    pack = folder / "numbered"
    shutil.copytree(SHIPPED, pack)
    for file, row, number in (
        ("units.csv", f"{UNIT},", f"{PHONE_NUMBER},Trực lãnh đạo"),
        ("points.csv", "point.hiep-thanh,25663", "(0276) 000-0002,Bộ phận Một cửa"),
    ):
        lines = (pack / file).read_text("utf-8").splitlines()
        header = next(place for place, line in enumerate(lines) if line.startswith("code,"))
        for place, line in enumerate(lines):
            if place == header:
                lines[place] += ",phone,contact"
            elif place > header and line.strip() and not line.startswith("#"):
                lines[place] += f",{number}" if line.startswith(row) else ",,"
        (pack / file).write_text("\n".join(lines) + "\n", "utf-8")
    return pack


def fill(connection: Connection, folder: Path) -> None:
    """Write everything."""
    apply_pack(connection, read_pack(with_numbers(folder)))
    readers.add(connection, "planner", PASSWORD, role="planner", district_only=True)
    late = {"due": ago(days=3), "overdue_since": ago(days=2), "apology_missing_since": ago(days=2)}
    add_cases(
        connection,
        [
            Case(code="A-1", unit=UNIT, received=ago(days=6), **late),
            Case(code="A-2", unit=UNIT, received=ago(days=5), **late),
            Case(code="A-3", unit="go-dau.phuong", received=ago(days=1), due=ago(days=-4)),
        ],
    )
    for device, state in (("cam-phuoc-thanh-01", 3), ("ap-phuoc-thanh-01", 1)):
        connection.execute(
            "INSERT INTO ioc.device_state (device_id, kind, unit_id, state, since, last_time, valid_until)"
            " SELECT device_id, kind, unit_id, %s, %s, now(), now() + interval '1 hour' FROM ioc.device"
            " WHERE code = %s",
            (state, ago(hours=2), device),
        )
    connection.execute(
        "INSERT INTO ioc.alert (rule_id, key, severity, unit_id, subject, since, opened_at, changed_at, members,"
        " joined, detail)"
        " SELECT r.rule_id, 'k', 4, u.unit_id, 'device:cam-phuoc-thanh-01', %(at)s, %(at)s, %(at)s, 1, 1, '{}'"
        " FROM ioc.alert_rule r CROSS JOIN ioc.unit u WHERE r.code = 'camera.down' AND u.code = %(unit)s",
        {"at": ago(hours=1), "unit": UNIT},
    )
