"""Loops of a process, and where everything stood when one of them did not turn in time.

A thread of its own looks each second, so that neither the database nor what hangs holds it up. Once an incident, it
writes where every thread and task stands into the log. When nothing of Python runs any more, since something holds the
interpreter itself, ``faulthandler`` writes the stacks to standard error from outside of it.
"""

from __future__ import annotations

import asyncio
import faulthandler
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import structlog

from ioc.metrics import Meters, processes

log = structlog.get_logger(__name__)

_LOOK_S: Final = 1.0
#: The interpreter itself has not run for so long.
_FROZEN_S: Final = 30
_ARM_S: Final = 5.0
_STANDARD_ERROR: Final = 2
_JOIN_S: Final = 3.0

_MOST_THREADS: Final = 64
_MOST_TASKS: Final = 200
_MOST_FRAMES: Final = 30
_MOST_SIGNS: Final = 64 * 1024
#: Innermost calls that are told in one line.
_TOLD_FRAMES: Final = 8


@dataclass
class _Loop:
    within_s: float
    turned_at: float
    thread: int
    runs_in: asyncio.AbstractEventLoop | None = None
    stuck: bool = False


class Loops:
    """The loops of one process by their names.

    :param role: of the process, for the log.
    """

    def __init__(self, role: str, meters: Meters) -> None:
        self._role = role
        self._loops: dict[str, _Loop] = {}
        self._told = meters.counter(processes.LOOP_STUCK)
        self._incident = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loops", daemon=True)
        meters.watch(processes.LOOP_AGE, self._ages)
        meters.watch(processes.LOOP_LIMIT, lambda: [((n,), one.within_s) for n, one in self._all()])

    def add(self, name: str, within_s: float) -> Callable[[], None]:
        """Name a loop; what is returned is to be called at each of its turns, and costs next to nothing."""
        found = _Loop(within_s, time.monotonic(), threading.get_ident())

        def turned() -> None:
            found.turned_at = time.monotonic()
            found.thread = threading.get_ident()
            found.runs_in = asyncio._get_running_loop()

        self._told.labels(name)  # at zero from the beginning: a rate needs two figures
        self._loops[name] = found
        return turned

    def forget(self, name: str) -> None:
        """Take a loop away that ended on purpose."""
        self._loops.pop(name, None)

    def stuck(self) -> list[str]:
        """Loops that have not turned in time."""
        now = time.monotonic()
        return [name for name, one in self._all() if now - one.turned_at > one.within_s]

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _all(self) -> list[tuple[str, _Loop]]:
        return list(self._loops.items())

    def _ages(self) -> list[tuple[tuple[str, ...], float]]:
        now = time.monotonic()
        return [((name,), now - one.turned_at) for name, one in self._all()]

    def _run(self) -> None:
        armed = -_ARM_S
        try:
            while not self._stop.is_set():
                if time.monotonic() - armed >= _ARM_S:
                    armed = time.monotonic()
                    faulthandler.dump_traceback_later(_FROZEN_S, file=_STANDARD_ERROR)
                self._look()
                self._stop.wait(min(_LOOK_S, self._shortest_s() / 4))
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _shortest_s(self) -> float:
        return min((one.within_s for _, one in self._all()), default=_LOOK_S)

    def _look(self) -> None:
        stuck = set(self.stuck())
        for name, one in self._all():
            if (name in stuck) == one.stuck:
                continue
            one.stuck = not one.stuck
            if one.stuck:
                self._told.labels(name).inc()
                log.error(
                    "heartbeat.loop_stuck",
                    role=self._role,
                    loop=name,
                    since_s=round(time.monotonic() - one.turned_at),
                    where=_where(one.thread),
                )
            else:
                log.info("heartbeat.loop_turns_again", role=self._role, loop=name)
        if stuck and not self._incident:
            log.error("process.stacks", role=self._role, stuck=sorted(stuck), stacks=self._stacks())
        self._incident = bool(stuck)

    def _stacks(self) -> str:
        runs_in = {one.runs_in for _, one in self._all() if one.runs_in is not None}
        return stacks(runs_in)


def stacks(runs_in: set[asyncio.AbstractEventLoop]) -> str:
    """Where every thread stands, and every task of some event loops; without values, which may be secret.

    :returns: a bounded text, a line each thread and task and one each call, innermost last.
    """
    lines = [*_threads(), *_tasks(runs_in)]
    text = "\n".join(lines)
    return text if len(text) <= _MOST_SIGNS else text[:_MOST_SIGNS] + "\n... more was left out"


def _threads() -> Iterator[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    for ident, frame in list(frames.items())[:_MOST_THREADS]:
        yield f"thread {names.get(ident, 'of no name')}"
        yield from _calls(traceback.extract_stack(frame))
    if len(frames) > _MOST_THREADS:
        yield f"{len(frames) - _MOST_THREADS} more threads"


def _tasks(runs_in: set[asyncio.AbstractEventLoop]) -> Iterator[str]:
    for loop in runs_in:
        try:
            tasks = list(asyncio.all_tasks(loop))
        except RuntimeError:  # they changed while they were listed, time after time
            yield "tasks could not be listed"
            continue
        for task in tasks[:_MOST_TASKS]:
            yield f"task {task.get_name()}"
            yield from _calls(traceback.StackSummary.extract(_awaited(task)))
        if len(tasks) > _MOST_TASKS:
            yield f"{len(tasks) - _MOST_TASKS} more tasks"


def _awaited(task: asyncio.Task[Any]) -> Iterator[tuple[FrameType, int]]:
    """Frames of a task, down through what it waits for."""
    awaited: Any = task.get_coro()
    for _ in range(_MOST_FRAMES):
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is None:
            return
        yield frame, frame.f_lineno
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)


def _calls(summary: traceback.StackSummary) -> Iterator[str]:
    for call in summary[-_MOST_FRAMES:]:
        yield f"  {_place(call.filename)}:{call.lineno} {call.name}"


def _place(path: str) -> str:
    """The end of a path: which module it is, without the machine's folders."""
    return "/".join(path.rsplit("/", 3)[-3:])


def _where(thread: int) -> str:
    """Where a thread stands, innermost call last; without its values, which may be secret."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "its thread has ended"
    calls = traceback.extract_stack(frame)[-_TOLD_FRAMES:]
    return " > ".join(f"{call.filename.rsplit('/', 1)[-1]}:{call.lineno} {call.name}" for call in calls)
