"""How much a key may send: a bucket of tokens a key, and a limit on failed attempts."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 60
_MOST_HELD: Final = 4096

Clock = Callable[[], float]
"""Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a key stands after a question.

    :param allowed: whether what was asked for was granted.
    :param limit: events a minute.
    :param remaining: events that may be sent at once now.
    :param reset_s: whole seconds until all of the quota is there again.
    :param retry_s: whole seconds until what was refused would be granted; 0 when it was granted.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_s: int
    retry_s: int


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Quotas:
    """A bucket a key that holds one minute's quota and fills evenly. Safe to share between threads.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, limit: int, count: int) -> Standing:
        """Ask for ``count`` events; nothing is taken when they are not granted.

        :param limit: the key's events a minute.
        :param count: 0 only looks.
        """
        with self._lock:
            bucket = self._filled(key, limit)
            if count > bucket.tokens:
                wait = (count - bucket.tokens) * WINDOW_S / limit
                return self._standing(bucket, limit, False, math.ceil(wait))
            bucket.tokens -= count
            return self._standing(bucket, limit, True, 0)

    def give_back(self, key: str, limit: int, count: int) -> None:
        """Return what was taken for events that were not accepted."""
        with self._lock:
            bucket = self._filled(key, limit)
            bucket.tokens = min(float(limit), bucket.tokens + count)

    def _filled(self, key: str, limit: int) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(float(limit), now)
            # The one that was used longest ago is full again, or nearly so.
            while len(self._buckets) > _MOST_HELD:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
            bucket.tokens = min(float(limit), bucket.tokens + max(0.0, now - bucket.at) * limit / WINDOW_S)
            bucket.at = now
        return bucket

    @staticmethod
    def _standing(bucket: _Bucket, limit: int, allowed: bool, retry_s: int) -> Standing:
        reset_s = math.ceil((limit - bucket.tokens) * WINDOW_S / limit)
        return Standing(allowed, limit, int(bucket.tokens), reset_s, retry_s)


class Attempts:
    """Counts failed attempts, so that nobody can go on guessing. Safe to share between threads.

    :param most: failures that are let pass within ``window_s`` seconds.
    :param clock: monotonic seconds.
    """

    def __init__(self, most: int = 10, window_s: float = 60.0, clock: Clock = time.monotonic) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def wait_s(self, who: Hashable) -> int:
        """Whole seconds for which ``who`` may not try; 0 when it may."""
        with self._lock:
            began, count = self._failed.get(who, (0.0, 0))
            left = began + self._window_s - self._clock()
            return math.ceil(left) if count >= self._most and left > 0 else 0

    def failed(self, who: Hashable) -> None:
        """Note a failure."""
        with self._lock:
            now = self._clock()
            began, count = self._failed.pop(who, (now, 0))
            if now - began >= self._window_s:
                began, count = now, 0
            self._failed[who] = (began, count + 1)
            while len(self._failed) > _MOST_HELD:
                self._failed.popitem(last=False)
