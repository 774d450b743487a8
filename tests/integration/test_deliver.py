"""The delivery process: real processes, a real database, a real server at the other end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ioc.alerts.loading import load_book
from ioc.alerts.model import Channel, Severity, Step, Target
from ioc.delivery import texts
from ioc.delivery.outbox import Wanted, put
from ioc.district import apply_pack, read_pack
from ioc.kpi.steps import run
from ioc.settings import Settings
from tests.integration.alerting import Desk, a_rule, down, up
from tests.integration.delivering import (
    OFFICER,
    PLAIN,
    POLICY,
    SHIPPED,
    ZONE,
    Post,
    begin,
    people,
    prepare,
    rotation,
)
from tests.integration.kpi_data import Connection
from tests.integration.streaming import IocProcess, started, wait_until
from tests.peers.receiver import Asked, Receiver, Reply, receiving
from tests.servers import Servers


class Delivery(IocProcess):
    """``ioc deliver`` as a process."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "deliver", "deliver", stop_s=60)


def delivery(settings: Settings) -> AbstractContextManager[Delivery]:
    return started(Delivery(settings))


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    with servers.place() as found:
        with psycopg.connect(found.database_dsn, autocommit=True) as session:
            prepare(session)
        yield found.model_copy(update={"digest_at": ""})


