"""systemd's units: there is one for each process, systemd itself finds no mistake, and they may do little."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.stack.roles import PLATFORM

UNITS = Path(__file__).parents[3] / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
#: Of 10; systemd calls up to 2.5 "OK".
MOST_EXPOSED = 25
analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


class _Unit(configparser.RawConfigParser):
    """A unit file; of a key that is there more than once the last one."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.read(path, "utf-8")

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def test_every_process_of_the_supervisor_has_a_unit() -> None:
    told = (UNITS / "ioc.target").read_text("utf-8")
    wanted = set(re.findall(r"[\w@-]+\.service", told)) - {"ioc.service"}
    commands = set()
    for unit in wanted:
        template, _, instance = unit.removesuffix(".service").partition("@")
        file = UNITS / (f"{template}@.service" if instance else unit)
        command = _Unit(file)["Service"]["ExecStart"].replace("%i", instance).split()
        assert command[0] == "/opt/ioc/.venv/bin/ioc"
        commands.add(tuple(command[1:]))
    assert commands == {role.argv[3:] for role in PLATFORM}
    whole = _Unit(UNITS / "ioc.service")
    assert whole["Service"]["ExecStart"].endswith("ioc up --foreground --no-simulation")
    assert whole["Unit"]["Conflicts"] == "ioc.target"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_gives_no_rights_away(path: Path) -> None:
    unit = _Unit(path)["Service"]
    assert unit["User"] == "ioc"
    assert unit["CapabilityBoundingSet"] == ""
    assert (unit["NoNewPrivileges"], unit["ProtectSystem"], unit["ProtectHome"]) == ("yes", "strict", "yes")
    assert unit["StateDirectory"] == "ioc"
    assert unit["Restart"] in {"always", "on-failure"}
    text = path.read_text("utf-8")
    # whether clocks agree is read from the kernel
    assert "ProtectClock" not in text
    assert "SystemCallFilter=adjtimex" in text
    assert not re.search(r"(?i)(password|token|secret)\s*=", text)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they would be on a server, with programs that are on this machine."""
    for path in UNITS.iterdir():
        text = path.read_text("utf-8").replace("/opt/ioc/.venv/bin/ioc", "/bin/true")
        (tmp_path / path.name).write_text(
            text.replace("WorkingDirectory=/opt/ioc", "WorkingDirectory=/"), "utf-8"
        )
    return tmp_path


@analyze
def test_systemd_finds_no_mistake(installed: Path) -> None:
    names = [
        "ioc.service",
        "ioc.target",
        "ioc-prepare.service",
        "ioc@stream.service",
        "ioc-connect@all.service",
    ]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{installed}:"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in done.stderr.splitlines() if "ioc" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@analyze
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_systemd_finds_little_exposed(path: Path, installed: Path) -> None:
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--no-pager",
            f"--threshold={MOST_EXPOSED}",
            str(installed / path.name),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-2000:]
