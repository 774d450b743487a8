"""Roles of the platform as processes of a benchmark: started with its settings alone, waited for, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ioc.errors import UnavailableError
from ioc.settings import Settings

_START_S = 60.0
_END_S = 20.0


def environment(settings: Settings) -> dict[str, str]:
    """Environment of a process with these settings and no others."""
    secret = settings.database_url
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("IOC_")},
        "IOC_KAFKA": settings.kafka_servers,
        "IOC_DATABASE_URL": "" if secret is None else secret.get_secret_value(),
        "IOC_TOPIC_PREFIX": settings.topic_prefix,
        "IOC_CONSUMER_GROUP": settings.consumer_group,
        "IOC_STATE_DIR": str(settings.state_dir),
    }


@contextmanager
def running(
    settings: Settings, module: Sequence[str], log: Path, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m`` a module with its arguments, and end it as the supervisor does.

    :param log: what it writes goes here.
    :param more: further variables of its environment.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            stdout=out,
            stderr=out,
            env={**environment(settings), **more},
            cwd=Path(__file__).parents[2],
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Wait until the process answers at its health address.

    :raises UnavailableError: with its last words, when it ends before or takes too long.
    """
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise UnavailableError(f"The process did not start: {log.read_text(errors='replace')[-800:]}")
