"""Telegram: messages with buttons, and what people press and write, on a real database with a double of the Bot API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from ioc.alerts import actions
from ioc.alerts.model import Channel, Severity
from ioc.delivery import texts
from ioc.delivery.channels.interface import (
    ChannelError,
    Listener,
    Outgoing,
    PermanentError,
    TemporaryError,
)
from ioc.delivery.channels.making import make_driver
from ioc.delivery.channels.telegram import Telegram
from ioc.delivery.facts import facts_of
from ioc.kpi.query import SYSTEM_READER, change
from ioc.kpi.steps import run
from ioc.settings import Settings
from tests.integration.alert_place import Place
from tests.integration.messages import message, person
from tests.integration.streaming import wait_until
from tests.peers.telegram_double import TOKEN, Fault, TelegramDouble, telegram_double, units

BOSS, DEPUTY, STRANGER, GROUP = 1001, 1002, 6666, -100500
CHANNEL = Channel("telegram", "telegram", "env:BOT", timeout=timedelta(seconds=20))


@pytest.fixture
def desk(desk: Place) -> Place:
    desk.connection.execute("TRUNCATE ioc.channel_position")
    for code, chat in (("boss", BOSS), ("deputy", DEPUTY)):
        person(desk, code, telegram=str(chat))
    return desk


@pytest.fixture
def double() -> Iterator[TelegramDouble]:
    with telegram_double() as found:
        found.chats |= {BOSS, DEPUTY}
        yield found


def driver(
    settings: Settings, double: TelegramDouble, token: str = TOKEN, channel: Channel = CHANNEL
) -> Telegram:
    told = settings.model_copy(update={"telegram_url": double.url})
    made = make_driver(channel, lambda _reference: SecretStr(token), told)
    assert isinstance(made, Telegram)
    assert isinstance(made, Listener)
    return made


@contextmanager
def listening(
    settings: Settings, double: TelegramDouble, channel: Channel = CHANNEL
) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(
        target=driver(settings, double, TOKEN, channel).listen, args=(stop,), daemon=True
    )
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def outgoing(desk: Place, alerts: list[int], to: str = "boss", chat: int = BOSS) -> Outgoing:
    """A message in the outbox, ready to go."""
    number = message(desk, alerts, to, "telegram", "sending")
    facts = run(desk.connection, facts_of(alerts))
    said = texts.alert_text("alert", facts, zone=texts.ZoneInfo("Asia/Ho_Chi_Minh"))
    return Outgoing(
        key=f"k{number}",
        kind="alert",
        severity=Severity.MAJOR,
        subject=said.subject,
        body=said.body,
        short=said.short,
        address=str(chat),
        message_id=number,
        ack_url="https://ioc.example/a/x",
        items=texts.items_of(facts),
        total=len(facts),
    )


def position(desk: Place) -> int | None:
    row = desk.connection.execute(
        "SELECT position FROM ioc.channel_position WHERE channel = 'telegram'"
    ).fetchone()
    return None if row is None else row[0]


def until(condition: Callable[[], Any]) -> None:
    wait_until(condition, within_s=30, what="what the test waits for")


# -- sending --------------------------------------------------------------------------------------------


def test_a_message_has_buttons_and_arrives_as_it_is_written(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    going = outgoing(desk, [desk.open("camera.down", "device:c1")])
    odd = "Camera <b>cổng</b> *đậm* _nghiêng_ [x](http://y) `z` 🚨\u200d\n"
    receipt = driver(ready, double).send(replace(going, body=odd + going.body))
    (sent,) = double.sent
    assert receipt.id == str(sent["message_id"])
    assert sent["text"] == f"{odd}{going.body}\n\n(tin số {going.message_id})"
    rows = sent["reply_markup"]["inline_keyboard"]
    assert [button.get("callback_data") for button in rows[0]] == [
        f"a:{going.message_id}",
        f"s:{going.message_id}",
    ]
    assert rows[1][0]["url"] == going.ack_url


def test_five_thousand_alerts_fit_into_one_message(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    going = outgoing(desk, [desk.open("camera.down", "device:c1")])
    driver(ready, double).send(replace(going, body="🚨 mất kết nối\n" * 5000))
    (sent,) = double.sent
    assert 3900 < units(sent["text"]) <= 4096
    assert "ký tự nữa" in sent["text"]
    assert sent["text"].endswith(f"(tin số {going.message_id})")


def test_an_address_that_telegram_would_refuse_leaves_the_message_without_that_button(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    going = outgoing(desk, [desk.open("camera.down", "device:c1")])
    driver(ready, double).send(replace(going, ack_url="http://localhost:18080/a/x"))
    assert len(double.sent[0]["reply_markup"]["inline_keyboard"]) == 1


@pytest.mark.parametrize(
    ("fault", "error", "wait"),
    [
        (Fault(429, retry_after=17), TemporaryError, 17.0),
        (Fault(500), TemporaryError, None),
        (Fault(502, html=True), TemporaryError, None),
        (Fault(200, html=True), TemporaryError, None),
        (Fault(drop=True), TemporaryError, None),
        (Fault(400), PermanentError, None),
    ],
)
def test_what_goes_wrong_at_telegram(
    ready: Settings,
    desk: Place,
    double: TelegramDouble,
    fault: Fault,
    error: type[Exception],
    wait: float | None,
) -> None:
    going = outgoing(desk, [desk.open("camera.down", "device:c1")])
    double.faults["sendMessage"] = replace(fault)
    with pytest.raises(error) as caught:
        driver(ready, double).send(going)
    assert getattr(caught.value, "retry_after_s", None) == wait
    assert TOKEN not in str(caught.value)
    driver(ready, double).send(going)


@pytest.mark.parametrize(
    ("chat", "words"),
    [
        ("77", "does not know the person's chat"),
        ("1001", "blocked the bot"),
        ("", "no chat"),
        ("1;2", "no chat"),
    ],
)
def test_a_person_who_cant_be_reached_is_told_without_the_number(
    ready: Settings, desk: Place, double: TelegramDouble, chat: str, words: str
) -> None:
    double.blocked.add(BOSS)
    going = outgoing(desk, [desk.open("camera.down", "device:c1")])
    with pytest.raises(PermanentError, match=words) as caught:
        driver(ready, double).send(replace(going, address=chat))
    assert not chat or chat not in str(caught.value)


def test_a_wrong_token_is_told_and_never_shown(ready: Settings, desk: Place, double: TelegramDouble) -> None:
    wrong = TOKEN[:-1] + "x"
    going = outgoing(desk, [desk.open("camera.down", "device:c1")])
    with pytest.raises(PermanentError, match="does not know the bot's token") as caught:
        driver(ready, double, wrong).send(going)
    assert wrong not in repr(caught.value) + repr(driver(ready, double, wrong))
    with pytest.raises(ChannelError, match="has not the form of one"):
        driver(ready, double, "my bot")


# -- buttons --------------------------------------------------------------------------------------------


def test_a_pressed_button_acknowledges_and_the_message_says_who(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    alert = desk.open("camera.down", "device:c1")
    driver(ready, double).send(outgoing(desk, [alert]))
    with listening(ready, double):
        double.press(BOSS, double.sent[0], "a:")
        double.wait(lambda: double.edited)
        assert desk.alert(alert)["acknowledged_by"] == "boss"
        assert desk.told(alert)[-1] == ("acknowledged", "boss", {"via": "telegram"})
        assert "✅ boss đã xác nhận" in double.answered[0]["text"]
        assert "✅ boss đã xác nhận" in double.edited[0]["text"]
        assert double.edited[0]["reply_markup"] == {"inline_keyboard": []}
    assert double.refused == []


def test_the_second_to_press_is_told_of_the_first(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    alert = desk.open("camera.down", "device:c1")
    sender = driver(ready, double)
    sender.send(outgoing(desk, [alert]))
    sender.send(outgoing(desk, [alert], "deputy", DEPUTY))
    with listening(ready, double):
        double.press(DEPUTY, double.sent[1], "a:")
        double.press(BOSS, double.sent[0], "a:")
        double.wait(lambda: len(double.edited) == 2)
    assert desk.alert(alert)["acknowledged_by"] == "deputy"
    assert "deputy đã xác nhận" in double.answered[1]["text"]
    assert "acknowledged already" in double.answered[1]["text"]
    assert desk.events(alert) == ["opened", "acknowledged"]


def test_a_snooze_lasts_an_hour_and_leaves_the_buttons(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    alert = desk.open("camera.down", "device:c1")
    driver(ready, double).send(outgoing(desk, [alert]))
    with listening(ready, double):
        double.press(BOSS, double.sent[0], "s:")
        double.wait(lambda: double.edited)
        double.press(BOSS, double.edited[0], "a:")
        double.wait(lambda: len(double.edited) == 2)
    assert [kind for kind, _, _ in desk.told(alert)] == ["opened", "snoozed", "acknowledged"]
    assert "hoãn" not in double.edited[1]["text"].rpartition("———")[2]


@pytest.mark.parametrize("chat", [None, GROUP])
def test_who_is_not_on_the_roster_changes_nothing(
    ready: Settings, desk: Place, double: TelegramDouble, chat: int | None
) -> None:
    alert = desk.open("camera.down", "device:c1")
    driver(ready, double).send(outgoing(desk, [alert]))
    with listening(ready, double):
        sent = double.sent[0] if chat is None else {**double.sent[0], "chat_id": chat}
        double.press(STRANGER, sent, "a:")
        double.wait(lambda: double.answered)
        double.press_raw(BOSS, double.sent[0], "a:99999999999999999999999")
        double.press_raw(BOSS, double.sent[0], "drop table")
        double.press_raw(BOSS, double.sent[0], "a:424242")
        double.wait(lambda: len(double.answered) == 4)
    assert "không có trong danh sách trực" in double.answered[0]["text"]
    assert "không còn cảnh báo nào" in double.answered[3]["text"]
    assert desk.alert(alert)["acknowledged_by"] is None


def test_who_acknowledged_elsewhere_is_shown_to_all_who_have_the_message(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    first, second = (desk.open("camera.down", f"device:c{n}") for n in range(2))
    sender = driver(ready, double)
    for to, chat, alerts in (
        ("boss", BOSS, [first]),
        ("deputy", DEPUTY, [first]),
        ("deputy", DEPUTY, [first, second]),
    ):
        going = outgoing(desk, alerts, to, chat)
        receipt = sender.send(going)
        desk.connection.execute(
            "UPDATE ioc.alert_message SET state = 'sent', receipt = %s WHERE message_id = %s",
            (Jsonb({"id": receipt.id}), going.message_id),
        )
    with listening(ready, double):
        until(lambda: desk.connection.execute("SELECT FROM ioc.channel_position").fetchall())
        change(desk.connection, actions.acknowledge(SYSTEM_READER, [first], "truc-1", desk.now))
        double.faults["editMessageText"] = Fault(429, retry_after=1)
        double.wait(lambda: len(double.edited) == 2)
        change(desk.connection, actions.acknowledge(SYSTEM_READER, [second], "boss", desk.now))
        double.wait(lambda: len(double.edited) == 3)
    assert [one["chat_id"] for one in double.edited] == [BOSS, DEPUTY, DEPUTY]
    for one in double.edited:
        assert one["reply_markup"] == {"inline_keyboard": []}
        assert one["text"].startswith("[NGHIÊM TRỌNG]")
    assert "✅ truc-1 đã xác nhận" in double.edited[0]["text"]
    assert "✅ boss, truc-1 đã xác nhận" in double.edited[2]["text"]


def test_a_person_who_has_left_may_not_act(ready: Settings, desk: Place, double: TelegramDouble) -> None:
    alert = desk.open("camera.down", "device:c1")
    driver(ready, double).send(outgoing(desk, [alert]))
    desk.connection.execute("UPDATE ioc.duty_person SET valid_to = '2020-01-01' WHERE code = 'boss'")
    with listening(ready, double):
        double.press(BOSS, double.sent[0], "a:")
        double.wait(lambda: double.answered)
    assert desk.alert(alert)["acknowledged_by"] is None


# -- words ----------------------------------------------------------------------------------------------


def test_it_tells_chats_their_number_and_people_who_is_on_duty(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    with listening(ready, double):
        double.write(STRANGER, "/start")
        double.write(BOSS, "/start@ioc_bot xyz", GROUP)
        double.write(BOSS, "/duty")
        double.write(STRANGER, "/duty")
        double.write(BOSS, "chào <b>bot</b>")
        double.write(STRANGER, "nói chuyện riêng", GROUP)
        double.wait(lambda: len(double.sent) == 5)
        until(lambda: position(desk) == double.next_update)
    said = [(one["chat_id"], one["text"]) for one in double.sent]
    assert f"chat id: {STRANGER}" in said[0][1]
    assert said[1][0] == GROUP
    assert f"chat id: {GROUP}" in said[1][1]
    assert "Bạn là boss trong danh sách trực" in said[1][1]
    assert "Chưa có lịch trực" in said[2][1]
    assert "không có trong danh sách trực" in said[3][1]
    assert "/duty" in said[4][1]
    assert "Tên riêng" not in str(said)


# -- staying alive --------------------------------------------------------------------------------------


def test_what_comes_twice_is_done_once(ready: Settings, desk: Place, double: TelegramDouble) -> None:
    alert = desk.open("camera.down", "device:c1")
    driver(ready, double).send(outgoing(desk, [alert]))
    with listening(ready, double):
        double.press(BOSS, double.sent[0], "a:")
        double.wait(lambda: double.edited)
    desk.connection.execute(
        "UPDATE ioc.alert SET acknowledged_at = NULL, acknowledged_by = NULL WHERE alert_id = %s", (alert,)
    )
    double.push(double.given[0])
    with listening(ready, double):
        double.write(BOSS, "/start")
        double.wait(lambda: any("chat id" in one["text"] for one in double.sent))
    assert desk.alert(alert)["acknowledged_by"] is None
    assert desk.events(alert).count("acknowledged") == 1


def test_an_update_that_cant_be_read_hides_no_other(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    double.push({"update_id": double.next_update, "message": {"chat": "none"}})
    double.push({"update_id": double.next_update + 1, "callback_query": {"id": 5}})
    double.push({"update_id": double.next_update + 2, "poll": {"id": "x" * 1000}})
    double.next_update += 3
    with structlog.testing.capture_logs() as logs, listening(ready, double):
        double.write(BOSS, "/start\x00\ud83d")
        double.write(BOSS, "/start")
        double.wait(lambda: double.sent)
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"].count(
        "telegram: an update could not be handled"
    ) >= 2


def test_numbers_that_began_anew_after_a_quiet_week_are_read(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    desk.connection.execute(
        "INSERT INTO ioc.channel_position VALUES ('telegram', %s, now() - interval '8 days')",
        (double.next_update + 1_000_000,),
    )
    with listening(ready, double):
        double.write(BOSS, "/start")
        double.wait(lambda: double.sent)
        until(lambda: position(desk) == double.next_update)


def test_telegrams_absence_is_one_line_in_the_log_and_its_return_another(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    double.faults["getUpdates"] = Fault(502, times=2, html=True)
    with structlog.testing.capture_logs() as logs, listening(ready, double):
        double.write(BOSS, "/start")
        double.wait(lambda: double.sent)
    told = [(entry["log_level"], entry["event"]) for entry in logs]
    assert told == [
        ("warning", "telegram: no updates; will be tried again"),
        ("info", "telegram: updates come again"),
    ]
    assert TOKEN not in str(logs)


def test_silence_that_telegram_was_asked_for_is_no_failure(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    double.most_held_s = 2.0
    quick = replace(CHANNEL, timeout=timedelta(seconds=1))
    with structlog.testing.capture_logs() as logs, listening(ready, double, quick):
        double.wait(lambda: double.calls.count("getUpdates") == 2)
    assert logs == []


@pytest.mark.parametrize("why", ["webhook", "other"])
def test_a_bot_that_somebody_else_reads_says_what_to_do(
    ready: Settings, desk: Place, double: TelegramDouble, why: str
) -> None:
    double.webhook = why == "webhook"
    with structlog.testing.capture_logs() as logs, listening(ready, double):
        double.wait(lambda: "getUpdates" in double.calls)
        if why == "other":
            double._getUpdates(timeout=0, allowed_updates=[])
        until(lambda: logs)
    assert "token" in logs[0]["remedy"]
    assert ("deleteWebhook" in logs[0]["remedy"]) == (why == "webhook")


def test_one_listens_at_a_time_and_another_takes_over(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    double.most_held_s = 0.2
    with listening(ready, double) as first, listening(ready, double):
        double.write(BOSS, "/start")
        double.wait(lambda: double.sent)
        assert double.refused == []
        first.set()
        double.write(DEPUTY, "/start")
        double.wait(lambda: len(double.sent) == 2)


def test_the_databases_absence_loses_no_press(ready: Settings, desk: Place, double: TelegramDouble) -> None:
    alert = desk.open("camera.down", "device:c1")
    driver(ready, double).send(outgoing(desk, [alert]))
    with structlog.testing.capture_logs() as logs, listening(ready, double):
        double.wait(lambda: "getUpdates" in double.calls)
        desk.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ioc-deliver telegram'"
        )
        double.press(BOSS, double.sent[0], "a:")
        double.wait(lambda: double.edited)
    assert desk.alert(alert)["acknowledged_by"] == "boss"
    assert [entry["event"] for entry in logs] == [
        "telegram: listening ended, begins anew",
        "telegram: listens again",
    ]


def test_a_flood_of_strangers_is_not_answered_without_end(
    ready: Settings, desk: Place, double: TelegramDouble
) -> None:
    for _ in range(40):
        double.write(STRANGER, "/start")
    double.write(BOSS, "/duty")
    with listening(ready, double):
        double.wait(lambda: any(one["chat_id"] == BOSS for one in double.sent))
    assert sum(one["chat_id"] == STRANGER for one in double.sent) == 30
