"""The embedded servers: they come up, keep what they were given through a crash, and leave no process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from deploy.stack import EmbeddedKafka, EmbeddedPostgres, topics
from deploy.stack.process import wait_for_leftovers
from deploy.stack.supervisor import SupervisedPostgres
from ioc.errors import SettingsError
from ioc.settings import Settings
from tests.integration.streaming import wait_until
from tests.servers import Servers, state_folder

ROOT = Path(__file__).parents[2]


def test_database_has_timescaledb_and_durable_commits(database: str) -> None:
    with psycopg.connect(database) as connection:
        version = connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
        ).fetchone()
        assert version is not None
        assert version[0] >= "2.19"
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute(
            "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (
            "ioc",
            False,
        )


def test_a_database_that_can_not_be_made_yet_is_waited_for(servers: Servers) -> None:
    """Whatever the server answers (here: its template is in use; a full disk is the same), the supervisor lives on."""
    postgres = SupervisedPostgres(servers.settings)
    postgres.database = "made_late"
    with psycopg.connect(servers.postgres.admin_dsn.removesuffix("postgres") + "template1"):
        assert not postgres.is_ready()
    wait_until(postgres.is_ready, within_s=15, what="the database")
    servers.postgres.drop_database("made_late")


def test_databases_of_two_tests_are_apart(servers: Servers) -> None:
    first, second = servers.new_database(), servers.new_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE only_here (a int)")
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)
    servers.drop_database(first)
    servers.drop_database(second)


def test_topics_are_made_once_and_never_repartitioned(settings: Settings) -> None:
    assert topics.partitions(settings) == dict.fromkeys(topics.names(settings), settings.topic_partitions)
    assert topics.ensure(settings) == []
    other = settings.model_copy(update={"topic_partitions": settings.topic_partitions + 1})
    with pytest.raises(SettingsError, match="has 4 partitions"):
        topics.ensure(other)


def test_five_megabyte_record_reaches_the_topic(settings: Settings) -> None:
    name = topics.names(settings)[0]
    producer = KafkaProducer(bootstrap_servers=settings.kafka_servers, max_request_size=8 * 1024 * 1024)
    sent = producer.send(name, value=b"x" * 5_000_000, partition=0).get(timeout=120)
    producer.close()
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_servers, max_partition_fetch_bytes=8 * 1024 * 1024
    )
    partition = TopicPartition(name, 0)
    consumer.assign([partition])
    assert consumer.end_offsets([partition])[partition] == sent.offset + 1
    consumer.close()


@pytest.mark.drills
def test_unclean_ends_lose_nothing(private_kafka: EmbeddedKafka) -> None:
    settings = private_kafka.settings
    topics.ensure(settings)
    name = topics.names(settings)[0]
    producer = KafkaProducer(bootstrap_servers=settings.kafka_servers, acks="all")
    for number in range(100):
        producer.send(name, value=str(number).encode(), partition=0)
    producer.flush(120)
    producer.close()
    private_kafka.kill()
    assert not private_kafka.is_ready()
    private_kafka.start()
    private_kafka.wait_ready()
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_servers)
    partition = TopicPartition(name, 0)
    consumer.assign([partition])
    assert consumer.end_offsets([partition])[partition] == 100
    consumer.close()


@pytest.mark.drills
def test_database_survives_a_kill_and_a_wipe_empties_it(private_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(private_postgres.dsn) as connection:
        connection.execute("CREATE TABLE kept (a int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    private_postgres.kill()
    private_postgres.start()
    private_postgres.wait_ready()
    with psycopg.connect(private_postgres.dsn) as connection:
        assert connection.execute("SELECT a FROM kept").fetchall() == [(1,)]
    private_postgres.wipe()
    private_postgres.start()
    private_postgres.wait_ready()
    with psycopg.connect(private_postgres.dsn) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def _states(server: EmbeddedPostgres) -> set[str]:
    """States of its processes; those that have ended and wait for their frozen parent run no more."""
    found = set()
    for pid in (server.process.pid, *server.process.descendants()):
        with contextlib.suppress(OSError):
            found.add(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0])
    return found - {"Z"}


@pytest.mark.drills
def test_frozen_database_answers_again_when_it_wakes(private_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(private_postgres.dsn) as connection:
        private_postgres.pause()
        try:
            wait_until(
                lambda: _states(private_postgres) == {"T"}, within_s=20, what="every process to stand still"
            )
        finally:
            private_postgres.resume()
        assert connection.execute("SELECT 1").fetchone() == (1,)


_OWNER = """
import sys, time
from deploy.stack import EmbeddedPostgres
from ioc.settings import Settings
server = EmbeddedPostgres(Settings.model_validate_json(sys.argv[1]))
server.start(); server.wait_ready()
print(server.process.pid, *server.process.descendants(), flush=True)
time.sleep(600)
"""


@pytest.mark.drills
def test_killed_owner_leaves_no_process(servers: Servers) -> None:
    with state_folder() as folder:
        from tests.servers import stack_settings

        mine = stack_settings(folder / "state")
        assert servers.postgres.process.running  # so that the programs are installed
        owner = subprocess.Popen(
            [sys.executable, "-c", _OWNER, mine.model_dump_json()],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) > 3
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
        assert wait_for_leftovers(folder / "state" / "run" / "processes.lock", 80.0)
        wait_until(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids),
            within_s=5,
            what="every process to be gone",
        )


def test_taken_port_is_named_with_its_setting(kafka: EmbeddedKafka) -> None:
    with state_folder() as folder:
        settings = kafka.settings.model_copy(update={"state_dir": folder / "state"})
        with pytest.raises(SettingsError, match=rf"{settings.kafka_port}.*IOC_KAFKA_PORT"):
            EmbeddedKafka(settings).start()
