"""``ioc up`` as a newcomer runs it: everything with the simulated district, to the first figures and down again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from deploy.stack import control, ensure_installed
from deploy.stack.process import wait_for_leftovers
from deploy.stack.supervisor import running_pid
from tests.servers import stack_settings, state_folder

ROOT = Path(__file__).parents[2]
_LATER_UP_S = 40
"""What a later ``make up`` may take on the reference machine; twice as much is allowed where tests run beside it."""


def _processes_of(state: Path) -> list[str]:
    """Command lines of all processes that were started with this state folder."""
    mark = f"IOC_STATE_DIR={state}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [command for command in found if command]


@pytest.mark.servers
@pytest.mark.peers
@pytest.mark.timeout(400)
def test_newcomer_sees_a_living_district() -> None:
    with state_folder() as folder:
        settings = stack_settings(folder / "state")
        ensure_installed(settings)
        names = (
            "state_dir",
            "software_dir",
            "kafka_port",
            "database_port",
            "api_port",
            "ingest_port",
            "kafka_heap_mb",
        )
        environment = {
            **os.environ,
            **{f"IOC_{name.upper()}": str(getattr(settings, name)) for name in names},
        }

        def ioc(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "ioc.cli", *arguments],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )

        try:
            up = ioc("up", "--timeout", str(2 * _LATER_UP_S))
            assert up.returncode == 0, up.stderr
            assert f"http://127.0.0.1:{settings.api_port}" in up.stdout
            assert "First password: " in up.stdout
            assert control.has_figures(settings)
            url = f"http://127.0.0.1:{settings.api_port}/api/v1/kpis/current?ids=camera.availability"
            with urllib.request.urlopen(url, timeout=10) as answer:
                figures = json.load(answer)["figures"]
            assert 0 < figures[0]["value"] <= 1
            assert ioc("doctor").returncode == 0, ioc("doctor").stdout
            assert "already up" in ioc("up").stdout

            supervisor = running_pid(settings)
            assert supervisor
            os.kill(supervisor, signal.SIGKILL)
            assert wait_for_leftovers(settings.state_dir / "run" / "processes.lock", 60.0)
            assert _processes_of(settings.state_dir) == []

            assert ioc("up", "--timeout", str(2 * _LATER_UP_S)).returncode == 0
            assert ioc("down").stdout.strip() == "Stopped."
            assert _processes_of(settings.state_dir) == []
        finally:
            control.stop(settings)
