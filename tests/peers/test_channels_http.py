"""Webhooks and services of apprise against real HTTP servers: well, slow, dead, overloaded and refusing ones."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from ioc.alerts.model import Channel, Severity
from ioc.delivery import fitting
from ioc.delivery.channels import webhook
from ioc.delivery.channels.interface import (
    ChannelError,
    Driver,
    Item,
    Outgoing,
    PermanentError,
    TemporaryError,
)
from ioc.delivery.channels.making import make_driver
from ioc.settings import Settings
from tests.peers.receiver import Receiver, Reply, receiving

TOKEN = "s3cret-token-of-the-gateway"
PHONE = "84901112223"
ODD = 'Camera <b>cổng</b> *đậm* _nghiêng_ 🚨 &amp; "x" {{y}} ${z}'
MESSAGE = Outgoing(
    key="alert:7:0:0:0:lanh-dao-1:sms",
    kind="alert",
    severity=Severity.CRITICAL,
    subject=f"[KHẨN CẤP] {ODD}",
    body=f"[KHẨN CẤP] {ODD}\nNơi: Xã Bàu Đồn",
    short=f"[KHẨN CẤP] {ODD}"[:134],
    address=PHONE,
    message_id=7,
    ack_url="https://ioc.example/a/xyz",
    items=(Item(7, "camera-down", Severity.CRITICAL, "device:CAM-01", unit="25663"),),
    total=1,
)


def made(driver: str, secret: str, timeout_s: float = 20.0) -> Driver:
    channel = Channel("sms", driver, "env:SMS_GATEWAY", timeout=timedelta(seconds=timeout_s))
    return make_driver(channel, lambda _reference: SecretStr(secret), Settings())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def sms(receiver: Receiver) -> str:
    return (
        f"json://{receiver.host}/send?:message=content&:title=&:type=&:to={{address}}&+Authorization={TOKEN}"
        "&ioc-text=short"
    )


def test_a_webhook_is_a_cloud_event_with_its_key_and_a_signature(receiver: Receiver) -> None:
    receiver.answer = lambda _asked: Reply(body=b'{"id": "m-17"}')
    key = "0123456789abcdef0123456789abcdef"
    driver = made("webhook", f"{receiver.url}/hook {key}\n")
    receipt = driver.send(MESSAGE)
    assert receipt.id == "m-17"
    (asked,) = receiver.asked
    assert asked.headers["x-ioc-idempotency-key"] == MESSAGE.key
    seconds, digest = (part.partition("=")[2] for part in asked.headers["x-ioc-signature"].split(","))
    wanted = hmac.new(key.encode(), f"{seconds}.".encode() + asked.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(digest, wanted)
    assert abs(int(seconds) - time.time()) < 600
    event = asked.json
    assert (event["specversion"], event["id"]) == ("1.0", MESSAGE.key)
    assert event["data"]["subject"] == MESSAGE.subject
    assert event["data"]["alerts"][0]["subject"] == "device:CAM-01"
    driver.send(MESSAGE)
    assert receiver.asked[1].body == asked.body
    driver.close()


def test_a_text_message_gateway_is_written_as_an_address_of_apprise(receiver: Receiver) -> None:
    driver = made("apprise", sms(receiver))
    receipt = driver.send(MESSAGE)
    assert receipt.detail["key_carried"] == 1
    (asked,) = receiver.asked
    sent = asked.json
    assert sent["to"] == PHONE
    assert sent["content"].endswith(" https://ioc.example/a/xyz")
    assert fitting.units(sent["content"]) <= 134
    assert asked.headers["x-ioc-idempotency-key"] == MESSAGE.key
    assert asked.headers["authorization"] == TOKEN
    assert "ioc-text" not in asked.path


def test_text_with_markup_arrives_as_it_is(receiver: Receiver) -> None:
    made("apprise", f"json://{receiver.host}/").send(MESSAGE)
    assert receiver.asked[0].json["title"] == MESSAGE.subject
    assert receiver.asked[0].json["message"].startswith(MESSAGE.body)


def test_a_card_of_teams_shows_text_as_it_is_and_a_link_that_can_be_pressed(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "own.pem"))
    url = "https://ioc.example/a/x_y-z*"
    with receiving(certificates / "own.pem") as guarded:
        guarded.answer = lambda _asked: Reply(202)
        made("apprise", f"workflows://{guarded.host}/643e69f83c8944/4f8d7").send(
            replace(MESSAGE, ack_url=url)
        )
        (asked,) = guarded.asked
    assert asked.path.startswith("/workflows/643e69f83c8944/")
    title, body = (part["text"] for part in asked.json["attachments"][0]["content"]["body"])
    lines = body.split("  \n")
    assert f"[Mở / Open]({url})" in lines
    assert "Nơi: Xã Bàu Đồn" in lines
    for text in (title, lines[0]):
        assert text.replace("\\", "") == MESSAGE.subject
        assert re.search(r"(?<!\\)[*_<>\[\]&]", text) is None


def test_markdown_is_cut_before_the_service_would(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "own.pem"))
    with receiving(certificates / "own.pem") as guarded:
        made("apprise", f"workflows://{guarded.host}/643e69f83c8944/4f8d7").send(
            replace(MESSAGE, body="*_ Bàu Đồn\n" * 500)
        )
        (asked,) = guarded.asked
    body = asked.json["attachments"][0]["content"]["body"][1]["text"]
    assert 500 < len(body) <= 1000
    assert body.endswith(f"[Mở / Open]({MESSAGE.ack_url})")


def test_a_zalo_bot_is_told_the_person_s_chat_and_the_whole_text(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "apprise.plugins.zalo.NotifyZalo.notify_url", receiver.url + "/bot{token}/sendMessage"
    )
    made("apprise", "zalo://12345689:alphanumeric/{address}").send(MESSAGE)
    (asked,) = receiver.asked
    assert asked.path == "/bot12345689:alphanumeric/sendMessage"
    assert asked.json["chat_id"] == PHONE
    assert MESSAGE.body in asked.json["text"]
    assert asked.json["text"].endswith("https://ioc.example/a/xyz")


@pytest.mark.parametrize("driver", ["webhook", "apprise"])
def test_a_key_with_letters_and_line_ends_is_carried(receiver: Receiver, driver: str) -> None:
    odd = replace(MESSAGE, key="báo:ủy-viên\r\nX-Evil: 1")
    made(driver, f"{'http' if driver == 'webhook' else 'json'}://{receiver.host}/").send(odd)
    assert unquote(receiver.asked[0].headers["x-ioc-idempotency-key"]) == odd.key
    assert "x-evil" not in receiver.asked[0].headers


@pytest.mark.parametrize("driver", ["webhook", "apprise"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, TemporaryError),
        (503, TemporaryError),
        (429, TemporaryError),
        (408, TemporaryError),
        (400, PermanentError),
        (401, PermanentError),
        (404, PermanentError),
        (301, PermanentError),
    ],
)
def test_a_status_says_whether_trying_again_is_of_use(
    receiver: Receiver, driver: str, status: int, error: type[Exception]
) -> None:
    receiver.answer = lambda _asked: Reply(status, headers={"Location": receiver.url + "/elsewhere"})
    secret = sms(receiver) if driver == "apprise" else f"{receiver.url}/hook"
    with pytest.raises(error, match=f"answered {status}"):
        made(driver, secret).send(MESSAGE)
    assert len(receiver.asked) == 1


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("soon", None), ("999999999999", 3600.0)])
def test_a_webhook_that_asks_to_wait_is_waited_for(
    receiver: Receiver, header: str, wait: float | None
) -> None:
    receiver.answer = lambda _asked: Reply(429, headers={"Retry-After": header})
    with pytest.raises(TemporaryError) as caught:
        made("webhook", receiver.url).send(MESSAGE)
    assert caught.value.retry_after_s == wait


@pytest.mark.parametrize("driver", ["webhook", "apprise"])
def test_a_dead_server_is_told_from_others(driver: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TemporaryError, match="refuses connections"):
            made(driver, f"http://{host}/" if driver == "webhook" else f"json://{host}/").send(MESSAGE)


@pytest.mark.parametrize("driver", ["webhook", "apprise"])
def test_a_server_without_tls_or_with_a_foreign_certificate_gets_nothing(
    driver: str, receiver: Receiver, certificates: Path
) -> None:
    scheme = "https" if driver == "webhook" else "jsons"
    with pytest.raises(TemporaryError, match="TLS"):
        made(driver, f"{scheme}://{receiver.host}/").send(MESSAGE)
    with receiving(certificates / "own.pem") as guarded:
        with pytest.raises(TemporaryError, match="certificate is not trusted"):
            made(driver, f"{scheme}://{guarded.host}/").send(MESSAGE)
        assert guarded.asked == []


@pytest.mark.parametrize("driver", ["webhook", "apprise"])
@pytest.mark.parametrize("how", ["silent", "drip"])
def test_a_slow_server_is_given_up_and_holds_nobody_else_up(
    receiver: Receiver, driver: str, how: str
) -> None:
    let_go = threading.Event()
    slow = Reply(body=b" " * 9999, wait=let_go, drip_s=0.0 if how == "silent" else 0.1)
    receiver.answer = lambda asked: slow if asked.path.startswith("/slow") else Reply()
    scheme = "http" if driver == "webhook" else "json"
    hanging = made(driver, f"{scheme}://{receiver.host}/slow", timeout_s=0.5)
    failed: list[Exception] = []

    def wait() -> None:
        try:
            hanging.send(MESSAGE)
        except TemporaryError as error:
            failed.append(error)

    waiting = [threading.Thread(target=wait) for _ in range(4)]
    for thread in waiting:
        thread.start()
    made(driver, f"{scheme}://{receiver.host}/quick").send(MESSAGE)
    for thread in waiting:
        thread.join(30)
    let_go.set()
    assert len(failed) == 4


def test_a_channel_that_only_hangs_takes_no_threads_without_end(receiver: Receiver) -> None:
    let_go = threading.Event()
    receiver.answer = lambda _asked: Reply(body=b" " * 99999, wait=let_go, drip_s=0.02)
    driver = made("webhook", receiver.url, timeout_s=0.1)
    before = threading.active_count()
    said = set()

    def attempt() -> None:
        with pytest.raises(TemporaryError) as caught:
            driver.send(MESSAGE)
        said.add(caught.value.message)

    try:
        attempts = [threading.Thread(target=attempt) for _ in range(40)]
        for thread in attempts:
            thread.start()
        for thread in attempts:
            thread.join()
        attempt()
        # one that hangs in the client, one that serves it
        assert threading.active_count() <= before + 2 * 32
        assert "The channel hangs: earlier attempts have not ended yet." in said
    finally:
        let_go.set()


@pytest.mark.parametrize(
    ("driver", "secret"),
    [
        ("webhook", ""),
        ("webhook", "ftp://example.org/"),
        ("webhook", "https:///path"),
        ("webhook", "https://example.org/ short-key"),
        ("apprise", "no address"),
        ("apprise", "nosuchscheme://example.org"),
        ("apprise", "json://example.org/?ioc-text=long"),
        ("pigeon", "https://example.org/"),
    ],
)
def test_a_channel_that_cant_be_used_says_what_to_do(driver: str, secret: str) -> None:
    with pytest.raises(ChannelError, match=r"^Channel sms: ") as caught:
        made(driver, secret)
    assert caught.value.remedy
    assert not secret or secret not in str(caught.value)


def test_a_channel_without_a_secret_says_so() -> None:
    with pytest.raises(ChannelError, match="names no secret"):
        make_driver(Channel("sms", "apprise"), lambda _reference: SecretStr(""), Settings())


def test_a_person_without_an_address_is_told_at_once(receiver: Receiver) -> None:
    for driver, secret in (("webhook", receiver.url + "/{address}"), ("apprise", sms(receiver))):
        with pytest.raises(PermanentError, match="no address"):
            made(driver, secret).send(replace(MESSAGE, address=None))
    assert receiver.asked == []


def test_neither_tokens_nor_addresses_are_in_errors_receipts_or_logs(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answers: list[Reply] = [
        Reply(),
        *(Reply(status, body=f'{{"error": "{PHONE} {TOKEN}"}}'.encode()) for status in (400, 429, 500)),
        Reply(drop=True),
    ]
    seen: list[Any] = []
    for driver, secret in (
        ("apprise", sms(receiver)),
        ("apprise", sms(receiver).replace("json://", f"json://me:{TOKEN}@")),
        ("webhook", f"http://me:{TOKEN}@{receiver.host}/{TOKEN}/{{address}} {TOKEN}"),
    ):
        carrier = made(driver, secret)
        for answer in answers:
            receiver.answer = lambda _asked, reply=answer: reply  # type: ignore[misc]
            try:
                seen.append(carrier.send(MESSAGE))
            except (TemporaryError, PermanentError) as error:
                seen += [repr(error), error.message, error.remedy, repr(error.__cause__)]
    assert any(TOKEN in asked.path or TOKEN in str(asked.headers) for asked in receiver.asked)
    written = repr(seen) + repr(MESSAGE) + "".join(capfd.readouterr())
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("ioc") or r.levelno > logging.INFO]
    for secret_text in (TOKEN, PHONE, "ioc.example/a/xyz"):
        assert secret_text not in written
        assert not [line for line in ours if secret_text in line]


def test_a_signature_is_of_the_time_and_the_body() -> None:
    assert webhook.sign(b"k" * 16, 1, b"{}") != webhook.sign(b"k" * 16, 2, b"{}")
