"""Duty in a real database: applied from a pack, changed, kept as an audit trail, asked by command and over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from icalendar import Calendar
from psycopg import errors
from typer.testing import CliRunner, Result

from ioc.access import readers
from ioc.cli.main import build
from ioc.district import apply_pack
from ioc.duty import Change, ChangeKind, log, store
from ioc.duty.errors import ConflictError
from ioc.errors import IocError
from ioc.kpi.query import SYSTEM_READER, answer, change
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.duty_pack import PHONE, duty_pack
from tests.servers import Servers

AUTH = ("leader", "a long password")
MON = datetime(2026, 3, 2, 0, tzinfo=UTC)  # 7:00 in Vietnam
DAY = timedelta(days=1)
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    with servers.place() as found:
        with psycopg.connect(found.database_dsn, autocommit=True) as connection:
            apply_pack(connection, duty_pack())
            readers.add(connection, *AUTH)
            readers.add(connection, "commune", "a long password", root_unit="25663")
        yield found


@pytest.fixture
def connection(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as found:
        for table in ("duty_change", "duty_log"):
            found.execute(f"TRUNCATE ioc.{table}".encode())
        yield found


@pytest_asyncio.fixture
async def client(place: Settings, connection: Connection) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place, raising=True) as found:
        yield found


@pytest.fixture
def run(place: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    load.cache_clear()

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(build(), ["duty", *arguments])

    return command


def _make(connection: Connection, *wanted: Change) -> list[store.Made]:
    return change(connection, store.make_all(SYSTEM_READER, wanted, "chánh văn phòng"))


def _replace(person: str, other: str, start: datetime, end: datetime) -> Change:
    return Change(ChangeKind.REPLACE, person, start, end, roster="truc", other=other)


# -- the pack -------------------------------------------------------------------------------------------


def test_a_pack_is_applied_once_and_takes_away_what_it_no_longer_names(connection: Connection) -> None:
    assert apply_pack(connection, duty_pack()).duty == 0
    fewer = replace(duty_pack(), rosters=duty_pack().rosters[:1], people=duty_pack().people[:2])
    assert apply_pack(connection, fewer).duty == 2
    assert apply_pack(connection, duty_pack()).duty == 2
    plan = answer(connection, store.plan_of(SYSTEM_READER))
    assert plan.rosters == duty_pack().rosters
    assert all(not person.contacts for person in plan.people.values())
    kept = connection.execute("SELECT contacts FROM ioc.duty_person WHERE code = 'an'").fetchall()
    assert kept == [({"sms": PHONE},)]


# -- changes and their trail ----------------------------------------------------------------------------


def test_a_change_is_stored_with_who_and_when_and_comes_back_the_same(connection: Connection) -> None:
    wanted = _replace("an", "binh", MON, MON + DAY)
    (made,) = _make(connection, replace(wanted, reason="họp"))
    assert made.change.made_by == "chánh văn phòng"
    assert made.change.made_at is not None
    plan = answer(connection, store.plan_of(SYSTEM_READER, MON, MON + DAY))
    assert plan.changes == (made.change,)
    assert answer(connection, store.plan_of(SYSTEM_READER, MON + DAY, MON + 2 * DAY)).changes == ()


def test_a_swap_is_found_by_either_of_its_times(connection: Connection) -> None:
    swap = Change(
        ChangeKind.SWAP, "an", MON, MON + DAY, roster="truc", other="chi",
        other_start=MON + 2 * DAY, other_end=MON + 3 * DAY,
    )  # fmt: skip
    _make(connection, swap)
    for day, found in ((0, 1), (1, 0), (2, 1), (3, 0)):
        plan = answer(connection, store.plan_of(SYSTEM_READER, MON + day * DAY, MON + (day + 1) * DAY))
        assert len(plan.changes) == found, day


def test_a_withdrawn_change_stays_in_the_list_and_rows_can_not_be_altered(connection: Connection) -> None:
    (made,) = _make(connection, _replace("an", "binh", MON, MON + DAY))
    number = made.change.id or 0
    gone = change(connection, store.withdraw(SYSTEM_READER, number, "phó chánh văn phòng", from_start=True))
    assert gone.withdrawn_by == "phó chánh văn phòng"
    with pytest.raises(ConflictError, match="was withdrawn at"):
        change(connection, store.withdraw(SYSTEM_READER, number, "x"))
    assert answer(connection, store.changes_of(SYSTEM_READER, "truc")) == []
    assert answer(connection, store.changes_of(SYSTEM_READER, "truc", withdrawn=True)) == [gone]
    for statement in (
        "UPDATE ioc.duty_change SET reason = 'x'",
        "DELETE FROM ioc.duty_change",
    ):
        with pytest.raises(errors.RestrictViolation):
            connection.execute(statement.encode())


def test_of_two_contradicting_changes_at_one_time_one_is_refused(
    place: Settings, connection: Connection
) -> None:
    """The second waits for the first's transaction, and then sees what it did."""
    refused: list[IocError] = []
    entered = threading.Event()

    def second() -> None:
        with psycopg.connect(place.database_dsn, autocommit=True) as own:
            own.execute("SET application_name = 'duty-second'")
            entered.set()
            try:
                change(own, store.make(SYSTEM_READER, _replace("an", "chi", MON, MON + DAY), "b"))
            except IocError as error:
                refused.append(error)

    thread = threading.Thread(target=second)
    with psycopg.connect(place.database_dsn, autocommit=True) as first, first.transaction():
        change(first, store.make(SYSTEM_READER, _replace("an", "binh", MON, MON + DAY), "a"))
        thread.start()
        assert entered.wait(60)
        for _ in range(60_000):
            waiting = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name = 'duty-second' AND wait_event_type = 'Lock'"
            ).fetchone()
            if waiting == (1,):
                break
    thread.join(60)
    assert [type(error) for error in refused] == [ConflictError]
    assert connection.execute("SELECT count(*) FROM ioc.duty_change").fetchone() == (1,)


