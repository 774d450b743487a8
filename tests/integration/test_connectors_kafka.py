"""Connectors against the real Kafka: what arrives, what is kept back, what is said when it is away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition

from connectors.onestop.importing import Importer
from connectors.onestop.mapping import load
from connectors.shared.publisher import Publisher
from deploy.stack import EmbeddedKafka, topics
from ioc.errors import UnavailableError
from ioc.events import CameraProbed, CameraSample, Status, decode, encode, topic_of
from ioc.settings import Settings

COSELOG = Path(__file__).parents[2] / "deploy" / "mappings" / "coselog.toml"


def sample(number: int, device: str = "cam") -> CameraProbed:
    return CameraProbed(
        specversion="1.0",
        id=f"{device}-{number}",
        source="urn:test",
        subject=device,
        time=datetime(2025, 9, 1, tzinfo=UTC),
        data=CameraSample(unit="u", verdict=Status.OK),
    )


def send(publisher: Publisher, event: CameraProbed) -> None:
    publisher.publish(event)
    publisher.flush()


def records(settings: Settings, topic: str) -> list[Any]:
    """Everything in a topic, in each partition's order."""
    name = settings.topic_prefix + topic
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_servers, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        deadline = time.monotonic() + 120
        while any(consumer.position(p) < ends[p] for p in partitions) and time.monotonic() < deadline:
            for batch in consumer.poll(timeout_ms=500).values():
                found.extend(batch)
        return found
    finally:
        consumer.close()


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "IOC_KAFKA": settings.kafka_servers,
        "IOC_DATABASE_URL": settings.database_dsn,
        "IOC_STATE_DIR": str(settings.state_dir),
        "IOC_TOPIC_PREFIX": settings.topic_prefix,
    }


def ioc(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
    )


def test_one_subject_keeps_its_partition_and_its_order(settings: Settings) -> None:
    with Publisher(settings) as publisher:
        assert publisher.publish_many(sample(n, f"cam-{n % 7}") for n in range(700)) == 700
        publisher.flush()
        assert (publisher.counts.sent, publisher.counts.acknowledged, publisher.counts.failed) == (
            700,
            700,
            0,
        )
    found = records(settings, topic_of(sample(0)))
    assert len(found) == 700
    partitions: dict[bytes, set[int]] = {}
    order: dict[bytes, list[int]] = {}
    for record in found:
        event = decode(record.value)
        assert record.key == event.subject.encode()
        partitions.setdefault(record.key, set()).add(record.partition)
        order.setdefault(record.key, []).append(int(event.id.rsplit("-", 1)[1]))
    assert all(len(numbers) == 1 for numbers in partitions.values())
    assert all(numbers == sorted(numbers) for numbers in order.values())


def test_in_flight_memory_is_bounded(settings: Settings) -> None:
    cost = len(encode(sample(0))) + 600
    with Publisher(settings, in_flight_bytes=20 * cost) as publisher:
        most = 0
        for number in range(2_000):
            publisher.publish(sample(number))
            counts = publisher.counts
            most = max(most, counts.sent - counts.acknowledged)
        publisher.flush()
    assert most <= 22
    assert len(records(settings, topic_of(sample(0)))) == 2_000


def test_a_topic_that_does_not_exist_is_not_made(settings: Settings) -> None:
    other = settings.model_copy(update={"topic_prefix": "nobody."})
    with Publisher(other, timeout_s=2) as publisher, pytest.raises(UnavailableError):
        send(publisher, sample(1))


