"""The poller: devices are isolated from one another, and each turn of a source is told once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors.shared.health import Health
from connectors.shared.publisher import Counts
from connectors.shared.runner import Job, Outcome, Poller
from ioc.events import CameraProbed, CameraSample, Status


def event(device: str, number: int) -> CameraProbed:
    from datetime import UTC, datetime

    return CameraProbed(
        specversion="1.0",
        id=f"{device}-{number}",
        source="urn:test",
        subject=device,
        time=datetime.now(UTC),
        data=CameraSample(unit="u", verdict=Status.OK),
    )


class Box:
    """Takes events like a publisher."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @property
    def counts(self) -> Counts:
        return Counts(len(self.events), len(self.events), 0)

    def publish_many(self, events: Any) -> int:
        self.events.extend(events)
        return len(self.events)

    def flush(self) -> None:
        pass

    def devices(self) -> list[str]:
        return [event.subject for event in self.events]


def job(device: str, probe: Any, *, interval_s: float = 0.1, longest_s: float = 5.0, version: int = 0) -> Job:
    return Job(device, interval_s, longest_s, version, probe)


async def run(load: Any, path: Path, box: Box, until: Callable[[], bool]) -> None:
    """Poll until something has come about."""
    stop = threading.Event()
    poller = Poller(load, path, box, workers=4)  # type: ignore[arg-type]
    polling = asyncio.create_task(poller.run(stop))
    try:
        async with asyncio.timeout(60):
            while not until():
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await polling


async def test_devices_that_hang_or_fail_do_not_stop_the_rest(tmp_path: Path) -> None:
    box, numbers = Box(), iter(range(10_000))

    async def good() -> Outcome:
        return Outcome([event("good", next(numbers))], True)

    async def hangs() -> Outcome:
        await asyncio.sleep(3_600)
        raise AssertionError

    async def fails() -> Outcome:
        raise ZeroDivisionError("rtsp://u:s3cret@cam")

    jobs = [job("good", good), job("hangs", hangs, longest_s=0.3), job("fails", fails)]
    structlog.reset_defaults()
    with capture_logs() as logs:

        def failing() -> list[str]:
            return [line["source"] for line in logs if line["event"] == "source.failing"]

        await run(lambda _path: jobs, tmp_path, box, lambda: len(box.events) >= 8 and len(failing()) >= 2)
        told = failing()
    assert sorted(told) == ["fails", "hangs"], "one line each, however often it fails"
    assert "s3cret" not in str([line for line in logs if line["log_level"] != "debug"])


async def test_a_slow_device_is_not_asked_again_before_it_answered(tmp_path: Path) -> None:
    running = most = answered = 0

    async def slow() -> Outcome:
        nonlocal running, most, answered
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.25)
        running -= 1
        answered += 1
        return Outcome([], True)

    await run(lambda _path: [job("slow", slow)], tmp_path, Box(), lambda: answered >= 3)
    assert most == 1


async def test_targets_come_and_go_with_the_file(tmp_path: Path) -> None:
    path, box = tmp_path / "targets", Box()
    path.write_text("a")
    numbers = iter(range(10_000))

    def load(found: Path) -> list[Job]:
        def probe(device: str) -> Any:
            async def ask() -> Outcome:
                return Outcome([event(device, next(numbers))], True)

            return ask

        return [job(device, probe(device)) for device in found.read_text()]

    steps = iter((lambda: path.write_text("bc"), lambda: box.events.clear()))
    wanted = [{"a"}, {"a", "b", "c"}, {"b", "c"}]

    def seen() -> bool:
        if set(box.devices()) != wanted[0] or len(box.events) < 4:
            return False
        wanted.pop(0)
        for step in steps:
            step()
            return False
        return True

    await run(load, path, box, seen)
    assert wanted == []


def test_turns_are_spread_over_the_minute_and_stay_where_they_are() -> None:
    async def probe() -> Outcome:
        raise AssertionError

    jobs = [job(f"ap-xa-{number:04d}", probe, interval_s=60.0) for number in range(6_000)]
    seconds = Counter(int(one.phase * one.interval_s) for one in jobs)
    assert len(seconds) == 60
    assert max(seconds.values()) < 150, "a hundred in each second, give or take"
    assert min(seconds.values()) > 60
    assert jobs[7].phase == job("ap-xa-0007", probe, interval_s=60.0).phase, "after a restart too"


@given(st.text(min_size=1, max_size=30), st.floats(1, 3600), st.floats(0, 1e6))
def test_turns_come_once_an_interval_at_the_devices_own_moment(
    device: str, interval_s: float, elapsed_s: float
) -> None:
    one = job(device, None, interval_s=interval_s)
    wait_s = one.until_turn_s(elapsed_s)
    assert 0 < wait_s <= interval_s * (1 + 1e-9)
    turn = (elapsed_s + wait_s) / interval_s - one.phase
    assert turn == pytest.approx(round(turn), abs=1e-4)


def test_health_speaks_once_for_each_turn() -> None:
    health = Health("source")
    with capture_logs() as logs:
        for healthy in (True, False, False, False, True, True, False):
            health.note("cam", healthy, "why")
    assert [line["event"] for line in logs] == ["source.failing", "source.recovered", "source.failing"]
