"""The shipped pack's reform and targets, as the API and the command line answer for them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from ioc.access import readers
from ioc.cli.main import build
from ioc.district import apply_pack, read_pack
from ioc.dossiers.ledger import Measure
from ioc.settings import Settings, load
from tests.integration.areas import at
from tests.integration.asking import asking
from tests.integration.kpi_data import Connection, LedgerEntry, add_entries, empty

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
AUTH = ("all", "a long password")


@pytest.fixture
def connection(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        empty(found)
        apply_pack(found, read_pack(SHIPPED))
        readers.add(found, *AUTH)
        yield found


@pytest_asyncio.fixture
async def client(place: Settings, connection: Connection) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place, AUTH) as found:
        yield found


@pytest.fixture
def command(place: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    load.cache_clear()

    def run(*words: str) -> str:
        shown = CliRunner().invoke(build(), list(words))
        assert shown.exit_code == 0, shown.output
        return shown.output

    yield run
    load.cache_clear()


def _entries(*rows: tuple[str, str, int]) -> list[LedgerEntry]:
    return [LedgerEntry(unit, measure, at(day), at(day)) for unit, day, measure in rows]


async def test_units_of_any_day_with_their_validity_and_what_they_came_from(
    client: httpx.AsyncClient, command: Any
) -> None:
    def codes(body: dict[str, Any]) -> set[str]:
        return {unit["code"] for unit in body["units"]}

    before, after, ever = [
        (await client.get("/api/v1/units", params=params)).json()
        for params in ({"at": "2025-06-30"}, {"at": "2025-07-01"}, {})
    ]
    assert codes(before) | codes(after) == codes(ever)
    assert codes(before) & codes(after) == {"go-dau"}
    assert "go-dau.huyen" in codes(before)
    assert {"25663", "go-dau.phuong"} <= codes(after)
    (merged,) = (unit for unit in after["units"] if unit["code"] == "25663")
    assert (merged["valid_from"], merged["valid_to"]) == ("2025-07-01", None)
    assert [part["unit"] for part in merged["predecessors"]] == [
        "go-dau.hiep-thanh",
        "go-dau.phuoc-thanh",
        "go-dau.phuoc-trach",
    ]
    (ward,) = (unit for unit in after["units"] if unit["code"] == "go-dau.phuong")
    assert {part["unit"]: part["share"] for part in ward["predecessors"]} == {
        "go-dau.thi-tran": 1,
        "trang-bang": None,
    }
    assert json.loads(command("district", "units", "--at", "2025-07-01", "--json"))["units"] == after["units"]
    told = command("district", "units", "--at", "2025-06-30")
    assert "[…, 2025-07-01)" in told
    assert "25663" not in told
    refused = await client.get("/api/v1/units", params={"at": "30/6/2025"})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/bad-question")


async def test_the_area_has_the_right_members_on_each_side_of_the_reform(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    add_entries(
        connection,
        _entries(
            ("go-dau.phuoc-trach", "2025-06-30", Measure.RECEIVED),
            ("go-dau.hiep-thanh", "2025-06-30", Measure.RECEIVED),
            ("go-dau.thi-tran", "2025-06-30", Measure.RECEIVED),
            ("trang-bang", "2025-06-30", Measure.RECEIVED),
            ("25663", "2025-07-01", Measure.RECEIVED),
            ("go-dau.phuong", "2025-07-01", Measure.RECEIVED),
        ),
    )

    async def ask(**params: str) -> dict[tuple[str, str], float]:
        answer = await client.get(
            "/api/v1/kpis/dossier.received/series",
            params={"unit": "go-dau", "from": "2025-06-30", "to": "2025-07-02", "by": "unit", **params},
        )
        points = answer.json()["points"]
        return {(point["time"][:10], point["unit"]): point["value"] for point in points if point["value"]}

    assert await ask() == {
        ("2025-06-30", "go-dau.phuoc-trach"): 1,
        ("2025-06-30", "go-dau.hiep-thanh"): 1,
        ("2025-06-30", "go-dau.thi-tran"): 1,
        ("2025-07-01", "25663"): 1,
        ("2025-07-01", "go-dau.phuong"): 1,
    }
    assert await ask(areas="remapped") == {
        ("2025-06-30", "25663"): 2,
        ("2025-06-30", "go-dau.phuong"): 1,
        ("2025-07-01", "25663"): 1,
        ("2025-07-01", "go-dau.phuong"): 1,
    }


async def test_both_surfaces_continue_a_unit_backwards_alike(
    client: httpx.AsyncClient, connection: Connection, command: Any
) -> None:
    connection.execute(
        "UPDATE ioc.unit_edge SET share = 0.25 WHERE from_code = 'trang-bang' AND to_code = 'go-dau.phuong'"
    )
    add_entries(
        connection,
        _entries(
            ("go-dau.thi-tran", "2025-06-30", Measure.RECEIVED),
            *[("trang-bang", "2025-06-30", Measure.RECEIVED)] * 6,
            ("go-dau.phuong", "2025-07-01", Measure.RECEIVED),
        ),
    )
    span = {"from": "2025-06-30", "to": "2025-07-02", "unit": "go-dau.phuong"}
    body = (
        await client.get("/api/v1/kpis/dossier.received/series", params={**span, "areas": "remapped"})
    ).json()
    assert [(point["value"], point["estimated"], point["reason"]) for point in body["points"]] == [
        (2.5, True, None),
        (1, False, None),
    ]
    assert body["provenance"]["areas"]["mode"] == "remapped"
    assert body["provenance"]["areas"]["estimated"] is True
    words = [word for name, value in span.items() for word in (f"--{name}", value)]
    shown = command("kpi", "show", "dossier.received", *words, "--remap", "--format", "json")
    assert json.loads(shown) == body
    table = command("kpi", "show", "dossier.received", *words, "--remap")
    assert "≈ 2.5000" in table
    assert "trang-bang: 0.25 of its figures" in table
    rows = command("kpi", "show", "dossier.received", *words, "--remap", "--format", "csv").splitlines()
    assert rows[0] == "time,value,numerator,denominator,estimated,reason"
    assert rows[1].endswith(",2.5,2.5,,True,")
    plain = (await client.get("/api/v1/kpis/dossier.received/series", params=span)).json()
    assert "estimated" not in plain["points"][0]
    assert "areas" not in plain["provenance"]
    for path, params in (
        ("/api/v1/kpis/dossier.received/series", {**span, "areas": "then"}),
        ("/api/v1/kpis/dossier.received/series", {**span, "areas": "remapped", "unit": "go-dau.huyen"}),
        ("/api/v1/kpis/current", {"areas": "then"}),
    ):
        refused = await client.get(path, params=params)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/bad-question")
    figures = (
        await client.get(
            "/api/v1/kpis/current", params={"ids": "dossier.open", "units": "25663", "areas": "remapped"}
        )
    ).json()["figures"]
    assert [(figure["unit"], figure["estimated"]) for figure in figures] == [("25663", False)]


async def test_targets_are_inherited_and_held_against_figures_at_their_time(
    client: httpx.AsyncClient, connection: Connection, command: Any
) -> None:
    connection.execute(
        "INSERT INTO ioc.kpi_target (kpi, unit_code, valid_from, valid_to, value, warning, certainty) VALUES"
        " ('dossier.on_time_rate', '25663', '2026-02-01', '2026-03-01', 0.5, 0.2, 'C')"
    )
    rows = [("25663", "2026-01-05", Measure.RECEIVED)]
    for day, on_time in (("2026-01-05", 3), ("2026-02-05", 1), ("2026-03-05", 4)):
        rows += [("25663", day, Measure.COMPLETED)] * 4 + [("25663", day, Measure.ON_TIME)] * on_time
    add_entries(connection, _entries(*rows))
    params = {"unit": "25663", "from": "2026-01-01", "to": "2026-05-01", "bucket": "1mo"}
    body = (await client.get("/api/v1/kpis/dossier.on_time_rate/series", params=params)).json()
    assert [(point["value"], point["target"], point["status"]) for point in body["points"]] == [
        (0.75, 0.98, "missed"),
        (0.25, 0.5, "near"),
        (1, 0.98, "met"),
        (None, 0.98, "unknown"),
    ]
    assert [(target["unit"], target["from"], target["strict"]) for target in body["targets"]] == [
        ("go-dau", None, True),
        ("25663", "2026-02-01T00:00:00+07:00", False),
        ("go-dau", "2026-03-01T00:00:00+07:00", True),
    ]
    words = ["--unit", "25663", "--from", "2026-01-01", "--to", "2026-05-01", "--bucket", "1mo"]
    assert json.loads(command("kpi", "show", "dossier.on_time_rate", *words, "--format", "json")) == body
    assert "missed" in command("kpi", "show", "dossier.on_time_rate", *words)
    named = command("kpi", "show", "dossier.on_time_rate", *words, "--by", "unit").splitlines()
    assert any("25663" in line and "Xã Phước Thạnh" in line for line in named)
    # a part is not what the target is for, unless it says so; each unit has its own
    by_channel = await client.get(
        "/api/v1/kpis/dossier.on_time_rate/series", params={**params, "by": "channel"}
    )
    assert all("status" not in point for point in by_channel.json()["points"])
    by_unit = await client.get(
        "/api/v1/kpis/dossier.on_time_rate/series", params={**params, "unit": "go-dau", "by": "unit"}
    )
    assert [point["target"] for point in by_unit.json()["points"]] == [0.98, 0.5, 0.98, 0.98]
    add_entries(
        connection,
        [LedgerEntry("25663", Measure.RATED, at("2026-01-05"), at("2026-01-05"), field="land")],
    )
    by_field = await client.get(
        "/api/v1/kpis/dossier.satisfaction/series", params={**params, "by": "field", "to": "2026-02-01"}
    )
    assert [(point["field"], point["status"]) for point in by_field.json()["points"]] == [("land", "missed")]


async def test_the_catalogue_and_current_figures_say_which_target_is_in_force(
    client: httpx.AsyncClient, connection: Connection, command: Any
) -> None:
    kpis = {kpi["id"]: kpi["targets"] for kpi in (await client.get("/api/v1/kpis")).json()["kpis"]}
    assert {kpi: [target["value"] for target in found] for kpi, found in kpis.items() if found} == {
        "dossier.on_time_rate": [0.98],
        "dossier.satisfaction": [0.9],
        "queue.served_within_15m": [0.85],
    }
    # a unit beyond the area has only what is for every unit
    outside = (await client.get("/api/v1/kpis", params={"unit": "trang-bang"})).json()["kpis"]
    assert [kpi["id"] for kpi in outside if kpi["targets"]] == ["queue.served_within_15m"]
    (one,) = (await client.get("/api/v1/kpis/dossier.satisfaction", params={"unit": "25663"})).json()[
        "targets"
    ]
    assert (one["unit"], one["each"], one["certainty"]) == ("go-dau", "field", "V")
    figures = (
        await client.get(
            "/api/v1/kpis/current", params={"ids": "dossier.on_time_rate,dossier.open", "units": "25663"}
        )
    ).json()["figures"]
    assert [(figure.get("target"), figure.get("status")) for figure in figures] == [
        (0.98, "unknown"),
        (None, None),
    ]
    told = json.loads(command("kpi", "targets", "--unit", "25663", "--format", "json"))
    assert [(row["kpi"], row["unit"]) for row in told["targets"]] == [
        ("dossier.on_time_rate", "go-dau"),
        ("dossier.satisfaction", "go-dau"),
        ("queue.served_within_15m", None),
    ]
    assert "dossier.on_time_rate" in command("kpi", "targets")
    refused = await client.get("/api/v1/kpis", params={"unit": "nowhere"})
    assert refused.status_code == 404


async def test_without_a_district_the_catalogue_is_told_all_the_same(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    connection.execute("DELETE FROM ioc.district")
    answer = await client.get("/api/v1/kpis", auth=None)
    assert answer.status_code == 200
    assert all(kpi["targets"] == [] for kpi in answer.json()["kpis"])


def test_applying_brings_targets_and_unknown_shares_once(connection: Connection) -> None:
    stored = connection.execute("SELECT kpi, unit_code, value FROM ioc.kpi_target ORDER BY 1").fetchall()
    assert stored == [
        ("dossier.on_time_rate", "go-dau", 0.98),
        ("dossier.satisfaction", "go-dau", 0.9),
        ("queue.served_within_15m", "", 0.85),
    ]
    unsaid = connection.execute("SELECT from_code FROM ioc.unit_edge WHERE share IS NULL").fetchall()
    assert unsaid == [("trang-bang",)]
    pack = read_pack(SHIPPED)
    assert apply_pack(connection, pack).changed == 0
    assert apply_pack(connection, replace(pack, targets=pack.targets[:2])).targets == 1
    assert connection.execute("SELECT count(*) FROM ioc.kpi_target").fetchone() == (2,)
    assert apply_pack(connection, pack).targets == 1
