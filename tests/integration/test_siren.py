"""The room's siren: what its page shows, and that a message counts as sent only when a page showed it."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from ioc.alerts.model import Channel, Severity
from ioc.delivery.channels.interface import Outgoing, PermanentError, TemporaryError
from ioc.delivery.channels.making import make_driver
from ioc.settings import Settings
from tests.integration.alert_place import Place
from tests.integration.asking import asking
from tests.integration.history_place import PASSWORD
from tests.integration.messages import message


@pytest.fixture(scope="module")
def ready(ready: Settings) -> Settings:
    with psycopg.connect(ready.database_dsn, autocommit=True) as connection:
        for code, driver in (("room", "siren"), ("sms", "apprise")):
            connection.execute(
                "INSERT INTO ioc.alert_channel (code, definition) VALUES (%s, %s)",
                (code, Jsonb({"code": code, "driver": driver})),
            )
    return ready


@pytest_asyncio.fixture
async def client(ready: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(ready, ("head", PASSWORD)) as found:
        yield found


def send(settings: Settings, number: int, timeout_s: float) -> Any:
    channel = Channel("room", "siren", timeout=timedelta(seconds=timeout_s))
    driver = make_driver(channel, lambda _reference: SecretStr(""), settings)
    return driver.send(Outgoing("k", "alert", Severity.MAJOR, "s", "b", "s", message_id=number))


async def test_a_message_is_sent_only_when_a_page_has_shown_it(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    number = message(desk, [desk.open("camera.down", "device:c1")], None, "room", "sending")
    sent: list[Any] = []
    waiting = threading.Thread(target=lambda: sent.append(send(ready, number, 60)))
    waiting.start()
    shown = (await client.get("/api/v1/siren")).json()
    assert [one["id"] for one in shown["messages"]] == [number]
    assert shown["messages"][0]["sounds"]
    # the district's clock, wherever the room's browser believes to be
    assert shown["at"].endswith("+07:00")
    assert sent == []
    answer = await client.post("/api/v1/siren/shown", json={"messages": [number], "sound": True})
    assert answer.json() == {"taken": 1}
    await run_in_threadpool(waiting.join, 60)
    assert sent[0].detail["sound"] == "on"
    assert sent[0].detail["reader"] == "head"
    again = await client.post("/api/v1/siren/shown", json={"messages": [number], "sound": True})
    assert again.json() == {"taken": 0}
    assert send(ready, number, 0.1).detail["sound"] == "on"


async def test_without_a_page_the_message_waits_and_says_why(ready: Settings, desk: Place) -> None:
    number = message(desk, [desk.open("camera.down", "device:c1")], None, "room", "sending")
    with pytest.raises(TemporaryError, match="No siren page is open") as caught:
        send(ready, number, 0.3)
    assert "/siren" in caught.value.remedy
    with pytest.raises(PermanentError, match="no address to try"):
        send(ready, 0, 0.3)


async def test_the_page_shows_what_is_bad_and_nobody_has_taken_on(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    numbers = [desk.open("camera.down", f"device:c{n}") for n in range(6)]
    state = {
        1: "acknowledged_at = now(), acknowledged_by = 'x'",
        2: "snoozed_until = now() + interval '1 hour'",
        3: "severity = 3",
        4: "flapping = true",
        5: "cleared_at = now()",
    }
    for place, change in state.items():
        desk.connection.execute(
            f"UPDATE ioc.alert SET {change} WHERE alert_id = %s".encode(),  # noqa: S608 - of words above
            (numbers[place],),
        )
    shown = (await client.get("/api/v1/siren")).json()
    assert [one["id"] for one in shown["alerts"]] == [numbers[0]]
    assert shown["alerts"][0]["vi"]["heading"].startswith("[NGHIÊM TRỌNG] Luật camera.down")
    assert any(line.startswith("Cần làm: ") for line in shown["alerts"][0]["vi"]["lines"])
    many = [desk.open("site.power", f"device:x{n}", point=f"p{n}") for n in range(40)]
    shown = (await client.get("/api/v1/siren")).json()
    assert (len(shown["alerts"]), shown["total"]) == (30, len(many) + 1)


async def test_a_clerk_sees_and_reports_only_what_is_of_the_own_unit(ready: Settings, desk: Place) -> None:
    own, others = desk.open("camera.down", "device:c1"), desk.open("camera.down", "device:c2", "go-2")
    mine = message(desk, [own], None, "room", "sending")
    both = message(desk, [own, others], None, "room", "sending")
    none = message(desk, [], None, "room", "sending")
    other_channel = message(desk, [own], "truc-1", "sms", "sending")
    async with asking(ready, ("clerk", PASSWORD)) as client:
        shown = (await client.get("/api/v1/siren")).json()
        assert [one["id"] for one in shown["messages"]] == [mine]
        assert [one["id"] for one in shown["alerts"]] == [own]
        told = await client.post(
            "/api/v1/siren/shown", json={"messages": [mine, both, none, other_channel, 99]}
        )
        assert told.json() == {"taken": 1}
        refused = await client.post("/api/v1/siren/acknowledge", json={"alerts": [own, others]})
        assert refused.status_code == 404
    assert desk.events(own) == ["opened"]
    async with asking(ready, ("chief", PASSWORD)) as client:
        shown = (await client.get("/api/v1/siren")).json()
        assert {one["id"] for one in shown["messages"]} == {mine, both, none}


async def test_somebody_in_the_room_acknowledges(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1")
    answer = await client.post("/api/v1/siren/acknowledge", json={"alerts": [alert]})
    assert answer.json() == {"taken": 1}
    assert desk.told(alert)[-1] == ("acknowledged", "head", {"via": "siren"})
    assert (await client.get("/api/v1/siren")).json()["alerts"] == []


async def test_other_sites_cant_acknowledge_with_the_rooms_login(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1")
    for body in ({"alerts": [alert]}, {"messages": [1]}):
        path = "acknowledge" if "alerts" in body else "shown"
        for site in ("cross-site", "same-site"):
            answer = await client.post(f"/api/v1/siren/{path}", json=body, headers={"Sec-Fetch-Site": site})
            assert answer.status_code == 403
    plain = await client.post(
        "/api/v1/siren/acknowledge",
        content=f'{{"alerts":[{alert}]}}',
        headers={"Content-Type": "text/plain"},
    )
    assert plain.status_code == 422
    assert desk.events(alert) == ["opened"]


async def test_the_page_needs_a_login_and_nothing_from_elsewhere(
    ready: Settings, client: httpx.AsyncClient
) -> None:
    async with asking(ready) as guest:
        for path in ("/siren", "/api/v1/siren"):
            assert (await guest.get(path)).status_code == 401
    page = await client.get("/siren")
    script = await client.get("/siren.js")
    assert page.text.index("MẤT LIÊN LẠC") < page.text.index("The server is lost")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    for text in (page.text, script.text):
        assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text) == []
        assert "innerHTML" not in text
    assert "<script>" not in page.text
    named = set(re.findall(r'getElementById\("(\w+)"\)', script.text))
    assert named
    assert named <= set(re.findall(r'id="(\w+)"', page.text))


async def test_bad_reports_are_told(ready: Settings, client: httpx.AsyncClient) -> None:
    for path, body in (
        ("shown", {"messages": ["x"]}),
        ("shown", {"messages": list(range(101))}),
        ("shown", {"messages": [1], "who": "me"}),
        ("acknowledge", {"alerts": []}),
    ):
        assert (await client.post(f"/api/v1/siren/{path}", json=body)).status_code == 422
