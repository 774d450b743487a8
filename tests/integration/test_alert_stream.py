"""Server-sent events of alerts and figures, from a running ``ioc serve``."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ioc.alerts import actions
from ioc.kpi.query import SYSTEM_READER, change
from ioc.settings import Settings
from tests.integration.alert_place import Place, begin, prepare
from tests.integration.history_place import PASSWORD, serving

STREAM = "/api/v1/stream"


@pytest.fixture(scope="module")
def address(place: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        prepare(connection)
    with serving(place.database_dsn, Path(tmp_path_factory.mktemp("state"))) as (found, _):
        yield found


@pytest.fixture
def desk(address: str, place: Settings) -> Iterator[Place]:
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        yield begin(connection)


class Reading:
    """A stream that is read beside the test."""

    def __init__(self, address: str, reader: str | None, place: str | None = None, **asked: str) -> None:
        auth = None if reader is None else (reader, PASSWORD)
        self._client = httpx.AsyncClient(base_url=address, auth=auth, timeout=300)
        self._asked = asked
        self._headers = {} if place is None else {"Last-Event-ID": place}
        self.events: list[tuple[str, str, Any]] = []
        self._came = asyncio.Condition()
        self._ends = False

    async def __aenter__(self) -> Reading:
        self._task = asyncio.create_task(self._run())
        return self

    def expect_end(self) -> None:
        """The server is about to end: that is no failure of the reader."""
        self._ends = True

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, *((httpx.TransportError,) if self._ends else ())):
            await self._task
        await self._client.aclose()

    async def wait(self, kind: str, count: int = 1) -> list[tuple[str, Any]]:
        """The id and document of events of a kind (``alert``, ``alert commented``), when there are so many."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.of(kind)) >= count), 60)
        return self.of(kind)

    async def first(self) -> str:
        """Kind of the first event."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: self.events), 60)
        return self.events[0][1]

    def of(self, kind: str) -> list[tuple[str, Any]]:
        return [
            (number, data)
            for number, found, data in self.events
            if kind in (found, f"{found} {data.get('kind')}")
        ]

    async def _run(self) -> None:
        async with self._client.stream("GET", STREAM, params=self._asked, headers=self._headers) as answer:
            assert answer.status_code == 200
            lines: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if line:
                    lines[name] = value
                    continue
                if "data" in lines:
                    async with self._came:
                        self.events.append((lines.get("id", ""), lines["event"], json.loads(lines["data"])))
                        self._came.notify_all()
                lines = {}


async def test_what_happens_comes_as_it_happens_to_those_who_may_know(address: str, desk: Place) -> None:
    async with (
        Reading(address, "clerk", only="alerts") as clerk,
        Reading(address, "head", only="alerts") as head,
    ):
        await clerk.wait("begin")
        await head.wait("begin")
        theirs = desk.open("camera.down", "device:c2", "go-2")
        own = desk.open("disk.full", "reading:disk@a", None)
        mine = desk.open("camera.down", "device:c1", point="p1")
        change(desk.connection, actions.acknowledge("clerk", [mine], "clerk", desk.now))
        seen = await head.wait("alert", 4)
        assert [(data["alert"]["id"], data["kind"]) for _, data in seen] == [
            (theirs, "opened"),
            (own, "opened"),
            (mine, "opened"),
            (mine, "acknowledged"),
        ]
        of_clerk = await clerk.wait("alert", 2)
        assert {data["alert"]["id"] for _, data in of_clerk} == {mine}
        last = of_clerk[1][1]
        assert (last["actor"], last["alert"]["acknowledged_by"]) == ("clerk", "clerk")


async def test_a_client_that_comes_back_goes_on_after_what_it_had(address: str, desk: Place) -> None:
    async with Reading(address, "clerk", only="alerts") as first:
        await first.wait("begin")
        number = desk.open("camera.down", "device:c1")
        ((place, _),) = await first.wait("alert")
    for n in range(3):
        change(desk.connection, actions.comment(SYSTEM_READER, [number], "a", desk.now, f"{n}"))
    desk.open("camera.down", "device:c2", "go-2")
    async with Reading(address, "clerk", place, only="alerts") as again:
        found = await again.wait("alert commented", 3)
        assert [data["detail"]["comment"] for _, data in found] == ["0", "1", "2"]
        change(desk.connection, actions.comment(SYSTEM_READER, [number], "a", desk.now, "3"))
        assert (await again.wait("alert commented", 4))[3][1]["detail"]["comment"] == "3"


async def test_who_missed_too_much_is_asked_to_list_anew(address: str, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    desk.connection.execute(
        "INSERT INTO ioc.alert_event (alert_id, kind, actor) SELECT %s, 'commented', 'a' FROM generate_series(1, 1500)",
        (number,),
    )
    # the feed may still go on for whoever followed before, and tell these one by one: then they are not missed yet
    for _ in range(5):
        async with Reading(address, "head", only="alerts", after="0") as found:
            if await found.first() == "reset":
                break
    assert [kind for _, kind, _ in found.events] == ["reset"]
    # a number that is not of this database's: it was restored from before
    async with Reading(address, "head", str(2**62), only="alerts") as found:
        await found.wait("reset")


async def test_an_event_that_commits_late_is_told_all_the_same(
    address: str, desk: Place, place: Settings
) -> None:
    number = desk.open("camera.down", "device:c1")
    async with Reading(address, "clerk", only="alerts") as found:
        await found.wait("begin")
        with psycopg.connect(place.database_dsn) as late:
            late.execute(
                "INSERT INTO ioc.alert_event (alert_id, kind, actor) VALUES (%s, 'commented', 'late')",
                (number,),
            )
            change(desk.connection, actions.comment(SYSTEM_READER, [number], "early", desk.now, "x"))
            ((early, data),) = await found.wait("alert commented")
            # whoever goes on from here has the late one told again
            assert (data["actor"], int(early) < data["id"]) == ("early", True)
            late.execute("SELECT pg_notify('ioc_alerts', '')")
            late.commit()
        assert (await found.wait("alert commented", 2))[1][1]["actor"] == "late"


async def test_the_guest_gets_figures_and_no_alert(address: str, desk: Place) -> None:
    async with Reading(address, None, ids="camera.down") as guest:
        ((_, data),) = await guest.wait("figures")
        assert [figure["kpi"] for figure in data["figures"]] == ["camera.down"]
        async with Reading(address, "clerk", ids="camera.down") as clerk:
            await clerk.wait("figures")
            desk.open("camera.down", "device:c1")
            await clerk.wait("alert")
        assert guest.of("alert") == []


async def test_a_database_connection_that_dies_costs_no_event(address: str, desk: Place) -> None:
    number = desk.open("camera.down", "device:c1")
    async with Reading(address, "clerk", only="alerts") as found:
        await found.wait("begin")
        ended = desk.connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'ioc serve stream'"
        ).fetchone()
        assert ended == (1,)
        change(desk.connection, actions.comment(SYSTEM_READER, [number], "a", desk.now, "trong lúc đứt"))
        ((_, data),) = await found.wait("alert commented")
        assert data["detail"]["comment"] == "trong lúc đứt"


async def test_the_server_ends_although_somebody_follows(
    address: str, desk: Place, place: Settings, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        # its end waits for the process, and fails when that takes too long
        with serving(place.database_dsn, tmp_path) as (other, _):
            following = await stack.enter_async_context(Reading(other, "clerk", only="alerts"))
            await following.wait("begin")
            following.expect_end()


async def test_streams_of_one_reader_are_bounded(address: str, desk: Place) -> None:
    asked = {"only": "alerts"}
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(20):
            await (await stack.enter_async_context(Reading(address, "clerk", only="alerts"))).wait("begin")
        client = await stack.enter_async_context(httpx.AsyncClient(auth=("clerk", PASSWORD), timeout=60))
        refused = await client.get(address + STREAM, params=asked)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
        assert refused.headers["Retry-After"] == "5"
        async with Reading(address, "head", only="alerts") as other:
            await other.wait("begin")
    # those who went away make room
    async with httpx.AsyncClient(auth=("clerk", PASSWORD), timeout=60) as client, asyncio.timeout(60):
        while True:
            async with client.stream("GET", address + STREAM, params=asked) as answer:
                if answer.status_code == 200:
                    break


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("only=x", "can't be read"),
        ("after=-1", "no id"),
        ("after=1e9", "no id"),
        ("after=" + "9" * 5000, "no id"),
        ("after=" + str(2**63), "no id"),
        ("ids=nothing", "no indicator"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_stream_begins(address: str, query: str, said: str) -> None:
    answer = httpx.get(f"{address}{STREAM}?{query}", auth=("clerk", PASSWORD), timeout=60)
    assert answer.status_code in (404, 422)
    assert said in answer.text
