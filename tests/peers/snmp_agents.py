"""SNMP agents to ask: snmpsim with recordings, and Debian's snmpd."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gufo.snmp import SnmpError
from gufo.snmp.sync import SnmpSession

from connectors.shared.snmp.login import Login
from tests.peers.processes import free_port, process

RECORDINGS = Path(__file__).with_name("recordings")
"""Written by hand after the vendors' MIBs, for devices without a recording in the real data."""


def answers(port: int, community: str = "omada-eap") -> bool:
    """Whether the SNMP agent answers: it says that it listens seconds before it does."""
    try:
        with SnmpSession("127.0.0.1", port=port, community=community, timeout=0.5) as session:
            return bool(session.get("1.3.6.1.2.1.1.1.0"))
    except (OSError, SnmpError):
        return False


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """UDP port of snmpsim, replaying our own recordings and, where they are there, those of the real data."""
    folder = tmp_path_factory.mktemp("snmp")
    port = free_port(socket.SOCK_DGRAM)
    real = Path(os.environ.get("IOC_SHARED") or Path(__file__).parents[2].parent / "shared") / "data" / "snmp"
    command = [
        str(Path(sys.executable).with_name("snmpsim-command-responder")),
        *(f"--data-dir={place}" for place in (RECORDINGS, real) if place.is_dir()),
        f"--cache-dir={folder / 'cache'}",
        f"--agent-udpv4-endpoint=127.0.0.1:{port}",
    ]
    if os.geteuid() == 0:
        command += ["--process-user=root", "--process-group=root"]
    with process(command, folder / "log", lambda: answers(port)):
        yield port


@pytest.fixture(scope="session")
def snmp(shared: Path, recordings: int) -> int:
    """The same, for tests that need the recordings of the real data."""
    return recordings


@dataclass(frozen=True)
class Snmpd:
    """A running snmpd of Debian: its port, its v2c community, and its users by name."""

    port: int
    users: dict[str, Login]
    community: str = "gate"


@pytest.fixture(scope="session")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """Debian's snmpd as an ordinary process with a configuration of its own: v2c, and v3 in every way it knows."""
    program = shutil.which("snmpd", path=f"/usr/sbin:{os.environ.get('PATH', '')}")
    if program is None:
        pytest.skip("snmpd is not installed; apt-get install the packages of deploy/apt-test.txt")
    folder = tmp_path_factory.mktemp("snmpd")
    found = Snmpd(free_port(socket.SOCK_DGRAM), _users())
    lines = [
        f"rocommunity {found.community}",
        "sysDescr Linux OpenWrt test",
        "sysObjectID 1.3.6.1.4.1.8072.3.2.10",
    ]
    lines += [
        f'extend {name} /bin/echo "{value}"'
        for name, value in (("hardware", "Test AP"), ("distro", "OpenWrt 23.05.0"), ("clients-wlan", "7"))
    ]
    for login in found.users.values():
        auth = f' {login.auth} "{login.auth_password}"' if login.auth else ""
        priv = f' {login.priv} "{login.priv_password}"' if login.priv else ""
        level = "priv" if login.priv else "auth" if login.auth else "noauth"
        lines += [f"createUser {login.user}{auth}{priv}", f"rouser {login.user} {level}"]
    (folder / "snmpd.conf").write_text("\n".join(lines) + "\n")
    command = [program, "-f", "-C", "-c", str(folder / "snmpd.conf"), "-p", str(folder / "pid"), "-Lf"]
    command += [str(folder / "snmpd.log"), f"udp:127.0.0.1:{found.port}"]
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""}
    with process(
        command, folder / "log", lambda: answers(found.port, found.community), environment=environment
    ):
        yield found


def _users() -> dict[str, Login]:
    users = {"none": Login("none")}
    for auth in ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"):
        for priv in (None, "DES", "AES"):
            name = f"{auth}{'-' + priv if priv else ''}"
            user = name.replace("-", "").lower()
            users[name] = Login(
                user,
                auth,
                "an auth password",
                priv,
                "a priv password" if priv else "",  # type: ignore[arg-type]
            )
    return users