@pytest.fixture(scope="module")
def connection(place: Settings) -> Iterator[Connection]:
    with psycopg.connect(place.database_dsn, autocommit=True) as session:
        yield session


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def post(connection: Connection, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Post:
    """By the real clock; An and Lan are on duty, and told over one webhook each, by their addresses."""
    monkeypatch.setenv("TEST_HOOK", f"{receiver.url}/{{address}}")
    monkeypatch.setenv("TEST_DEAD", "http://127.0.0.1:9/{address}")
    found = begin(connection)
    # from long ago, so that nobody hands over to them now
    found.rosters(rotation("truc-ban", "an"), rotation("lanh-dao", "lan"))
    found.now = datetime.now(UTC)
    found.channels = {
        "email": Channel("email", "webhook", "env:TEST_HOOK", **PLAIN),  # type: ignore[arg-type]
    }
    found.keep_channels()
    return found


def _subjects(asked: Asked) -> list[str]:
    return [one["subject"] for one in asked.json["data"]["alerts"]]


def test_an_alert_reaches_who_is_on_duty_with_its_key_and_its_end_does_too(
    place: Settings, post: Post, receiver: Receiver
) -> None:
    with delivery(place) as process:
        alert = post.open("camera.down")
        wait_until(lambda: receiver.asked, within_s=15, what="the message")
        wait_until(lambda: post.outbox(alert)[0][3] == "sent", within_s=10, what="its receipt")
        post.now = datetime.now(UTC)
        post.settle(up("camera.down", "device:c1", post.now))
        wait_until(lambda: len(receiver.asked) == 2, within_s=10, what="that it is over")
        assert process.stop() == 0
    first, second = receiver.asked
    assert first.path == "/an%40example.org"
    ((key,),) = post.connection.execute("SELECT key FROM ioc.alert_message WHERE kind = 'alert'").fetchall()
    assert first.json["id"] == key
    assert "device:c1" in _subjects(first)
    assert second.json["data"]["kind"] == "resolved"


def test_a_dead_channel_and_a_slow_one_keep_nobody_from_the_others(
    place: Settings, post: Post, receiver: Receiver
) -> None:
    held = threading.Event()
    receiver.answer = lambda asked: Reply(wait=held) if asked.path.startswith("/slow") else Reply()
    slow = {"email": "slow", "sms": "a", "zalo": "b"}
    post.channels["sms"] = Channel("sms", "webhook", "env:TEST_DEAD", **PLAIN)  # type: ignore[arg-type]
    post.channels["zalo"] = Channel("zalo", "webhook", "env:TEST_HOOK", **PLAIN)  # type: ignore[arg-type]
    post.channels["unset"] = Channel("unset", "webhook", "env:TEST_NOT_SET", **PLAIN)  # type: ignore[arg-type]
    post.keep_channels()
    post.connection.execute(
        "INSERT INTO ioc.alert_channel (code, definition) VALUES ('newer', '{\"what\": 1}')"
    )
    somebody = people()[0]
    post.rosters(
        rotation("truc-ban", "an"),
        rotation("lanh-dao", "lan"),
        people_=[type(somebody)("an", "An", contacts=slow | {"unset": "c"}), *people()[1:]],
    )
    try:
        with delivery(place):
            alerts = [post.open("wifi.down", f"device:c{n}") for n in range(20)]
            wait_until(
                lambda: sum(asked.path == "/b" for asked in receiver.asked) == 20,
                within_s=15,
                what="all that goes over the sound channel",
            )
            wait_until(
                lambda: ("alert", "an", "unset", "failed") in post.outbox(alerts[0]),
                within_s=15,
                what="the channel without its secret",
            )
    finally:
        held.set()
    ((error,),) = post.connection.execute(
        "SELECT DISTINCT error FROM ioc.alert_message WHERE channel = 'unset' AND state = 'failed'"
    ).fetchall()
    assert "The environment has no TEST_NOT_SET." in error


def test_two_processes_send_each_message_once(place: Settings, post: Post, receiver: Receiver) -> None:
    with delivery(place), delivery(place):
        post.settle(*(down("wifi.down", f"device:c{n}", post.now) for n in range(300)))
        wait_until(lambda: len(receiver.asked) >= 300, within_s=30, what="all messages")
        wait_until(
            lambda: (
                post.connection.execute("SELECT FROM ioc.alert_message WHERE state <> 'sent'").fetchone()
                is None
            ),
            within_s=10,
            what="all receipts",
        )
    keys = Counter(asked.json["id"] for asked in receiver.asked)
    assert len(keys) == 300
    assert set(keys.values()) == {1}


def test_an_acknowledgement_stops_what_was_to_come_and_a_restart_in_between_changes_nothing(
    place: Settings, post: Post, receiver: Receiver
) -> None:

    steps = (Step(timedelta(0), (OFFICER,)), Step(timedelta(seconds=4), (Target(person="lan"),)))
    post.rules(a_rule("camera.down", policy="truc"), policies=(replace(POLICY, steps=steps, repeat=0),))
    with delivery(place) as first:
        acknowledged, other = (post.open("camera.down", subject) for subject in ("device:c1", "device:c2"))
        wait_until(lambda: len(receiver.asked) == 2, within_s=15, what="the first step of both")
        first.kill()
        post.now = datetime.now(UTC)
        post.acknowledge(acknowledged)
    with delivery(place):
        wait_until(lambda: len(receiver.asked) == 3, within_s=20, what="the second step of the other one")
        time.sleep(1)
    assert [row[1] for row in post.outbox(other)] == ["an", "lan"]
    assert [row[1] for row in post.outbox(acknowledged)] == ["an"]
    assert len(receiver.asked) == 3


def test_a_pack_whose_people_have_no_contacts_shows_that_and_turns_to_the_room(servers: Servers) -> None:
    with servers.place() as found, psycopg.connect(found.database_dsn, autocommit=True) as session:
        apply_pack(session, read_pack(SHIPPED))
        desk = Desk(session, run(session, load_book()), datetime.now(UTC))
        with delivery(found):
            seen = down("camera.down", "device:c1", desk.now - timedelta(hours=1))
            (alert,) = desk.settle(seen).opened
            wait_until(
                lambda: (
                    {
                        (person is None, channel, state != "failed", attempts > 0)
                        for person, channel, state, attempts in session.execute(
                            "SELECT m.person, m.channel, m.state, m.attempts FROM ioc.alert_message m"
                            " JOIN ioc.alert_message_alert USING (message_id) WHERE alert_id = %s",
                            (alert,),
                        ).fetchall()
                    }
                    == {(False, "-", False, False), (True, "siren", True, True)}
                ),
                within_s=15,
                what="that nobody could be reached, and the siren's turn",
            )


def test_a_channel_of_the_pack_that_changes_is_used_as_it_is_now(
    place: Settings, post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_OTHER", f"{receiver.url}/other/{{address}}")
    with delivery(place):
        post.open("camera.down", "device:c1")
        wait_until(lambda: receiver.asked, within_s=15, what="the message over the channel as it was")
        post.channel("email", secret="env:TEST_OTHER")
        post.keep_channels()
        post.open("camera.down", "device:c2")
        wait_until(
            lambda: len(receiver.asked) == 2, within_s=15, what="the message over the channel as it is"
        )
    assert receiver.asked[1].path.startswith("/other/")


def test_two_processes_send_the_digest_once(place: Settings, post: Post, receiver: Receiver) -> None:
    morning = place.model_copy(update={"digest_at": f"{datetime.now(ZONE):%H:%M}"})
    with delivery(morning), delivery(morning):
        wait_until(lambda: len(receiver.asked) >= 2, within_s=20, what="the digest to both on duty")
        post.open("camera.down")
        wait_until(lambda: len(receiver.asked) >= 3, within_s=15, what="an alert after it")
    kinds = Counter((asked.path, asked.json["data"]["kind"]) for asked in receiver.asked)
    assert kinds == {
        ("/an%40example.org", "digest"): 1,
        ("/lan%40example.org", "digest"): 1,
        ("/an%40example.org", "alert"): 1,
    }


def test_what_is_being_sent_when_the_process_is_told_to_end_is_awaited(
    place: Settings, post: Post, receiver: Receiver
) -> None:
    held = threading.Event()
    receiver.answer = lambda _asked: Reply(wait=held)
    with delivery(place) as process:
        alert = post.open("camera.down")
        wait_until(lambda: receiver.asked, within_s=15, what="the message on its way")
        threading.Timer(1.0, held.set).start()
        assert process.stop() == 0
    assert post.outbox(alert) == [("alert", "an", "email", "sent")]


def test_messages_of_no_alert_say_what_they_hold_and_those_of_unknown_channels_fail(
    place: Settings, post: Post, receiver: Receiver
) -> None:

    said = texts.Notice("Tiêu đề", "Subject", ["Một dòng <b>đậm</b>"], ["A line"])
    content = {name: getattr(said, name) for name in ("subject_vi", "subject_en", "lines_vi", "lines_en")}
    wanted = [
        Wanted("k1", "gap", Severity.WARNING, "email", "an", content=content),
        Wanted("k2", "gap", Severity.WARNING, "nowhere", "an", content=content),
        Wanted("k3", "gap", Severity.WARNING, "email", "an", content={"odd": 1}),
    ]
    with delivery(place):
        with post.connection.transaction():
            run(post.connection, put(wanted, datetime.now(UTC)))
        wait_until(
            lambda: (
                dict(post.connection.execute("SELECT key, state FROM ioc.alert_message").fetchall())
                == {"k1": "sent", "k2": "failed", "k3": "failed"}
            ),
            within_s=15,
            what="all three ended",
        )
    (asked,) = receiver.asked
    assert "Một dòng <b>đậm</b>" in asked.json["data"]["text"]
