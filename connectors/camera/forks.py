"""The process that watchers are forked from: PyAV is imported once, each watcher costs a fork.

Run as ``python -m connectors.camera.forks FD``, FD being its end of a ``SOCK_SEQPACKET`` pair. It has one thread, opens
no connection and holds no password. A request comes with the socket that the new watcher talks over; the order goes
through that one. Every watcher ends with this process, and this process with the other end of its socket.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Final, NoReturn

import msgspec

from connectors.camera.seen import Keep, Order, Seen

READY: Final = b"ready"
"""A watcher's first word: from here on its time counts."""
_MOST_MESSAGE: Final = 65_536
_PR_SET_PDEATHSIG: Final = 1
_MIB: Final = 1024 * 1024


class Fork(msgspec.Struct, tag="fork"):
    """Start a watcher; its socket comes along."""

    number: int
    life_s: float
    """The kernel ends the watcher after this many seconds, whatever it does."""
    memory_mib: int
    """Most memory that it may take beside what it shares with this process."""


class Kill(msgspec.Struct, tag="kill"):
    """End a watcher now; unknown numbers are let through."""

    number: int


Request = Fork | Kill


class _Forks:
    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._children: dict[int, int] = {}
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)

    def serve(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        decoder = msgspec.json.Decoder(Request)
        while True:
            ready, _, _ = select.select([self._requests, self._woken], [], [])
            if self._woken in ready:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
                self._reap()
            if self._requests in ready:
                message, handles, _, _ = socket.recv_fds(self._requests, _MOST_MESSAGE, 1)
                if not message:
                    break
                request = decoder.decode(message)
                if isinstance(request, Kill):
                    self._kill(request.number)
                elif handles:
                    self._fork(request, handles[0])
        for number in list(self._children):
            self._kill(number)

    def _reap(self) -> None:
        ended = set()
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                ended.add(found)
        self._children = {number: pid for number, pid in self._children.items() if pid not in ended}

    def _kill(self, number: int) -> None:
        pid = self._children.get(number)
        if pid is not None:  # not reaped yet, so the number is still its own
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _fork(self, request: Fork, handle: int) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            os.close(handle)  # whoever asked sees the end of its socket
            return
        if pid == 0:
            try:
                self._become_watcher(request, handle, parent)
            finally:
                os._exit(1)
        os.close(handle)
        self._children[request.number] = pid

    def _become_watcher(self, request: Fork, handle: int, parent: int) -> NoReturn:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for end in (self._requests, self._wake, self._woken):
            end.close()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        _limit_memory(request.memory_mib)
        signal.setitimer(signal.ITIMER_REAL, request.life_s)
        _watch(socket.socket(fileno=handle))


def _limit_memory(mib: int) -> None:
    """Bound the address space, so that a hostile stream ends its own watcher and nothing else."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a file of the kernel
        pages = int(file.read().split()[0])
    most = pages * resource.getpagesize() + mib * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _watch(link: socket.socket) -> NoReturn:
    from connectors.camera.watching import Watcher

    poll = select.poll()
    poll.register(link, select.POLLIN)

    def hear(seconds: float) -> Keep | None:
        if not poll.poll(seconds * 1000):
            return None
        message = link.recv(_MOST_MESSAGE)
        if not message:
            raise EOFError
        return msgspec.json.decode(message, type=Keep)

    def say(seen: Seen) -> None:
        link.sendall(msgspec.json.encode(seen))

    link.sendall(READY)
    order = msgspec.json.decode(link.recv(_MOST_MESSAGE), type=Order)
    Watcher(order, say, hear).run()
    os._exit(0)


def main() -> None:
    """Entry point of the process."""
    import connectors.camera.watching  # noqa: F401 - imported here once for all watchers

    requests = socket.socket(fileno=int(sys.argv[1]))
    _Forks(requests).serve()


if __name__ == "__main__":
    main()
