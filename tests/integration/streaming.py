"""Runs stream workers as processes of their own, and asks what they did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pydantic import SecretStr

from ioc import topics
from ioc.settings import Settings

ROOT = Path(__file__).parents[2]
#: Limits in tests are those of a quiet machine; a loaded one is given so many times more before a test fails.
_PATIENCE = 4


def environment(settings: Settings) -> dict[str, str]:
    """The process environment that gives a child these settings."""
    found = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
    for name, value in settings:
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is not None:
            found[f"IOC_{name.upper()}"] = str(value)
    return found


def run_ioc(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the platform to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", *arguments],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class IocProcess:
    """A command of the platform that runs until it is told to stop, as a process of its own.

    :param stop_s: longest wait for its end after SIGTERM.
    """

    def __init__(self, settings: Settings, name: str, *arguments: str, stop_s: float) -> None:
        self.settings = settings
        self._arguments = arguments
        self._stop_s = stop_s
        self.log = settings.state_dir / f"{name}-{time.monotonic_ns()}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ioc.cli", *self._arguments],
                cwd=ROOT,
                env=environment(self.settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """``kill -9``; returns when the process is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(60)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(self._stop_s)

    def memory_mib(self, field: str = "VmRSS") -> float:
        """Resident memory now; with ``VmHWM``, the most that it held so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        raise AssertionError(f"no {field}")


P = TypeVar("P", bound=IocProcess)


class WorkerProcess(IocProcess):
    """``ioc stream`` as a process."""

    def __init__(self, settings: Settings, *arguments: str) -> None:
        super().__init__(settings, "worker", "stream", *arguments, stop_s=60)


@contextmanager
def started(process: P) -> Iterator[P]:
    """Start a process, and kill it at the end whatever happens; its log is shown when the test fails inside."""
    try:
        process.start()
        yield process
    except BaseException:
        print(process.log.read_text()[-6000:])  # noqa: T201 - pytest shows it with the failure
        raise
    finally:
        process.kill()


def worker(settings: Settings, *arguments: str) -> AbstractContextManager[WorkerProcess]:
    """A running worker, see :func:`started`."""
    return started(WorkerProcess(settings, *arguments))


def wait_until(condition: Callable[[], Any], *, within_s: float, what: str) -> Any:
    """Return the first truthy answer.

    :param within_s: how long it may take on a quiet machine; what must hold in time asserts it itself.
    :raises AssertionError: naming what did not happen in time.
    """
    end = time.monotonic() + within_s * _PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s * _PATIENCE} s: {what}")


def fetch(settings: Settings, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of one query on the test's database."""
    with psycopg.connect(settings.database_dsn, autocommit=True) as connection:
        return connection.execute(query.encode(), parameters or None).fetchall()


def scalar(settings: Settings, query: str, *parameters: Any) -> Any:
    """First field of the first row."""
    return fetch(settings, query, *parameters)[0][0]


def log_ends(settings: Settings, topic: str) -> dict[int, int]:
    """Kafka's log end of each partition of a topic (named without prefix)."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_servers.split(","))
    try:
        name = settings.topic_prefix + topic
        tps = [TopicPartition(name, p) for p in range(settings.topic_partitions)]
        return {tp.partition: end for tp, end in consumer.end_offsets(tps).items()}
    finally:
        consumer.close()


def counted(settings: Settings, topic: str) -> dict[int, int]:
    """Offset up to which each partition is in the database."""
    return dict(
        fetch(
            settings,
            "SELECT partition, next_offset FROM ioc.partition_offset WHERE topic = %s AND retired_at IS NULL",
            settings.topic_prefix + topic,
        )
    )


def wait_counted(
    settings: Settings, topics_: Iterable[str] = topics.FACT_TOPICS, *, within_s: float = 60
) -> None:
    """Wait until all that Kafka holds now is in the database."""
    for topic in topics_:
        ends = log_ends(settings, topic)
        wait_until(
            lambda topic=topic, ends=ends: all(
                counted(settings, topic).get(p, 0) >= end for p, end in ends.items()
            ),
            within_s=within_s,
            what=f"{topic} counted up to {ends}, stands at {counted(settings, topic)}",
        )


@contextmanager
def producer(settings: Settings) -> Iterator[Callable[..., None]]:
    """``send(topic, key, value, partition=None)`` that is acknowledged by the end of the block."""
    client = KafkaProducer(
        bootstrap_servers=settings.kafka_servers.split(","),
        acks="all",
        compression_type="lz4",
        linger_ms=5,
        max_request_size=8 * 1024 * 1024,
    )
    waiting: list[Any] = []

    def send(topic: str, key: str, value: bytes | None, partition: int | None = None) -> None:
        waiting.append(
            client.send(settings.topic_prefix + topic, key=key.encode(), value=value, partition=partition)
        )

    try:
        yield send
        client.flush(120)
        for future in waiting:
            future.get(timeout=60)
    finally:
        client.close()
