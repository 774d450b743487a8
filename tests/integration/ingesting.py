"""Runs the ingest process, and reads back what reached Kafka."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
from kafka import KafkaConsumer, TopicPartition

from ioc import topics
from ioc.access import keys
from ioc.settings import Settings
from tests.integration.streaming import IocProcess, log_ends, started, wait_until


class Ingest(IocProcess):
    """``ioc connect ingest`` as a process."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "ingest", "connect", "ingest", stop_s=60)
        self.url = f"http://127.0.0.1:{settings.ingest_port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        super().start()
        wait_until(self._answers, within_s=90, what="ingest answers")

    def _answers(self) -> bool:
        assert self.running, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/health/live", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def ingest(settings: Settings) -> AbstractContextManager[Ingest]:
    """A running ingest process, see :func:`started`."""
    return started(Ingest(settings))


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
        end = time.monotonic() + 120
        while any(consumer.position(tp) < ends[tp.partition] for tp in tps):
            assert time.monotonic() < end, "Kafka does not give all records"
            for batch in consumer.poll(timeout_ms=500).values():
                found.extend(record.value for record in batch)
        return found
    finally:
        consumer.close()
