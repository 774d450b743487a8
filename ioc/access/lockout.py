"""Waits after wrong passwords, so that nobody can go on guessing, and nobody can keep others out for ever.

A few mistakes are free. Then each one costs a wait that doubles, counted for a name and the address that tries it, up
to five minutes; for a name from all addresses together after many more mistakes, up to one minute. Trying during a
wait neither lengthens it nor is a password looked at. An address from which the reader logged in before does not wait
for what others do with his name, and sessions that go on are never touched. Kept in memory: a restart forgets it.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, TypeVar

#: Mistakes without a wait, and the longest wait in seconds: of a name from one address, and of a name from all.
FREE_OF_ONE: Final = 5
MOST_OF_ONE_S: Final = 300.0
FREE_OF_ALL: Final = 50
MOST_OF_ALL_S: Final = 60.0
#: Without a mistake for so long, in seconds, all is forgotten.
FORGOTTEN_S: Final = 3600.0
_FIRST_S: Final = 2.0
_MOST_HELD: Final = 4096
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(slots=True)
class _Failed:
    count: int
    last: float


class Lockout:
    """Counts wrong passwords. Safe to share between threads.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._of_one: OrderedDict[tuple[bytes, str], _Failed] = OrderedDict()
        self._of_all: OrderedDict[bytes, _Failed] = OrderedDict()
        self._known: OrderedDict[tuple[bytes, str], None] = OrderedDict()

    def wait_s(self, name: str, origin: str) -> int:
        """Whole seconds for which this name may not be tried from this address; 0 when it may."""
        key = _key(name)
        with self._lock:
            wait = self._left(self._of_one.get((key, origin)), FREE_OF_ONE, MOST_OF_ONE_S)
            if (key, origin) not in self._known:
                wait = max(wait, self._left(self._of_all.get(key), FREE_OF_ALL, MOST_OF_ALL_S))
        return math.ceil(wait)

    def failed(self, name: str, origin: str) -> int:
        """Note a wrong password; returns the wait in whole seconds that follows."""
        key = _key(name)
        with self._lock:
            self._count(self._of_one, (key, origin))
            if (key, origin) not in self._known:
                self._count(self._of_all, key)
        return self.wait_s(name, origin)

    def fitted(self, name: str, origin: str) -> None:
        """Note a right password: this address is known, and its mistakes are forgotten."""
        key = _key(name)
        with self._lock:
            self._of_one.pop((key, origin), None)
            self._known[(key, origin)] = None
            self._known.move_to_end((key, origin))
            while len(self._known) > _MOST_HELD:
                self._known.popitem(last=False)

    def release(self, name: str) -> None:
        """Forget the mistakes that were made with a name."""
        key = _key(name)
        with self._lock:
            self._of_all.pop(key, None)
            for held in [one for one in self._of_one if one[0] == key]:
                del self._of_one[held]

    def mistakes(self, name: str) -> int:
        """How many wrong passwords of this name are not forgotten yet, from everywhere."""
        key = _key(name)
        with self._lock:
            now = self._clock()
            return sum(
                failed.count
                for (held, _), failed in self._of_one.items()
                if held == key and now - failed.last < FORGOTTEN_S
            )

    def _left(self, failed: _Failed | None, free: int, most_s: float) -> float:
        if failed is None or failed.count < free:
            return 0.0
        doubled = min(failed.count - free, 30)  # far beyond the longest wait, and no huge number
        return max(0.0, failed.last + min(most_s, _FIRST_S * 2.0**doubled) - self._clock())

    def _count(self, held: OrderedDict[_Key, _Failed], key: _Key) -> None:
        now = self._clock()
        before = held.pop(key, None)
        count = 0 if before is None or now - before.last >= FORGOTTEN_S else before.count
        held[key] = _Failed(count + 1, now)
        # who is dropped to make room waited for more names than could be tried in his wait
        while len(held) > _MOST_HELD:
            held.popitem(last=False)


def _key(name: str) -> bytes:
    """What is kept of a name: in its field people type passwords, too."""
    return hashlib.sha256(name.encode(errors="replace")).digest()
