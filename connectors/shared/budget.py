"""How often one host may be called: a token bucket that also keeps away for as long as the host asks."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

from connectors.shared import rests
from ioc.errors import UsageError

_FIRST_REST_S: Final = 2.0
_LONGEST_REST_S: Final = 900.0
_LONGEST_ASKED_S: Final = 86_400.0


class CallBudget:
    """The calls that one host allows, shared by everything that calls it from one event loop.

    Up to ``calls`` calls may go at once; they come back evenly over ``per_s`` seconds. Whoever asks first
    goes first. A host that refuses (429, 503, login refused) is left alone by all: as long as its Retry-After says,
    at most a day; without one, a random time (full jitter) below a bound that doubles with each refusal in a row,
    2 s to 15 min. :meth:`answered` ends the row.

    :param calls: calls that may go at once, and per ``per_s`` seconds; 1 or more.
    :param per_s: seconds, more than 0.
    :param clock: monotonic seconds.
    :raises UsageError: when the budget allows nothing.
    """

    def __init__(self, calls: float, per_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not (math.isfinite(calls) and math.isfinite(per_s) and calls >= 1 and per_s > 0):
            raise UsageError(f"A budget of {calls:g} calls in {per_s:g} s allows nothing.")
        self._most = calls
        self._rate = calls / per_s
        self._clock = clock
        self._left = calls
        self._at = clock()
        self._closed_until = self._at
        self._refusals = 0
        self._turn = asyncio.Lock()

    @property
    def closed_for_s(self) -> float:
        """Seconds until the host may be called again after a refusal; 0 when it may."""
        return max(0.0, self._closed_until - self._clock())

    async def spend(self, n: int = 1) -> None:
        """Wait until ``n`` calls may go, and count them.

        :param n: 1 to ``calls``.
        :raises UsageError: when the budget never has that many.
        """
        if not 1 <= n <= self._most:
            raise UsageError(f"{n} calls at once never fit a budget of {self._most:g}.")
        async with self._turn:
            while (wait_s := self._wait_s(n)) > 0:  # noqa: ASYNC110 - time passes by itself
                await asyncio.sleep(wait_s)
            self._left -= n

    def refused(self, retry_after_s: float | None = None) -> None:
        """The host refused a call: nobody calls it again before it may be.

        :param retry_after_s: what its Retry-After said, in seconds; None when it said nothing usable.
        """
        self._refusals += 1
        if retry_after_s is not None and retry_after_s >= 0:  # not NaN
            rest_s = min(retry_after_s, _LONGEST_ASKED_S)
        else:
            rest_s = rests.rest_s(self._refusals, first_s=_FIRST_REST_S, longest_s=_LONGEST_REST_S, least=0.1)
        self._refill()
        self._closed_until = max(self._closed_until, self._clock() + rest_s)
        self._left = min(self._left, 1.0)  # after the rest they come one by one, not all that waited

    def answered(self) -> None:
        """The host answered as it should: the next refusal is a first one again."""
        self._refusals = 0

    def _refill(self) -> None:
        now = self._clock()
        open_since = max(self._at, self._closed_until)
        self._left = min(self._most, self._left + max(0.0, now - open_since) * self._rate)
        self._at = now

    def _wait_s(self, n: int) -> float:
        self._refill()
        missing = n - self._left
        # a remainder of rounding is no call, and a sleep too short to move the clock would never end
        missing_s = max(0.001, missing / self._rate) if missing > 1e-6 else 0.0
        return self.closed_for_s + missing_s
