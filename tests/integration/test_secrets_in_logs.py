"""No process says a secret, in its log or its arguments, while every server that it needs refuses it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.streaming import ROOT, wait_until

PROCESSES = (
    ("stream",),
    ("serve",),
    ("connect", "ingest"),
    ("connect", "all"),
    ("evaluate",),
    ("deliver",),
)
COMMANDS = (("doctor",), ("dashboards", "push"))
SECRETS = {
    "IOC_DATABASE_URL": "postgresql://ioc:canary%2Fdatabase-password@127.0.0.1:1/ioc?connect_timeout=2",
    "IOC_GRAFANA_URL": "http://127.0.0.1:1",
    "IOC_GRAFANA_TOKEN": "canary-grafana-token",
    "IOC_PORTAL_LOGIN": "portal:canary-portal-password",
    "IOC_HEARTBEAT_URL": "http://127.0.0.1:1/canary-watchdog-token",
    "IOC_CHANNEL_EMAIL": "mailto://user:canary-mail-password@127.0.0.1:1",
    "IOC_CHANNEL_TELEGRAM": "123456:canary-telegram-token",
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    state = tmp_path_factory.mktemp("canaries")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IOC_")}
    return {
        **kept,
        **SECRETS,
        "IOC_STATE_DIR": str(state),
        "IOC_KAFKA": "127.0.0.1:1",
        "IOC_KAFKA_WAIT_S": "0.2",
        # any that is free: nobody asks them
        "IOC_API_PORT": str(free_port()),
        "IOC_INGEST_PORT": str(free_port()),
        "IOC_HEARTBEAT_S": "0.2",
        "IOC_LOG_FORMAT": "json",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_no_process_says_a_secret(environment: dict[str, str], tmp_path: Path) -> None:
    running: list[tuple[Path, subprocess.Popen[bytes]]] = []
    try:
        for number, command in enumerate((*PROCESSES, *COMMANDS)):
            log = tmp_path / f"{number}-{command[0]}.log"
            with log.open("wb") as output:
                started = subprocess.Popen(
                    [sys.executable, "-m", "ioc.cli", "--verbose", *command],
                    cwd=ROOT,
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            running.append((log, started))
        for log, process in running:
            # each meets a server that is away, and says so or ends
            wait_until(
                lambda log=log, process=process: log.stat().st_size or process.poll() is not None,
                within_s=90,
                what=f"{log.name} says something",
            )
        arguments = b"".join(
            Path(f"/proc/{process.pid}/cmdline").read_bytes()
            for _, process in running
            if process.poll() is None
        )
        assert b"canary" not in arguments
    finally:
        for _, process in running:
            process.terminate()
        for _, process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
    found = {log.name: log.read_text("utf-8", "replace") for log, _ in running}
    leaks = {name: text for name, text in found.items() if "canary" in text}
    assert leaks == {}
    assert sum(map(len, found.values())) > 1000, "they said something"
