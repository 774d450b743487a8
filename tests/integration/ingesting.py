"""Runs the ingest process, and reads back what reached Kafka."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from kafka import KafkaConsumer, TopicPartition

from ioc import topics
from ioc.access import keys
from ioc.settings import Settings
from tests.integration.streaming import ROOT, environment, log_ends, wait_until


class Ingest:
    """``ioc connect ingest`` as a process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.ingest_port}"
        self.log = settings.state_dir / f"ingest-{time.monotonic_ns()}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ioc.cli", "connect", "ingest"],
                cwd=ROOT,
                env=environment(self.settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._answers, within_s=90, what="ingest answers")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/health/live", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def peak_mib(self) -> float:
        """Most memory that it held so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmHWM")


@contextmanager
def ingest(settings: Settings) -> Iterator[Ingest]:
    """A running ingest process; its log is shown when the test fails inside."""
    process = Ingest(settings)
    try:
        process.start()
        yield process
    except BaseException:
        print(process.log.read_text()[-6000:])  # noqa: T201 - pytest shows it with the failure
        raise
    finally:
        process.kill()


def make_key(settings: Settings, name: str = "sender", **limits: Any) -> str:
    """Make an API key; returns its text."""
    with psycopg.connect(settings.database_dsn) as connection:
        return keys.create(connection, name, **limits)[1]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def ticket(
    number: int, *, kiosk: str = "kiosk-1", source: str = "//test/kiosk", **more: Any
) -> dict[str, Any]:
    """A queue ticket as a CloudEvent."""
    moment = datetime(2026, 11, 2, 1, tzinfo=UTC) + timedelta(seconds=number)
    return {
        "specversion": "1.0",
        "type": "ioc.queue.issued.v1",
        "id": f"{kiosk}-{number}",
        "source": source,
        "subject": kiosk,
        "time": moment.isoformat(),
        "data": {"unit": "unit-1", "kiosk": kiosk, "date": "2026-11-02", "number": f"A{number}", **more},
    }


def records(settings: Settings, topic: str = topics.DOSSIERS) -> list[dict[str, Any]]:
    """Every record of a topic, in order of partitions and offsets, as JSON."""
    return [json.loads(value) for value in raw_records(settings, topic)]


def raw_records(settings: Settings, topic: str) -> Iterable[bytes]:
    """Every record's value."""
    ends = {p: end for p, end in log_ends(settings, topic).items() if end}
    found: list[bytes] = []
    if not ends:
        return found
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_servers.split(","), enable_auto_commit=False)
    try:
        tps = [TopicPartition(settings.topic_prefix + topic, p) for p in ends]
        consumer.assign(tps)
        consumer.seek_to_beginning(*tps)
        end = time.monotonic() + 30
        while any(consumer.position(tp) < ends[tp.partition] for tp in tps):
            assert time.monotonic() < end, "Kafka does not give all records"
            for batch in consumer.poll(timeout_ms=500).values():
                found.extend(record.value for record in batch)
        return found
    finally:
        consumer.close()
