"""Due dates and load on a real database, from facts as the sink stores them, by API and command line alike."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from ioc import topics
from ioc.access import readers
from ioc.cli.main import build
from ioc.district import apply_pack, read_pack
from ioc.events import DossierProgress, DossierProgressed, DossierRecord, DossierRecorded, encode
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.feeding import feeders
from tests.servers import Servers

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
PACK = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
MONDAY = datetime(2026, 3, 2, 8, tzinfo=ZONE)
NOW = datetime.now(UTC)
LEADER = ("leader", "a long password")


def recorded(code: str, at: datetime, **more: Any) -> bytes:
    return encode(
        DossierRecorded(
            specversion="1.0", id=f"r-{code}", source="s", subject=code, time=at,
            data=DossierRecord(unit="25663", received_at=at, **more),
        )
    )  # fmt: skip


def moved(code: str, at: datetime, **more: Any) -> bytes:
    return encode(
        DossierProgressed(
            specversion="1.0", id=f"p-{code}-{at.isoformat()}", source="s", subject=code, time=at,
            data=DossierProgress(unit="25663", **more),
        )
    )  # fmt: skip


def checked_dossiers() -> list[bytes]:
    """Birth registration takes a working day, marriage registration three."""
    birth, marriage = "ho-tich.khai-sinh", "ho-tich.ket-hon"
    return [
        recorded("agrees", MONDAY, procedure=birth, due_at=MONDAY + timedelta(days=1, hours=8)),
        recorded("generous", MONDAY, procedure=birth, due_at=MONDAY + timedelta(days=4)),
        recorded("strict", MONDAY, procedure=marriage, due_at=MONDAY + timedelta(days=1)),
        recorded("silent", MONDAY, procedure=marriage),
        recorded("strange", MONDAY, procedure="nobody's", due_at=MONDAY),
        recorded("outside", MONDAY + timedelta(days=40), procedure=birth, due_at=MONDAY),
    ]


def standing_dossiers() -> list[bytes]:
    """Land has three officers, civil status one; two dossiers are overdue."""
    start = NOW - timedelta(days=30)
    found = []
    for n in range(10):
        department, handler = ("Địa chính", f"hash-{n % 3}") if n < 8 else ("Hộ tịch", "hash-9")
        code = f"open-{n}"
        late = {"due_at": NOW - timedelta(days=9)} if n < 2 else {"due_at": NOW + timedelta(days=30)}
        found.append(recorded(code, start, status=2, **late))
        found.append(
            moved(
                code, start + timedelta(hours=1), status=4, step=department, role="Công chức", handler=handler
            )
        )
    return [*found, recorded("done", start, status=9), recorded("never", start, status=3)]


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    url = servers.new_database()
    settings = servers.new_settings(database=url, with_topics=False)
    with psycopg.connect(url, autocommit=True) as connection:
        applied = apply_pack(connection, read_pack(PACK))
        assert applied.procedures == 10
        assert apply_pack(connection, read_pack(PACK)).changed == 0
        readers.add(connection, *LEADER)
    yield settings
    servers.drop_database(url)


@pytest_asyncio.fixture
async def client(place: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    async with feeders(place, topics.DOSSIERS) as (feeder,):
        await feeder.feed([*checked_dossiers(), *standing_dossiers()])
        assert feeder.bad == []
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    load.cache_clear()
    async with asking(place, raising=True) as found:
        yield found
    load.cache_clear()


def run(*words: str) -> str:
    shown = CliRunner().invoke(build(), list(words))
    assert shown.exit_code == 0, shown.output
    return shown.stdout


async def test_due_dates_that_are_not_their_procedures_are_told_and_change_nothing(
    client: httpx.AsyncClient, place: Settings
) -> None:
    asked = {"from": "2026-03-01", "to": "2026-04-01", "unit": "25663"}
    answer = await client.get("/api/v1/dossiers/due-check", params=asked, auth=LEADER)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["dossiers"], body["disagreeing"]) == (5, 2)
    found = {part["procedure"]: part for part in body["procedures"]}
    birth, marriage, strange = found["ho-tich.khai-sinh"], found["ho-tich.ket-hon"], found["nobody's"]
    assert (birth["agrees"], birth["later"], birth["most_days_later"]) == (1, 1, 3)
    assert (marriage["earlier"], marriage["no_due_date"], marriage["most_days_earlier"]) == (1, 1, 2)
    assert strange["no_term"] == 1
    assert birth["examples"] == [
        {"code": "generous", "given": "2026-03-06", "expected": "2026-03-03", "days": 3}
    ]
    words = ["--unit", "25663", "--from", "2026-03-01", "--to", "2026-04-01"]
    assert json.loads(run("dossiers", "due-check", *words, "--format", "json")) == body
    assert "generous: given 2026-03-06, expected 2026-03-03 (+3 days)" in run("dossiers", "due-check", *words)
    guest = (await client.get("/api/v1/dossiers/due-check", params=asked)).json()
    assert {part["examples"] for part in guest["procedures"]} == {None}
    with psycopg.connect(place.database_dsn) as connection:
        (due,) = connection.execute("SELECT due_at FROM ioc.dossier WHERE code = 'generous'").fetchone() or (
            None,
        )
    assert due == MONDAY + timedelta(days=4), "the given due date counts"
    for more, status in (({"from": "2026-04-02"}, 422), ({"unit": "nowhere"}, 404), ({"examples": 101}, 422)):
        refused = await client.get("/api/v1/dossiers/due-check", params={**asked, **more}, auth=LEADER)
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")


async def test_load_is_told_without_names_and_not_to_guests(
    client: httpx.AsyncClient, place: Settings
) -> None:
    answer = await client.get("/api/v1/dossiers/load", params={"unit": "25663"}, auth=LEADER)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert "hash-" not in answer.text
    (unit,) = [part for part in body["units"] if part["unit"] == "25663"]
    # the dossiers that no step says anything of are with nobody that is known
    assert (unit["open"], unit["overdue"]) == (16, 2 + 5)
    assert (
        unit["cells"]
        == [{"name": "Địa chính", "officers": 3, "open": 8, "overdue": 2, "due_24h": 0, "paused": 0}]
        or unit["cells"] == []
    )
    small = unit["too_small"]
    assert small["open"] == 16 - sum(cell["open"] for cell in unit["cells"])
    assert (unit["spread"]["officers"], unit["spread"]["most"], unit["spread"]["median"]) == (4, 3, 2.5)
    assert unit["spread"]["known_share"] == pytest.approx(10 / 16)
    assert json.loads(run("dossiers", "load", "--unit", "25663", "--format", "json")) == body
    assert "4 officers: median 2.5, most 3" in run("dossiers", "load", "--unit", "25663")
    by_role = (
        await client.get("/api/v1/dossiers/load", params={"unit": "25663", "by": "role"}, auth=LEADER)
    ).json()
    assert by_role["by"] == "role"
    for question, credentials, status in (
        ("", None, 401),
        ("?by=name", LEADER, 422),
        ("?unit=x", LEADER, 404),
    ):
        refused = await client.get(f"/api/v1/dossiers/load{question}", auth=credentials)
        assert refused.status_code == status
    kpi = (
        await client.get("/api/v1/kpis/current?ids=dossier.open,dossier.overdue&units=25663", auth=LEADER)
    ).json()
    assert [figure["value"] for figure in kpi["figures"]] == [unit["open"], unit["overdue"]]
