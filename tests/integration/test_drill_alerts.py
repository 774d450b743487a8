"""The drill: worker, evaluator, delivery and database killed at random while a thousand alerts escalate.

Every step is attempted and none is lost; what arrives twice carries the same key; no attempt begins once an
acknowledgement is committed. ``IOC_DRILL_SEED`` repeats the order of a run.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from deploy.stack import EmbeddedPostgres
from deploy.stack import topics as stack_topics
from ioc import topics
from ioc.alerts import actions
from ioc.alerts.model import Channel, DeviceCondition, Step
from ioc.delivery.channels.http import KEY_HEADER
from ioc.events import Status
from ioc.kpi.query import SYSTEM_READER
from ioc.kpi.steps import run
from ioc.settings import Settings
from ioc.storage.migrate import upgrade
from tests.integration.alerting import a_rule
from tests.integration.delivering import LEADER, OFFICER, PLAIN, POLICY, begin, prepare, rotation
from tests.integration.samples import wifi
from tests.integration.streaming import (
    IocProcess,
    WorkerProcess,
    fetch,
    producer,
    scalar,
    started,
    wait_until,
)
from tests.integration.test_deliver import Delivery
from tests.peers.receiver import Asked, Reply, receiving
from tests.servers import Servers

pytestmark = pytest.mark.drills

ALERTS = 1000
#: Alerts wait for the evaluator's clock; what a worker that was killed reads late fires in its own transaction.
HOLDS_FOR = timedelta(seconds=2)
SECOND_STEP = timedelta(seconds=6)
KILLS = ("worker", "evaluator", "delivery 1", "delivery 2", "database") * 2 + ("delivery 1", "delivery 2")
_SIGNALS_MET = "SELECT count(*) FROM ioc.alert"


class Evaluator(IocProcess):
    """``ioc evaluate`` as a process."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "evaluate", "evaluate", stop_s=60)


@dataclass
class Arrivals:
    """What arrived at the channel's end: each message's key, in order."""

    keys: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Reply:
        with self.guard:
            self.keys.append(asked.headers[KEY_HEADER.lower()])
        return Reply()

    @property
    def duplicates(self) -> int:
        with self.guard:
            return len(self.keys) - len(set(self.keys))


