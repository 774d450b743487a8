"""Our side of the watchers: asks the fork server for one, gives it its order, hears what it saw."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from connectors.camera.forks import READY, Fork, Kill
from connectors.camera.seen import Keep, Order, Seen
from ioc.errors import UnavailableError

_START_S: Final = 30.0
"""Allowance for the fork server's start and a fork, on a busy machine; a camera is not blamed for it."""
_SLACK_S: Final = 10.0
"""How much later than its time a watcher may speak before it counts as hung."""
_MOST_MESSAGE: Final = 65_536
_MEMORY_MIB: Final = 192

Decide: TypeAlias = Callable[[Seen], str | None]
"""From what was seen to the path where its picture is kept; None keeps none."""


class Lost(StrEnum):
    """Why a watcher said nothing."""

    HUNG = "the decoder hung and was stopped"
    DIED = "the decoder died twice on this stream"
    OURS = "no watcher could be started here"


class Link:
    """One watcher, from its order to its end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    async def hear(self, within_s: float) -> Seen | None:
        """The next window; None when the watcher ended without one.

        :raises TimeoutError: when nothing came in time.
        """
        async with asyncio.timeout(within_s):
            message = await asyncio.get_running_loop().sock_recv(self._end, _MOST_MESSAGE)
        try:
            return msgspec.json.decode(message, type=Seen) if message else None
        except msgspec.DecodeError:
            return None

    def tell(self, word: Keep) -> None:
        """Say what is to be done with the last picture; a watcher that ended meanwhile hears nothing."""
        with suppress(OSError):
            self._end.send(msgspec.json.encode(word))


class Watchers:
    """Starts watchers; the fork server is started when first needed, and again when it ended.

    :param memory_mib: memory that one watcher may take of its own.
    :param start_s: allowance for starting, in seconds.
    :param slack_s: how much later than its time a watcher may speak before it counts as hung, in seconds.
    """

    def __init__(
        self, memory_mib: int = _MEMORY_MIB, *, start_s: float = _START_S, slack_s: float = _SLACK_S
    ) -> None:
        self._memory_mib = memory_mib
        self._start_s = start_s
        self._slack_s = slack_s
        self._numbers = itertools.count(1)
        self._server: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process id of the fork server, while there is one."""
        return None if self._server is None else self._server.pid

    @asynccontextmanager
    async def start(self, order: Order, life_s: float) -> AsyncIterator[Link]:
        """Have a watcher for the block; it is gone afterwards.

        :param life_s: the kernel ends it after this time at the latest.
        :raises UnavailableError: when none comes up.
        """
        number = next(self._numbers)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            ours.setblocking(False)
            loop = asyncio.get_running_loop()
            try:
                with theirs:
                    self._ask(Fork(number, life_s + self._start_s, self._memory_mib), theirs)
                async with asyncio.timeout(self._start_s):
                    if await loop.sock_recv(ours, _MOST_MESSAGE) != READY:
                        raise OSError("it ended at once")
                    await loop.sock_sendall(ours, msgspec.json.encode(order))
            except (OSError, TimeoutError) as error:
                with suppress(OSError):
                    self._ask(Kill(number))
                raise UnavailableError(f"No watcher comes up: {str(error) or 'it takes too long'}.") from None
            try:
                yield Link(ours)
            finally:
                with suppress(OSError):
                    self._ask(Kill(number))

    async def watch(self, order: Order, decide: Decide | None = None) -> Seen | Lost:
        """Watch one window.

        :param decide: says where the picture is to be kept, or None; asked only when the order keeps one.
        """
        longest_s = order.first_frame_s + order.watch_s + order.longer_s + self._slack_s
        for _ in range(2):
            try:
                async with self.start(order, longest_s + self._slack_s) as link:
                    seen = await link.hear(longest_s)
                    if seen is None:
                        continue
                    if order.keeps and decide is not None:
                        link.tell(Keep(decide(seen)))
                        with suppress(TimeoutError):
                            await link.hear(self._slack_s)  # its end: the picture is on the disk
                    return seen
            except TimeoutError:
                return Lost.HUNG
            except UnavailableError:
                return Lost.OURS
            except OSError:
                continue
        return Lost.DIED

    def close(self) -> None:
        """End the fork server and with it every watcher."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._server is not None:
            try:
                self._server.wait(5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None

    def _ask(self, request: Fork | Kill, handle: socket.socket | None = None) -> None:
        message = msgspec.json.encode(request)
        handles = [] if handle is None else [handle.fileno()]
        with self._lock:
            for last in (False, True):
                if self._requests is None:
                    if isinstance(request, Kill):
                        return  # it ended with its server
                    self._launch()
                if self._requests is None:
                    raise OSError("the fork server does not start")
                try:
                    socket.send_fds(self._requests, [message], handles)
                    return
                except OSError:
                    self._forget()
                    if last:
                        raise

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
            "OPENBLAS_NUM_THREADS": "1",  # a fork of a process with threads is a gamble
            "MALLOC_ARENA_MAX": "2",
        }
        with theirs:
            # what FFmpeg says on standard error may hold a URL with its password
            self._server = subprocess.Popen(
                [sys.executable, "-m", "connectors.camera.forks", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._requests = ours


@cache
def shared() -> Watchers:
    """The watchers of this process."""
    import atexit

    found = Watchers()
    atexit.register(found.close)
    return found
