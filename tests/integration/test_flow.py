"""Back-pressure, hand-over in the middle of a batch, windows, lateness, silence."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ioc import topics
from ioc.platform import windows
from ioc.settings import Settings
from tests.integration.samples import rounds, wifi
from tests.integration.streaming import (
    WorkerProcess,
    fetch,
    producer,
    scalar,
    wait_counted,
    wait_until,
    worker,
)

SAMPLES = "SELECT count(*) FROM ioc.wifi_sample"


def _begin(minutes: float = 60) -> datetime:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(second=0, microsecond=0)


def _wait_until_flat(process: WorkerProcess) -> None:
    """Wait until the process's memory has not moved for three seconds."""
    seen: deque[float] = deque(maxlen=7)

    def flat() -> bool:
        time.sleep(0.5)
        seen.append(process.memory_mib())
        return len(seen) == seen.maxlen and max(seen) - min(seen) < 2

    wait_until(flat, within_s=30, what="memory that stays flat")


def test_a_slow_database_slows_fetching_and_memory_stays_flat(settings: Settings) -> None:
    """400,000 records wait in Kafka; the database holds the table locked: the worker must not take them all in."""
    waiting = 0
    with producer(settings) as send:
        for device, record in rounds(2000, 200, _begin(300), source=f"//test/{'x' * 190}"):
            send(topics.WIFI, device, record)
            waiting += len(record)
    with (
        psycopg.connect(settings.database_dsn) as lock,
        worker(settings.model_copy(update={"statement_timeout_s": 120}), "--topic", topics.WIFI) as process,
    ):
        lock.execute("LOCK TABLE ioc.wifi_sample IN EXCLUSIVE MODE")
        claimed = "SELECT count(*) FROM ioc.partition_offset WHERE epoch > 0"
        wait_until(
            lambda: scalar(settings, claimed) == settings.topic_partitions, within_s=30, what="the claims"
        )
        idle = process.memory_mib()
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_until(lambda: scalar(settings, blocked) > 0, within_s=30, what="a commit that waits")
        _wait_until_flat(process)
        assert scalar(settings, SAMPLES) == 0
        # so flat because it stopped fetching: it would hold all that waits, and more, if it went on
        assert process.memory_mib("VmHWM") - idle < waiting / 2**20
        lock.rollback()
        wait_counted(settings, [topics.WIFI], within_s=60)
        assert scalar(settings, SAMPLES) == 400_000
        assert process.memory_mib("VmHWM") <= 400


def test_partitions_revoked_in_the_middle_of_a_batch(settings: Settings) -> None:
    """A second worker joins while the first one's transactions hang: the first lets go, nothing is lost or repeated."""
    with worker(settings, "--topic", topics.WIFI):
        claimed = "SELECT count(*) FROM ioc.partition_offset WHERE epoch > 0"
        wait_until(
            lambda: scalar(settings, claimed) == settings.topic_partitions, within_s=30, what="the claims"
        )
        with psycopg.connect(settings.database_dsn) as lock:
            lock.execute("LOCK TABLE ioc.device_minute IN EXCLUSIVE MODE")
            with producer(settings) as send:
                for device, record in rounds(50, 100, _begin(300)):
                    send(topics.WIFI, device, record)
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            wait_until(
                lambda: scalar(settings, waiting) > 0,
                within_s=20,
                what="a transaction in the middle of a batch",
            )
            with worker(settings, "--topic", topics.WIFI):
                owners = "SELECT count(DISTINCT owner) FROM ioc.partition_offset"
                wait_until(lambda: scalar(settings, owners) == 2, within_s=40, what="the second owner")
                lock.rollback()
                wait_counted(settings, [topics.WIFI], within_s=60)
    assert scalar(settings, SAMPLES) == 5000
    assert scalar(settings, "SELECT sum(up_ms)::bigint FROM ioc.device_minute") == 50 * (
        99 * 60_000 + 180_000
    )


def test_a_worker_that_is_told_to_stop_ends_cleanly(settings: Settings) -> None:
    with worker(settings, "--topic", topics.WIFI) as process:
        with producer(settings) as send:
            for device, record in rounds(10, 10, _begin()):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        assert process.stop() == 0


def _close(settings: Settings) -> dict[str, datetime]:
    topic = settings.topic_prefix + topics.WIFI
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        return windows.close(connection, settings.grace_s, {topic: 2})


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.model_copy(update={"silence_s": 1.0, "grace_s": 60.0})


def test_windows_close_on_a_recorded_silence_and_late_facts_are_counted_and_applied(quick: Settings) -> None:
    settings = quick
    begin = _begin(30)
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            for device, record in rounds(4, 10, begin):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        silences = "SELECT count(DISTINCT partition) FROM ioc.partition_silence"
        wait_until(
            lambda: scalar(settings, silences) == settings.topic_partitions,
            within_s=20,
            what="recorded silence",
        )
        closed = wait_until(lambda: _close(settings), within_s=20, what="windows to close")
        until = next(iter(closed.values()))
        assert until <= datetime.now(UTC) - timedelta(seconds=settings.grace_s)
        assert until > begin + timedelta(minutes=10)
        partials = "SELECT count(*) FROM ioc.device_minute WHERE part >= 0 AND bucket < %s"
        assert scalar(settings, partials, until) == 0
        before = scalar(settings, "SELECT sum(up_ms)::bigint FROM ioc.device_minute")

        with producer(settings) as send:
            # half a minute after the third sample: nothing new for the device's time, but a late fact
            send(topics.WIFI, "ap-0", wifi("ap-0", begin + timedelta(minutes=2, seconds=30)))
            # a minute after validity has run out: three more minutes up
            send(topics.WIFI, "ap-0", wifi("ap-0", begin + timedelta(minutes=13)))
        wait_counted(settings, [topics.WIFI])
    assert scalar(settings, "SELECT sum(facts)::int FROM ioc.late_count") == 2
    assert scalar(settings, "SELECT sum(up_ms)::bigint FROM ioc.device_minute") == before + 180_000
    _close(settings)
    assert scalar(settings, "SELECT late_facts::int FROM ioc.window_close") == 2


def test_nothing_closes_while_one_partition_is_behind(quick: Settings) -> None:
    """A partition whose records wait is not silent: its windows stay open, and so do the topic's."""
    settings = quick
    with worker(settings, "--topic", topics.WIFI) as process:
        with producer(settings) as send:
            for device, record in rounds(40, 3, _begin(30)):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        process.stop()
    watermarks = fetch(settings, "SELECT min(watermark) FROM ioc.partition_offset")
    closed = _close(settings)
    assert all(until <= watermarks[0][0] - timedelta(seconds=settings.grace_s) for until in closed.values())
    # no worker: no silence is recorded, however long it lasts
    assert fetch(settings, "SELECT min(watermark) FROM ioc.partition_offset") == watermarks
    time.sleep(2)
    assert not _close(settings)


def test_a_silent_device_becomes_unknown_from_the_end_of_its_validity(quick: Settings) -> None:
    settings = quick
    at = _begin(30)
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            send(topics.WIFI, "ap-0", wifi("ap-0", at))
        wait_until(
            lambda: (
                fetch(settings, "SELECT state, since FROM ioc.device_state")
                == [(0, at + timedelta(minutes=3))]
            ),
            within_s=20,
            what="the device to become unknown",
        )
        assert fetch(settings, "SELECT state, started, ended FROM ioc.device_run") == [
            (1, at, at + timedelta(minutes=3))
        ]
