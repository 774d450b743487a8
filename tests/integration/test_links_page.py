"""What a message's link opens: the alerts and two buttons, for whoever has the link and for nobody else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import httpx
import pytest
import pytest_asyncio
import structlog

from ioc.alerts import actions
from ioc.delivery.answering import Doing
from ioc.delivery.links import LIFE, Claim, Links
from ioc.kpi.query import SYSTEM_READER, change
from ioc.settings import Settings
from tests.integration.alert_place import Place
from tests.integration.asking import asking
from tests.integration.messages import message, person


@pytest.fixture(scope="module")
def ready(ready: Settings) -> Settings:
    return ready.model_copy(update={"public_url": "https://ioc.example"})


@pytest.fixture
def desk(desk: Place) -> Place:
    person(desk, "boss", sms="84900000000")
    return desk


@pytest_asyncio.fixture
async def client(ready: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(ready) as found:
        yield found


def link(ready: Settings, message_id: int, to: str = "boss") -> str:
    url = Links.of(ready).url(message_id, to, datetime.now(UTC))
    assert url is not None
    return url.removeprefix("https://ioc.example")


def made(ready: Settings, claim: Claim) -> str:
    return "/a/" + Links.of(ready).sign(claim)


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


async def test_opening_a_link_shows_the_alert_and_changes_nothing(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1")
    where = link(ready, message(desk, [alert], "boss", "sms"))
    for _ in range(3):
        answer = await client.get(where)
    assert answer.status_code == 200
    assert desk.events(alert) == ["opened"]
    assert "Luật camera.down" in answer.text
    assert "Gọi người trực." in answer.text
    assert re.findall(r'name="do" value="(\w+)"', answer.text) == ["ack", "snooze"]
    assert "script" not in _Tags(answer.text).tags
    assert len(answer.content) < 50_000
    headers = answer.headers
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "default-src 'none'" in headers["content-security-policy"]


async def test_its_button_acknowledges_for_the_person_it_was_sent_to(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1")
    where = link(ready, message(desk, [alert], "boss", "sms"))
    answer = await client.post(where, data={"do": "ack"})
    assert "Đã xác nhận: boss." in answer.text
    assert desk.alert(alert)["acknowledged_by"] == "boss"
    assert desk.told(alert)[-1] == ("acknowledged", "boss", {"via": "link"})
    assert re.findall(r'name="do" value="(\w+)"', answer.text) == ["snooze"]
    again = await client.post(where, data={"do": "ack"})
    assert "boss đã xác nhận lúc" in again.text
    assert desk.events(alert) == ["opened", "acknowledged"]


async def test_it_snoozes_for_an_hour(ready: Settings, desk: Place, client: httpx.AsyncClient) -> None:
    alert = desk.open("camera.down", "device:c1")
    before = datetime.now(UTC)
    answer = await client.post(link(ready, message(desk, [alert], "boss", "sms")), data={"do": "snooze"})
    assert "Đã hoãn 1 giờ." in answer.text
    until = desk.alert(alert)["snoozed_until"]
    assert before + timedelta(minutes=59) < until < datetime.now(UTC) + timedelta(minutes=61)


async def test_what_somebody_else_acknowledged_meanwhile_is_said(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1")
    where = link(ready, message(desk, [alert], "boss", "sms"))
    change(desk.connection, actions.acknowledge(SYSTEM_READER, [alert], "truc-1", desk.now))
    for answer in (await client.get(where), await client.post(where, data={"do": "ack"})):
        assert "truc-1 đã xác nhận lúc" in answer.text
        assert "truc-1 acknowledged at" in answer.text
    assert desk.alert(alert)["acknowledged_by"] == "truc-1"


async def test_many_alerts_are_acknowledged_at_once_and_listed_in_part(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alerts = [desk.open("camera.down", f"device:c{n}") for n in range(40)]
    where = link(ready, message(desk, alerts, "boss", "sms"))
    shown = await client.get(where)
    assert "40 cảnh báo" in shown.text
    assert "… và 10 cảnh báo nữa" in shown.text
    assert len(shown.content) < 50_000
    await client.post(where, data={"do": "ack"})
    assert {desk.alert(alert)["acknowledged_by"] for alert in alerts} == {"boss"}


async def test_names_with_markup_are_text(ready: Settings, desk: Place, client: httpx.AsyncClient) -> None:
    alert = desk.open("camera.down", "device:<img src=x onerror=alert(1)>\"'&")
    answer = await client.get(link(ready, message(desk, [alert], "boss", "sms")))
    assert "img" not in _Tags(answer.text).tags
    assert "&lt;img src=x" in answer.text


async def test_links_that_are_wrong_old_or_of_nobody_say_so_and_do_nothing(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1")
    number = message(desk, [alert], "boss", "sms")
    good = Claim(number, "boss", datetime.now(UTC) + LIFE)
    cases = (
        ("/a/" + "x" * 60, 404, "bị cắt"),
        ("/a/x", 404, "bị cắt"),
        (made(ready, good)[:-1], 404, "bị cắt"),
        (made(ready, replace(good, expires_at=datetime.now(UTC) - timedelta(minutes=2))), 410, "hết hạn"),
        (made(ready, replace(good, person="gone")), 403, "không thuộc về ai"),
        (made(ready, replace(good, message_id=999_999)), 200, "không còn cảnh báo nào"),
        (made(ready, replace(good, actions=frozenset({Doing.SNOOZE}))), 403, "không cho làm"),
    )
    for where, status, words in cases:
        answer = await client.post(where, data={"do": "ack"})
        assert (answer.status_code, words in answer.text) == (status, True), (where, answer.text)
        assert 'lang="en"' in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert desk.events(alert) == ["opened"]


@pytest.mark.parametrize("body", [b"", b"do=close", b"do=ack&do=snooze", b"\xff", b"do=ack&x=" + b"y" * 2000])
async def test_a_form_that_is_none_changes_nothing(
    ready: Settings, desk: Place, client: httpx.AsyncClient, body: bytes
) -> None:
    alert = desk.open("camera.down", "device:c1")
    answer = await client.post(link(ready, message(desk, [alert], "boss", "sms")), content=body)
    assert answer.status_code == 422
    assert "hãy bấm một nút" in answer.text
    assert desk.events(alert) == ["opened"]


async def test_without_a_database_the_page_says_so_and_the_log_never_holds_the_token(
    ready: Settings, desk: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    where = link(ready, message(desk, [desk.open("camera.down", "device:c1")], "boss", "sms"))
    away = ready.model_copy(
        update={"database_url": type(ready.database_url)("postgresql://ioc@127.0.0.1:1/none")}  # type: ignore[misc,arg-type]
    )
    with structlog.testing.capture_logs() as logs:
        async with asking(away) as client:
            answer = await client.get(where)
            assert answer.status_code == 503
            assert "thử lại" in answer.text
            client._transport.app.state.links = None  # type: ignore[attr-defined]
            broken = await client.get(where)
            assert broken.status_code == 500
    token = where.rpartition("/")[2]
    assert {entry["event"] for entry in logs} >= {"a link could not be answered", "request failed"}
    written = "".join(capfd.readouterr())
    assert token not in written
    assert not [entry for entry in logs if token in str({**entry, "exc_info": ""})]
