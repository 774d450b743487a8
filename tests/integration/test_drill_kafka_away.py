"""The drill: Kafka away under load, the connector killed in the middle. Every accepted event counts, once, in order.

``make drills`` keeps Kafka away for 10 minutes; in the whole suite it is some seconds (``IOC_DRILL_AWAY_S``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.stack import EmbeddedKafka, topics
from ioc import topics as names
from ioc.events import Ticket, TicketIssued, decode
from ioc.settings import Settings
from tests.integration.streaming import (
    ROOT,
    WorkerProcess,
    environment,
    fetch,
    scalar,
    wait_counted,
    wait_until,
)
from tests.integration.test_connectors_kafka import records
from tests.servers import Servers

AWAY_S = float(os.environ.get("IOC_DRILL_AWAY_S", "8"))
KIOSKS = 7
CALL = 20
#: Numbers of a second process begin here.
SECOND = 100_000_000
_DAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


def ticket(number: int) -> TicketIssued:
    """The event of this number; its time grows with it, and so does what its kiosk sends."""
    # the second process goes on where time is later than anything the first one sent
    turn = number - SECOND + 50_000_000 if number >= SECOND else number
    kiosk = f"k{number % KIOSKS}"
    return TicketIssued(
        specversion="1.0",
        id=f"{number:012d}",
        source="urn:drill",
        subject=kiosk,
        time=_DAY + timedelta(milliseconds=turn),
        data=Ticket(unit="u", kiosk=kiosk, date="2026-01-05", number=str(number)),
    )


FEEDER = """
import sys, threading, time
from connectors.shared.relay import Mode, Relay
from connectors.shared.reporter import Reporter
from ioc.logs import configure
from ioc.settings import load
from tests.integration.test_drill_kafka_away import CALL, ticket

configure()
number, per_s = int(sys.argv[1]), float(sys.argv[2])
ending = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()
out = sys.stdout

def tell(first):
    def done(future):
        if future.exception() is None:
            out.write(f"{first} {future.result()}\\n")
            out.flush()
    return done

with Relay(load(), "drill") as relay, Reporter(relay, interval_s=2.0):
    while not ending.is_set():
        relay.accept([ticket(n) for n in range(number, number + CALL)]).add_done_callback(tell(number))
        number += CALL
        time.sleep(CALL / per_s)
    while relay.state.mode is not Mode.DIRECT:
        time.sleep(0.1)
    relay.flush()
"""


class Feeder:
    """A connector process under load, and what it was told is safe."""

    def __init__(self, settings: Settings, first: int, per_s: float, log: Path) -> None:
        self.accepted: set[int] = set()
        self.fates: set[str] = set()
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", FEEDER, str(first), str(per_s)],
            cwd=ROOT,
            env=environment(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            first, _, fate = line.rstrip("\n").partition(" ")
            if fate in {"acknowledged", "spooled"}:  # a killed process may leave half a line
                self.accepted.update(range(int(first), int(first) + CALL))
                self.fates.add(fate)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self._ended()

    def end(self, within_s: float) -> int:
        """Let it send what waits; returns its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(within_s)
        return self._ended()

    def _ended(self) -> int:
        status = self.process.wait(30)
        self._reader.join(30)
        for file in (self.process.stdin, self.process.stdout, self._log):
            if file is not None:
                file.close()
        return status


@contextmanager
def feeding(settings: Settings, first: int, per_s: float, log: Path) -> Iterator[Feeder]:
    feeder = Feeder(settings, first, per_s, log)
    try:
        yield feeder
    finally:
        if feeder.process.poll() is None:
            feeder.kill()


@contextmanager
def working(settings: Settings) -> Iterator[WorkerProcess]:
    process = WorkerProcess(settings, "--topic", names.QUEUES, "--topic", names.CONNECTORS)
    process.start()
    try:
        yield process
    finally:
        process.kill()