def test_changes_of_one_call_are_all_stored_or_none(connection: Connection) -> None:
    with pytest.raises(ConflictError):
        _make(connection, _replace("an", "binh", MON, MON + DAY), _replace("an", "chi", MON, MON + DAY))
    assert connection.execute("SELECT count(*) FROM ioc.duty_change").fetchone() == (0,)


def test_the_shift_log_is_only_written_to(connection: Connection) -> None:
    change(connection, log.note(SYSTEM_READER, "truc", "  Điểm 3 mất điện ", "an"))
    (entry,) = answer(connection, log.log_of(SYSTEM_READER, "truc"))
    assert (entry.author, entry.text) == ("an", "Điểm 3 mất điện")
    for statement in ("UPDATE ioc.duty_log SET text = 'x'", "DELETE FROM ioc.duty_log"):
        with pytest.raises(errors.RestrictViolation):
            connection.execute(statement.encode())


# -- over HTTP ------------------------------------------------------------------------------------------


async def test_readers_by_name_see_names_the_guest_numbers_and_nobody_contacts(
    client: httpx.AsyncClient,
) -> None:
    asked = {"roster": "truc", "at": "2026-03-03T12:00"}
    named = await client.get("/api/v1/duty", params=asked, auth=AUTH)
    (roster,) = named.json()["rosters"]
    assert roster["on_duty"] == [
        {
            "layer": "main",
            "count": 1,
            "people": [{"code": "binh", "name": "Binh", "title": "Cán bộ"}],
            "since": "2026-03-03T07:00:00+07:00",
            "until": "2026-03-04T07:00:00+07:00",
        }
    ]
    guest = await client.get("/api/v1/duty", params=asked)
    assert guest.json()["rosters"][0]["on_duty"][0]["count"] == 1
    for word in ("binh", "Binh", "Cán bộ"):
        assert word not in guest.text
    for text in (named.text, guest.text):
        assert PHONE not in text


async def test_a_preview_has_no_hole_and_tells_gaps_and_hand_overs(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    _make(connection, Change(ChangeKind.LEAVE, "binh", MON, MON + 3 * DAY))
    asked = {"roster": "truc", "from": "2026-03-02T07:00", "to": "2026-03-05T07:00"}
    (roster,) = (await client.get("/api/v1/duty", params=asked, auth=AUTH)).json()["rosters"]
    spans = [(s["from"][:10], s["layers"][0]["count"]) for s in roster["spans"]]
    assert spans == [("2026-03-02", 1), ("2026-03-03", 0), ("2026-03-04", 1)]
    assert [(w["kind"], w["from"][:10], w["to"][:10]) for w in roster["warnings"]] == [
        ("gap", "2026-03-03", "2026-03-04"),
        ("thin", "2026-03-03", "2026-03-04"),
    ]
    overs = roster["hand_overs"]
    assert [[p["code"] for p in over["leaving"]["people"]] for over in overs] == [["an"], []]
    assert [[p["code"] for p in over["arriving"]["people"]] for over in overs] == [[], ["chi"]]


async def test_a_reader_of_a_commune_sees_the_commune_rosters_only(client: httpx.AsyncClient) -> None:
    answered = await client.get("/api/v1/duty", auth=("commune", "a long password"))
    assert [roster["code"] for roster in answered.json()["rosters"]] == ["xa"]
    refused = await client.get("/api/v1/duty", params={"roster": "truc"}, auth=("commune", "a long password"))
    assert refused.status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "yesterday"},
        {"at": "x"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2026-01-01", "to": "2030-01-01"},
    ],
)
async def test_a_bad_time_is_a_problem(client: httpx.AsyncClient, asked: dict[str, str]) -> None:
    answered = await client.get("/api/v1/duty", params=asked)
    assert answered.status_code == 422
    assert answered.headers["content-type"] == "application/problem+json"


