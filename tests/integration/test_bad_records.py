"""Unreadable records: kept with reason and coordinates, and nothing else is lost."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta

from kafka import KafkaConsumer

from ioc import topics
from ioc.platform import evaluator
from ioc.settings import Settings
from tests.integration.samples import wifi
from tests.integration.streaming import fetch, producer, scalar, wait_counted, wait_until, worker

NOW = datetime.now(UTC).replace(microsecond=0)


def _with(record: bytes, **changes: object) -> bytes:
    event = json.loads(record)
    for name, value in changes.items():
        target = event["data"] if name in event["data"] else event
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    return json.dumps(event).encode()


GOOD = wifi("ap-1", NOW - timedelta(minutes=9))
BAD: list[tuple[str, bytes | None]] = [
    ("not-json", b"\xff\xfe\x00 not a record"),
    ("not-json", GOOD[:-10]),
    ("not-json", GOOD + b"\n" + GOOD),
    ("not-json", GOOD.replace(b"unit-1", b"\xed\xa0\x80")),
    ("not-json", GOOD[:-1] + b',"deep":' + b"[" * 100_000),
    ("invalid", b"[" * 100_000),
    ("empty", b""),
    ("empty", None),
    ("unknown-type", _with(GOOD, type="ioc.wifi.exploded.v9")),
    ("invalid", _with(GOOD, subject=None)),
    ("invalid", _with(GOOD, clients=-3)),
    ("invalid", _with(GOOD, time="yesterday")),
    ("invalid", _with(GOOD, time="2026-11-24T10:00:00")),
    ("invalid", _with(GOOD, specversion="0.3")),
    ("far-future", wifi("ap-1", NOW + timedelta(days=400))),
    ("far-past", wifi("ap-1", datetime(1970, 1, 2, tzinfo=UTC))),
    ("too-large", _with(GOOD, padding="x" * 5_000_000)),
]


def test_each_unreadable_record_is_kept_with_its_reason_and_coordinates(settings: Settings) -> None:
    good = [wifi("ap-1", NOW - timedelta(minutes=60 - m)) for m in range(len(BAD) + 1)]
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            for place, (_, record) in enumerate(BAD):
                send(topics.WIFI, "ap-1", good[place], 0)
                send(topics.WIFI, "ap-1", record, 0)
            send(topics.WIFI, "ap-1", good[-1], 0)
        wait_counted(settings, [topics.WIFI])
    kept = fetch(
        settings,
        'SELECT partition, "offset", reason, detail, bytes, size FROM ioc.unreadable ORDER BY "offset"',
    )
    assert [(p, o, r) for p, o, r, *_ in kept] == [
        (0, 2 * place + 1, reason) for place, (reason, _) in enumerate(BAD)
    ]
    for (_, record), (*_, detail, kept_bytes, size) in zip(BAD, kept, strict=True):
        assert detail
        assert size == len(record or b"")
        assert kept_bytes == (None if record is None else record[: 64 * 1024])
    assert scalar(settings, "SELECT count(*) FROM ioc.wifi_sample") == len(good)


def test_a_second_sample_of_the_same_moment_that_says_something_else_is_a_conflict(
    settings: Settings,
) -> None:
    at = NOW - timedelta(minutes=5)
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            send(topics.WIFI, "ap-1", wifi("ap-1", at, clients=5), 0)
            send(topics.WIFI, "ap-1", wifi("ap-1", at, clients=5), 0)
            send(topics.WIFI, "ap-1", wifi("ap-1", at, clients=6), 0)
        wait_counted(settings, [topics.WIFI])
    assert fetch(settings, 'SELECT "offset", reason FROM ioc.unreadable') == [(2, "conflict")]
    assert fetch(settings, "SELECT clients FROM ioc.wifi_sample") == [(5,)]


def test_unreadable_records_are_mirrored_to_the_dead_letter_topic(settings: Settings) -> None:
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            send(topics.WIFI, "ap-1", b"nonsense", 2)
        wait_counted(settings, [topics.WIFI])
    stop = threading.Event()
    thread = threading.Thread(target=evaluator.run, args=(settings, stop))
    thread.start()
    try:
        unmirrored = "SELECT count(*) FROM ioc.unreadable WHERE mirrored_at IS NULL"
        wait_until(lambda: scalar(settings, unmirrored) == 0, within_s=20, what="the mirror")
    finally:
        stop.set()
        thread.join(20)
    consumer = KafkaConsumer(
        settings.topic_prefix + topics.DEAD_LETTERS,
        bootstrap_servers=settings.kafka_servers.split(","),
        auto_offset_reset="earliest",
        consumer_timeout_ms=5000,
    )
    letters = [json.loads(record.value) for record in consumer]
    consumer.close()
    assert len(letters) == 1
    assert letters[0]["partition"] == 2
    assert letters[0]["offset"] == 0
    assert base64.b64decode(letters[0]["bytes_base64"]) == b"nonsense"
