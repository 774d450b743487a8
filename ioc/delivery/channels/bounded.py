"""Bounds a call by the wall clock, whatever hangs in it: a name's look-up, a greeting, an answer byte by byte."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ioc.delivery.channels.interface import TemporaryError

_T = TypeVar("_T")
#: Calls of one channel at a time, those that were given up and still hang included.
_MOST: Final = 32


class Bounded:
    """Runs calls of one channel, each for at most ``timeout_s`` seconds.

    A call that takes longer is given up and goes on in its thread; the message may still arrive, with the same key. A
    channel whose calls all hang takes no further threads: it says so at once.
    """

    def __init__(self, timeout_s: float, *, name: str, most: int = _MOST) -> None:
        self.timeout_s = timeout_s
        self._name = name
        self._slots = threading.BoundedSemaphore(most)

    def run(self, call: Callable[[], _T]) -> _T:
        """Return what ``call`` returns, or raise what it raises.

        :raises TemporaryError: it took too long, or too many earlier ones still hang.
        """
        if not self._slots.acquire(blocking=False):
            raise TemporaryError(
                "The channel hangs: earlier attempts have not ended yet.",
                remedy="See whether its server answers; ioc channel test tries it.",
            )
        job = _Job(call, self._slots)
        threading.Thread(target=job, name=f"channel {self._name}", daemon=True).start()
        if not job.done.wait(self.timeout_s):
            raise TemporaryError(
                f"The channel did not answer within {self.timeout_s:g} s.",
                remedy="See whether its server is slow or away; the message may still have arrived.",
            )
        if job.error is not None:
            raise job.error
        return job.result[0]


class _Job(Generic[_T]):
    """One call and what became of it."""

    def __init__(self, call: Callable[[], _T], slots: threading.BoundedSemaphore) -> None:
        self._call, self._slots = call, slots
        self.done = threading.Event()
        self.result: list[_T] = []
        self.error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self.result.append(self._call())
        except BaseException as error:
            self.error = error
        finally:
            self._slots.release()
            self.done.set()
