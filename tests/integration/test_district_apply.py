"""A district pack in a real database: applied once or often, it is there once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.simulation.connectors import environment
from ioc.district import Pack, apply_pack, read_pack
from ioc.district.units import ensure_unit
from ioc.errors import UsageError
from ioc.settings import Settings

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
TODAY = date(2026, 3, 2)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as found:
        yield found


@pytest.fixture
def pack() -> Pack:
    return read_pack(SHIPPED)


def _rows(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Everything that a pack writes, row versions included: an untouched row keeps its xmin."""
    tables = ("unit", "unit_edge", "point", "device", "district")
    return {
        table: connection.execute(f"SELECT xmin::text, t.* FROM ioc.{table} t ORDER BY t::text").fetchall()  # noqa: S608
        for table in tables
    }


def test_applied_twice_it_writes_nothing_the_second_time(
    connection: psycopg.Connection[Any], pack: Pack
) -> None:
    first = apply_pack(connection, pack, today=TODAY)
    before = _rows(connection)
    second = apply_pack(connection, pack, today=TODAY)
    assert (first.units, first.points, first.devices) == (
        len(pack.units),
        len(pack.points),
        len(pack.devices),
    )
    assert second.changed == 0
    assert _rows(connection) == before


def test_what_the_pack_says_is_in_the_database(connection: psycopg.Connection[Any], pack: Pack) -> None:
    apply_pack(connection, pack, today=TODAY)
    units = {unit.code: unit for unit in pack.units}
    for code, parent, start, end in connection.execute(
        "SELECT code, parent_code, valid_from, valid_to FROM ioc.unit"
    ):
        assert (parent, start, end) == (units[code].parent, units[code].period.start, units[code].period.end)
    places = connection.execute("SELECT DISTINCT code, latitude, longitude FROM ioc.point").fetchall()
    assert sorted(places) == sorted({(row.code, row.latitude, row.longitude) for row in pack.points})
    assert all(None not in place for place in places)
    unit_of = dict(
        connection.execute(
            "SELECT d.code, u.code FROM ioc.device d JOIN ioc.unit u USING (unit_id)"
        ).fetchall()
    )
    assert unit_of["cam-phuoc-trach-01"] == "25663"
    assert unit_of["kiosk-huyen-01"] == "go-dau.phuong"
    into = connection.execute(
        "SELECT from_code, share FROM ioc.unit_edge WHERE to_code = 'go-dau.phuong' ORDER BY 1"
    ).fetchall()
    # the share of old Trảng Bàng is unknown, and stored as that
    assert into == [("go-dau.thi-tran", 1), ("trang-bang", None)]
    row = connection.execute("SELECT code, root_unit, time_zone FROM ioc.district").fetchone()
    assert row == ("go-dau", "go-dau", "Asia/Ho_Chi_Minh")


def test_a_changed_pack_changes_what_it_must_and_keeps_the_rest(
    connection: psycopg.Connection[Any], pack: Pack, tmp_path: Path
) -> None:
    apply_pack(connection, pack, today=TODAY)
    ids = dict(connection.execute("SELECT code, device_id FROM ioc.device").fetchall())
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "pack"))
    devices = folder / "devices.csv"
    kept = [line for line in devices.read_text("utf-8").splitlines() if "ap-huyen-01" not in line]
    devices.write_text("\n".join(kept).replace("ap-bau-don-01,wifi", "ap-bau-don-09,wifi") + "\n", "utf-8")
    points = folder / "points.csv"
    points.write_text(points.read_text("utf-8").replace("Cẩm Giang one-stop", "Cam Giang one-stop"), "utf-8")
    done = apply_pack(connection, read_pack(folder), today=TODAY)
    assert (done.units, done.successions, done.points, done.devices) == (0, 0, 2, 1)
    assert done.undeclared_devices == 2
    undeclared = connection.execute(
        "SELECT code, device_id FROM ioc.device WHERE NOT declared ORDER BY 1"
    ).fetchall()
    assert undeclared == [("ap-bau-don-01", ids["ap-bau-don-01"]), ("ap-huyen-01", ids["ap-huyen-01"])]
    assert apply_pack(connection, pack, today=TODAY).undeclared_devices == 1
    again = dict(connection.execute("SELECT code, device_id FROM ioc.device WHERE declared").fetchall())
    assert again == ids


