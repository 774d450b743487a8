"""What happens when parts of the platform die, freeze, or lose their memory: on real servers."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from kafka import KafkaAdminClient, TopicPartition

from deploy.stack import EmbeddedKafka, EmbeddedPostgres
from deploy.stack import topics as stack_topics
from ioc import topics
from ioc.settings import Settings
from ioc.storage.migrate import upgrade
from tests.integration.samples import rounds, wifi
from tests.integration.streaming import (
    fetch,
    log_ends,
    producer,
    run_ioc,
    scalar,
    wait_counted,
    wait_until,
    worker,
)
from tests.servers import Servers

pytestmark = pytest.mark.drills

SAMPLES = "SELECT count(*) FROM ioc.wifi_sample"
TWICE = (
    "SELECT count(*) FROM (SELECT FROM ioc.wifi_sample GROUP BY device_id, time HAVING count(*) > 1) twice"
)


def _begin(minutes: float = 60) -> datetime:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(microsecond=0)


def _booked_ms(settings: Settings) -> int:
    return int(scalar(settings, "SELECT coalesce(sum(up_ms), 0)::bigint FROM ioc.device_minute"))


@pytest.fixture
def own_servers(
    servers: Servers, private_kafka: EmbeddedKafka, private_postgres: EmbeddedPostgres
) -> Settings:
    """Settings with a Kafka and a PostgreSQL of this test's own."""
    dsn = private_postgres.ensure_database("own")
    upgrade(dsn)
    found = servers.new_settings(database=dsn, with_topics=False)
    found = found.model_copy(update={"kafka": private_kafka.bootstrap_servers})
    stack_topics.ensure(found)
    return found


def test_a_killed_worker_is_at_work_again_within_15_seconds(settings: Settings) -> None:
    with worker(settings, "--topic", topics.WIFI) as first:
        with producer(settings) as send:
            for device, record in rounds(10, 5, _begin()):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        first.kill()
        killed = time.monotonic()
        with worker(settings, "--topic", topics.WIFI):
            with producer(settings) as send:
                for device, record in rounds(10, 5, _begin(30)):
                    send(topics.WIFI, device, record)
            wait_until(lambda: scalar(settings, SAMPLES) > 50, within_s=15, what="a record after the kill")
            assert time.monotonic() - killed <= 15
            wait_counted(settings, [topics.WIFI])
    assert scalar(settings, SAMPLES) == 100


def test_database_restart_loses_and_repeats_nothing(
    own_servers: Settings, private_postgres: EmbeddedPostgres
) -> None:
    settings = own_servers
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            for place, (device, record) in enumerate(rounds(20, 300, _begin(300))):
                send(topics.WIFI, device, record)
                if place == 3000:
                    wait_until(lambda: scalar(settings, SAMPLES) > 0, within_s=30, what="the first samples")
                    private_postgres.kill()
                    private_postgres.start()
                    private_postgres.wait_ready()
        wait_counted(settings, [topics.WIFI], within_s=60)
        assert scalar(settings, SAMPLES) == 6000
        assert scalar(settings, TWICE) == 0
        # 20 devices, 300 minutes each, and the validity after the last sample
        assert _booked_ms(settings) == 20 * (299 * 60_000 + 180_000)


def test_broker_restart_loses_and_repeats_nothing(
    own_servers: Settings, private_kafka: EmbeddedKafka
) -> None:
    settings = own_servers
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            for device, record in rounds(20, 100, _begin(300)):
                send(topics.WIFI, device, record)
        wait_until(lambda: scalar(settings, SAMPLES) > 0, within_s=30, what="the first samples")
        private_kafka.kill()
        private_kafka.start()
        private_kafka.wait_ready()
        with producer(settings) as send:
            for device, record in rounds(20, 100, _begin(200)):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI], within_s=90)
        assert scalar(settings, SAMPLES) == 4000
        assert scalar(settings, TWICE) == 0
        assert (
            scalar(settings, "SELECT count(*) FROM ioc.partition_offset WHERE halted_reason IS NOT NULL") == 0
        )


