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
    assert re.findall(r'name="do" value="(\w+)"', answer.text) == ["ack", "snooze", "comment"]
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
    assert re.findall(r'name="do" value="(\w+)"', answer.text) == ["snooze", "comment"]
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


async def test_a_comment_is_kept_as_text_and_one_that_can_t_be_kept_is_shown_again(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1")
    where = link(ready, message(desk, [alert], "boss", "sms"))
    answer = await client.post(where, data={"do": "comment", "text": "<b>đang đến</b>\r\nđiểm 4"})
    assert answer.status_code == 200
    assert "Đã ghi chú." in answer.text
    assert "&lt;b&gt;đang đến&lt;/b&gt;" in answer.text
    assert desk.told(alert)[-1] == (
        "commented",
        "boss",
        {"via": "link", "comment": "<b>đang đến</b>\nđiểm 4"},
    )
    for text in ("", " ", "ệ" * 281, "x\x00y"):
        refused = await client.post(where + "?lang=en", data={"do": "comment", "text": text})
        assert (refused.status_code, "mend it" in refused.text) == (422, True)
        assert text.strip()[:280] in refused.text
    assert desk.events(alert) == ["opened", "commented"]
    sent_before = Claim(
        message(desk, [alert], "boss", "zalo"), "boss", datetime.now(UTC) + LIFE, frozenset({Doing.SNOOZE})
    )
    older = made(ready, sent_before)
    assert "textarea" not in _Tags((await client.get(older)).text).tags
    assert (await client.post(older, data={"do": "comment", "text": "x"})).status_code == 403


async def test_it_tells_who_else_knows_and_what_else_is_open(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert, other = desk.open("camera.down", "device:c1"), desk.open("wifi.down", "device:ap-7")
    hidden = desk.open("site.power", "point:p1")
    where = link(ready, message(desk, [alert], "boss", "sms"))
    answer = await client.get(where)
    assert "chưa báo cho ai khác" in answer.text
    assert "Không có cảnh báo nào khác." in answer.text
    assert "Hiện bạn không trong ca trực nào." in answer.text
    person(desk, "deputy")
    for to, about, state in (("deputy", alert, "sent"), ("truc-1", alert, "failed"), ("boss", other, "sent")):
        number = message(desk, [about], to, "zalo", state)
        desk.connection.execute(
            "UPDATE ioc.alert_message SET ended_at = created_at WHERE message_id = %s", (number,)
        )
    answer = await client.get(where + "?lang=en")
    assert "Told deputy, 08:00 2026-03-02" in answer.text
    assert "truc-1" not in answer.text
    assert "ap-7" in answer.text
    assert "point p1" not in answer.text
    assert desk.events(hidden) == ["opened"]
    assert "84900000000" not in answer.text
    assert "Tên riêng" not in answer.text


async def test_it_has_the_number_to_call_where_one_is_known(
    ready: Settings, desk: Place, client: httpx.AsyncClient
) -> None:
    alert = desk.open("camera.down", "device:c1", unit="go-1")
    where = link(ready, message(desk, [alert], "boss", "sms"))
    assert "tel:" not in (await client.get(where)).text
    desk.connection.execute(
        "UPDATE ioc.unit SET phone = '+84 276 385 00 00', contact = 'Trực <b>UBND</b>' WHERE code = 'go-1'"
    )
    try:
        answer = await client.get(where)
    finally:
        desk.connection.execute("UPDATE ioc.unit SET phone = NULL, contact = NULL")
    assert 'href="tel:+842763850000">+84 276 385 00 00</a>' in answer.text
    assert "Trực &lt;b&gt;UBND&lt;/b&gt;" in answer.text


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


@pytest.mark.parametrize("body", [b"", b"do=close", b"do=ack&do=snooze", b"\xff", b"do=ack&x=" + b"y" * 4000])
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