def test_a_failure_leaves_nothing_behind(connection: psycopg.Connection[Any], pack: Pack) -> None:
    connection.execute("ALTER TABLE ioc.device ADD CONSTRAINT broken CHECK (code <> 'kiosk-huyen-01')")
    with pytest.raises(psycopg.errors.CheckViolation):
        apply_pack(connection, pack, today=TODAY)
    assert {name: len(rows) for name, rows in _rows(connection).items()} == dict.fromkeys(
        _rows(connection), 0
    )


def test_a_unit_met_in_a_fact_becomes_declared_and_a_device_with_facts_keeps_their_unit(
    connection: psycopg.Connection[Any], pack: Pack
) -> None:
    connection.execute(
        "INSERT INTO ioc.unit (code, name_vi, name_en, time_zone, declared)"
        " VALUES ('25663', '25663', '25663', 'UTC', false)"
    )
    other = ensure_unit(connection, code="elsewhere", name_vi="x", name_en="x", time_zone="UTC")
    apply_pack(connection, pack, today=TODAY)
    assert connection.execute("SELECT declared, name_vi FROM ioc.unit WHERE code = '25663'").fetchone() == (
        True,
        "Xã Phước Thạnh",
    )
    connection.execute(
        "INSERT INTO ioc.device_state (device_id, kind, unit_id, state, since, last_time, valid_until)"
        " SELECT device_id, kind, %(unit)s, 1, now(), now(), now() FROM ioc.device WHERE code = 'ap-huyen-01'",
        {"unit": other},
    )
    connection.execute("UPDATE ioc.device SET unit_id = %s WHERE code LIKE 'ap-%%'", (other,))
    assert apply_pack(connection, pack, today=TODAY).devices == 9
    kept = connection.execute("SELECT code FROM ioc.device WHERE unit_id = %s", (other,)).fetchall()
    assert kept == [("ap-huyen-01",)]


def test_two_at_the_same_time_do_not_hinder_one_another(database: str, pack: Pack) -> None:
    def apply() -> int:
        with psycopg.connect(database, autocommit=True) as own:
            return apply_pack(own, pack, today=TODAY).changed

    with ThreadPoolExecutor(4) as pool:
        changed = sorted(future.result() for future in [pool.submit(apply) for _ in range(4)])
    assert changed[:3] == [0, 0, 0]
    assert changed[3] > 50


def test_an_importer_makes_its_unit_once(connection: psycopg.Connection[Any]) -> None:
    facts = {"code": "coselog", "name_vi": "Giấy phép", "name_en": "Permits", "time_zone": "Europe/Amsterdam"}
    made = ensure_unit(connection, **facts)
    assert ensure_unit(connection, **facts) == made
    assert ensure_unit(connection, **{**facts, "name_en": "Permits 2"}, kind="other") == made
    row = connection.execute("SELECT name_en, parent_code, time_zone FROM ioc.unit").fetchall()
    assert row == [("Permits 2", None, "Europe/Amsterdam")]
    with pytest.raises(UsageError, match="no such unit"):
        ensure_unit(connection, code="a", name_vi="a", name_en="a", time_zone="UTC", parent="nowhere")


def _ioc(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", "district", *arguments],
        env={**os.environ, **environment(settings)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_line_checks_and_applies(servers: Any, database: str, tmp_path: Path) -> None:
    settings = servers.new_settings(database=database, with_topics=False)
    assert "go-dau 2026.1 applied" in _ioc(settings, "apply").stdout
    assert "was in the database already" in _ioc(settings, "apply").stdout
    assert "10 points, 29 devices" in _ioc(settings, "check").stdout
    broken = Path(shutil.copytree(SHIPPED, tmp_path / "pack"))
    (broken / "points.csv").write_text("code,unit\n")
    for command in ("check", "apply"):
        told = _ioc(settings, command, str(broken))
        assert told.returncode == 3
        assert "points.csv:1: The header lacks name_vi" in told.stderr
        assert "Traceback" not in told.stderr
