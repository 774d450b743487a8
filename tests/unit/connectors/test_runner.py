"""The poller: devices are isolated from one another, and each turn of a source is told once."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import structlog
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


async def run(load: Any, path: Path, box: Box, seconds: float, *, workers: int = 4) -> None:
    stop = threading.Event()
    poller = Poller(load, path, box, workers=workers)  # type: ignore[arg-type]
    asyncio.get_running_loop().call_later(seconds, stop.set)
    await poller.run(stop)


async def test_devices_that_hang_or_fail_do_not_slow_the_rest(tmp_path: Path) -> None:
    box, numbers = Box(), iter(range(10_000))

    async def good() -> Outcome:
        return Outcome([event("good", next(numbers))], True)

    async def hangs() -> Outcome:
        await asyncio.sleep(60)
        raise AssertionError

    async def fails() -> Outcome:
        raise ZeroDivisionError("rtsp://u:s3cret@cam")

    jobs = [job("good", good), job("hangs", hangs, longest_s=0.3), job("fails", fails)]
    structlog.reset_defaults()
    with capture_logs() as logs:
        await run(lambda _path: jobs, tmp_path, box, 1.2)
    assert box.devices().count("good") >= 8
    failing = [line["source"] for line in logs if line["event"] == "source.failing"]
    assert sorted(failing) == ["fails", "hangs"], "one line each, however often it fails"
    assert "s3cret" not in str([line for line in logs if line["log_level"] != "debug"])


async def test_a_slow_device_is_not_asked_again_before_it_answered(tmp_path: Path) -> None:
    running = most = 0

    async def slow() -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.35)
        running -= 1
        return Outcome([], True)

    await run(lambda _path: [job("slow", slow)], tmp_path, Box(), 1.0)
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

    stop = threading.Event()
    polling = asyncio.create_task(Poller(load, path, box).run(stop))  # type: ignore[arg-type]
    await asyncio.sleep(0.5)
    assert set(box.devices()) == {"a"}
    path.write_text("bc")
    await asyncio.sleep(3)
    box.events.clear()
    await asyncio.sleep(0.4)
    stop.set()
    await polling
    assert set(box.devices()) == {"b", "c"}


def test_health_speaks_once_for_each_turn() -> None:
    health = Health("source")
    with capture_logs() as logs:
        for healthy in (True, False, False, False, True, True, False):
            health.note("cam", healthy, "why")
    assert [line["event"] for line in logs] == ["source.failing", "source.recovered", "source.failing"]
