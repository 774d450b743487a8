"""The API over a real database: documents, problems, readers, health, metrics, the first page."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from ioc.access import ensure_first_password, first_password_file, readers
from ioc.cli.main import build, run
from ioc.dossiers.ledger import Measure
from ioc.errors import UnavailableError
from ioc.kpi import ids
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.kpi_data import (
    Connection,
    LedgerEntry,
    add_device,
    add_district,
    add_entries,
    add_unit,
    empty,
)
from tests.servers import Servers

_AT = datetime(2026, 3, 2, 3, tzinfo=UTC)
_PROBLEM = "application/problem+json"


@pytest.fixture
def connection(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        empty(found)
        add_unit(found, "go")
        add_unit(found, "go-1", parent="go")
        add_unit(found, "coselog", "Europe/Amsterdam")
        add_district(found, "go")
        add_entries(
            found,
            [
                LedgerEntry(unit, Measure.RECEIVED, _AT, _AT, channel=channel)
                for unit, channel in (
                    ("go-1", "online"),
                    ("go-1", "counter"),
                    ("go", None),
                    ("coselog", "online"),
                )
            ],
        )
        yield found


@pytest_asyncio.fixture
async def client(place: Settings, connection: Connection) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place) as found:
        yield found


async def test_a_series_is_the_document_of_the_contract(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/api/v1/kpis/dossier.received/series",
        params={"from": "2026-03-02", "to": "2026-03-04", "bucket": "1d", "by": "channel"},
    )
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["kpi", "version", "unit", "bucket", "as_of", "provenance", "points"]
    assert (body["kpi"], body["version"], body["unit"], body["bucket"]) == ("dossier.received", 1, "go", "1d")
    assert body["points"][0] == {
        "time": "2026-03-02T00:00:00+07:00",
        "value": 1,
        "numerator": 1,
        "denominator": None,
        "channel": None,
    }
    assert {(p["time"][8:10], p["channel"]): p["value"] for p in body["points"]} == {
        ("02", None): 1,
        ("02", "online"): 1,
        ("02", "counter"): 1,
        ("03", None): 0,
        ("03", "online"): 0,
        ("03", "counter"): 0,
    }
    assert body["provenance"]["newest_fact"] == "2026-03-02T10:00:00+07:00"


def test_the_command_line_tells_that_its_database_is_another_version(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = servers.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE ioc.fact_day RENAME late TO other")
    monkeypatch.setenv("IOC_DATABASE_URL", url)
    monkeypatch.setattr(sys, "argv", ["ioc", "kpi", "show", "dossier.open"])
    load.cache_clear()
    with pytest.raises(SystemExit) as ended:
        run()
    load.cache_clear()
    servers.drop_database(url)
    told = capsys.readouterr().err
    assert ended.value.code == UnavailableError.exit_code
    assert "The database can't answer: column" in told
    assert "Traceback" not in told


async def test_the_command_line_gives_the_same_document(
    client: httpx.AsyncClient, place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    load.cache_clear()
    words = [
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-04T00:00",
        "--unit",
        "coselog",
        "--where",
        "channel=online",
    ]
    shown = CliRunner().invoke(build(), ["kpi", "show", "dossier.received", *words, "--format", "json"])
    load.cache_clear()
    assert shown.exit_code == 0, shown.output
    readers.add(psycopg.connect(place.database_dsn, autocommit=True), "all", "a long password")
    answer = await client.get(
        "/api/v1/kpis/dossier.received/series",
        params={"from": "2026-03-01", "to": "2026-03-04T00:00", "unit": "coselog", "where": "channel=online"},
        auth=("all", "a long password"),
    )
    assert answer.json() == json.loads(shown.output)
    assert [point["value"] for point in answer.json()["points"]] == [None, 1, 0]
    assert answer.json()["points"][0]["time"] == "2026-03-01T00:00:00+01:00"


@pytest.mark.parametrize(
    ("address", "status", "kind"),
    [
        ("/nowhere", 404, "about:blank"),
        ("/api/v1/kpis/dossier.recieved", 404, "/problems/unknown-kpi"),
        ("/api/v1/kpis/dossier.recieved/series", 404, "/problems/unknown-kpi"),
        ("/api/v1/kpis/current?ids=x", 404, "/problems/unknown-kpi"),
        ("/api/v1/kpis/current?ids=,", 422, "/problems/bad-question"),
        ("/api/v1/kpis/current?units=coselog", 404, "/problems/unknown-unit"),
        ("/api/v1/kpis/dossier.open/series?unit=nope", 404, "/problems/unknown-unit"),
        ("/api/v1/kpis/dossier.open/series?unit=coselog", 404, "/problems/unknown-unit"),
        ("/api/v1/kpis/dossier.open/series?unit=%00", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?where=channel%3D%00", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?bucket=2d", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?from=yesterday", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?from=0001-01-01", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?to=0001-01-02", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?from=9999-12-31T23:59", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?from=2026-03-02&to=2026-03-01", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?from=1990-01-01&bucket=1min", 422, "/problems/too-many-points"),
        ("/api/v1/kpis/dossier.open/series?by=device", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?where=channel", 422, "/problems/bad-question"),
        ("/api/v1/kpis/dossier.open/series?as_of=2999-01-01", 422, "/problems/bad-question"),
        ("/api/v1/devices?limit=0", 422, "/problems/bad-request"),
        ("/api/v1/devices?kind=toaster", 422, "/problems/bad-request"),
        ("/plain?lang=de", 422, "/problems/bad-request"),
    ],
)
async def test_every_error_is_a_problem(
    client: httpx.AsyncClient, address: str, status: int, kind: str
) -> None:
    answer = await client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (status, _PROBLEM), answer.text
    body = answer.json()
    assert (body["type"], body["status"]) == (kind, status)
    assert body["title"]
    assert body.get("detail")


async def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/kpis")
    assert (answer.status_code, answer.headers["content-type"]) == (405, _PROBLEM)
    assert answer.headers["allow"] == "GET"


async def test_an_offset_whose_plus_became_a_space_is_read(client: httpx.AsyncClient) -> None:
    address = "/api/v1/kpis/dossier.received/series?from=2026-03-02T00:00:00+07:00&to=2026-03-03&bucket=1d"
    answer = await client.get(address)
    assert [point["time"] for point in answer.json()["points"]] == ["2026-03-02T00:00:00+07:00"]


async def test_a_wall_in_one_call(client: httpx.AsyncClient, connection: Connection) -> None:
    everything = (await client.get("/api/v1/kpis/current")).json()["figures"]
    assert [figure["kpi"] for figure in everything] == list(ids())
    answer = await client.get("/api/v1/kpis/current?ids=dossier.received,dossier.open&units=go,go-1")
    shown = [(f["kpi"], f["unit"], f["value"], f["window"]) for f in answer.json()["figures"]]
    assert shown == [
        ("dossier.received", "go", 0, "today"),
        ("dossier.open", "go", 0, "now"),
        ("dossier.received", "go-1", 0, "today"),
        ("dossier.open", "go-1", 0, "now"),
    ]


async def test_definitions(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/api/v1/kpis")).json()["kpis"]
    assert [kpi["id"] for kpi in listed] == list(ids())
    one = (await client.get("/api/v1/kpis/dossier.on_time_rate")).json()
    assert one == listed[2]
    assert one["when_empty"] == "null"


async def test_readers_by_name_and_password(client: httpx.AsyncClient, connection: Connection) -> None:
    readers.add(connection, "chief", "mật khẩu đủ dài", root_unit="go-1")

    async def units(auth: tuple[str, str] | None) -> list[str] | int:
        name = None if auth is None else httpx.BasicAuth(auth[0].encode(), auth[1].encode())
        answer = await client.get("/api/v1/units", auth=name)
        if answer.status_code != 200:
            assert answer.headers["content-type"] == _PROBLEM
            assert answer.headers["www-authenticate"].startswith("Basic")
            return answer.status_code
        return [unit["code"] for unit in answer.json()["units"]]

    assert await units(None) == ["go", "go-1"]
    assert await units(("chief", "mật khẩu đủ dài")) == ["go-1"]
    assert await units(("chief", "wrong")) == 401
    assert await units(("nobody", "wrong")) == 401
    # the platform's own reader has no password, so nobody is let in by its name
    assert await units(("system", "")) == 401
    readers.set_password(connection, "chief", "another long one")
    assert await units(("chief", "mật khẩu đủ dài")) == 401
    readers.set_active(connection, "guest", active=False)
    assert await units(None) == 401
    readers.set_active(connection, "chief", active=False)
    assert await units(("chief", "another long one")) == 401


async def test_devices_in_pages(client: httpx.AsyncClient, connection: Connection) -> None:
    now = datetime.now(UTC)
    for code, kind, unit, state in (
        ("c1", 1, "go-1", 3),
        ("c2", 1, "go", 1),
        ("w1", 2, "go-1", 1),
        ("x", 1, "coselog", 1),
    ):
        device = add_device(connection, code, kind, unit)
        connection.execute(
            "INSERT INTO ioc.device_state SELECT %s, %s, unit_id, %s, %s, %s, %s FROM ioc.unit WHERE code = %s",
            (device, kind, state, now, now, now + timedelta(minutes=1), unit),
        )
    add_device(connection, "w2", 2, "go")
    seen: list[tuple[str, str]] = []
    after: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2} | ({"after": after} if after else {})
        page = (await client.get("/api/v1/devices", params=params)).json()
        seen += [(device["code"], device["state"]) for device in page["devices"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [("c1", "down"), ("c2", "ok"), ("w1", "ok"), ("w2", "unknown")]
    down = (await client.get("/api/v1/devices?state=down&unit=go-1&kind=camera")).json()["devices"]
    assert [device["code"] for device in down] == ["c1"]
    # in the clock of the device's own unit, as everywhere else
    assert datetime.fromisoformat(down[0]["since"]) == now
    assert down[0]["since"].endswith("+07:00")


async def test_readiness_is_progress_of_offsets(client: httpx.AsyncClient, connection: Connection) -> None:
    async def ready() -> tuple[int, list[str]]:
        answer = await client.get("/health/ready")
        return answer.status_code, answer.json()["reasons"]

    assert await ready() == (503, ["no stream worker has taken a partition yet"])
    connection.execute(
        "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end, updated_at)"
        " VALUES ('k', 'ioc.wifi', 't', 0, 5, 5, now() - interval '1 h'),"
        " ('k', 'ioc.wifi', 't', 1, 5, 9, now() + interval '1 h')"
    )
    assert await ready() == (200, [])
    connection.execute(
        "UPDATE ioc.partition_offset SET updated_at = now() - interval '20 s' WHERE partition = 1"
    )
    status, reasons = await ready()
    assert status == 503
    # how long exactly is the machine's business: the question itself takes its time
    assert re.fullmatch(r"ioc\.wifi/1 has 4 records to read and has not moved for [2-9]\d+ s", reasons[0])
    connection.execute(
        "UPDATE ioc.partition_offset SET halted_reason = 'the log was wiped' WHERE partition = 0"
    )
    repair = "ioc repair offsets ioc.wifi 0 --to start"
    assert f"ioc.wifi/0 is halted: the log was wiped; run: {repair}" in (await ready())[1]
    connection.execute("UPDATE ioc.partition_offset SET retired_at = now() WHERE partition = 0")
    connection.execute("UPDATE ioc.partition_offset SET next_offset = 9 WHERE partition = 1")
    assert await ready() == (200, [])


async def test_metrics(client: httpx.AsyncClient, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO ioc.partition_offset (cluster_id, topic, topic_id, partition, next_offset, log_end, newest_fact)"
        " VALUES ('k', 'ioc.wifi', 't', 0, 5, 9, now())"
    )
    connection.execute(
        'INSERT INTO ioc.unreadable (topic, topic_id, partition, "offset", reason, size)'
        " VALUES ('ioc.wifi', 't', 0, 1, 'x', 1)"
    )
    await client.get("/api/v1/kpis/dossier.open/series?unit=nope")
    lines = (await client.get("/metrics")).text.splitlines()
    assert 'ioc_lag_records{topic="ioc.wifi"} 4.0' in lines
    assert 'ioc_unreadable_records{topic="ioc.wifi"} 1.0' in lines
    assert "ioc_database_up 1.0" in lines
    route = 'route="/api/v1/kpis/{kpi_id}/series"'
    assert f'ioc_http_requests_total{{method="GET",process="serve",{route},status="404"}} 1.0' in lines
    assert not any("nope" in line for line in lines)


async def test_the_first_page_speaks_vietnamese_and_says_what_is_unknown(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    page = await client.get("/plain")
    assert page.headers["content-type"].startswith("text/html")
    assert '<html lang="vi">' in page.text
    assert "Hồ sơ tiếp nhận" in page.text
    assert "0 hồ sơ" in page.text
    assert "chưa có dữ liệu" in page.text
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    english = (await client.get("/plain?lang=en")).text
    assert "Dossiers received" in english
    assert "no data yet" in english
    connection.execute("UPDATE ioc.unit SET name_vi = '<b>x</b>' WHERE code = 'go'")
    connection.execute("DELETE FROM ioc.district")


async def test_without_a_district_the_first_page_says_what_to_do(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    connection.execute("DELETE FROM ioc.district")
    page = await client.get("/plain")
    assert page.status_code == 200
    assert "ioc district apply" in page.text


async def test_what_is_known_of_an_index_is_told_while_its_value_is_not(client: httpx.AsyncClient) -> None:
    page = (await client.get("/plain")).text
    row = page[page.index('id="index766.total"') :].partition("</tr>")[0]
    assert "0,0 trên 0,0 điểm đã biết" not in row
    assert "tháng này" in row


async def test_names_are_escaped(client: httpx.AsyncClient, connection: Connection) -> None:
    connection.execute("UPDATE ioc.unit SET name_vi = '<b>x</b>' WHERE code = 'go'")
    page = (await client.get("/plain")).text
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page


async def test_a_database_that_is_away_is_said_so(place: Settings) -> None:
    away = place.model_copy(update={"database_url": None, "database_port": 1})
    async with asking(away) as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert "does not answer" in ready.json()["reasons"][0]
        answer = await client.get("/api/v1/kpis/current")
        assert (answer.status_code, answer.headers["content-type"]) == (503, _PROBLEM)
        assert answer.headers["retry-after"]
        assert "ioc_database_up 0.0" in (await client.get("/metrics")).text


async def test_the_api_page_asks_nothing_of_other_machines(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    for path, operations in (await client.get("/openapi.json")).json()["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in page.text
    for outside in ("<script", "<link", "src=", "://", "@import", "url("):
        assert outside not in page.text, outside
    assert (await client.get("/redoc")).status_code == 404


async def test_every_operation_is_described(client: httpx.AsyncClient) -> None:
    description = (await client.get("/openapi.json")).json()
    assert "Problem" in description["components"]["schemas"]
    for path, operations in description["paths"].items():
        for operation in operations.values():
            assert operation.get("summary"), path
            for parameter in operation.get("parameters", ()):
                assert parameter["in"] == "path" or parameter.get("description"), (path, parameter["name"])


def test_the_first_password(place: Settings, connection: Connection) -> None:
    path = first_password_file(place)
    path.unlink(missing_ok=True)
    first = ensure_first_password(place)
    assert first is not None
    assert len(first) >= 20
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_first_password(place) == first
    stored = connection.execute("SELECT password_hash FROM ioc.reader WHERE name = 'admin'").fetchone()
    assert stored is not None
    assert first not in stored[0]
    # a wiped database gets the password that was told
    connection.execute("DELETE FROM ioc.reader WHERE name = 'admin'")
    assert ensure_first_password(place) == first
    readers.set_password(connection, "admin", "my own long password")
    assert ensure_first_password(place) is None