def test_two_workers_share_and_hand_over_partitions(settings: Settings) -> None:
    stop = threading.Event()
    sent = 0

    def feed() -> None:
        nonlocal sent
        begin = _begin(600)
        while not stop.is_set():
            with producer(settings) as send:
                for device in range(20):
                    send(topics.WIFI, f"ap-{device}", wifi(f"ap-{device}", begin + timedelta(seconds=sent)))
                    sent += 1
            time.sleep(0.02)

    feeder = threading.Thread(target=feed)
    with worker(settings, "--topic", topics.WIFI) as first:
        feeder.start()
        try:
            wait_until(lambda: scalar(settings, SAMPLES) > 0, within_s=30, what="the first samples")
            with worker(settings, "--topic", topics.WIFI):
                owners = "SELECT count(DISTINCT owner) FROM ioc.partition_offset"
                wait_until(lambda: scalar(settings, owners) == 2, within_s=40, what="two owners")
                first.kill()
                wait_until(
                    lambda: (
                        scalar(settings, owners) == 1
                        and scalar(settings, "SELECT count(*) FROM ioc.partition_offset")
                        == settings.topic_partitions
                    ),
                    within_s=60,
                    what="the second worker owning all",
                )
                stop.set()
                feeder.join()
                wait_counted(settings, [topics.WIFI], within_s=60)
        finally:
            stop.set()
            feeder.join()
    assert scalar(settings, SAMPLES) == sent
    assert scalar(settings, TWICE) == 0


def test_a_frozen_worker_wakes_as_a_zombie_and_writes_nothing(settings: Settings) -> None:
    with worker(settings, "--topic", topics.WIFI) as frozen:
        with producer(settings) as send:
            for device, record in rounds(20, 50, _begin(200)):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        frozen.signal(signal.SIGSTOP)
        with producer(settings) as send:
            for device, record in rounds(20, 50, _begin(100)):
                send(topics.WIFI, device, record)
        with worker(settings, "--topic", topics.WIFI):
            wait_counted(settings, [topics.WIFI], within_s=60)
            epochs = fetch(settings, "SELECT partition, epoch FROM ioc.partition_offset ORDER BY 1")
            frozen.signal(signal.SIGCONT)
            with producer(settings) as send:
                for device, record in rounds(20, 40, _begin(45)):
                    send(topics.WIFI, device, record)
            wait_counted(settings, [topics.WIFI], within_s=60)
            # The zombie may come back as a member and be given partitions: by a claim, with a higher epoch.
            after = fetch(settings, "SELECT partition, epoch FROM ioc.partition_offset ORDER BY 1")
            assert all(now >= then for (_, now), (_, then) in zip(after, epochs, strict=True))
    assert scalar(settings, SAMPLES) == 20 * 140
    assert scalar(settings, TWICE) == 0
    assert _booked_ms(settings) == scalar(
        settings,
        "SELECT sum(extract(epoch FROM least(coalesce(next, 'infinity'), time + valid_ms * interval '1 ms') - time)"
        " * 1000)::bigint FROM (SELECT time, valid_ms, lead(time) OVER (PARTITION BY device_id ORDER BY time) AS next"
        " FROM ioc.wifi_sample) s",
    )


def test_kafka_wiped_while_the_database_stays_halts_until_a_repair_is_chosen(
    own_servers: Settings, private_kafka: EmbeddedKafka
) -> None:
    settings = own_servers
    with worker(settings, "--topic", topics.WIFI) as first:
        with producer(settings) as send:
            for device, record in rounds(20, 50, _begin(200)):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        first.stop()
    private_kafka.wipe()
    private_kafka.start()
    private_kafka.wait_ready()
    stack_topics.ensure(settings)
    halted = "SELECT count(*) FROM ioc.partition_offset WHERE halted_reason = 'log-replaced'"
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            for device, record in rounds(20, 50, _begin(100)):
                send(topics.WIFI, device, record)
        wait_until(
            lambda: scalar(settings, halted) == settings.topic_partitions, within_s=40, what="all halted"
        )
        time.sleep(2)
        assert scalar(settings, SAMPLES) == 1000
        told = run_ioc(settings, "doctor").stdout
        assert f"ioc repair offsets {settings.topic_prefix}{topics.WIFI} 0 --to start" in told
        repaired = run_ioc(
            settings, "repair", "offsets", settings.topic_prefix + topics.WIFI, "--to", "start"
        )
        assert repaired.returncode == 0, repaired.stderr
        assert "log-replaced" in repaired.stdout
        wait_counted(settings, [topics.WIFI], within_s=40)
    assert scalar(settings, SAMPLES) == 2000
    assert scalar(settings, halted) == 0


