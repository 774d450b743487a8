"""Accounts as people meet them: ``ioc user``, waits after wrong passwords, the password form, sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from ioc.access import ensure_first_password, readers
from ioc.access.lockout import FREE_OF_ONE
from ioc.cli.main import build
from ioc.errors import UsageError
from ioc.settings import Settings, load
from tests.integration.asking import asking
from tests.integration.history_place import PASSWORD, add_places
from tests.integration.kpi_data import Connection, empty


@pytest.fixture
def people(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as session:
        session.execute("TRUNCATE ioc.session, ioc.access_change")
        empty(session)
        add_places(session)
        yield session


@pytest_asyncio.fixture
async def client(place: Settings, people: Connection) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(place) as found:
        yield found


@pytest.fixture
def run(place: Settings, people: Connection, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("IOC_DATABASE_URL", place.database_dsn)
    load.cache_clear()

    def command(*arguments: object, said: str | None = None) -> Result:
        return CliRunner().invoke(build(), ["user", *map(str, arguments)], input=said)

    return command


def test_an_account_from_its_making_to_its_end(run: Any, people: Connection) -> None:
    made = run("add", "lan", "--role", "operator", "--unit", "go-1")
    assert made.exit_code == 0, made.output
    password = made.stdout.strip()
    assert len(password) == 20
    assert password not in made.stderr
    (row,) = [line.split() for line in run("list").output.splitlines() if line.startswith("lan ")]
    assert row == ["lan", "operator", "go-1", "yes", "yes", "0"]
    again = run("password", "lan")
    assert again.exit_code == 0
    assert again.stdout.strip() != password
    said = run("password", "lan", "--stdin", said="a password of her own\n")
    assert (said.exit_code, said.stdout) == (0, "")
    assert run("role", "lan", "leader").output == "lan is leader.\n"
    assert run("unit", "lan").output == "lan sees every unit.\n"
    assert run("close", "lan").exit_code == 0
    assert not readers.find(people, "lan").active
    assert run("open", "lan").exit_code == 0
    told = people.execute(
        "SELECT what, detail::text FROM ioc.access_change WHERE subject = 'lan' ORDER BY change_id"
    ).fetchall()
    assert [what for what, _ in told] == [
        "account.added",
        "account.password",
        "account.password",
        "account.role",
        "account.unit",
        "account.closed",
        "account.opened",
    ]
    assert all(secret not in str(told) for secret in (password, again.stdout.strip(), "of her own"))


def test_what_can_t_be_is_said_plainly(run: Any, place: Settings, people: Connection) -> None:
    assert run("add", "chief").exit_code == 1
    for wrong, words in (
        (("add", "chief"), "already"),
        (("add", "x", "--unit", "nowhere"), "no unit"),
        (("add", "x", "--stdin"), "12 characters"),
        (("password", "nobody"), "no reader"),
        (("password", "guest"), "not a person"),
        (("close", "system"), "can't be closed"),
        (("role", "system", "viewer"), "not a person"),
    ):
        found = run(*wrong, said="short\n")
        assert words in str(found.exception), (wrong, found.output)
    assert run("role", "chief", "king").exit_code == 2
    ensure_first_password(place)
    for last in (("role", "admin", "viewer"), ("close", "admin")):
        assert "last one who administers" in str(run(*last).exception)
    assert run("role", "chief", "admin").exit_code == 0
    assert run("close", "admin").exit_code == 0
    with pytest.raises(UsageError, match="last one"):
        readers.set_active(people, "chief", active=False)


async def _log_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await client.post("/login", data={"name": name, "password": password, "next": "/ops/wall"})


async def test_guessing_has_to_wait_and_who_is_in_stays_in(client: httpx.AsyncClient) -> None:
    assert (await _log_in(client, "chief", PASSWORD)).status_code == 303
    guess = ("chief", "not the password")
    with capture_logs() as logs:
        # many at once: none may pass before the others are counted
        answers = await asyncio.gather(*(client.get("/api/v1/alerts", auth=guess) for _ in range(20)))
    counts = [answer.status_code for answer in answers]
    assert (counts.count(401), counts.count(429)) == (FREE_OF_ONE, 20 - FREE_OF_ONE)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 0 < int(refused.headers["Retry-After"]) <= 2
    assert "Wait" in refused.json()["detail"]
    assert "not the password" not in str(logs)
    assert [entry["reader"] for entry in logs if entry["event"] == "login.waits"] == ["chief"]
    # the right password waits as well, or a wait would tell that it is right
    assert (await client.get("/api/v1/alerts", auth=("chief", PASSWORD))).status_code == 429
    form = await _log_in(client, "chief", PASSWORD)
    assert (form.status_code, "Hãy đợi" in form.text) == (429, True)
    # a session goes on, and other names are not touched
    assert (await client.get("/api/v1/alerts")).status_code == 200
    assert (await client.get("/api/v1/alerts", auth=("clerk", PASSWORD))).status_code == 200
    # a name that nobody has waits alike
    nobody = [
        (await client.get("/api/v1/alerts", auth=("nobody", "x"))).status_code for _ in range(FREE_OF_ONE + 1)
    ]
    assert nobody == [401] * FREE_OF_ONE + [429]


async def test_people_change_their_own_password(place: Settings, client: httpx.AsyncClient) -> None:
    asked = await client.get("/password")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/password")
    new = "a new password of mine"
    await _log_in(client, "chief", PASSWORD)
    async with asking(place) as other:
        await _log_in(other, "chief", PASSWORD)
        form = {"old": PASSWORD, "new": new, "again": new}
        for wrong, words in (
            ({"again": "another one"}, "không giống nhau"),
            ({"old": "wrong"}, "hiện tại không đúng"),
            ({"new": "short", "again": "short"}, "từ 12 đến 200"),
            ({"new": PASSWORD, "again": PASSWORD}, "phải khác"),
        ):
            answer = await client.post("/password", data={**form, **wrong})
            assert (answer.status_code, words in answer.text) == (422, True), wrong
            assert new not in answer.text
        assert "Change the password" in (await client.get("/password?lang=en")).text
        done = await client.post("/password", data=form)
        assert (done.status_code, "Đã đổi mật khẩu" in done.text) == (200, True)
        # this session goes on, the others are over
        assert (await client.get("/api/v1/alerts")).status_code == 200
        assert (await other.get("/api/v1/alerts")).status_code == 401
        assert (await _log_in(other, "chief", PASSWORD)).status_code == 401
        assert (await _log_in(other, "chief", new)).status_code == 303
    assert (
        await client.post("/password", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    ).status_code == 403


async def test_sessions_are_listed_and_ended(run: Any, client: httpx.AsyncClient) -> None:
    await client.post(
        "/login",
        data={"name": "clerk", "password": PASSWORD, "next": "/ops/wall"},
        headers={"User-Agent": "A Browser/1.0"},
    )
    listed = await asyncio.to_thread(run, "sessions", "clerk")
    assert "A Browser/1.0" in listed.output
    ended = await asyncio.to_thread(run, "end-sessions", "clerk")
    assert ended.output == "1 sessions of clerk have ended.\n"
    assert (await client.get("/api/v1/alerts")).status_code == 401