class Acker(threading.Thread):
    """Somebody who acknowledges every fifth alert a moment after it was opened, whatever dies meanwhile."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self.over = threading.Event()
        #: Number of an alert → a moment by the database's clock at which its acknowledgement was committed.
        self.committed: dict[int, datetime] = {}

    def run(self) -> None:
        while not self.over.wait(0.1):
            try:
                with psycopg.connect(
                    self._settings.database_dsn, autocommit=True, connect_timeout=3
                ) as session:
                    while not self.over.wait(0.1):
                        self._acknowledge(session)
            except psycopg.Error:
                continue

    def _acknowledge(self, session: psycopg.Connection[object]) -> None:
        rows = session.execute(
            "SELECT alert_id FROM ioc.alert WHERE alert_id %% 5 = 0 AND opened_at < clock_timestamp() - %s",
            (timedelta(seconds=1),),
        ).fetchall()
        for alert in sorted({number for (number,) in rows} - set(self.committed)):  # type: ignore[misc]
            with session.transaction():
                run(
                    session,
                    actions.by_the_clock(
                        lambda now, alert=alert: actions.acknowledge(SYSTEM_READER, [alert], "an", now)
                    ),
                )  # type: ignore[misc]
            ((moment,),) = session.execute("SELECT clock_timestamp()").fetchall()
            self.committed[alert] = moment  # type: ignore[assignment]


@pytest.fixture
def own_settings(servers: Servers, private_postgres: EmbeddedPostgres) -> Iterator[Settings]:
    """Settings with a database of this test's own, to be killed, and topics on the session's Kafka."""
    dsn = private_postgres.ensure_database("own")
    upgrade(dsn)
    found = servers.new_settings(database=dsn, digest_at="", session_timeout_s=6.0)
    yield found
    stack_topics.delete(found)


def _set_up(settings: Settings) -> None:
    """Two on duty, one channel to both, one rule about access points; two steps, no reminder."""
    policy = replace(
        POLICY, steps=(Step(timedelta(0), (OFFICER,)), Step(SECOND_STEP, (LEADER,))), repeat=0, ack_for=None
    )
    with psycopg.connect(settings.database_dsn, autocommit=True) as session:
        prepare(session)
        post = begin(session)
        post.rosters(rotation("truc-ban", "an"), rotation("lanh-dao", "lan"))
        post.rules(
            a_rule(
                "wifi.down", policy="truc", condition=DeviceCondition("wifi", ("down",)), holds_for=HOLDS_FOR
            ),
            policies=(policy,),
        )
        given = PLAIN | {"timeout": timedelta(seconds=2), "attempts": 100}
        post.channels = {"email": Channel("email", "webhook", "env:TEST_HOOK", **given)}  # type: ignore[arg-type]
        post.keep_channels()


def _feed(settings: Settings, over: threading.Event) -> None:
    """Every access point goes down once, over some seconds; what Kafka has is not lost, whoever dies."""
    for lot in range(0, ALERTS, 50):
        with producer(settings) as send:
            for number in range(lot, lot + 50):
                device = f"ap-{number}"
                send(topics.WIFI, device, wifi(device, datetime.now(UTC), status=Status.DOWN))
        if over.wait(0.4):
            return


def _ended(settings: Settings) -> bool:
    try:
        return bool(
            scalar(
                settings,
                "SELECT (SELECT count(*) FROM ioc.alert) = %s"
                " AND NOT EXISTS (SELECT FROM ioc.alert_step WHERE state = 'waiting')"
                " AND NOT EXISTS (SELECT FROM ioc.alert_message WHERE state IN ('waiting', 'sending'))",
                ALERTS,
            )
        )
    except psycopg.OperationalError:
        return False


def test_nothing_is_lost_and_nobody_is_called_after_an_acknowledgement_whoever_is_killed(
    own_settings: Settings,
    private_postgres: EmbeddedPostgres,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = own_settings
    seed = int(os.environ.get("IOC_DRILL_SEED") or random.randrange(10**6))
    chance = random.Random(seed)
    arrivals, over = Arrivals(), threading.Event()
    kills: list[tuple[str, int]] = []
    with receiving() as receiver, ExitStack() as running:
        receiver.answer = arrivals
        monkeypatch.setenv("TEST_HOOK", f"{receiver.url}/{{address}}")
        _set_up(settings)
        processes: dict[str, IocProcess] = {
            "worker": WorkerProcess(settings, "--topic", topics.WIFI),
            "evaluator": Evaluator(settings),
            "delivery 1": Delivery(settings),
            "delivery 2": Delivery(settings),
        }
        for process in processes.values():
            running.enter_context(started(process))
        acker = Acker(settings)
        feeder = threading.Thread(target=_feed, args=(settings, over), daemon=True)
        acker.start()
        feeder.start()
        running.callback(acker.over.set)
        running.callback(over.set)

        def kill(victim: str) -> None:
            if victim == "database":
                private_postgres.kill()
                private_postgres.start()
                private_postgres.wait_ready()
            else:
                processes[victim].kill()
                processes[victim].start()

        wait_until(lambda: len(arrivals.keys) > 20, within_s=30, what="the first messages")
        order = list(KILLS)
        chance.shuffle(order)
        began = time.monotonic()
        for victim in order:
            kill(victim)
            kills.append((victim, arrivals.duplicates))
            time.sleep(chance.uniform(0.3, 2.0))
        wait_until(lambda: _ended(settings), within_s=60, what="the end of every step and message")
        took_s = time.monotonic() - began
        acker.over.set()
        acker.join(10)
        feeder.join(10)

    _judge(settings, arrivals, acker, lambda text: _tell(capsys, text), kills, seed, took_s)


def _judge(
    settings: Settings,
    arrivals: Arrivals,
    acker: Acker,
    tell: Callable[[str], None],
    kills: list[tuple[str, int]],
    seed: int,
    took_s: float,
) -> None:
    messages = {
        key: (state, attempts, alert, started_at)
        for key, state, attempts, alert, started_at in fetch(
            settings,
            "SELECT m.key, m.state, m.attempts, l.alert_id, m.started_at FROM ioc.alert_message m"
            " JOIN ioc.alert_message_alert l USING (message_id)",
        )
    }
    steps = Counter(fetch(settings, "SELECT step, state FROM ioc.alert_step WHERE kind = 'escalate'"))
    cancelled = fetch(
        settings,
        "SELECT DISTINCT a.acknowledged_at IS NOT NULL FROM ioc.alert_step s JOIN ioc.alert a USING (alert_id)"
        " WHERE s.state = 'cancelled'",
    )
    received = Counter(arrivals.keys)
    duplicates = sum(received.values()) - len(received)
    again = sum(attempts - 1 for _, attempts, _, _ in messages.values() if attempts)
    tell(
        f"seed {seed}: {ALERTS} alerts, steps {dict(steps)}, {len(messages)} messages,"
        f" {len(acker.committed)} acknowledged, {len(kills)} kills in {took_s:.0f} s; {again} attempts again,"
        f" {duplicates} duplicates; (victim, duplicates until then): {kills}"
    )
    # every step was done, or its alert was acknowledged before
    done = sum(count for (_, state), count in steps.items() if state == "done")
    assert scalar(settings, _SIGNALS_MET) == ALERTS
    assert scalar(settings, "SELECT count(DISTINCT key) FROM ioc.alert") == ALERTS
    assert set(cancelled) <= {(True,)}
    assert scalar(settings, "SELECT count(DISTINCT alert_id) FROM ioc.alert_step") == ALERTS
    assert steps[0, "done"] + steps[0, "cancelled"] == ALERTS
    # each made its message once, and each message was sent, or its alert was acknowledged before
    assert len(messages) == done
    acknowledged = set(acker.committed)
    assert {alert for state, _, alert, _ in messages.values() if state != "sent"} <= acknowledged
    assert {state for state, _, _, _ in messages.values()} <= {"sent", "cancelled"}
    # what arrived is what was begun, all that was sent is there, and duplicates carry the key of their message
    assert {key for key, (state, _, _, _) in messages.items() if state == "sent"} <= set(received)
    assert all(count <= messages[key][1] for key, count in received.items())
    # no attempt began once an acknowledgement was committed
    late = [
        alert
        for _, attempts, alert, started_at in messages.values()
        if attempts and alert in acker.committed and started_at > acker.committed[alert]
    ]
    assert late == []
    assert acknowledged


def _tell(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n{text}")  # noqa: T201 - the drill's figures
