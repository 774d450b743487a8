"""Sessions of one-stop systems that logged in: bounded, expiring, kept as digests only."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

#: A session ends so long after its login, in seconds; clients log in again when they are told.
LIFE_S: Final = 3600.0
_MOST_PER_SOURCE: Final = 64


class Sessions:
    """Which session belongs to which source. Safe to share between threads.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, OrderedDict[bytes, float]] = {}

    def open(self, source: str) -> str:
        """Begin a session; the oldest of the source ends when it has too many."""
        token = secrets.token_hex(24)
        self.learn(source, token)
        return token

    def learn(self, source: str, token: str) -> None:
        """Remember a session that an upstream gave to the source."""
        digest = _digest(token)
        with self._lock:
            held = self._held.setdefault(source, OrderedDict())
            held.pop(digest, None)
            held[digest] = self._clock() + LIFE_S
            while len(held) > _MOST_PER_SOURCE:
                held.popitem(last=False)

    def holds(self, source: str, token: str) -> bool:
        """Whether the source has this session, and it is not over."""
        digest = _digest(token)
        with self._lock:
            held = self._held.get(source, OrderedDict())
            until = held.get(digest)
            if until is None:
                return False
            if until <= self._clock():
                del held[digest]
                return False
            return True


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
