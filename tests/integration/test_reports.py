"""Reports over real facts: what they say equals the KPI functions; made by command and on schedule, told by the API."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import openpyxl
import psycopg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from ioc import topics
from ioc.access import readers
from ioc.cli.main import build
from ioc.district import apply_pack, read_pack
from ioc.events import DossierRecord, DossierRecorded, Status, encode
from ioc.history import access_log
from ioc.kpi.catalogue import CATALOGUE
from ioc.kpi.query import SYSTEM_READER, answer, ask
from ioc.kpi.question import Asked
from ioc.kpi.targets import Status as Verdict
from ioc.reports import schedule
from ioc.reports.content import gather
from ioc.reports.period import Kind, Period
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.feeding import feeders
from tests.integration.kpi_data import Connection
from tests.integration.samples import wifi
from tests.servers import Servers

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
AUTH = ("leader", "a long password")
TODAY = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = Period.newest_whole(Kind.DAY, TODAY.date())


def _dossier(code: str, received: datetime, due: datetime, completed: datetime | None) -> bytes:
    return encode(
        DossierRecorded(
            specversion="1.0",
            id=code,
            source="//test",
            subject=code,
            time=completed or received,
            data=DossierRecord(
                unit="25663",
                received_at=received,
                due_at=due,
                completed_at=completed,
                status=9 if completed else 4,
            ),
        )
    )


async def _feed(settings: Settings) -> None:
    """Ten done yesterday, two of them late; one overdue and open; an access point down from nine to ten."""
    nine = TODAY - timedelta(days=1) + timedelta(hours=9)
    early = nine - timedelta(days=20)
    dossiers = [
        _dossier(f"H-{n}", early, nine + timedelta(days=-3 if n < 2 else 3), nine + timedelta(minutes=n))
        for n in range(10)
    ]
    dossiers.append(_dossier("H-open", early, nine - timedelta(days=4), None))
    async with feeders(settings, topics.DOSSIERS) as (feeder,):
        await feeder.feed(dossiers)
        assert not feeder.bad
    beats = [
        wifi(
            "bo-phan-1.wifi",
            nine + timedelta(minutes=m),
            status=Status.DOWN if 0 <= m < 60 else Status.OK,
            unit="25663",
        )
        for m in range(-5, 65)
    ]
    async with feeders(settings, topics.WIFI) as (feeder,):
        await feeder.feed(beats)
        assert not feeder.bad


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    with servers.place() as settings:
        with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
            apply_pack(connection, read_pack(SHIPPED))
            readers.add(connection, *AUTH)
            connection.execute(
                "INSERT INTO ioc.device (code, kind, unit_id, interval_s)"
                " SELECT 'bo-phan-1.wifi', 2, unit_id, 60 FROM ioc.unit WHERE code = '25663'"
            )
        asyncio.run(_feed(settings))
        yield settings


@pytest.fixture
def connection(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        found.execute("TRUNCATE ioc.report, ioc.access_log")
        yield found


@pytest_asyncio.fixture
async def client(place: Settings, connection: Connection) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place, AUTH) as found:
        yield found


@pytest.fixture
def command(place: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    monkeypatch.chdir(tmp_path)
    load.cache_clear()
    yield lambda *words: CliRunner().invoke(build(), list(words))
    load.cache_clear()


def test_what_a_report_says_is_what_the_functions_say(connection: Connection) -> None:
    content = answer(connection, gather(SYSTEM_READER, None, DAY))
    told = {figure.kpi: figure for figure in content.figures}
    start, end = (moment.isoformat() for moment in DAY.bounds(ZONE))
    for kpi, figure in told.items():
        asked = Asked(unit="go-dau", start=start, end=end, bucket="1d")
        (point,) = answer(connection, ask(SYSTEM_READER, kpi, asked)).points
        assert figure.value == point.value, kpi
    assert (told["dossier.completed"].value, told["dossier.completed"].before) == (10, 0)
    rate = told["dossier.on_time_rate"]
    assert (rate.value, rate.before, rate.target, rate.status) == (0.8, None, 0.98, Verdict.MISSED)
    assert [(m.unit, m.value) for m in content.missed if m.kpi == "dossier.on_time_rate"] == [("25663", 0.8)]
    assert told["queue.issued"].value is None  # nobody ever told of a ticket
    assert [(late.code, late.unit) for late in content.late] == [("H-open", "25663")]
    assert content.late_in_all == 1
    (outage,) = content.outages
    assert (outage.code, outage.ended and outage.ended - outage.started) == (
        "bo-phan-1.wifi",
        timedelta(hours=1),
    )
    assert content.devices_heard
    # an area that is a group of nothing holds dossiers of its own and is judged; the one that gathers units is not
    gathering = {unit.code: unit.gathers for unit in content.units}
    assert (gathering["go-dau"], gathering["go-dau.kv-bau-don"]) == (True, False)
    assert content.name_of("go-dau.kv-bau-don", "vi") == "Khu vực Bàu Đồn"


def test_the_span_of_a_month_is_the_month_s_figure_of_every_indicator(connection: Connection) -> None:
    start, end = Period.around(Kind.MONTH, DAY.first).bounds(ZONE)
    for unit in ("go-dau", "25663"):
        rows = connection.execute(
            "SELECT kpi, value, numerator, denominator FROM ioc.kpi_span('system', %s, %s, %s, %s)",
            (list(CATALOGUE), [unit], start, end),
        ).fetchall()
        spans = {kpi: tuple(figures) for kpi, *figures in rows}
        for kpi in CATALOGUE:
            asked = Asked(unit=unit, start=start.isoformat(), end=end.isoformat(), bucket="1mo")
            (point,) = answer(connection, ask(SYSTEM_READER, kpi, asked)).points
            # what runs with the clock is asked a moment later in one than in the other
            for shown, figure in zip(
                spans[kpi], (point.value, point.numerator, point.denominator), strict=True
            ):
                assert (shown is None) == (figure is None), (unit, kpi)
                assert shown is None or shown == pytest.approx(figure, rel=1e-4), (unit, kpi)


def test_a_quantile_and_a_ratio_of_a_week_are_of_all_its_days(connection: Connection) -> None:
    week = Period.around(Kind.WEEK, DAY.first)
    content = answer(connection, gather(SYSTEM_READER, "25663", week))
    told = {figure.kpi: figure.value for figure in content.figures}
    assert (told["dossier.completed"], told["dossier.on_time_rate"]) == (10, 0.8)
    assert told["dossier.processing_days_p50"] is not None


async def test_reports_that_are_due_are_made_once_and_given_to_readers_by_name(
    place: Settings, connection: Connection, client: httpx.AsyncClient
) -> None:
    at_six = datetime.now(UTC).astimezone(ZONE).replace(hour=6, minute=0)
    assert await asyncio.to_thread(schedule.look, place, at_six) == 0
    noon = at_six.replace(hour=12)
    assert await asyncio.to_thread(schedule.look, place, noon) == 3
    assert await asyncio.to_thread(schedule.look, place, noon) == 0
    # one that was made before its period had ended is made again
    connection.execute("UPDATE ioc.report SET made_at = %s WHERE kind = 'day'", (TODAY - timedelta(hours=1),))
    assert await asyncio.to_thread(schedule.look, place, noon) == 1

    listed = (await client.get("/api/v1/reports")).json()["reports"]
    assert {(r["kind"], r["unit"], r["language"]) for r in listed} == {
        (kind, "go-dau", "vi") for kind in ("day", "week", "month")
    }
    found = await client.get(f"/api/v1/reports/day/{DAY.first}")
    assert (found.status_code, found.headers["content-type"]) == (200, "application/pdf")
    assert found.content.startswith(b"%PDF-")
    sheet = await client.get(f"/api/v1/reports/day/{DAY.first}", params={"format": "xlsx"})
    texts = {
        str(c.value) for s in openpyxl.load_workbook(io.BytesIO(sheet.content)) for r in s.rows for c in r
    }
    assert "H-open" in texts
    assert [entry.what for entry in access_log.entries(connection)] == ["report", "report"]
    missing = await client.get("/api/v1/reports/day/2001-01-01")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/unknown-report")
    for kind, day in (("month", "9999-12-31"), ("week", "9999-12-31"), ("week", "0001-01-01")):
        strange = await client.get(f"/api/v1/reports/{kind}/{day}")
        assert (strange.status_code, strange.json()["type"]) == (422, "/problems/bad-question"), day
    assert (await client.get(f"/api/v1/reports/day/{DAY.first}", auth=None)).status_code == 401
    strange = await client.get("/api/v1/reports", params={"unit": "nowhere"})
    assert strange.status_code == 404


def test_the_command_writes_files_and_explains_what_it_can_not_do(
    connection: Connection, command: Any, tmp_path: Path
) -> None:
    made = command("report", "day")
    assert made.exit_code == 0, made.output
    stem = f"bao-cao-day-{DAY.first}-go-dau"
    assert {path.name for path in tmp_path.iterdir()} == {f"{stem}.pdf", f"{stem}.xlsx"}
    assert "go-dau" in command("report", "list").output
    assert command("report", "day", "--lang", "en").exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} >= {f"{stem}.pdf", f"{stem}-en.pdf"}
    made_at = next(line for line in command("report", "list").output.splitlines() if "  en  " in line)
    assert made_at.rstrip().endswith("+07:00")
    for words, part in (
        (("report", "day", "--of", "yesterday"), "2025-06-30"),
        (("report", "week", "--of", "2199-01-01"), "has not begun"),
        (("report", "month", "--of", "9999-12-31"), "between the years"),
        (("report", "day", "--unit", "nowhere"), "nowhere"),
        (("report", "day", "--output", "x.doc"), ".pdf or .xlsx"),
        (("report", "day", "--output", "no/such/folder/x.pdf"), "can't be written"),
    ):
        refused = command(*words)
        assert refused.exit_code != 0, words
        assert part in refused.output + str(refused.exception), words


def test_old_reports_go(place: Settings, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO ioc.report VALUES ('day', '2020-01-01', '2020-01-01', 'go-dau', 'vi', now(), '1', '', '')"
    )
    schedule.look(place, datetime.now(UTC).astimezone(ZONE).replace(hour=12))
    assert connection.execute("SELECT min(last) > '2020-01-01' FROM ioc.report").fetchone() == (True,)
