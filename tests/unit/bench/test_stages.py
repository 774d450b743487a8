"""The meter charges each stage with its own work only, through nested calls, waiting and errors."""

from __future__ import annotations

import asyncio
import time

import pytest

from deploy.bench.stages import Meter


def _burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


class _Work:
    def inner(self) -> int:
        _burn(0.02)
        return 7

    async def outer(self) -> int:
        _burn(0.01)
        await asyncio.sleep(0.05)
        return self.inner() + 1

    async def fails(self) -> None:
        await asyncio.sleep(0)
        raise ValueError("told")


@pytest.fixture
def meter() -> Meter:
    return Meter()


async def test_nested_work_is_charged_once_and_waiting_never(meter: Meter) -> None:
    class Work(_Work):
        inner = _Work.inner
        outer = _Work.outer

    meter.function(Work, "inner", "inside")
    meter.coroutine(Work, "outer", "outside", commit=True)
    first, second = await asyncio.gather(Work().outer(), Work().outer())
    assert first + second == 16
    assert meter.calls == {"inside": 2, "outside": 2}
    assert 0.04 <= meter.cpu["inside"] < 0.06
    assert 0.02 <= meter.cpu["outside"] < 0.04
    assert meter.commits == 2
    assert meter.commit_wall_s >= 0.1


async def test_errors_pass_through_and_leave_the_meter_balanced(meter: Meter) -> None:
    class Work(_Work):
        fails = _Work.fails
        inner = _Work.inner

    meter.coroutine(Work, "fails", "failing")
    meter.function(Work, "inner", "inside")
    with pytest.raises(ValueError, match="told"):
        await Work().fails()
    before = meter.cpu["failing"]
    Work().inner()
    assert meter.cpu["failing"] == before


async def test_cancellation_reaches_the_work(meter: Meter) -> None:
    ended: list[str] = []

    class Work:
        async def wait(self) -> None:
            try:
                await asyncio.sleep(10)
            finally:
                ended.append("here")

    meter.coroutine(Work, "wait", "waiting")
    task = asyncio.create_task(Work().wait())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["here"]
