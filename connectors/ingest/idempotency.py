"""``Idempotency-Key``: a request that is sent again gets the answer that it got before, for a bounded time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from connectors.ingest.errors import RefusedError

#: Answers are kept this long, in seconds.
KEPT_S: Final = 600.0
_MOST: Final = 10_000
_LONGEST: Final = 255
#: A new attempt may end otherwise.
_NOT_KEPT: Final = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was given."""

    status: int
    body: bytes
    media_type: str


@dataclass(slots=True)
class _Entry:
    fingerprint: bytes
    until: float
    answer: Answer | None = None


class Answers:
    """Answers by sender and idempotency key; for one event loop.

    They are kept in memory only: after a restart a repeated request is taken again, which is harmless, since events
    have ids.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def begin(self, sender: str, name: str, fingerprint: bytes) -> Answer | None:
        """Return the earlier answer, or None after noting that the request is under way.

        :raises RefusedError: 409 while the first one is under way, 422 when its content was another one, 400 when the
            key is too long.
        """
        if not 1 <= len(name) <= _LONGEST:
            raise RefusedError(400, "idempotency-key", f"An Idempotency-Key has 1 to {_LONGEST} characters.")
        now = self._clock()
        while self._held and next(iter(self._held.values())).until <= now:
            self._held.popitem(last=False)
        entry = self._held.get((sender, name))
        if entry is None:
            while len(self._held) >= _MOST:
                self._held.popitem(last=False)
            self._held[sender, name] = _Entry(fingerprint, now + KEPT_S)
            return None
        if entry.fingerprint != fingerprint:
            raise RefusedError(
                422,
                "idempotency-key",
                "This Idempotency-Key was used for another request.",
                remedy="Use a new one for each request.",
            )
        if entry.answer is None:
            raise RefusedError(
                409,
                "idempotency-key",
                "The first request with this Idempotency-Key is under way.",
                remedy="Ask again in a moment.",
                headers={"Retry-After": "1"},
            )
        return entry.answer

    def end(self, sender: str, name: str, answer: Answer | None) -> None:
        """Keep an answer; None, and answers that may change, are forgotten, so that the request may be sent again."""
        entry = self._held.get((sender, name))
        if entry is None:
            return
        if answer is None or answer.status >= 500 or answer.status in _NOT_KEPT:
            del self._held[sender, name]
        else:
            entry.answer = answer
