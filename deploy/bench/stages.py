"""Where the worker's processor time goes: exclusive CPU seconds per stage, measured in the real worker.

Stages are wrapped from outside. A coroutine's time counts only while it runs, step by step, so that waiting
is never taken for work.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import msgspec


class Profile(msgspec.Struct, kw_only=True):
    """Sums over one run of the worker.

    :param cpu_s: exclusive processor time per stage; ``rest of the main thread`` is what no stage took.
    :param calls: how often each stage was entered.
    :param wall_s: time from begin to end of each transaction, summed over the partitions.
    :param batches: transactions.
    :param queued_s: time for which the main thread could have run but the machine's cores were taken.
    """

    cpu_s: dict[str, float]
    calls: dict[str, int]
    wall_s: float
    batches: int
    process_cpu_s: float
    queued_s: float = 0.0


class Meter:
    """Keeps a stack of stages per thread; the one on top is charged."""

    def __init__(self) -> None:
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self.commit_wall_s = 0.0
        self.commits = 0
        self._local = threading.local()

    def enter(self, stage: str) -> None:
        """Begin to charge a stage of this thread."""
        now = time.thread_time()
        stack: list[list[Any]] = self._local.__dict__.setdefault("stack", [])
        if stack:
            self.cpu[stack[-1][0]] += now - stack[-1][1]
        stack.append([stage, now])

    def leave(self) -> None:
        """End the stage on top and go on charging the one below."""
        now = time.thread_time()
        stack: list[list[Any]] = self._local.stack
        stage, since = stack.pop()
        self.cpu[stage] += now - since
        if stack:
            stack[-1][1] = now

    def function(self, owner: Any, name: str, stage: str) -> None:
        """Charge a plain function or method to a stage."""
        original: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self.calls[stage] += 1
            self.enter(stage)
            try:
                return original(*args, **kwargs)
            finally:
                self.leave()

        setattr(owner, name, timed)

    def coroutine(self, owner: Any, name: str, stage: str, *, commit: bool = False) -> None:
        """Charge a coroutine function's own steps to a stage; ``commit`` also sums how long it took in all."""
        original: Callable[..., Coroutine[Any, Any, Any]] = getattr(owner, name)

        @functools.wraps(original)
        async def timed(*args: Any, **kwargs: Any) -> Any:
            self.calls[stage] += 1
            began = time.perf_counter()
            try:
                return await _Steps(original(*args, **kwargs), self, stage)
            finally:
                if commit:
                    self.commit_wall_s += time.perf_counter() - began
                    self.commits += 1

        setattr(owner, name, timed)


class _Steps:
    """Awaits a coroutine and charges each of its steps."""

    def __init__(self, inner: Coroutine[Any, Any, Any], meter: Meter, stage: str) -> None:
        self._inner, self._meter, self._stage = inner, meter, stage

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._inner.__await__()
        send: Callable[[], Any] = functools.partial(next, steps)
        while True:
            self._meter.enter(self._stage)
            try:
                asked = send()
            except StopIteration as end:
                return end.value
            finally:
                self._meter.leave()
            try:
                answer = yield asked
            except BaseException as error:
                send = functools.partial(steps.throw, error)
            else:
                send = functools.partial(steps.send, answer)


FETCH = "fetch: record batches read into lists"
NETWORK = "fetch: aiokafka's network and protocol"
DECODE = "decode (msgspec)"
ARRAYS = "prepare: arrays from events"
BOOKING = "prepare: following, booking by minute"
STATES = "prepare: states to write"
ENCODE = "COPY: encode rows"
SEND = "COPY: send"
MEASURES = "write minutes (measures)"
RUNS = "write states and runs"
OFFSET = "move the offset"
TRANSACTION = "transaction: begin, commit, rest"
MAIN = "rest of the main thread (Faust, asyncio, psycopg's waiting)"


def wrap(meter: Meter) -> None:
    """Put the meter around the worker's stages."""
    from streams import ownership, pipeline, transport
    from streams.decode import BatchDecoder
    from streams.devices import projector, writing

    meter.function(transport, "read_fetched", FETCH)
    meter.function(BatchDecoder, "decode", DECODE)
    meter.coroutine(projector.DeviceProjector, "prepare", ARRAYS)
    meter.function(projector, "part_late", BOOKING)
    meter.function(projector, "follow", BOOKING)
    meter.function(projector.DeviceProjector, "_take_states", STATES)
    meter.function(projector, "copy_rows", ENCODE)
    meter.coroutine(writing, "copy", SEND)
    meter.coroutine(writing, "store_minutes", MEASURES)
    meter.coroutine(writing, "store_states", RUNS)
    meter.coroutine(writing, "store_runs", RUNS)
    meter.coroutine(writing, "insert_runs", RUNS)
    meter.coroutine(ownership, "move", OFFSET)
    meter.coroutine(pipeline.Pipeline, "_commit", TRANSACTION, commit=True)
