"""Processes say that they live while they get on: killed, frozen and stuck ones fall silent, stopped ones do not."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql

from ioc.kpi.query import answer
from ioc.settings import Settings
from ioc.watch.beat import Beat
from ioc.watch.state import Heartbeat, heartbeats
from tests.integration.streaming import IocProcess, scalar, started, wait_until
from tests.servers import Servers

INTERVAL_S = 0.1


def seen(place: Settings) -> dict[str, Heartbeat]:
    with psycopg.connect(place.database_dsn, autocommit=True) as session:
        return {one.name: one for one in answer(session, heartbeats(clock(place)))}


def clock(place: Settings) -> datetime:
    found = scalar(place, "SELECT clock_timestamp()")
    assert isinstance(found, datetime)
    return found


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Settings]:
    """A fresh database; processes beat often."""
    with servers.place() as found:
        yield Settings.model_validate({**found.model_dump(), "heartbeat_s": INTERVAL_S})


@pytest.fixture(autouse=True)
def _no_processes(place: Settings) -> Iterator[None]:
    yield
    with psycopg.connect(place.database_dsn, autocommit=True) as session:
        session.execute("DELETE FROM ioc.heartbeat")


def beaten(place: Settings, beat: Beat) -> Heartbeat:
    wait_until(lambda: beat.name in seen(place), within_s=5, what="a heartbeat")
    assert beat.name is not None
    return seen(place)[beat.name]


def test_a_process_beats_until_it_ends_in_order_and_is_not_missed_then(place: Settings) -> None:
    with Beat(place, "deliver") as beat:
        first = beaten(place, beat)
        assert first.kind == "deliver"
        assert first.name == f"deliver@{first.host}"
        wait_until(lambda: seen(place)[first.name].at > first.at, within_s=5, what="a second beat")
    last = seen(place)[first.name]
    assert last.stopped
    assert not last.is_silent(last.at + timedelta(days=1))


def test_a_process_that_crashes_is_missed(place: Settings) -> None:
    def crash() -> None:
        with Beat(place, "deliver") as beat:
            beaten(place, beat)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    (last,) = seen(place).values()
    assert not last.stopped
    assert last.is_silent(last.silent_since)
    assert last.silent_since - last.at == timedelta(seconds=3 * INTERVAL_S)


def test_a_loop_that_hangs_silences_its_process_though_the_thread_that_beats_lives(place: Settings) -> None:
    go_on, stop = threading.Event(), threading.Event()
    go_on.set()
    with structlog.testing.capture_logs() as lines, Beat(place, "deliver") as beat:
        other = beat.loop("other", within_s=3600)
        turned = beat.loop("messages", within_s=0.5)

        def hanging() -> None:
            while not stop.is_set():
                turned()
                other()
                go_on.wait()
                time.sleep(0.02)

        worker = threading.Thread(target=hanging)
        worker.start()
        name = beaten(place, beat).name
        go_on.clear()
        try:
            wait_until(lambda: seen(place)[name].is_silent(clock(place)), within_s=10, what="silence")
            assert beat.stuck() == ["messages"]
            go_on.set()
            wait_until(lambda: seen(place)[name].lives(clock(place)), within_s=10, what="life again")
            wait_until(
                lambda: any(line["event"] == "heartbeat.loop_turns_again" for line in lines),
                within_s=10,
                what="a line that it turns",
            )
        finally:
            stop.set()
            go_on.set()
            worker.join()
    told = [(line["event"], line["loop"]) for line in lines if "loop" in line]
    assert told == [("heartbeat.loop_stuck", "messages"), ("heartbeat.loop_turns_again", "messages")]
    where = next(line["where"] for line in lines if line["event"] == "heartbeat.loop_stuck")
    assert "hanging" in where


def test_a_second_process_of_a_role_has_a_name_of_its_own_and_a_successor_the_first_ones(
    place: Settings,
) -> None:
    with Beat(place, "deliver") as one:
        beaten(place, one)
        with Beat(place, "deliver") as two:
            assert beaten(place, two).name == f"{one.name}#2"
    with Beat(place, "deliver") as again:
        assert beaten(place, again).name == one.name


def test_a_real_process_that_is_frozen_or_killed_is_silent_within_its_intervals(place: Settings) -> None:
    process = IocProcess(place, "serve", "serve", stop_s=60)

    def serving() -> Heartbeat | None:
        return next((one for one in seen(place).values() if one.kind == "serve"), None)

    def state() -> tuple[bool, bool]:
        found = serving()
        return (found.lives(clock(place)), found.stopped) if found else (False, False)

    with started(process):
        wait_until(lambda: state()[0], within_s=40, what="ioc serve beats")
        process.signal(signal.SIGSTOP)
        froze = clock(place)
        wait_until(lambda: not state()[0], within_s=30, what="a frozen process is noticed")
        found = serving()
        assert found is not None
        assert found.silent_since <= froze + timedelta(seconds=4 * found.interval_s)
        process.signal(signal.SIGCONT)
        wait_until(lambda: state()[0], within_s=20, what="it is heard again")
        killed = clock(place)
        process.kill()
        found = serving()
        assert found is not None
        assert not found.stopped
        assert found.silent_since <= killed + timedelta(seconds=4 * found.interval_s)
        wait_until(lambda: not state()[0], within_s=10, what="a killed process is noticed")
        process.start()
        wait_until(lambda: state()[0], within_s=40, what="its successor has its name")
        assert len(seen(place)) == 1
        process.stop()
        assert state() == (False, True)


def test_every_process_of_the_platform_beats_and_says_when_it_ends(settings: Settings) -> None:
    often = Settings.model_validate({**settings.model_dump(), "heartbeat_s": 0.5})
    commands = {
        "stream": ("stream",),
        "serve": ("serve",),
        "ingest": ("connect", "ingest"),
        "evaluate": ("evaluate",),
        "deliver": ("deliver",),
    }

    def living() -> set[str]:
        return {one.kind for one in seen(often).values() if one.lives(clock(often))}

    with ExitStack() as running:
        processes = [
            running.enter_context(started(IocProcess(often, role, *command, stop_s=60)))
            for role, command in commands.items()
        ]
        wait_until(lambda: living() >= {*commands, "auditor"}, within_s=60, what=f"all beat; {living()} do")
        _see_figures_of(often, set(commands))
        for process in processes:
            process.signal(signal.SIGTERM)
        for process in processes:
            process.stop()
    assert {one.kind: one.stopped for one in seen(often).values()} == dict.fromkeys(
        (*commands, "auditor"), True
    )


def _see_figures_of(place: Settings, roles: set[str]) -> None:
    """One address shows the figures of every process, its own among them."""

    def shown() -> dict[str, set[str]]:
        text = httpx.get(f"{place.api_url}/metrics", timeout=30).text
        found: dict[str, set[str]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).add(sample.labels.get("process", "").partition("@")[0])
        return found

    wait_until(lambda: shown()["ioc_process_memory_bytes"] == roles, within_s=60, what="figures of all")
    late = {"ioc_stream_partitions", "ioc_relay_events_total", "ioc_evaluate_leads"}
    wait_until(lambda: late <= set(shown()), within_s=60, what="figures of what they do")
    now = shown()
    assert now["ioc_stream_partitions"] == {"stream"}
    assert now["ioc_evaluate_leads"] == {"evaluate"}
    assert now["ioc_relay_events_total"] == {"ingest"}
    assert now["ioc_process_up"] >= roles
    assert now["ioc_database_up"] == {""}


@contextmanager
def away(place: Settings) -> Iterator[None]:
    """The database refuses everybody, and has ended every session."""
    server, name = place.database_dsn.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        named = sql.Identifier(name)
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(named))
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(named))


def test_a_database_that_goes_away_costs_one_line_and_one_when_it_is_back(place: Settings) -> None:
    with structlog.testing.capture_logs() as lines, Beat(place, "deliver") as beat:
        before = beaten(place, beat)
        with away(place):
            wait_until(lambda: lines, within_s=10, what="a line that it fails")
            time.sleep(5 * INTERVAL_S)
        wait_until(lambda: seen(place)[before.name].lives(clock(place)), within_s=10, what="life again")
        wait_until(lambda: len(lines) == 2, within_s=10, what="a line that it is back")
    assert [line["event"] for line in lines] == ["heartbeat.not_written", "heartbeat.written_again"]
    assert seen(place)[before.name].stopped
