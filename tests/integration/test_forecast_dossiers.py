"""Clearing times and misses to be expected: facts through the real projector, asked by API and command line."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta
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
from ioc.district.worktime import WorkCalendar
from ioc.events import DossierProgress, DossierProgressed, DossierRecord, DossierRecorded, encode
from ioc.forecast.query import Clearings, Misses, ask_clearing, ask_misses
from ioc.kpi.query import answer
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.feeding import feeders
from tests.integration.kpi_data import add_district, add_unit
from tests.servers import Servers

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_CALENDAR = WorkCalendar(holidays_of=None)
_PASSWORD = "a long password"


def _worked(last: date, count: int) -> list[date]:
    found: list[date] = []
    while len(found) < count:
        last = _CALENDAR.previous_working_day(last)
        found.append(last)
    return found[::-1]


def _at(day: date, clock: time = time(8)) -> datetime:
    return datetime.combine(day, clock, _ZONE)


_NOW = datetime.now(_ZONE)
_TODAY = _NOW.date()
_DAYS = _worked(_TODAY, 80)


def _record(code: str, unit: str, received: datetime, **more: Any) -> DossierRecorded:
    """A whole view of a dossier, learned when its newest date came."""
    newest = max([received, *(at for at in (more.get("completed_at"),) if at is not None)])
    return DossierRecorded(
        specversion="1.0",
        id=f"{code}-{newest.isoformat()}",
        source="//test",
        subject=code,
        time=newest,
        recordedat=newest,
        data=DossierRecord(unit=unit, received_at=received, **more),
    )


def _events() -> list[Any]:
    """Unit u: five received a day, ended five worked days later at 10:00; further ones by name. v is new."""
    found: list[Any] = []
    for n, day in enumerate(_DAYS[:-1]):
        for k in range(5):
            code, received = f"u-{n:02}-{k}", _at(day, time(8, k))
            facts = {
                "field": "land",
                "procedure": "p1",
                "due_at": _at(_DAYS[n + 9], time(17))
                if n + 9 < len(_DAYS)
                else _at(_TODAY + timedelta(days=20)),
            }
            found.append(_record(code, "u", received, status=2, **facts))
            if n + 5 < len(_DAYS):
                found.append(
                    _record(code, "u", received, status=9, completed_at=_at(_DAYS[n + 5], time(10)), **facts)
                )
    received = _at(_DAYS[-10])
    found += [
        _record(
            "late", "u", received, status=4, due_at=_at(_DAYS[-2], time(17)), field="land", procedure="p1"
        ),
        _record(
            "soon",
            "u",
            _at(_DAYS[-1], time(16)),
            status=4,
            due_at=_at(_SOON, time(17)),
            field="land",
            procedure="p1",
        ),
        _record(
            "easy",
            "u",
            _at(_DAYS[-1], time(16)),
            status=4,
            due_at=_at(_next(30), time(17)),
            field="land",
            procedure="p1",
        ),
        _record("undated", "u", received, status=4, field="land", procedure="p1"),
        _record(
            "paused", "u", received, status=4, due_at=_at(_DAYS[-2], time(17)), field="land", procedure="p1"
        ),
        DossierProgressed(
            specversion="1.0",
            id="paused-1",
            source="//test",
            subject="paused",
            time=_at(_DAYS[-5]),
            recordedat=_at(_DAYS[-5]),
            data=DossierProgress(unit="u", status=6),
        ),
        _record("new", "v", _at(_DAYS[-1]), status=4, due_at=_at(_SOON, time(17))),
        _record("refused", "u", received, status=3, due_at=_at(_DAYS[-2])),
    ]
    return found


def _next(days: int) -> date:
    day = _TODAY
    for _ in range(days):
        day = _CALENDAR.next_working_day(day)
    return day


#: The day whose end is between half a day and a day and a half of work away, at whatever hour this runs.
_SOON = _CALENDAR.next_working_day(_TODAY - timedelta(days=_NOW.time() < time(13)))


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    with servers.place() as found:
        with psycopg.connect(found.database_dsn, autocommit=True) as connection:
            for code, parent in (("go", None), ("u", "go"), ("v", "go")):
                add_unit(connection, code, parent=parent)
            add_district(connection, "go")
            readers.add(connection, "chief", _PASSWORD, root_unit="u")
            readers.add(connection, "all", _PASSWORD)
        asyncio.run(_fill(found, _events()))
        yield found


async def _fill(place: Settings, events: list[Any]) -> None:
    """Store these facts and no others."""
    async with feeders(place, topics.DOSSIERS) as (feeder,):
        await feeder.connection.execute(
            "TRUNCATE ioc.dossier, ioc.dossier_fact, ioc.dossier_ledger, ioc.dossier_series, ioc.dossier_alias,"
            " ioc.unreadable"
        )
        for start in range(0, len(events), 400):
            await feeder.feed([encode(event) for event in events[start : start + 400]])
        assert feeder.bad == []


def _ask(place: Settings, steps: Any) -> Any:
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        return answer(connection, steps)


def _clearing(place: Settings, unit: str | None = "u", as_of: str | None = None) -> Clearings:
    found: Clearings = _ask(place, ask_clearing("system", unit, as_of))
    return found


def _misses(place: Settings, unit: str | None = "u", as_of: str | None = None, **more: Any) -> Misses:
    found: Misses = _ask(place, ask_misses("system", unit, as_of, **{"most": 100, **more}))
    return found


async def test_what_is_open_is_worked_off_at_the_pace(place: Settings) -> None:
    whole, unit = _clearing(place).units
    assert (whole.unit, unit.unit) == (None, "u")
    assert whole[1:] == unit[1:]
    # received on the last five days but one, five each, those of the fifth last ended; and five by name
    open_now = _ask(place, iter_rows("SELECT value FROM ioc.kpi_current('system', '{dossier.open}', '{u}')"))[
        0
    ][0]
    assert unit.open == open_now
    assert unit.pace is not None
    assert unit.pace.per_day == pytest.approx(5)
    assert unit.clearing is not None
    assert unit.clearing.days == pytest.approx(unit.open / 5)
    assert unit.at is not None
    assert unit.low is not None
    assert unit.high is not None
    assert _CALENDAR.between(datetime.now(UTC), unit.at) / _CALENDAR.day_length == pytest.approx(
        unit.open / 5, abs=0.01
    )
    assert unit.low < unit.at < unit.high


def iter_rows(statement: str) -> Any:
    rows = yield statement, ()
    return rows


async def test_a_unit_without_a_pace_has_no_date(place: Settings) -> None:
    whole, u, v = _clearing(place, None).units
    assert (whole.open, v.open) == (u.open + 1, 1)
    assert (v.pace, v.clearing, v.at) == (None, None, None)


async def test_misses_are_told_with_their_reason(place: Settings) -> None:
    found = _misses(place)
    listed = {miss.code: miss for miss in found.listed}
    # all end after five days: two days are too few, and thirty enough
    assert listed.keys() == {"late", "soon"}
    assert (listed["late"].chance, listed["late"].reason) == (1, "overdue")
    assert listed["late"].due == _DAYS[-2]
    # nobody had a day only: the unit's table speaks
    assert listed["soon"].chance > 0.8
    assert listed["soon"].due == _SOON
    assert [miss.code for miss in found.listed] == ["soon", "late"]
    soon = listed["soon"]
    assert soon.low is not None
    assert soon.expected is not None
    assert soon.high is not None
    assert datetime.now(UTC) <= soon.low < soon.expected < soon.high
    whole, unit = found.units
    assert whole[1:] == unit[1:]
    assert (unit.overdue, unit.likely, unit.undated, unit.unknown) == (1, 1, 2, 0)
    assert unit.sum_of_chances is not None
    assert 0.9 < unit.sum_of_chances < 2.5
    everything = _misses(place, at_least=0.0)
    assert {"easy", "soon", "late"} < {miss.code for miss in everything.listed}
    assert everything.found == unit.open - 2
    assert len(_misses(place, at_least=0.0, most=3).listed) == 3


async def test_a_unit_with_too_little_history_is_unknown(place: Settings) -> None:
    found = _misses(place, "v", at_least=0.0)
    assert (found.listed, found.units[-1].unknown, found.units[-1].sum_of_chances) == ((), 1, None)


async def test_now_from_the_projection_is_now_from_the_ledger(place: Settings) -> None:
    for one, two in (
        (
            _misses(place, None, at_least=0.0),
            _misses(place, None, datetime.now(UTC).isoformat(), at_least=0.0),
        ),
        (_clearing(place, None), _clearing(place, None, datetime.now(UTC).isoformat())),
    ):
        assert len(one.units) == len(two.units)
        for before, after in zip(one.units, two.units, strict=True):
            assert before[:2] == after[:2]
    now, then = (
        _misses(place, None, at_least=0.0),
        _misses(place, None, datetime.now(UTC).isoformat(), at_least=0.0),
    )
    assert [(m.code, m.due, m.reason, m.turn) for m in now.listed] == [
        (m.code, m.due, m.reason, m.turn) for m in then.listed
    ]
    assert [m.chance for m in now.listed] == pytest.approx([m.chance for m in then.listed], abs=1e-3)


@pytest_asyncio.fixture
async def client(place: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place) as found:
        yield found


async def test_api_and_command_line_give_the_same_documents(
    client: httpx.AsyncClient, place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_of = _at(_DAYS[-3], time(12)).isoformat()
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    load.cache_clear()
    for name, arguments, params in (
        ("surge", ["--unit", "u"], {"units": "u"}),
        ("clearing", ["--unit", "u"], {"unit": "u"}),
        ("misses", ["--unit", "u", "--at-least", "0.1"], {"unit": "u", "at_least": "0.1"}),
    ):
        shown = CliRunner().invoke(
            build(), ["forecast", name, *arguments, "--as-of", as_of, "--format", "json"]
        )
        assert shown.exit_code == 0, shown.output
        got = await client.get(
            f"/api/v1/forecasts/{name}", params={**params, "as_of": as_of}, auth=("all", _PASSWORD)
        )
        assert got.status_code == 200, got.text
        assert got.json() == json.loads(shown.output)
        table = CliRunner().invoke(build(), ["forecast", name, "--unit", "u"])
        assert table.exit_code == 0, table.output
        assert "u" in table.output
    looked = CliRunner().invoke(build(), ["forecast", "backtest", "--unit", "u", "--every", "7"])
    assert looked.exit_code == 0, looked.output
    assert "Dossiers that will miss their date" in looked.output
    load.cache_clear()


async def test_readers_see_their_units_and_the_guest_no_single_dossier(client: httpx.AsyncClient) -> None:
    mine = (await client.get("/api/v1/forecasts/misses", auth=("chief", _PASSWORD))).json()
    assert (mine["unit"], [unit["unit"] for unit in mine["units"]]) == ("u", [None, "u"])
    assert [dossier["code"] for dossier in mine["dossiers"]] == ["soon", "late"]
    refused = await client.get("/api/v1/forecasts/misses?unit=v", auth=("chief", _PASSWORD))
    assert refused.status_code == 404
    guest = (await client.get("/api/v1/forecasts/misses")).json()
    assert guest["dossiers"] is None
    assert guest["found"] == 2


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("surge?units=,", 422),
        ("surge?units=nope", 404),
        ("surge?as_of=yesterday", 422),
        ("clearing?unit=nope", 404),
        ("clearing?as_of=2999-01-01", 422),
        ("misses?at_least=2", 422),
        ("misses?limit=0", 422),
        ("misses?unit=%00", 422),
    ],
)
async def test_bad_questions_are_problems(client: httpx.AsyncClient, address: str, status: int) -> None:
    got = await client.get(f"/api/v1/forecasts/{address}")
    assert (got.status_code, got.headers["content-type"]) == (status, "application/problem+json"), got.text
    assert got.json()["detail"]


# -- these fill the database anew: what they leave is nobody's --


async def test_as_of_an_earlier_moment_nothing_later_is_known(place: Settings) -> None:
    """What was answered then is answered now, though dossiers ended since; and the other way round."""
    then = _at(_DAYS[-8], time(12))
    before = _misses(place, "u", then.isoformat(), at_least=0.0), _clearing(place, "u", then.isoformat())
    early = [event for event in _events() if (event.recordedat or then) <= then]
    await _fill(place, early)
    assert (
        _misses(place, "u", then.isoformat(), at_least=0.0),
        _clearing(place, "u", then.isoformat()),
    ) == before
    assert before[0].found > 5
    await _fill(place, _events())


async def test_the_order_of_facts_is_of_no_account(place: Settings) -> None:
    moment = datetime.now(UTC).isoformat()
    before = _misses(place, None, moment, at_least=0.0), _clearing(place, None, moment)
    events = _events()
    random.Random(3).shuffle(events)
    await _fill(place, [*events, *events[:50]])
    assert (_misses(place, None, moment, at_least=0.0), _clearing(place, None, moment)) == before


async def test_an_empty_database_knows_nothing(place: Settings) -> None:
    await _fill(place, [])
    assert _clearing(place).units == ()
    found = _misses(place)
    assert (found.units, found.listed, found.found) == ((), (), 0)
