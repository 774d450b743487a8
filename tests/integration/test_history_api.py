"""Lists, events, series, questions and small exports over HTTP; and the same in a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow as pa
import pytest
import pytest_asyncio
from pyarrow import parquet
from typer.testing import CliRunner, Result

from ioc.cli.main import build
from ioc.history import access_log
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.history_place import PASSWORD, Case, add_cases, add_places, add_samples, ago, day
from tests.integration.kpi_data import Connection, empty

_PROBLEM = "application/problem+json"
_PLANNER = ("planner", PASSWORD)
_CLERK = ("clerk", PASSWORD)
_CHIEF = ("chief", PASSWORD)


@pytest.fixture
def connection(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        for table in ("dossier_fact", "dossier_alias", "dossier", "source", "access_log", "question"):
            found.execute(f"DELETE FROM ioc.{table}".encode())  # noqa: S608 - named above
        empty(found)
        add_places(found)
        add_cases(found, _cases())
        yield found


def _cases() -> list[Case]:
    late = {"due": ago(days=5), "overdue_since": ago(days=4)}
    return [
        Case(code="d-01", received=day("2026-03-01"), completed=day("2026-03-05"), channel="online"),
        Case(
            code="d-02", received=day("2026-03-02"), completed=day("2026-03-09"), late=True, channel="counter"
        ),
        Case(code="d-03", received=day("2026-03-03"), withdrawn=day("2026-03-04"), channel="online"),
        Case(code="d-04", received=ago(days=9), **late, apology_missing_since=ago(days=4)),
        Case(code="d-05", received=ago(days=8), **late, unit="go-2", field="land, houses"),
        Case(code="d-06", received=ago(days=2), due=ago(hours=-5), due_soon_since=ago(hours=19)),
        Case(code="d-07", received=ago(days=2, hours=1), due=ago(days=-9), unit="go-2"),
        Case(code="d-08", received=ago(days=3), paused_since=ago(days=1), unit="go"),
        Case(code="x-01", received=day("2026-03-01"), unit="outside"),
        Case(code="d-09", received=ago(days=1), channel="post"),
    ]


@pytest_asyncio.fixture
async def client(place: Settings, connection: Connection) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place, _PLANNER) as found:
        yield found


async def _codes(client: httpx.AsyncClient, query: str = "", **more: Any) -> list[str]:
    answer = await client.get(f"/api/v1/dossiers?{query}", **more)
    assert answer.status_code == 200, answer.text
    return [dossier["code"] for dossier in answer.json()["dossiers"]]


# -- dossiers -------------------------------------------------------------------------------------------


async def test_a_list_agrees_with_the_gauge_of_its_state(client: httpx.AsyncClient) -> None:
    figures = (
        await client.get(
            "/api/v1/kpis/current?units=go&ids=dossier.open,dossier.overdue,dossier.due_24h,"
            "dossier.late_without_apology,dossier.paused"
        )
    ).json()["figures"]
    for figure, state in zip(figures, ("open", "late", "due", "without_apology", "paused"), strict=True):
        assert len(await _codes(client, f"state={state}&unit=go")) == figure["value"], state
        assert figure["value"]


async def test_filters(client: httpx.AsyncClient) -> None:
    assert await _codes(client) == ["d-09", "d-06", "d-07", "d-08", "d-05", "d-04", "d-03", "d-02", "d-01"]
    assert await _codes(client, "state=late&order=due") == ["d-04", "d-05"]
    assert await _codes(client, "state=completed&order=received") == ["d-01", "d-02"]
    assert await _codes(client, "state=withdrawn") == ["d-03"]
    assert await _codes(client, "channel=online&channel=counter") == ["d-03", "d-02", "d-01"]
    assert await _codes(client, "field=land, houses") == ["d-05"]
    assert "d-05" not in await _codes(client, "field=")
    assert await _codes(client, "unit=go-2") == ["d-07", "d-05"]
    assert await _codes(client, "from=2026-03-02&to=2026-03-03") == ["d-02"]
    assert await _codes(client, "unit=outside", auth=_CHIEF) == ["x-01"]
    assert await _codes(client, "", auth=_CLERK) == ["d-09", "d-06", "d-04", "d-03", "d-02", "d-01"]


async def test_pages_together_are_the_whole_list(client: httpx.AsyncClient) -> None:
    for query in ("order=-received", "order=received", "order=due&state=open", "state=open"):
        whole = await _codes(client, query)
        paged: list[str] = []
        after = ""
        while True:
            answer = (await client.get(f"/api/v1/dossiers?{query}&limit=2{after}")).json()
            paged += [dossier["code"] for dossier in answer["dossiers"]]
            if answer["next"] is None:
                break
            assert len(answer["dossiers"]) == 2
            after = f"&after={answer['next']}"
        assert paged == whole, query


async def test_a_page_is_where_it_was_though_others_come_meanwhile(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    first = (await client.get("/api/v1/dossiers?limit=3")).json()
    add_cases(connection, [Case(code="d-99", received=ago(minutes=1))])
    second = (await client.get(f"/api/v1/dossiers?limit=3&after={first['next']}")).json()
    assert [d["code"] for d in first["dossiers"] + second["dossiers"]] == [
        "d-09", "d-06", "d-07", "d-08", "d-05", "d-04",
    ]  # fmt: skip


async def test_single_dossiers_are_for_readers_by_name(client: httpx.AsyncClient) -> None:
    for address in ("/api/v1/dossiers", "/api/v1/dossiers/d-01/events", "/api/v1/exports/dossiers"):
        answer = await client.get(address, auth=None)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert "by name" in answer.json()["detail"]


async def test_events_of_a_dossier(client: httpx.AsyncClient, connection: Connection) -> None:
    connection.execute("INSERT INTO ioc.source (name) VALUES ('//one-stop')")
    connection.execute("INSERT INTO ioc.dossier_alias VALUES ('G-1', 'd-01')")
    at = day("2026-03-01")
    for number, kind, body in (
        (1, 1, {"unit": "go-1", "status": 2}),
        (2, 2, {"unit": "go-1", "step": "check", "handler": "9f8e7d"}),
        (3, 3, {"unit": "go-1", "reason": "r1"}),
    ):
        connection.execute(
            "INSERT INTO ioc.dossier_fact (dossier_id, source_id, id, time, kind, recorded_at, body)"
            " SELECT d.dossier_id, s.source_id, %s, %s, %s, %s, %s FROM ioc.dossier d CROSS JOIN ioc.source s"
            " WHERE d.code = 'd-01'",
            (f"f{number}", at + timedelta(hours=number), kind, at + timedelta(days=1), json.dumps(body)),
        )
    first = (await client.get("/api/v1/dossiers/G-1/events?limit=2")).json()
    assert (first["code"], first["unit"], first["merged_into"]) == ("d-01", "go-1", None)
    assert first["events"][0] == {
        "time": "2026-03-01T13:00:00+07:00",
        "recorded_at": "2026-03-02T12:00:00+07:00",
        "type": "ioc.dossier.recorded.v1",
        "id": "f1",
        "source": "//one-stop",
        "sequence": "",
        "data": {"unit": "go-1", "status": 2},
    }
    assert first["events"][1]["data"] == {"unit": "go-1", "step": "check"}  # not who handles it
    second = (await client.get(f"/api/v1/dossiers/d-01/events?limit=2&after={first['next']}")).status_code
    assert second == 422  # the cursor was given for the other code
    second = (await client.get(f"/api/v1/dossiers/G-1/events?limit=2&after={first['next']}")).json()
    assert ([event["id"] for event in second["events"]], second["next"]) == (["f3"], None)
    for code, auth in (("nobody", _CHIEF), ("x-01", _PLANNER), ("d-05", _CLERK)):
        answer = await client.get(f"/api/v1/dossiers/{code}/events", auth=auth)
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such dossier.")


async def test_it_is_kept_who_asked(client: httpx.AsyncClient, connection: Connection) -> None:
    person = "Nguyễn Văn An 072088001234"
    await client.get("/api/v1/dossiers", params={"state": "late", "procedure": person, "channel": "online"})
    await client.get(f"/api/v1/dossiers/{person}/events")
    await client.get("/api/v1/dossiers/d-01/events", auth=_CLERK)
    await client.get("/api/v1/exports/dossiers?unit=go-2&format=csv")
    found = [(e.reader, e.what, e.filters, e.rows, e.outcome) for e in access_log.entries(connection)]
    assert found == [
        ("planner", "export.dossiers", {"unit": "go-2", "format": "csv"}, 2, "given"),
        ("clerk", "dossier", {"dossier": "d-01"}, 0, "given"),
        (
            "planner",
            "dossiers",
            {"state": "late", "procedure": "(unknown)", "channel": "online", "order": "-received"},
            0,
            "given",
        ),
    ]
    everything = connection.execute("SELECT string_agg(a::text, ' ') FROM ioc.access_log a").fetchone()
    assert everything is not None
    assert "Nguyễn" not in everything[0]
    assert "072088" not in everything[0]
    connection.execute("UPDATE ioc.access_log SET at = now() - interval '366 days' WHERE what = 'dossiers'")
    assert access_log.forget(connection, 365) == 1
    assert len(access_log.entries(connection)) == 2


async def test_no_entry_no_answer(client: httpx.AsyncClient, connection: Connection) -> None:
    connection.execute("ALTER TABLE ioc.access_log RENAME TO access_log_away")
    try:
        assert (await client.get("/api/v1/dossiers")).status_code == 503
        assert (await client.get("/api/v1/exports/dossiers")).status_code == 503
    finally:
        connection.execute("ALTER TABLE ioc.access_log_away RENAME TO access_log")
    # the place that the export had taken is free again
    assert (await client.get("/api/v1/exports/dossiers")).status_code == 200


# -- devices and units ----------------------------------------------------------------------------------


async def test_units_in_pages_and_filters(client: httpx.AsyncClient, connection: Connection) -> None:
    connection.execute("UPDATE ioc.unit SET valid_to = '2025-07-01', kind = 'commune' WHERE code = 'go-1'")
    connection.execute("UPDATE ioc.unit SET valid_from = '2025-07-01', name_vi = 'An' WHERE code = 'go-2'")

    async def codes(query: str) -> list[str]:
        return [unit["code"] for unit in (await client.get(f"/api/v1/units?{query}")).json()["units"]]

    assert await codes("") == ["go", "go-1", "go-2"]
    assert await codes("at=2025-06-30") == ["go", "go-1"]
    assert await codes("at=2025-07-01") == ["go", "go-2"]
    assert await codes("kind=commune") == ["go-1"]
    assert await codes("parent=go&order=name") == ["go-2", "go-1"]
    page = (await client.get("/api/v1/units?order=name&limit=2")).json()
    assert await codes(f"order=name&limit=2&after={page['next']}") == ["go-1"]


async def test_what_a_device_went_through(client: httpx.AsyncClient, connection: Connection) -> None:
    since = ago(hours=5)
    add_samples(connection, devices=1, each=10, since=since)
    connection.execute(
        "INSERT INTO ioc.device_run (device_id, kind, unit_id, state, started, ended, reason)"
        " SELECT device_id, 2, unit_id, 3, %s, %s, 'no ping' FROM ioc.device",
        (since, since + timedelta(hours=1)),
    )
    connection.execute(
        "INSERT INTO ioc.device_state (device_id, kind, unit_id, state, since, last_time, valid_until)"
        " SELECT device_id, 2, unit_id, 1, %s, %s, %s FROM ioc.device",
        (since + timedelta(hours=1), since + timedelta(hours=2), since + timedelta(hours=3)),
    )
    states = (await client.get("/api/v1/devices/ap-0001/states")).json()["states"]
    assert [(s["state"], s["reason"], s["ended"] is None) for s in states] == [
        ("down", "no ping", False),
        ("ok", None, False),
        ("unknown", None, True),
    ]
    assert states[0]["ended"] == states[1]["started"]
    first = (await client.get("/api/v1/devices/ap-0001/samples?limit=6")).json()
    assert (first["device"], first["unit"], len(first["samples"])) == ("ap-0001", "go-1", 6)
    assert first["samples"][0]["internet_ok"] is True
    second = (await client.get(f"/api/v1/devices/ap-0001/samples?limit=6&after={first['next']}")).json()
    assert (len(second["samples"]), second["next"]) == (4, None)
    assert first["samples"][-1]["time"] < second["samples"][0]["time"]
    assert (await client.get("/api/v1/devices/ap-0001/states", auth=_CLERK)).status_code == 200
    assert (await client.get("/api/v1/devices/nobody/states")).status_code == 404
    exported = await client.get("/api/v1/exports/states?kind=wifi")
    assert [row["state"] for row in csv.DictReader(io.StringIO(exported.text))] == ["down", "ok", "unknown"]


# -- entity tags ----------------------------------------------------------------------------------------


_TAGGED = [
    "/api/v1/kpis",
    "/api/v1/kpis/dossier.received",
    "/api/v1/kpis/dossier.received/series?bucket=1d&from=2026-03-01&to=2026-04-01",
    "/api/v1/kpis/dossier.open/series?bucket=1mo&from=2026-01-01",
    "/api/v1/kpis/series?ids=dossier.received,dossier.completed&units=go-1,go-2&period=last-month",
    "/api/v1/units",
    "/api/v1/devices",
    "/api/v1/dossiers",
]


async def test_what_has_not_changed_is_not_sent_again(client: httpx.AsyncClient) -> None:
    for address in _TAGGED:
        first = await client.get(address)
        assert first.status_code == 200, first.text
        tag = first.headers["etag"]
        again = await client.get(address, headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), address
        assert (await client.get(address, headers={"If-None-Match": '"other"'})).status_code == 200
        # caches keep readers apart
        assert "Authorization" in first.headers["vary"]


async def test_a_tag_changes_with_the_data(client: httpx.AsyncClient, connection: Connection) -> None:
    addresses = (
        "/api/v1/kpis/dossier.received/series?bucket=1d&from=2026-03-01&to=2026-04-01",
        "/api/v1/kpis/dossier.open/series?bucket=1mo&from=2026-01-01",
        "/api/v1/dossiers",
    )
    before = [(await client.get(address)).headers["etag"] for address in addresses]
    # a late fact for a day long past
    add_cases(connection, [Case(code="d-50", received=day("2026-03-03"))])
    after = [(await client.get(address)).headers["etag"] for address in addresses]
    assert not set(before) & set(after)


# -- several series, questions --------------------------------------------------------------------------


async def test_several_series_in_one_call(client: httpx.AsyncClient) -> None:
    query = "from=2026-03-01&to=2026-04-01&bucket=1mo"
    answer = await client.get(
        f"/api/v1/kpis/series?ids=dossier.received,dossier.completed&units=go-1,go-2&{query}"
    )
    found = answer.json()["series"]
    assert [(s["kpi"], s["unit"], s["points"][0]["value"]) for s in found] == [
        ("dossier.received", "go-1", 3),
        ("dossier.received", "go-2", None),
        ("dossier.completed", "go-1", 2),
        ("dossier.completed", "go-2", None),
    ]
    alone = (await client.get(f"/api/v1/kpis/dossier.received/series?unit=go-1&{query}")).json()
    assert found[0] == alone


async def test_questions_by_name(client: httpx.AsyncClient, connection: Connection) -> None:
    body = {
        "question": {
            "kpis": ["dossier.received"],
            "period": "last-2-months",
            "bucket": "1mo",
            "by": "channel",
        },
        "title": "Tiếp nhận hai tháng qua",
    }
    address = "/api/v1/questions/received-lately"
    assert (await client.put(address, json=body)).status_code == 201
    changed = await client.put(address, json={**body, "shared": True})
    assert changed.status_code == 200
    assert changed.json()["question"] == body["question"]
    assert (changed.json()["shared"], changed.json()["mine"]) == (True, True)
    answer = (await client.get(f"{address}/answer")).json()["series"]
    assert [(s["kpi"], s["unit"], s["bucket"]) for s in answer] == [("dossier.received", "go", "1mo")]
    asked = await client.get(
        "/api/v1/kpis/dossier.received/series?period=last-2-months&bucket=1mo&by=channel"
    )
    assert answer[0] == asked.json()
    # another reader asks it within what he may see
    theirs = await client.get(f"{address}/answer", auth=_CLERK)
    assert theirs.json()["series"][0]["unit"] == "go-1"
    assert (await client.get("/api/v1/questions", auth=_CLERK)).json()["questions"][0]["mine"] is False
    # but may not change or delete it, nor share another by its name
    assert (await client.delete(address, auth=_CLERK)).status_code == 404
    taken = await client.put(address, json={**body, "shared": True}, auth=_CLERK)
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/question-taken")
    own = {"question": {"kpis": ["dossier.open"], "period": "today"}}
    assert (await client.put(address, json=own, auth=_CLERK)).status_code == 201
    assert (await client.get(f"{address}/answer", auth=_CLERK)).json()["series"][0]["kpi"] == "dossier.open"
    assert (await client.delete(address)).status_code == 204
    assert (await client.get(address)).status_code == 404


_NOT_KEPT: list[tuple[str, dict[str, Any], int, str]] = [
    ("Late!", {"question": {"kpis": ["dossier.open"]}}, 422, "small letters"),
    ("a", {"question": {"kpis": []}}, 422, "kpis"),
    ("a", {"question": {"kpis": ["dossier.opne"]}}, 404, "dossier.open"),
    ("a", {"question": {"kpis": ["dossier.open"], "units": ["nowhere"]}}, 404, "units"),
    ("a", {"question": {"kpis": ["dossier.open"], "units": ["outside"]}}, 404, "units"),
    ("a", {"question": {"kpis": ["dossier.open"], "period": "next-week"}}, 422, "last-week"),
    (
        "a",
        {"question": {"kpis": ["dossier.open"], "period": "today", "from": "2026-01-01"}},
        422,
        "either",
    ),
    ("a", {"question": {"kpis": ["dossier.open"], "by": "device"}}, 422, "channel"),
    ("a", {"question": {"kpis": ["dossier.open"], "bucket": "2d"}}, 422, "1mo"),
    ("a", {"question": {"kpis": ["dossier.open"], "as_of": "2999-01-01"}}, 422, "past"),
    ("a", {"question": {"kpis": ["dossier.open"], "note": "x"}}, 422, "note"),
    (
        "a",
        {"question": {"kpis": ["dossier.open"], "from": "2026-02-01", "to": "2026-01-01"}},
        422,
        "later end",
    ),
    ("a", {}, 422, "question"),
    ("a", {"question": {"kpis": ["dossier.open"]}, "title": "x" * 70_000}, 413, "bytes"),
]


async def test_a_question_that_can_not_be_answered_is_not_kept(client: httpx.AsyncClient) -> None:
    for name, body, status, word in _NOT_KEPT:
        answer = await client.put(f"/api/v1/questions/{name}", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, _PROBLEM), (body, answer.text)
        assert word in answer.text, (body, answer.text)
    assert (await client.get("/api/v1/questions")).json()["questions"] == []


# -- bad input ------------------------------------------------------------------------------------------

_LIST = "/api/v1/dossiers"
_SERIES = "/api/v1/kpis/dossier.open/series"


_BAD: list[tuple[str, int, str, str]] = [
    (f"{_SERIES}?untl=2026-01-01", 422, "bad-question", "unit"),
    (f"{_SERIES}?Unit=go", 422, "bad-question", "Did you mean unit"),
    (f"{_SERIES}?unit=go&unit=go-1", 422, "bad-question", "once"),
    (f"{_SERIES}?period=today&from=2026-01-01", 422, "bad-question", "either period"),
    (f"{_SERIES}?period=someday", 422, "bad-question", "last-month"),
    (f"{_SERIES}?from=0001-01-01&to=9999-12-31", 422, "bad-question", "1900"),
    (f"{_SERIES}?from=1901-01-01&to=2199-12-31&bucket=1min", 422, "too-many-points", "wider bucket"),
    (f"{_SERIES}?from=2026-02-30", 422, "bad-question", "2026-11-24"),
    (f"{_SERIES}?as_of=9999-12-31T23:59:59", 422, "bad-question", "past"),
    ("/api/v1/kpis?format=csv", 422, "bad-question", "format"),
    ("/api/v1/kpis/series", 422, "bad-request", "ids"),
    ("/api/v1/kpis/series?ids=dossier.open,nothing.such", 404, "unknown-kpi", "ioc kpi list"),
    ("/api/v1/kpis/series?ids=dossier.open&units=go,nowhere", 404, "unknown-unit", "api/v1/units"),
    (
        "/api/v1/kpis/series?ids=dossier.open&units=" + ",".join(map(str, range(1001))),
        422,
        "bad-question",
        "fewer",
    ),
    (
        "/api/v1/kpis/series?ids=dossier.open,dossier.paused&from=2026-01-01&to=2026-01-19&bucket=1min",
        422,
        "too-many-points",
        "export",
    ),
    (f"{_LIST}?state=lat", 422, "bad-request", "without_apology"),
    (f"{_LIST}?limit=0", 422, "bad-request", "limit"),
    (f"{_LIST}?limit=100000", 422, "bad-request", "limit"),
    (f"{_LIST}?after=nonsense", 422, "bad-cursor", "begin anew"),
    (f"{_LIST}?after=%00", 422, "bad-cursor", "begin anew"),
    (f"{_LIST}?order=due", 422, "bad-question", "state=open"),
    (f"{_LIST}?order=due&state=completed", 422, "bad-question", "state=open"),
    (f"{_LIST}?from=2026-03-02&to=2026-03-01", 422, "bad-question", "later end"),
    (f"{_LIST}?from=0001-01-01", 422, "bad-question", "date"),
    (f"{_LIST}?to=9999-12-31", 422, "bad-question", "2200"),
    (f"{_LIST}?unit=nowhere", 404, "unknown-unit", "units"),
    (f"{_LIST}?procedure=%00", 422, "bad-question", "character"),
    ("/api/v1/units?at=yesterday", 422, "bad-question", "2025-06-30"),
    ("/api/v1/devices?after=AAAA", 422, "bad-cursor", "begin anew"),
    ("/api/v1/devices/nobody/samples", 404, "unknown-device", "devices"),
    ("/api/v1/exports/dossiers?format=pdf", 422, "bad-request", "parquet"),
    ("/api/v1/exports/dossiers?format=xlsx&bom=true", 422, "bad-question", "csv"),
    ("/api/v1/exports/dossiers?limit=5", 422, "bad-question", "limit"),
    ("/api/v1/exports/series", 422, "bad-request", "ids"),
    ("/api/v1/exports/series?ids=dossier.opne", 404, "unknown-kpi", "dossier.open"),
    ("/api/v1/exports/samples", 422, "bad-request", "kind"),
    ("/api/v1/exports/samples?kind=kiosk", 422, "bad-request", "wifi"),
    ("/api/v1/exports/samples?kind=wifi&from=2999-01-01", 422, "bad-question", "2200"),
    ("/api/v1/exports/samples?kind=wifi&from=2100-01-01", 422, "bad-question", "earlier start"),
    ("/api/v1/exports/dossiers?deidentified=true", 422, "bad-question", "from=2026-01-01"),
    ("/api/v1/exports/dossiers?deidentified=true&from=2026-01-05", 422, "bad-question", "first day"),
    (
        "/api/v1/exports/dossiers?deidentified=true&from=2026-01-01&state=late",
        422,
        "bad-question",
        "filter the",
    ),
    (
        "/api/v1/exports/dossiers?deidentified=true&from=2026-01-01&to=2027-01-01",
        422,
        "bad-question",
        "earlier",
    ),
    ("/api/v1/exports/dossiers?deidentified=true&from=1901-01-01", 422, "bad-question", "shorter"),
    ("/api/v1/questions/never-kept", 404, "unknown-question", "questions"),
    ("/api/v1/questions/never-kept/answer", 404, "unknown-question", "questions"),
]


async def test_bad_input_is_a_problem_that_says_what_to_change(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    for address, status, kind, word in _BAD:
        answer = await client.get(address)
        told = (address, answer.text)
        assert (answer.status_code, answer.headers["content-type"]) == (status, _PROBLEM), told
        assert answer.json()["type"] == f"/problems/{kind}", told
        assert word in json.dumps(answer.json()), told
    assert connection.execute("SELECT count(*) FROM ioc.access_log").fetchone() == (0,)


# -- exports --------------------------------------------------------------------------------------------


async def test_exports_in_every_format_hold_the_same_rows(client: httpx.AsyncClient) -> None:
    address = "/api/v1/exports/series?ids=dossier.received,dossier.open&units=go-1,go-2&from=2026-03-01&to=2026-03-08"
    texts = await client.get(f"{address}&format=csv&bom=true")
    assert texts.headers["content-type"] == "text/csv; charset=utf-8"
    assert texts.headers["content-disposition"].startswith('attachment; filename="series-')
    rows = list(csv.DictReader(io.StringIO(texts.content.decode("utf-8-sig"))))
    assert len(rows) == 2 * 2 * 7
    assert rows[0] == {
        "kpi": "dossier.received",
        "version": rows[0]["version"],
        "unit": "go-1",
        "bucket": "1d",
        "time": "2026-03-01T00:00:00+07:00",
        "value": "1.0",
        "numerator": "1.0",
        "denominator": "",
    }
    table = pa.ipc.open_stream((await client.get(f"{address}&format=arrow")).content).read_all()
    packed = parquet.read_table(pa.BufferReader((await client.get(f"{address}&format=parquet")).content))
    assert table.to_pylist() == packed.to_pylist()
    assert [(row["time"].isoformat(), row["value"]) for row in table.to_pylist()] == [
        (row["time"], None if row["value"] == "" else float(row["value"])) for row in rows
    ]
    book = await client.get(f"{address}&format=xlsx")
    assert book.content.startswith(b"PK")


async def test_an_export_is_what_the_list_shows(client: httpx.AsyncClient) -> None:
    for query in ("", "state=late", "channel=online", "unit=go-2"):
        text = (await client.get(f"/api/v1/exports/dossiers?{query}")).text
        exported = {row["code"]: row for row in csv.DictReader(io.StringIO(text))}
        listed = {d["code"]: d for d in (await client.get(f"/api/v1/dossiers?{query}")).json()["dossiers"]}
        assert exported.keys() == listed.keys()
        for code, row in exported.items():
            assert (row["overdue"] == "true", row["state"]) == (
                listed[code]["overdue"],
                listed[code]["state"],
            )


async def test_every_operation_of_the_history_has_examples_and_problems(client: httpx.AsyncClient) -> None:
    description = (await client.get("/openapi.json")).json()
    for path, operations in description["paths"].items():
        for operation in operations.values():
            if not {"kpis", "places", "dossiers", "questions", "exports"} & set(operation.get("tags", ())):
                continue
            assert "422" in operation["responses"], path
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" or parameter.get("required"):
                    told = {**parameter["schema"], **parameter}
                    assert told.get("examples") or told.get("$ref"), (path, parameter)


# -- in a terminal --------------------------------------------------------------------------------------


@pytest.fixture
def ioc(place: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    load.cache_clear()

    def run(*words: str) -> Result:
        return CliRunner().invoke(build(), list(words))

    yield run
    load.cache_clear()


def test_the_same_in_a_terminal(ioc: Any, connection: Connection, tmp_path: Path) -> None:
    span = ("--from", "2026-03-01", "--to", "2026-03-08")
    several = json.loads(
        ioc(
            "kpi", "show", "dossier.received", "--unit", "go-1", "--unit", "go-2", *span, "--format", "json"
        ).stdout
    )
    assert [series["unit"] for series in several["series"]] == ["go-1", "go-2"]
    printed = ioc(
        "kpi", "show", "dossier.received", "--unit", "go-1", "--unit", "go-2", *span, "--format", "csv"
    )
    file = tmp_path / "figures.csv"
    written = ioc(
        "kpi", "show", "dossier.received", "--unit", "go-1", "--unit", "go-2", *span, "--output", str(file)
    )
    assert written.exit_code == 0, written.output
    assert file.read_bytes().decode().splitlines() == printed.stdout.splitlines()
    packed = tmp_path / "figures.parquet"
    assert ioc("kpi", "show", "dossier.received", *span, "--output", str(packed)).exit_code == 0
    assert parquet.read_metadata(packed).num_rows == 7
    kept = ioc(
        "kpi", "save", "lately", "dossier.received", "dossier.open", "--period", "last-7-days", "--shared"
    )
    assert kept.exit_code == 0, kept.output
    answer = json.loads(ioc("kpi", "ask", "lately", "--format", "json").stdout)["series"]
    assert [(series["kpi"], len(series["points"])) for series in answer] == [
        ("dossier.received", 7),
        ("dossier.open", 7),
    ]
    book = tmp_path / "lately.xlsx"
    assert ioc("kpi", "ask", "lately", "--output", str(book)).exit_code == 0
    assert book.read_bytes().startswith(b"PK")
    assert "lately" in ioc("kpi", "questions").stdout
    assert ioc("kpi", "forget", "lately").exit_code == 0
    assert ioc("kpi", "ask", "lately").exit_code != 0
    late = tmp_path / "late.csv"
    assert ioc("export", "dossiers", str(late), "--state", "late").exit_code == 0
    assert {row["code"] for row in csv.DictReader(late.open(newline=""))} == {"d-04", "d-05"}
    log = json.loads(ioc("access-log", "--format", "json").stdout)["entries"]
    assert [(entry["reader"], entry["what"], entry["rows"], entry["outcome"]) for entry in log] == [
        ("system", "export.dossiers", 2, "given"),
        ("system", "export.series", 14, "given"),
        ("system", "export.series", 7, "given"),
        ("system", "export.series", 14, "given"),
    ]
    assert ioc("access-log", "--reader", "nobody", "--format", "csv").stdout.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


_MISTAKES = [
    (("kpi", "show", "dossier.open", "--output", "figures.pdf"), "does not say a format"),
    (("kpi", "show", "dossier.open", "--output", "/no/such/folder/figures.csv"), "can't be written"),
    (("kpi", "show", "dossier.open", "--bom"), "--output"),
    (("kpi", "show", "dossier.open", "--period", "someday"), "no period"),
    (("kpi", "save", "Big Name", "dossier.open"), "question's name"),
    (("export", "samples", "a.csv", "--kind", "kiosk"), "no samples"),
    (("export", "states", "a.csv", "--kind", "toaster"), "no devices of kind"),
    (("export", "dossiers", "a.csv", "--deidentified", "--state", "late"), "--deidentified goes with"),
    (("access-log", "--since", "yesterday"), "neither a date nor a time"),
]


def test_mistakes_in_a_terminal(ioc: Any) -> None:
    for words, told in _MISTAKES:
        result = ioc(*words)
        assert result.exit_code != 0
        assert told in str(result.exception), words
