"""The simulated district as a process: its devices and files reach Kafka through the real connectors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from deploy.simulation.connectors import environment
from deploy.stack import guard
from ioc import events
from ioc.settings import Settings
from ioc.topics import FACT_TOPICS

#: Longest wait for anything; a quiet machine needs a quarter of it.
_LONGEST_S = 240.0


class _Simulation:
    def __init__(self, settings: Settings, log: Path) -> None:
        self._output = log.open("ab")
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ioc.cli", "simulate", "--points", "2", "--rate", "3"],
            env={**os.environ, **environment(settings)},
            stdout=self._output,
            stderr=self._output,
        )

    def family(self) -> list[int]:
        found: list[int] = []

        def visit(pid: int) -> None:
            for child in guard.children_of(pid):
                found.append(child)
                visit(child)

        visit(self.process.pid)
        return found

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        status = self.process.wait(90)
        self._output.close()
        return status


def _read_all(settings: Settings) -> list[events.AnyEvent]:
    """Every event that is in Kafka now."""
    consumer: Any = KafkaConsumer(bootstrap_servers=settings.kafka_servers, auto_offset_reset="earliest")
    try:
        found = []
        # what connectors say about themselves is no fact of the district
        for name in (settings.topic_prefix + topic for topic in FACT_TOPICS):
            partitions = [
                TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()
            ]
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for batch in consumer.poll(timeout_ms=1000).values():
                    found += [events.decode(record.value) for record in batch]
        return found
    finally:
        consumer.close()


def _wait(condition: Callable[[], bool], what: str, log: Path) -> None:
    deadline = time.monotonic() + _LONGEST_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} within {_LONGEST_S} s: {log.read_text('utf-8')[-2000:]}"
        time.sleep(0.5)


def _gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture
def simulation(settings: Settings, tmp_path: Path) -> Iterator[Callable[[], _Simulation]]:
    started: list[_Simulation] = []

    def start() -> _Simulation:
        started.append(_Simulation(settings, tmp_path / "simulate.log"))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(10)


def _idle(settings: Settings) -> bool:
    folder = settings.state_dir / "simulation"
    waiting = [*(folder / "onestop").glob("*.csv"), *(folder / "queues").glob("*.jsonl")]
    return (folder / "state.json").exists() and not waiting


def test_its_facts_reach_kafka_and_nothing_is_left_behind(
    settings: Settings, simulation: Callable[[], _Simulation]
) -> None:
    run = simulation()

    def probed() -> bool:
        told = _read_all(settings)
        seen = {type(event).__name__ for event in told if not event.source.startswith("//simulation/history")}
        return {"DossierRecorded", "TicketIssued", "WifiProbed", "CameraProbed"} <= seen

    _wait(lambda: _idle(settings), "The history is not taken", run.log)
    _wait(probed, "No probe of each kind", run.log)
    family = run.family()
    assert len(family) >= 8  # four connectors, each under its guard
    assert run.end(signal.SIGTERM) == 0
    assert _gone(family)

    told = _read_all(settings)
    dossiers = {event.subject for event in told if isinstance(event, events.DossierRecorded)}
    done = {
        event.subject
        for event in told
        if isinstance(event, events.DossierRecorded) and event.data.completed_at is not None
    }
    assert len(dossiers) > 500
    assert 0.5 < len(done) / len(dossiers) < 1.0
    kinds = Counter(type(event).__name__ for event in told)
    assert kinds["DossierProgressed"] == kinds["DossierRecorded"]
    assert kinds["TicketIssued"] > kinds["TicketNoShow"] > 0
    assert {event.source for event in told} == {
        f"//simulation/{name}" for name in ("onestop", "queues", "cameras", "wifi", "history")
    }
    history = [event for event in told if event.source == "//simulation/history"]
    assert len(history) == 4 * 120  # two points: two access points and two cameras, a sample a minute
    now = time.time() + 1
    assert all(event.time.timestamp() < now for event in told)

    # a restart goes on: the same dossiers, none told twice, no second history of devices
    before = Counter(event.id for event in told)
    assert max(before.values()) == 1
    again = simulation()
    _wait(lambda: len(again.family()) >= 8, "The connectors do not run", again.log)
    _wait(lambda: len(_read_all(settings)) > len(told), "It does not go on", again.log)
    family = again.family()
    os.kill(again.process.pid, signal.SIGKILL)
    again.process.wait(60)
    _wait(lambda: _gone(family), "Connectors outlive a killed simulation", again.log)
    after = _read_all(settings)
    assert max(Counter(event.id for event in after).values()) == 1
    assert sum(event.source == "//simulation/history" for event in after) == len(history)
