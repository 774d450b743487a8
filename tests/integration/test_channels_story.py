"""From an alert to the person and back over real processes: Telegram, mail with a link, and the room's siren."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller

from ioc.alerts.model import Channel, Policy, Step, Target
from ioc.duty.model import Person
from ioc.settings import Settings
from tests.integration.alerting import a_rule
from tests.integration.asking import asking
from tests.integration.delivering import OFFICER, PLAIN, Post, begin, prepare, rotation
from tests.integration.history_place import PASSWORD
from tests.integration.streaming import IocProcess, started, wait_until
from tests.peers.mail_server import Box, mail_server
from tests.peers.telegram_double import TOKEN, TelegramDouble, telegram_double
from tests.servers import Servers

AN, LAN = 501, 502
PUBLIC = "https://ioc.godau.example"
POLICY = Policy(
    "truc",
    "Trực",
    "Duty",
    (
        Step(timedelta(0), (OFFICER, Target(channel="siren"))),
        Step(timedelta(seconds=20), (Target(person="lan"),)),
    ),
)


@pytest.fixture
def double() -> Iterator[TelegramDouble]:
    with telegram_double() as found:
        found.chats |= {AN, LAN}
        yield found


@pytest.fixture
def box() -> Iterator[tuple[Box, Controller]]:
    with mail_server() as found:
        yield found


@pytest.fixture
def place(
    servers: Servers,
    double: TelegramDouble,
    box: tuple[Box, Controller],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    monkeypatch.setenv("TEST_BOT", TOKEN)
    monkeypatch.setenv("TEST_MAIL", f"mailto://127.0.0.1:{box[1].port}?from=ioc@godau.example&to={{address}}")
    with servers.place() as found:
        yield found.model_copy(update={"digest_at": "", "telegram_url": double.url, "public_url": PUBLIC})


@pytest.fixture
def post(place: Settings) -> Iterator[Post]:
    with psycopg.connect(place.database_dsn, autocommit=True) as connection:
        prepare(connection)
        found = begin(connection)
        found.now = datetime.now(UTC)
        found.rules(a_rule("camera.down", policy="truc"), policies=(POLICY,))
        found.rosters(
            rotation("truc-ban", "an"),
            rotation("lanh-dao", "lan"),
            people_=[
                Person("an", "An", contacts={"telegram": str(AN), "email": "an@godau.example"}),
                Person("lan", "Lan", contacts={"telegram": str(LAN)}),
            ],
        )
        plain: dict[str, Any] = PLAIN
        found.channels = {
            "telegram": Channel("telegram", "telegram", "env:TEST_BOT", **plain),
            "email": Channel("email", "apprise", "env:TEST_MAIL", **plain),
            "siren": Channel("siren", "siren", **plain),
        }
        found.keep_channels()
        yield found


def _link(mail: EmailMessage) -> str:
    found = re.search(re.escape(PUBLIC) + r"(/a/[A-Za-z0-9_-]+)", mail.get_content())
    assert found is not None
    return found[1]


async def test_an_alert_reaches_phone_mail_and_room_and_one_press_settles_it_everywhere(
    place: Settings, post: Post, double: TelegramDouble, box: tuple[Box, Controller]
) -> None:
    mails = box[0].mails
    async with asking(place, ("chief", PASSWORD)) as client:
        with started(IocProcess(place, "deliver", "deliver", stop_s=60)) as process:
            alert = post.open("camera.down")
            wait_until(lambda: double.sent and mails, within_s=60, what="the messages")
            shown = (await client.get("/api/v1/siren")).json()
            assert [one["id"] for one in shown["alerts"]] == [alert]
            numbers = [one["id"] for one in shown["messages"]]
            await client.post("/api/v1/siren/shown", json={"messages": numbers, "sound": True})
            wait_until(
                lambda: sorted(row[3] for row in post.outbox(alert)) == ["sent"] * 3,
                within_s=30,
                what="all three receipts",
            )
            link = _link(mails[0][1])
            assert "Luật camera.down" in (await client.get(link)).text
            assert post.alert(alert)["acknowledged_by"] is None

            double.press(AN, double.sent[0], "a:")
            wait_until(lambda: double.edited, within_s=30, what="the marked message")
            assert post.alert(alert)["acknowledged_by"] == "an"
            assert "an đã xác nhận lúc" in (await client.post(link, data={"do": "ack"})).text
            assert (await client.get("/api/v1/siren")).json()["alerts"] == []

            # the next step is not gone for the other one, whose turn comes after a link is pressed
            second = post.open("camera.down", "device:c2")
            wait_until(lambda: len(mails) == 2, within_s=30, what="the second mail")
            assert "Đã xác nhận: an." in (await client.post(_link(mails[1][1]), data={"do": "ack"})).text
            wait_until(lambda: len(double.edited) == 2, within_s=30, what="the phone's message, marked too")
            assert process.stop() == 0
    assert {row[1] for number in (alert, second) for row in post.outbox(number)} == {"an", None}
    assert double.refused == []
    assert mails[0][1]["X-IOC-Idempotency-Key"] != mails[1][1]["X-IOC-Idempotency-Key"]
    log = process.log.read_text()
    assert log
    for secret in (TOKEN, "an@godau.example", link.rpartition("/")[2]):
        assert secret not in log