def _admin(settings: Settings) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=settings.kafka_servers.split(","))


def test_records_that_expire_before_they_are_read_halt_the_partition_until_a_repair_is_chosen(
    settings: Settings,
) -> None:
    """The worker stands still while Kafka's retention passes it by, and finds out by itself when it goes on."""
    topic = settings.topic_prefix + topics.WIFI
    halted = "SELECT count(*) FROM ioc.partition_offset WHERE halted_reason = 'records-expired'"
    with worker(settings, "--topic", topics.WIFI) as slow:
        with producer(settings) as send:
            for device, record in rounds(20, 50, _begin(300)):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        slow.signal(signal.SIGSTOP)
        for lot in range(2):  # the first may be on its way to the worker already
            with producer(settings) as send:
                for device, record in rounds(20, 50, _begin(200 - 60 * lot)):
                    send(topics.WIFI, device, record)
        with contextlib.closing(_admin(settings)) as admin:
            admin.delete_records(
                {TopicPartition(topic, p): end for p, end in log_ends(settings, topics.WIFI).items()}
            )
        slow.signal(signal.SIGCONT)
        wait_until(
            lambda: scalar(settings, halted) == settings.topic_partitions, within_s=60, what="all halted"
        )
        known = scalar(settings, SAMPLES)
        assert f"ioc repair offsets {topic} 0 --to start" in run_ioc(settings, "doctor").stdout
        assert run_ioc(settings, "repair", "offsets", topic).returncode == 0
        with producer(settings) as send:
            for device, record in rounds(20, 10, _begin(20)):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI], within_s=60)
        # told once, and not at each fetch
        assert slow.log.read_text().count("Kafka does not have the offset") <= 2 * settings.topic_partitions
    assert scalar(settings, SAMPLES) == known + 200
    assert scalar(settings, TWICE) == 0


def test_a_topic_that_is_made_again_under_a_running_worker_halts_until_a_repair_is_chosen(
    settings: Settings,
) -> None:
    topic = settings.topic_prefix + topics.WIFI
    halted = "SELECT count(*) FROM ioc.partition_offset WHERE halted_reason = 'log-replaced'"
    with worker(settings, "--topic", topics.WIFI):
        with producer(settings) as send:
            for device, record in rounds(20, 50, _begin(300)):
                send(topics.WIFI, device, record)
        wait_counted(settings, [topics.WIFI])
        with contextlib.closing(_admin(settings)) as admin:
            admin.delete_topics([topic])
            wait_until(lambda: topic not in admin.list_topics(), within_s=30, what="the topic to be gone")
        stack_topics.ensure(settings)
        with producer(settings) as send:
            for device, record in rounds(20, 10, _begin(100)):
                send(topics.WIFI, device, record)
        wait_until(
            lambda: scalar(settings, halted) == settings.topic_partitions, within_s=90, what="all halted"
        )
        assert scalar(settings, SAMPLES) == 1000
        assert run_ioc(settings, "repair", "offsets", topic).returncode == 0
        wait_counted(settings, [topics.WIFI], within_s=60)
    assert scalar(settings, SAMPLES) == 1200
    assert scalar(settings, TWICE) == 0


def test_a_repair_where_nothing_is_halted_says_so(settings: Settings) -> None:
    done = run_ioc(settings, "repair", "offsets", settings.topic_prefix + topics.WIFI)
    assert done.returncode == 2
    assert "No partition" in done.stderr
