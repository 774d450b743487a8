"""Whoever hears people in Telegram is killed again and again: each press is done once, and none is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ioc.settings import Settings
from tests.integration.alert_place import Place
from tests.integration.messages import message, person
from tests.integration.test_telegram import until
from tests.peers.telegram_double import TOKEN, TelegramDouble, telegram_double

BOSS = 1001
ALERTS, KILLS = 48, 3
_LISTENS = """
import threading
from pathlib import Path
from ioc.alerts.model import Channel
from ioc.delivery.channels.making import make_driver, secrets_of
from ioc.settings import load
channel = Channel("telegram", "telegram", "env:TEST_BOT")
make_driver(channel, secrets_of(Path(".")), load()).listen(threading.Event())
"""


@contextmanager
def process(settings: Settings, double: TelegramDouble) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "IOC_DATABASE_URL": settings.database_dsn,
        "IOC_STATE_DIR": str(settings.state_dir),
        "IOC_TELEGRAM_URL": double.url,
        "TEST_BOT": TOKEN,
    }
    with subprocess.Popen([sys.executable, "-c", _LISTENS], env=environment) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.fixture
def desk(desk: Place) -> Place:
    person(desk, "boss", telegram=str(BOSS))
    return desk


def test_each_press_is_done_once_whenever_the_process_is_killed(place: Settings, desk: Place) -> None:
    alerts = [desk.open("camera.down", f"device:c{n}") for n in range(ALERTS)]

    def done() -> int:
        row = desk.connection.execute(
            "SELECT count(*) FROM ioc.alert_event WHERE kind = 'snoozed'"
        ).fetchone()
        assert row is not None
        return int(row[0])

    with telegram_double() as double:
        double.chats.add(BOSS)
        for number, alert in enumerate(alerts):
            sent = {"message_id": number, "chat_id": BOSS, "text": "x"}
            double.press_raw(BOSS, sent, f"s:{message(desk, [alert], 'boss', 'telegram')}")
        for kill in range(KILLS):
            with process(place, double):
                until(lambda reached=(kill + 1) * ALERTS // (KILLS + 2): done() >= reached)  # type: ignore[misc]
        with process(place, double):
            until(lambda: done() >= ALERTS)
            # and nothing comes after: the process says that it has all of it
            until(lambda: not [one for one in double.pending if one["update_id"] < double.next_update])
        assert [desk.events(alert) for alert in alerts] == [["opened", "snoozed"]] * ALERTS
