"""A loop that hangs has its process's stacks in the log once, and nothing of anybody's values in them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from ioc.metrics import Meters, processes
from ioc.watch.loops import Loops, stacks


def eventually(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def named(lines: Any, event: str) -> list[Any]:
    return [line for line in lines if line["event"] == event]


def test_stacks_are_written_once_an_incident_and_name_the_place() -> None:
    go_on, stop = threading.Event(), threading.Event()
    meters = Meters()
    go_on.set()

    def waits_for_what_never_comes(secret: str) -> None:
        go_on.wait()

    with structlog.testing.capture_logs() as lines:
        loops = Loops("deliver", meters)
        turned = loops.add("messages", within_s=0.3)
        others = loops.add("others", within_s=0.5)

        def work() -> None:
            while not stop.is_set():
                turned()
                others()
                waits_for_what_never_comes("hunter2-secret")
                time.sleep(0.01)

        worker = threading.Thread(target=work, name="worker-of-the-test")
        loops.start()
        worker.start()
        try:
            for incident in (1, 2):
                go_on.clear()
                eventually(lambda: loops.stuck() == ["messages", "others"])
                eventually(lambda: len(named(lines, "heartbeat.loop_stuck")) == 2 * incident)  # noqa: B023
                go_on.set()
                eventually(lambda: len(named(lines, "heartbeat.loop_turns_again")) == 2 * incident)  # noqa: B023
                assert len(named(lines, "process.stacks")) == incident
        finally:
            stop.set()
            go_on.set()
            worker.join()
            loops.close()
    told = named(lines, "process.stacks")[0]["stacks"]
    assert "thread worker-of-the-test" in told
    assert "waits_for_what_never_comes" in told
    assert "hunter2" not in repr(lines)
    figures = {(name, labels.get("loop")): value for name, labels, value in meters.samples()}
    assert figures[processes.LOOP_STUCK.name, "messages"] == 2
    assert figures[processes.LOOP_LIMIT.name, "messages"] == 0.3


async def test_tasks_are_told_down_to_what_they_wait_for() -> None:
    never = asyncio.Event()

    async def innermost() -> None:
        await never.wait()

    async def outer() -> None:
        await innermost()

    tasks = [asyncio.create_task(outer(), name=f"task-{number}") for number in range(300)]
    await asyncio.sleep(0)
    told = await asyncio.to_thread(stacks, {asyncio.get_running_loop()})
    for task in tasks:
        task.cancel()
    assert "task task-" in told
    assert "innermost" in told
    assert "more tasks" in told or "more was left out" in told
    assert len(told) < 70_000


_FROZEN = """
import ctypes, sys
from ioc.metrics import Meters
from ioc.watch import loops
loops._FROZEN_S = 1
one = loops.Loops("deliver", Meters())
one.add("messages", 60.0)
one.start()
def holds_the_interpreter():
    # a call into C that keeps the interpreter's lock
    ctypes.PyDLL(None).usleep(900000); ctypes.PyDLL(None).sleep(4)
holds_the_interpreter()
"""


def test_an_interpreter_that_is_held_has_its_stacks_written_from_outside() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FROZEN], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Timeout") == 1, done.stderr
    assert "holds_the_interpreter" in done.stderr
