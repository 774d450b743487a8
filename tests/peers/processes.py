"""Servers that tests start and stop by their process id, on free ports."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def process(
    command: list[str],
    log: Path,
    ready: Callable[[], bool],
    seconds: float = 30,
    environment: dict[str, str] | None = None,
) -> Iterator[None]:
    """Run a server until the block ends; fails with its log when it does not come up."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        deadline = time.monotonic() + seconds
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} does not come up:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