def test_kafka_away_from_the_start(unused_tcp_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        Publisher(Settings(kafka=f"127.0.0.1:{unused_tcp_port}"), timeout_s=3)
    assert f"127.0.0.1:{unused_tcp_port}" in caught.value.message
    assert "IOC_KAFKA" in caught.value.remedy
    assert time.monotonic() - began < 60


def test_kafka_that_goes_away_is_told_by_flush_and_not_waited_for_for_ever(
    private_kafka: EmbeddedKafka,
) -> None:
    with Publisher(private_kafka.settings, timeout_s=4) as publisher:
        topics.ensure(private_kafka.settings)
        publisher.publish(sample(1))
        publisher.flush()
        private_kafka.kill()
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            send(publisher, sample(2))
        assert time.monotonic() - began < 60
        assert publisher.counts.acknowledged == 1


@pytest.mark.shared
def test_the_permit_log_arrives_whole_and_names_nobody(settings: Settings, shared: Path) -> None:
    log = shared / "data" / "permits-receipt.csv"
    ids: list[Counter[str]] = []
    for _ in range(2):
        done = ioc(settings, "import", "dossiers", str(log), "--mapping", "coselog")
        assert done.returncode == 0, done.stderr
        assert "8,577 rows, 1,434 dossiers" in done.stdout
        found = records(settings, "ioc.dossiers")
        ids.append(Counter(decode(record.value).id for record in found))
        sent = b"".join(record.value for record in found)
        assert b"Resource" not in sent
        assert b"admin" not in sent
    assert len(ids[0]) == len(ids[1]) == 8_577 + 1_434
    assert set(ids[1].values()) == {2}, "importing again gives only duplicates"
    with psycopg.connect(settings.database_dsn) as connection:
        row = connection.execute("select time_zone from ioc.unit where code = 'coselog'").fetchone()
    assert row == ("Europe/Amsterdam",)


@pytest.mark.shared
def test_good_rows_arrive_and_bad_ones_end_with_three(
    settings: Settings, shared: Path, tmp_path: Path
) -> None:
    header, *rows = (shared / "data" / "permits-receipt.csv").read_text("utf-8").splitlines()[:101]
    rows[10] = rows[10].replace("2011-", "20x1-")
    file = tmp_path / "permits.csv"
    file.write_text("\n".join([header, *rows]), "utf-8")
    done = ioc(settings, "import", "dossiers", str(file), "--mapping", str(COSELOG))
    assert done.returncode == 3
    assert "rows rejected: 1" in done.stdout
    assert "line 12" in done.stdout
    steps = [record for record in records(settings, "ioc.dossiers") if b"progressed" in record.value]
    assert len(steps) == 99


def test_a_dry_run_needs_no_server(tmp_path: Path, unused_tcp_port: int) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "case:concept:name,case:channel,case:department,case:startdate,case:deadline,case:enddate,"
        "time:timestamp,concept:name,concept:instance\n"
        "c1,Desk,General,2011-10-11T13:42:22+02:00,,,2011-10-11T13:45:40+02:00,Confirm,t1\n"
    )
    away = Settings(state_dir=tmp_path / "state", kafka=f"127.0.0.1:{unused_tcp_port}")
    arguments = ("import", "dossiers", str(file), "--mapping", "coselog")
    env = {**os.environ, "IOC_STATE_DIR": str(away.state_dir), "IOC_KAFKA": str(away.kafka)}
    env["IOC_DATABASE_URL"] = f"postgresql://ioc@127.0.0.1:{unused_tcp_port}/ioc"
    command = [sys.executable, "-m", "ioc.cli", *arguments]
    dry = subprocess.run([*command, "--dry-run"], env=env, capture_output=True, text=True)
    assert (dry.returncode, "events would be published: 2" in dry.stdout) == (0, True), dry.stderr
    real = subprocess.run(command, env=env, capture_output=True, text=True)
    assert real.returncode == 4
    assert "Traceback" not in real.stderr


@pytest.mark.shared
def test_an_import_that_lost_kafka_midway_can_be_run_again(
    private_kafka: EmbeddedKafka, shared: Path, tmp_path: Path
) -> None:
    settings = private_kafka.settings
    topics.ensure(settings)
    log = shared / "data" / "permits-receipt.csv"
    importer = Importer(load(COSELOG), tmp_path)

    def lose(what: str, done: int, _of: int) -> None:
        if what == "sending" and 0 < done < 10_000:
            private_kafka.kill()

    with Publisher(settings, timeout_s=4) as publisher, pytest.raises(UnavailableError):
        importer.run(log, lambda: publisher, tick=lose)
    private_kafka.start()
    private_kafka.wait_ready()
    with Publisher(settings) as publisher:
        report = importer.run(log, lambda: publisher)
    assert report.published == 10_011
    assert len({decode(record.value).id for record in records(settings, "ioc.dossiers")}) == 10_011


def test_watched_folder_and_poller_run_until_told_to_stop(settings: Settings, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    targets = tmp_path / "cameras.toml"
    targets.write_text(
        "[[target]]\ndevice='cam-1'\nunit='u'\nurl='rtsp://u:s3cret@127.0.0.1:9/x'\ninterval_s=0.5\n"
    )
    connectors = [
        subprocess.Popen(
            [sys.executable, "-m", "ioc.cli", "connect", *arguments],
            env=environment(settings),
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in (
            ("queues", "--watch", str(spool), "--poll-s", "0.2"),
            ("cameras", "--targets", str(targets)),
        )
    ]
    try:
        ticket = {
            "happened": "issued",
            "unit": "u",
            "kiosk": "k",
            "number": "A1",
            "time": "2025-09-01T07:30:05+07:00",
        }
        (spool / "t.part").write_text(json.dumps(ticket) + "\n")
        (spool / "t.part").rename(spool / "t.jsonl")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if (spool / "done" / "t.jsonl").exists() and len(records(settings, "ioc.cameras")) >= 3:
                break
            time.sleep(0.5)
        for connector in connectors:
            connector.send_signal(signal.SIGTERM)
        logs = [connector.communicate(timeout=90)[1] for connector in connectors]
    finally:
        for connector in connectors:
            if connector.poll() is None:
                connector.kill()
                connector.wait()
    assert [connector.returncode for connector in connectors] == [0, 0], logs
    assert [decode(record.value).subject for record in records(settings, "ioc.queues")] == ["k"]
    cameras = [decode(record.value) for record in records(settings, "ioc.cameras")]
    assert len({camera.id for camera in cameras}) == len(cameras) >= 3
    assert logs[1].count("source.failing") == 1
    assert "s3cret" not in "".join(logs)


async def test_one_round_of_a_poller(settings: Settings, tmp_path: Path) -> None:
    from connectors.camera.targets import jobs
    from connectors.shared.runner import Poller

    targets = tmp_path / "cameras.toml"
    targets.write_text(
        "".join(f"[[target]]\ndevice='cam-{n}'\nunit='u'\nurl='rtsp://127.0.0.1:9/x'\n" for n in range(20))
    )
    publisher = await asyncio.to_thread(Publisher, settings)
    try:
        assert await Poller(jobs, targets, publisher).once() == 20
    finally:
        publisher.close()
    found = [decode(record.value) for record in records(settings, "ioc.cameras")]
    assert {event.subject for event in found} == {f"cam-{n}" for n in range(20)}
