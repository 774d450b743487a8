"""A source that sends too much that can't be read is halted; the others of its partitions go on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ioc import topics
from ioc.settings import Settings
from tests.integration.samples import wifi
from tests.integration.streaming import fetch, producer, run_ioc, scalar, wait_counted, wait_until, worker

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=60)
SICK, WELL = "//sick/wifi", "//well/wifi"
SAMPLES = "SELECT count(*) FROM ioc.wifi_sample"
REASONS = "SELECT source, reason, count(*)::int FROM ioc.unreadable GROUP BY 1, 2 ORDER BY 1, 2"
STANDING = "SELECT source FROM ioc.source_halt WHERE released_at IS NULL ORDER BY 1"


@pytest.fixture
def strict(settings: Settings) -> Settings:
    return settings.model_copy(update={"source_bad_minimum": 20, "source_bad_share": 0.5, "silence_s": 1.0})


def good(number: int, source: str) -> bytes:
    return wifi(source.strip("/")[:4], BEGIN + timedelta(seconds=number), source=source)


def bad(number: int, source: str) -> bytes:
    event = json.loads(good(number, source))
    event["data"]["clients"] = -1
    return json.dumps(event).encode()


def send_all(settings: Settings, records: list[bytes], partition: int = 0) -> None:
    with producer(settings) as send:
        for record in records:
            send(topics.WIFI, "key", record, partition)


def test_a_halted_source_is_held_others_go_on_and_a_repair_brings_all_that_was_held(strict: Settings) -> None:
    settings = strict
    topic = settings.topic_prefix + topics.WIFI
    with worker(settings, "--topic", topics.WIFI) as first:
        # some bad ones among good ones halt nobody
        send_all(settings, [good(n, WELL) for n in range(40)] + [bad(n, WELL) for n in range(30)])
        send_all(settings, [bad(n, SICK) for n in range(25)])
        wait_counted(settings, [topics.WIFI])
        assert fetch(settings, STANDING) == [(SICK,)]
        # on this partition and on others, in one batch with a healthy source
        for partition in (0, 1):
            numbers = range(100 * (partition + 1), 100 * (partition + 1) + 10)
            send_all(
                settings,
                [r for n in numbers for r in (good(n, SICK), good(n, WELL))]
                + [bad(n, SICK) for n in numbers],
                partition,
            )
        wait_counted(settings, [topics.WIFI])
        first.kill()
    held = scalar(settings, "SELECT count(*) FROM ioc.unreadable WHERE reason = 'source-halted'")
    assert held == 40
    assert scalar(settings, SAMPLES) == 60
    halt = fetch(settings, "SELECT topic, records, bad, reason FROM ioc.source_halt")
    assert halt == [(topic, 25, 25, "invalid")]

    status = json.loads(run_ioc(settings, "status", "--json").stdout)["halted_sources"]
    assert [(s["source"], s["held"], s["repair"]) for s in status] == [
        (SICK, 40, f"ioc repair source {topic} {SICK}")
    ]

    # another worker holds from its first batch on
    with worker(settings, "--topic", topics.WIFI):
        send_all(settings, [good(n, SICK) for n in range(300, 310)], partition=2)
        wait_counted(settings, [topics.WIFI])
        assert scalar(settings, SAMPLES) == 60

        repaired = run_ioc(settings, "repair", "source", topic, SICK)
        assert repaired.returncode == 0, repaired.stderr
        assert "50 held records sent once more, 0 left" in repaired.stdout
        wait_counted(settings, [topics.WIFI])
        send_all(settings, [good(n, SICK) for n in range(400, 405)])
        wait_counted(settings, [topics.WIFI])
    assert fetch(settings, STANDING) == []
    assert scalar(settings, SAMPLES) == 60 + 30 + 5
    assert fetch(settings, REASONS) == [(SICK, "invalid", 45), (WELL, "invalid", 30)]


def test_a_source_that_is_still_bad_is_halted_again_and_what_is_left_can_be_sent_later(
    strict: Settings,
) -> None:
    settings = strict
    topic = settings.topic_prefix + topics.WIFI
    with worker(settings, "--topic", topics.WIFI):
        send_all(settings, [bad(n, SICK) for n in range(20)])
        wait_counted(settings, [topics.WIFI])
        send_all(settings, [good(n, SICK) for n in range(20, 30)])
        wait_counted(settings, [topics.WIFI])
        left = run_ioc(settings, "repair", "source", topic, SICK, "--held", "leave")
        assert "0 held records sent once more, 10 left" in left.stdout
        send_all(settings, [bad(n, SICK) for n in range(20)])
        wait_counted(settings, [topics.WIFI])
        assert fetch(settings, STANDING) == [(SICK,)]
        assert "10 held records" in run_ioc(settings, "repair", "source", topic, SICK).stdout
        wait_counted(settings, [topics.WIFI])
        again = run_ioc(settings, "repair", "source", topic, SICK)
    assert scalar(settings, SAMPLES) == 10
    assert again.returncode == 2
    assert "halted" in again.stderr
    assert "ioc status" in again.stderr


def test_a_repair_waits_for_what_is_being_held_and_a_worker_does_not_hold_after_it(strict: Settings) -> None:
    """The halt is released while a batch that was held under it is on its way: no record is left behind."""
    settings = strict
    topic = settings.topic_prefix + topics.WIFI
    with worker(settings, "--topic", topics.WIFI):
        send_all(settings, [bad(n, SICK) for n in range(20)])
        wait_counted(settings, [topics.WIFI])
        stop = threading.Event()
        numbers: Iterator[int] = iter(range(100, 100_000))
        sent = 0

        def feed() -> None:
            nonlocal sent
            while not stop.is_set():
                send_all(settings, [good(next(numbers), SICK) for _ in range(5)])
                sent += 5

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            held = "SELECT count(*) FROM ioc.unreadable WHERE reason = 'source-halted'"
            wait_until(lambda: scalar(settings, held) > 20, within_s=30, what="held records")
            assert run_ioc(settings, "repair", "source", topic, SICK).returncode == 0
        finally:
            stop.set()
            feeder.join()
        wait_counted(settings, [topics.WIFI])
    assert scalar(settings, held) == 0
    assert scalar(settings, SAMPLES) == sent


def test_records_that_name_no_source_are_told_as_such_and_stop_nobody(strict: Settings) -> None:
    settings = strict
    topic = settings.topic_prefix + topics.WIFI
    with worker(settings, "--topic", topics.WIFI):
        send_all(settings, [b"nonsense"] * 30)
        wait_counted(settings, [topics.WIFI])
        assert fetch(settings, STANDING) == [("?",)]
        send_all(settings, [b"nonsense", good(1, WELL), b"nonsense"])
        wait_counted(settings, [topics.WIFI])
        assert run_ioc(settings, "repair", "source", topic, "?").returncode == 0
    assert scalar(settings, SAMPLES) == 1
    assert fetch(settings, REASONS) == [("?", "not-json", 32)]


def test_a_steady_flow_of_rubbish_keeps_no_window_open(strict: Settings) -> None:
    """A partition that brings nothing but rubbish is silent: otherwise it would hold back the whole topic."""
    settings = strict
    watermark = "SELECT max(watermark) FROM ioc.partition_offset WHERE partition = 3"
    with worker(settings, "--topic", topics.WIFI):
        stop = threading.Event()

        def feed() -> None:
            with producer(settings) as send:
                while not stop.wait(0.1):
                    send(topics.WIFI, "key", b"nonsense", 3)

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            rubbish = "SELECT count(*) FROM ioc.unreadable"
            wait_until(lambda: scalar(settings, rubbish) > 0, within_s=30, what="the first rubbish")
            began = scalar(settings, "SELECT now()")
            wait_until(
                lambda: (found := scalar(settings, watermark)) is not None and found > began,
                within_s=30,
                what="the silence behind the rubbish",
            )
        finally:
            stop.set()
            feeder.join()


def test_an_operator_sees_a_halted_source_at_the_doctor_s(strict: Settings) -> None:
    with psycopg.connect(strict.database_dsn) as connection:
        connection.execute(
            "INSERT INTO ioc.source_halt (topic, source, partition, records, bad, reason)"
            " VALUES ('ioc.wifi', 'a source', 0, 100, 60, 'invalid')"
        )
    told = run_ioc(strict, "doctor")
    assert told.returncode == 1
    assert "60 of 100 records bad (mostly invalid), 0 held since" in told.stdout
    assert "ioc repair source ioc.wifi 'a source'" in told.stdout
