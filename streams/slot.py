"""A name that a worker keeps over restarts.

Kafka hands a member's partitions to whoever joins with the same instance name at once, instead of waiting until
the dead member's session runs out. The name is the first free slot of this machine; the lock on it goes with
the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from ioc.errors import UnavailableError

_MOST = 64


class Slot:
    """Holds one slot as long as the process lives."""

    def __init__(self, folder: Path) -> None:
        """Take the first free slot.

        :param folder: state folder of this machine's platform; made when missing.
        :raises UnavailableError: when all slots are taken.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MOST + 1):
            descriptor = os.open(
                folder / f"worker-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            self.number = number
            self._descriptor = descriptor
            return
        raise UnavailableError(
            f"{_MOST} stream workers run on this machine already.",
            remedy="Stop some, or use another state folder.",
        )

    @property
    def name(self) -> str:
        """Name of this worker in its consumer group."""
        return f"{socket.gethostname()}-{self.number}"

    def release(self) -> None:
        """Give the slot back."""
        os.close(self._descriptor)
