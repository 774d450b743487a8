"""The relay against a real Kafka that goes away, hangs and comes back: nothing lost, nothing out of order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from connectors.shared.relay import Fate, Mode, Relay, SpoolFullError
from deploy.stack import EmbeddedKafka, ensure_installed, topics
from ioc import topics as names
from ioc.errors import InputError, UnavailableError
from ioc.events import AnyEvent, Interface, Status, WifiProbed, WifiSample, decode
from ioc.settings import Settings
from tests.integration.streaming import environment, wait_until
from tests.integration.test_connectors_kafka import records
from tests.servers import stack_settings, state_folder

BEGIN = datetime(2025, 9, 1, tzinfo=UTC)
DEVICES = 5


def sample(number: int, **facts: Any) -> WifiProbed:
    device = f"ap-{number % DEVICES}"
    return WifiProbed(
        specversion="1.0",
        id=f"{number:09d}",
        source="urn:test",
        subject=device,
        time=BEGIN + timedelta(seconds=number),
        data=WifiSample(unit="u", status=Status.OK, **facts),
    )


def samples(first: int, many: int) -> list[AnyEvent]:
    return [sample(number) for number in range(first, first + many)]


def arrived(settings: Settings) -> list[int]:
    """Numbers that Kafka holds, each once.

    :raises AssertionError: when one of a device's came before an older one of it had come.
    """
    newest: dict[str, int] = {}
    seen: set[int] = set()
    for record in records(settings, names.WIFI):
        event = decode(record.value)
        number = int(event.id)
        if number in seen:
            continue
        seen.add(number)
        assert newest.get(event.subject, -1) < number, f"{number} after {newest[event.subject]}"
        newest[event.subject] = number
    return sorted(seen)


def is_direct(relay: Relay) -> bool:
    return relay.state.mode is Mode.DIRECT


def wait_direct(relay: Relay, within_s: float = 60) -> None:
    wait_until(lambda: is_direct(relay), within_s=within_s, what=f"direct again: {relay.state}")


@contextmanager
def relaying(settings: Settings, name: str = "test", **facts: Any) -> Iterator[Relay]:
    with Relay(settings, name, **facts) as relay:
        yield relay


@pytest.fixture(scope="module")
def breakable() -> Iterator[EmbeddedKafka]:
    """A Kafka for the tests of this module to break; each finds it running."""
    with state_folder() as folder:
        found = stack_settings(folder / "state")
        ensure_installed(found)
        with EmbeddedKafka(found) as server:
            yield server


@pytest.fixture
def alone(breakable: EmbeddedKafka, tmp_path: Path) -> Iterator[Settings]:
    """Settings that name the breakable Kafka, running, with topics of the test's own."""
    settings = breakable.settings.model_copy(
        update={
            "state_dir": tmp_path,
            "topic_prefix": f"t{uuid4().hex[:8]}.",
            "kafka": breakable.bootstrap_servers,
            "kafka_wait_s": 1.0,
            "spool_free_bytes": 0,
        }
    )
    topics.ensure(settings)
    yield settings
    if not breakable.process.running:
        breakable.start()
    breakable.resume()
    breakable.wait_ready()


@pytest.fixture
def nowhere(settings: Settings, unused_tcp_port: int) -> Settings:
    """Settings of a Kafka that is away; those of ``settings`` name the same spool, and Kafka come back."""
    return settings.model_copy(
        update={"kafka": f"127.0.0.1:{unused_tcp_port}", "kafka_wait_s": 0.5, "spool_free_bytes": 0}
    )


def come_back(kafka: EmbeddedKafka) -> None:
    kafka.start()
    kafka.wait_ready()


def test_straight_to_kafka_in_order(settings: Settings) -> None:
    with relaying(settings) as relay:
        many = relay.accept(samples(0, 3_000))
        assert relay.publish_many(samples(3_000, 500)) == 500
        relay.publish(sample(3_500))
        relay.flush()
        assert many.result(0) is Fate.ACKNOWLEDGED
        assert relay.accept([]).result(0) is Fate.ACKNOWLEDGED
        state = relay.state
        assert (state.taken, state.acknowledged, state.spooled, state.waiting_events) == (3_501, 3_501, 0, 0)
        assert (state.mode, state.reason, state.oldest_age_s) == ("direct", None, None)
    assert arrived(settings) == list(range(3_501))
    assert len(records(settings, names.WIFI)) == 3_501


