"""A connector for tests to kill: what it took over goes to a file, durably, and is acknowledged a little later."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from connectors.shared.mqtt import Broker, Message, Subscriber


def main(address: str, client_id: str, kept: Path) -> None:
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def read(message: Message) -> Sequence[Any]:
        return [message.payload]

    def accept(payloads: Sequence[Any]) -> Future[str]:
        future: Future[str] = Future()

        def keep() -> None:
            os.write(descriptor, b"".join(payload + b"\n" for payload in payloads))
            os.fsync(descriptor)
            future.set_result("safe")

        threading.Timer(0.03, keep).start()
        return future

    subscriber = Subscriber(Broker.at(address), {"#": read}, accept, client_id=client_id)
    subscriber.run(threading.Event())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