async def test_a_calendar_can_be_subscribed_to_by_name(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    asked = {"roster": "truc", "person": "binh", "from": "2026-03-02", "to": "2026-03-12"}
    assert (await client.get("/api/v1/duty.ics", params=asked)).status_code == 401
    answered = await client.get("/api/v1/duty.ics", params=asked, auth=AUTH)
    assert answered.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(answered.text).walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == [MON + n * DAY for n in (1, 4, 7)]
    assert [event.decoded("dtend") for event in events] == [MON + n * DAY for n in (2, 5, 8)]
    assert {str(event["summary"]) for event in events} == {"Trực: Binh"}
    _make(connection, _replace("binh", "chi", MON + 4 * DAY, MON + 5 * DAY))
    again = Calendar.from_ical((await client.get("/api/v1/duty.ics", params=asked, auth=AUTH)).text).walk(
        "VEVENT"
    )
    assert [str(e["uid"]) for e in again] == [str(events[0]["uid"]), str(events[2]["uid"])]
    assert PHONE not in answered.text


# -- by command -----------------------------------------------------------------------------------------


def test_now_and_preview_in_a_terminal(run: Any) -> None:
    shown = run("now", "--roster", "truc", "--at", "2026-03-03T12:00")
    assert "Binh    2026-03-03 07:00  2026-03-04 07:00" in shown.output
    document = json.loads(
        run(
            "preview",
            "--roster",
            "truc",
            "--from",
            "2026-03-02T07:00",
            "--to",
            "2026-03-04",
            "--format",
            "json",
        ).output
    )
    assert [s["layers"][0]["people"][0]["code"] for s in document["rosters"][0]["spans"]] == ["an", "binh"]


def test_override_swap_leave_withdraw_and_their_list(run: Any) -> None:
    times = ("--from", "2026-03-02T07:00", "--to", "2026-03-03T07:00")
    assert (
        run("override", "--roster", "truc", "--remove", "an", "--add", "chi", *times, "--by", "lan").exit_code
        == 0
    )
    clash = run("override", "--roster", "truc", "--add", "chi", *times)
    assert isinstance(clash.exception, ConflictError)
    assert "chi in place of an in truc/main" in clash.exception.message
    swapped = run(
        "swap", "--roster", "truc", "--person", "binh", "--shift", "2026-03-03T12:00",
        "--other", "chi", "--other-shift", "2026-03-04T12:00", "--reason", "việc riêng", "--by", "lan",
    )  # fmt: skip
    assert "swap of binh and chi in truc/main, 2026-03-03 07:00 to 2026-03-04 07:00" in swapped.output
    assert "note:" in run("leave", "chi", "--from", "2026-03-01", "--to", "2026-03-03", "--by", "lan").output
    listed = json.loads(run("changes", "--format", "json").output)["changes"]
    assert [(row["kind"], row["made_by"]) for row in listed] == [
        ("leave", "lan"),
        ("swap", "lan"),
        ("replace", "lan"),
    ]
    assert "Withdrawn" in run("withdraw", str(listed[0]["id"]), "--from-start", "--by", "mai").output
    assert run("check", "--roster", "truc", "--from", "2026-03-02T07:00", "--to", "2026-03-09").exit_code == 0


def test_check_ends_with_one_when_somebody_is_lacking(run: Any) -> None:
    run(
        "override",
        "--roster",
        "truc",
        "--remove",
        "an",
        "--from",
        "2026-03-02T07:00",
        "--to",
        "2026-03-03T07:00",
    )
    found = run("check", "--roster", "truc", "--from", "2026-03-02T07:00", "--to", "2026-03-04")
    assert found.exit_code == 1
    assert "2026-03-02 07:00 – 2026-03-03 07:00  truc: Không có ai trực." in found.output


def test_the_log_in_a_terminal(run: Any) -> None:
    assert run("log", "--roster", "truc", "--note", "Đã báo điện lực", "--by", "an").exit_code == 0
    assert "Đã báo điện lực" in run("log", "--roster", "truc").output


def test_a_temporary_schedule_from_a_file_and_its_end_from_now_on(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "tet.csv"
    file.write_text("people,from,to\nbinh+chi,2026-03-02T07:00,2026-03-03T07:00\n", "utf-8")
    words = ("temporary", str(file), "--roster", "truc", "--to", "2026-03-03T12:00", "--by", "lan")
    tried = run(*words, "--dry-run").output
    assert "1 shifts are in order; nothing was stored." in tried
    assert "note: truc: Nobody is on duty, 2026-03-03 07:00 to 2026-03-03 12:00." in tried
    assert json.loads(run("changes", "--format", "json").output)["changes"] == []
    assert "temporary schedule of 1 shifts in truc/main" in run(*words, "--reason", "Tết").output
    assert "Binh, Chi" in run("now", "--roster", "truc", "--at", "2026-03-02T12:00").output
    assert "There is another change at that time" in str(run(*words).exception)
    (listed,) = json.loads(run("changes", "--format", "json").output)["changes"]
    assert (listed["kind"], listed["person"], listed["reason"]) == ("temporary", None, "Tết")
    assert listed["shifts"][0]["people"] == ["binh", "chi"]
    over = run("withdraw", str(listed["id"]))
    assert "is over: nothing is left of it" in str(over.exception)
    assert "Withdrawn" in run("withdraw", str(listed["id"]), "--from-start").output
    assert "An" in run("now", "--roster", "truc", "--at", "2026-03-02T12:00").output


def test_an_import_sends_temporary_schedules_to_their_own_command(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "doi-ca.csv"
    file.write_text("kind,roster,person,from,to\ntemporary,truc,an,2026-03-02,2026-03-03\n", "utf-8")
    assert "A temporary schedule has a file of its own." in str(run("import", str(file)).exception)


def test_export_writes_a_calendar(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "truc.ics"
    done = run(
        "export",
        "--roster",
        "truc",
        "--from",
        "2026-03-02T07:00",
        "--to",
        "2026-03-05T07:00",
        "--output",
        str(file),
    )
    assert done.exit_code == 0
    assert len(Calendar.from_ical(file.read_bytes()).walk("VEVENT")) == 3


def test_import_tells_every_bad_row_and_stores_nothing_then_what_is_in_order(
    run: Any, tmp_path: Path, connection: Connection
) -> None:
    file = tmp_path / "doi-ca.csv"
    file.write_text(
        "kind,roster,layer,person,other,from,to,other_from,reason\n"
        "replace,truc,,an,chi,2026-03-02T07:00,2026-03-03T07:00,,họp\n"
        "replace,truc,,an,binh,2026-03-02T07:00,2026-03-03T07:00,,trùng\n"
        "add,truc,,ghost,,2026-03-02,2026-03-03,,\n"
        "dance,truc,,an,,2026-03-02,2026-03-03,,\n"
        "add,truc,,an,,soon,2026-03-03,,\n"
        "swap,truc,,binh,an,2026-03-06T12:00,,2026-03-05T12:00,\n"
        "leave,,,chi,,2026-03-20,2026-03-22,,\n",
        "utf-8",
    )
    refused = run("import", str(file))
    lines = str(refused.exception)
    for words in (
        "doi-ca.csv:3: an is in another",
        "doi-ca.csv:4: There is no person 'ghost'",
        "doi-ca.csv:5: kind 'dance'",
        "doi-ca.csv:6: 'soon' of from",
    ):
        assert words in lines
    assert "doi-ca.csv:7" not in lines
    assert connection.execute("SELECT count(*) FROM ioc.duty_change").fetchone() == (0,)
    supposed = run("import", str(file), "--skip-bad", "--dry-run")
    assert "3 rows are in order; nothing was stored." in supposed.output
    assert "3 changes stored, 4 left out." in run("import", str(file), "--skip-bad", "--by", "lan").output
    kinds = connection.execute("SELECT kind FROM ioc.duty_change ORDER BY change_id").fetchall()
    assert kinds == [("replace",), ("swap",), ("leave",)]


def test_what_if_changes_the_preview_and_nothing_else(
    run: Any, tmp_path: Path, connection: Connection
) -> None:
    file = tmp_path / "neu.csv"
    file.write_text(
        "kind,roster,person,other,from,to\nreplace,truc,an,chi,2026-03-02T07:00,2026-03-03T07:00\n", "utf-8"
    )
    asked = ("preview", "--roster", "truc", "--from", "2026-03-02T07:00", "--to", "2026-03-03T07:00")
    assert "Chi" in run(*asked, "--what-if", str(file)).output
    assert "Chi" not in run(*asked).output
    assert connection.execute("SELECT count(*) FROM ioc.duty_change").fetchone() == (0,)


def test_a_roster_that_is_not_there_is_named_with_those_that_are(run: Any) -> None:
    failed = run("log", "--roster", "nowhere")
    assert str(failed.exception) == "There is no roster 'nowhere' here. Rosters here: truc, xa."