@pytest.mark.drills
@pytest.mark.timeout(AWAY_S * 2 + 400)
def test_kafka_away_under_load_and_the_connector_killed_in_the_middle(
    servers: Servers,
    database: str,
    private_kafka: EmbeddedKafka,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = servers.new_settings(database=database, with_topics=False).model_copy(
        update={"kafka": private_kafka.bootstrap_servers, "kafka_wait_s": 1.0, "spool_free_bytes": 0}
    )
    topics.ensure(settings)
    per_s = 300.0
    log = tmp_path / "feeder.log"
    stored = "SELECT count(*) FROM ioc.ticket_fact"
    with working(settings) as worker:
        with feeding(settings, 0, per_s, log) as first:
            wait_until(lambda: scalar(settings, stored) > 0, within_s=90, what="the first tickets")
            private_kafka.kill()
            began = time.monotonic()
            time.sleep(AWAY_S / 2)
            first.kill()
        with feeding(settings, SECOND, per_s, log) as second:
            time.sleep(max(0.0, began + AWAY_S - time.monotonic()))
            assert "acknowledged" not in second.fates
            private_kafka.start()
            private_kafka.wait_ready()
            back = time.monotonic()
            wait_until(lambda: "acknowledged" in second.fates, within_s=120 + AWAY_S, what="direct again")
            direct_s = time.monotonic() - back
            assert second.end(60) == 0, log.read_text()[-4000:]
        if not worker.running:  # the supervisor's part
            worker.start()
        wait_counted(settings, [names.QUEUES, names.CONNECTORS], within_s=120 + AWAY_S)
    assert first.fates == second.fates == {"acknowledged", "spooled"}
    accepted = first.accepted | second.accepted
    assert len(accepted) > AWAY_S * per_s / 4

    found = [int(row[0]) for row in fetch(settings, "SELECT id FROM ioc.ticket_fact")]
    assert len(found) == len(set(found)), "each once"
    assert accepted <= set(found), "every accepted event"
    # beyond those only what the killed process was still waiting for
    assert all(number < SECOND for number in set(found) - accepted)
    assert scalar(settings, "SELECT count(*) FROM ioc.unreadable") == 0
    disorder = """
        SELECT count(*) FROM (
            SELECT recorded_at < lag(recorded_at) OVER (PARTITION BY t.kiosk ORDER BY f.time) AS wrong
            FROM ioc.ticket_fact f JOIN ioc.ticket t USING (ticket_id)) x
        WHERE wrong
    """
    assert scalar(settings, disorder) == 0, "in order per key"
    sent = _in_order_in_the_log(settings)
    states = {state for (state,) in fetch(settings, "SELECT state FROM ioc.connector_change")}
    assert {"ok", "spooling", "stopped"} <= states
    assert fetch(settings, "SELECT state FROM ioc.connector_now") == [("stopped",)]
    # one line each time that Kafka is lost and found: the first process is killed while it is away, the second one
    # begins with what that left; a machine that others keep busy may lose it for a moment once more
    told = [
        turn
        for line in log.read_text().splitlines()
        for turn in ("away", "recovered")
        if f"relay.{turn}" in line
    ]
    assert told == ["away", "recovered"] * (len(told) // 2) != [], log.read_text()[-4000:]
    assert not list((settings.state_dir / "spool" / "drill").glob("*.seg"))
    with capsys.disabled():
        print(  # noqa: T201 - what the drill found, for docs/connectors/shared.md
            f"\nKafka away {AWAY_S:.0f} s at {per_s:.0f} events/s: {len(accepted):,} accepted, {len(found):,} in the "
            f"database, each once; {sent - len(found):,} came to Kafka twice; straight again {direct_s:.1f} s after "
            "its return"
        )


def _in_order_in_the_log(settings: Settings) -> int:
    """What Kafka holds, repetitions left out, is in each kiosk's order; returns how many records it holds."""
    newest: dict[str, datetime] = {}
    seen: set[str] = set()
    held = records(settings, names.QUEUES)
    for record in held:
        event = decode(record.value)
        if event.id not in seen:
            seen.add(event.id)
            assert newest.get(event.subject, _DAY - timedelta(days=1)) < event.time, event.id
            newest[event.subject] = event.time
    return len(held)