def test_from_several_threads(settings: Settings) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with relaying(settings) as relay, ThreadPoolExecutor(4) as pool:

        def feed(device: int) -> None:
            for number in range(device, 2_000, DEVICES):
                relay.publish(sample(number))

        list(pool.map(feed, range(DEVICES)))
        relay.flush()
    assert arrived(settings) == list(range(2_000))


def test_kafka_away_from_the_start_and_back_later(alone: Settings, breakable: EmbeddedKafka) -> None:
    breakable.kill()
    late = count(3_000)
    with capture_logs() as logs, relaying(alone) as relay:
        futures = [relay.accept(samples(first, 100)) for first in range(0, 2_000, 100)]
        assert {future.result(20) for future in futures} == {Fate.SPOOLED}
        relay.publish_many(samples(2_000, 1_000))
        relay.flush()
        state = relay.state
        assert (state.mode, state.spooled_events) == (Mode.SPOOLING, 3_000)
        assert state.oldest_age_s is not None
        assert state.reason
        come_back(breakable)  # probes in vain meanwhile are no lines in the log
        wait_direct(relay)
        wait_until(
            lambda: relay.accept([sample(next(late))]).result(20) is Fate.ACKNOWLEDGED,
            within_s=60,
            what="straight again",
        )
        assert relay.state.spooled_bytes == 0
    assert arrived(alone) == list(range(next(late)))
    assert [entry["event"] for entry in logs if entry["event"].startswith("relay.")] == [
        "relay.away",
        "relay.recovered",
    ]
    assert list((alone.state_dir / "spool" / "test").glob("*.seg")) == []


def test_kafka_that_freezes_under_load(alone: Settings, breakable: EmbeddedKafka) -> None:
    """Its requests may still be served when it thaws, beside those that were sent again. (Killed: the drill.)"""
    settings = alone
    numbers = count()
    futures: list[Future[Fate]] = []

    def feed(relay: Relay, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            futures.append(relay.accept([sample(next(numbers)) for _ in range(50)]))
            time.sleep(0.005)

    with relaying(settings) as relay:
        wait_until(
            lambda: relay.accept([sample(next(numbers))]).result(20) is Fate.ACKNOWLEDGED,
            within_s=60,
            what="a first acknowledgement",
        )
        feed(relay, 0.5)
        breakable.pause()
        feed(relay, 1.0)
        wait_until(lambda: not is_direct(relay), within_s=20, what="the spool taking over")
        feed(relay, 0.3)
        breakable.resume()
        feed(relay, 0.5)
        wait_direct(relay)
        feed(relay, 0.3)
        relay.flush()
        fates = [future.result(10) for future in futures]
    assert Fate.SPOOLED in fates
    assert arrived(settings) == list(range(next(numbers)))


def test_a_full_spool_refuses_and_drops_nothing_it_took(settings: Settings, nowhere: Settings) -> None:
    tight = nowhere.model_copy(update={"spool_bytes": 1024 * 1024})
    taken: list[int] = []
    with relaying(tight) as relay:
        assert relay.accept(samples(0, 1)).result(20) is Fate.SPOOLED
        number = 1
        while True:
            future = relay.accept(samples(number, 100))
            if isinstance(future.exception(20), SpoolFullError):
                break
            taken += range(number, number + 100)
            number += 100
        assert "full" in str(future.exception())
        state = relay.state
        assert state.mode is Mode.FULL
        assert state.spooled_events == len(taken) + 1
        assert (state.refused, state.failed) == (100, 0)
        with pytest.raises(SpoolFullError):
            relay.publish_many(samples(number, 200))
        relay.flush()  # what was taken is safe
    with relaying(settings) as relay:
        wait_direct(relay)
        assert relay.accept(samples(number, 100)).result(20) is Fate.ACKNOWLEDGED
    assert arrived(settings) == [0, *taken, *range(number, number + 100)]


def test_an_event_too_large_for_kafka_is_refused_at_once(settings: Settings) -> None:
    huge = sample(1, interfaces=tuple(Interface(index=n, name="x" * 200) for n in range(6_000)))
    with relaying(settings) as relay:
        with pytest.raises(InputError, match="ap-1"):
            relay.accept([sample(0), huge])
        relay.publish(sample(2))
    assert arrived(settings) == [2]


def test_a_message_that_kafka_never_takes_stops_no_other(
    settings: Settings, servers: Any, tmp_path: Path
) -> None:
    from kafka.admin import KafkaAdminClient, NewTopic

    from deploy.stack import topics

    # a limit that is given at the beginning holds from the first message on; a changed one only after a while
    settings = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}small."})
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_servers)
    try:
        small = NewTopic(
            settings.topic_prefix + names.WIFI,
            settings.topic_partitions,
            1,
            topic_configs={"max.message.bytes": "20000"},
        )
        admin.create_topics([small])
    finally:
        admin.close()
    topics.ensure(settings)
    import random

    noise = random.Random(1)
    large = sample(
        50,
        interfaces=tuple(Interface(index=n, name=noise.randbytes(100).hex()) for n in range(400)),
    )
    with relaying(settings) as relay:
        relay.accept([*samples(0, 50), large, *samples(51, 49)]).result(60)
        wait_direct(relay)
        assert relay.state.set_aside == 1
        assert relay.accept(samples(100, 10)).result(20) is Fate.ACKNOWLEDGED
    assert arrived(settings) == [n for n in range(110) if n != 50]
    (aside,) = (settings.state_dir / "spool" / "test" / "aside").iterdir()
    assert b"000000050" in aside.read_bytes()


