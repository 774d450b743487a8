"""A continuous watch: one long-lived stream, a sample at once when the verdict changes, and one each interval."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from connectors.camera import verdict, watchers
from connectors.camera.describe import describe
from connectors.camera.memory import Memory
from connectors.camera.probe import Aside, CameraTarget, aside, conclude, evidence_path, judge, sample
from connectors.camera.seen import Keep, Seen
from connectors.camera.verdict import Verdict
from connectors.camera.watchers import Link, Lost, Watchers
from ioc.errors import UnavailableError
from ioc.events import CameraProbed, Status

_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_LIFE_S: Final = 6 * 3600.0
"""A watcher is replaced after this time, so that no leak of a decoder grows for ever."""
_SLACK_S: Final = 10.0


class _Told:
    """What the camera says beside its pictures, asked for each interval without holding the pictures up."""

    def __init__(self, target: CameraTarget, memory: Memory) -> None:
        self._target = target
        self._memory = memory
        self._asked_at = -float("inf")
        self._asking: asyncio.Task[Aside] | None = None
        self._newest = Aside()

    def newest(self) -> Aside:
        if self._asking is not None and self._asking.done():
            if not self._asking.cancelled() and self._asking.exception() is None:
                self._newest = self._asking.result()
            self._asking = None
        if self._asking is None and time.monotonic() - self._asked_at >= self._target.interval_s:
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(aside(self._target, self._memory))
        return self._newest

    def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()


class _Diary:
    """Decides what is worth telling: a change at once, otherwise a sample each interval; adds stalls up between."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._last: tuple[Status, str, str | None] | None = None
        self._told_at = 0.0
        self._stalls = 0
        self._observed_s = 0.0

    def take(self, found: Verdict, now: float) -> Verdict | None:
        """The verdict to tell, with the stalls since the last one told; None when it can wait.

        :param now: monotonic seconds.
        """
        self._stalls += found.stalls
        self._observed_s += found.observed_s or 0.0
        kind = (found.status, found.rung, (found.reason or "").partition(":")[0])
        if kind == self._last and now - self._told_at < self._interval_s:
            return None
        self._last, self._told_at = kind, now
        whole = replace(found, stalls=self._stalls, observed_s=round(self._observed_s, 3) or None)
        self._stalls, self._observed_s = 0, 0.0
        return whole


async def follow(
    target: CameraTarget, memory: Memory, pool: Watchers | None = None
) -> AsyncGenerator[CameraProbed, None]:
    """Samples of one camera without end; close the iterator to stop.

    A stream that ends or fails is opened again after 1 s, then later and later up to a minute, with jitter.
    """
    pool = pool or watchers.shared()
    diary, told = _Diary(target.interval_s), _Told(target, memory)
    wait_s = _FIRST_WAIT_S
    try:
        while True:
            async with aclosing(_session(target, memory, pool)) as session:
                async for found, link in session:
                    if found.observed_s and found.status in (Status.OK, Status.DEGRADED):
                        wait_s = _FIRST_WAIT_S
                    beside = told.newest()
                    moment = _now()
                    news = diary.take(conclude(target, found, beside), time.monotonic())
                    if link is not None and target.evidence is not None:
                        path = evidence_path(target, memory, found.status, moment)
                        if path is not None:
                            link.tell(Keep(path))
                    if news is not None:
                        yield sample(target, memory, news, beside, moment)
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads callers, guards nothing
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S, max(target.interval_s, _FIRST_WAIT_S))
    finally:
        told.close()


def _now() -> datetime:
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def _session(
    target: CameraTarget, memory: Memory, pool: Watchers
) -> AsyncGenerator[tuple[Verdict, Link | None], None]:
    """From one connection to its end: a verdict for each window."""
    failed = verdict.before_pictures(await describe(target.address, target.connect_s, target.tls))
    if failed is not None:
        yield failed, None
        return
    last: Seen | None = None
    began = time.monotonic()
    try:
        async with pool.start(target.order(endless=True), _LIFE_S) as link:
            while time.monotonic() - began < _LIFE_S - 60:
                seen = await link.hear(target.first_frame_s + target.watch_s + _SLACK_S)
                if seen is None:
                    yield judge(target, memory, Lost.DIED), None
                    return
                _carry(last, seen)
                last = seen
                yield judge(target, memory, seen), link
                if seen.first_frame_s is None or seen.ended_early:
                    return
    except TimeoutError:
        yield judge(target, memory, Lost.HUNG), None
    except UnavailableError:
        yield judge(target, memory, Lost.OURS), None
    except OSError:
        yield judge(target, memory, Lost.DIED), None


def _carry(last: Seen | None, seen: Seen) -> None:
    """A window without a key frame says nothing new about frozen: what the one before it said still holds."""
    if last is not None and seen.keyframes == 0 and seen.packets:
        seen.smallest_key_change = last.smallest_key_change
        if seen.detail is None:
            seen.detail = last.detail