KILLED = """
from connectors.shared.relay import Relay
from ioc.logs import configure
from ioc.settings import load
from tests.integration.test_relay import samples

configure()
with Relay(load(), "test") as relay:
    for first in range(0, 100_000, 20):
        print(first + 20, relay.accept(samples(first, 20)).result(), flush=True)
"""


def test_a_killed_process_is_followed_by_one_that_forwards_its_spool(
    settings: Settings, nowhere: Settings
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], env=environment(nowhere), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    accepted = 0
    for _ in range(40):
        accepted = int(process.stdout.readline().split()[0])
    process.kill()
    lines: Iterable[str] = process.stdout.read().splitlines()
    accepted = max([accepted, *(int(line.split()[0]) for line in lines if len(line.split()) == 2)])
    process.wait()
    process.stdout.close()
    with relaying(nowhere) as relay:
        assert relay.state.mode is not Mode.DIRECT
        assert relay.state.spooled_events >= accepted
        assert relay.accept(samples(200_000, 10)).result(20) is Fate.SPOOLED, "behind what waits"
    with relaying(settings) as relay:
        wait_direct(relay)
    found = arrived(settings)
    assert found[:accepted] == list(range(accepted))
    assert found[-10:] == list(range(200_000, 200_010))


def test_what_waits_when_the_connector_ends_is_kept(nowhere: Settings) -> None:
    relay = Relay(nowhere, "test")
    future = relay.accept(samples(0, 100))
    relay.close()
    assert future.result(0) is Fate.SPOOLED
    with pytest.raises(UnavailableError):
        relay.publish(sample(1))
    with relaying(nowhere) as again:
        assert again.state.spooled_events == 100


def test_one_process_at_a_time_under_a_name(settings: Settings) -> None:
    with relaying(settings), pytest.raises(UnavailableError, match="Another process"):
        Relay(settings, "test", owner_wait_s=0.1)


def test_memory_is_bounded_whatever_comes(nowhere: Settings) -> None:
    """Nothing leaves in the first seconds: what does not fit into memory goes to the disk, or is refused."""
    slow = nowhere.model_copy(update={"kafka_wait_s": 2.0})
    with relaying(slow, memory_bytes=2_000_000) as relay:
        futures = [relay.accept(samples(first, 100)) for first in range(0, 50_000, 100)]
        outcomes = [future.exception(60) for future in futures]
        assert relay.state.waiting_events == 0
        refused = [error for error in outcomes if error is not None]
        assert all(isinstance(error, SpoolFullError) for error in refused)
        assert relay.state.spooled_events == 100 * (len(outcomes) - len(refused))
        assert relay.state.spooled_events > 2_000
