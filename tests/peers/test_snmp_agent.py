"""The agent of Debian: every way of SNMP v3, wrong logins, and counters that move."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from connectors.shared.snmp.agent import Agent, Memory, SilentAgentError
from connectors.shared.snmp.cells import SYS_DESCR
from connectors.shared.snmp.login import Credentials, Login
from connectors.wifi.probe import History, Place, WifiTarget, probe
from ioc.events import Status
from tests.peers.snmp_agents import Snmpd

pytestmark = pytest.mark.peers

WAYS = ["none"] + [
    auth + priv
    for auth in ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
    for priv in ("", "-DES", "-AES")
]


async def descr(snmpd: Snmpd, credentials: Credentials, memory: Memory | None = None) -> object:
    agent = Agent("127.0.0.1", snmpd.port, credentials, 1.0, memory)
    await agent.begin()
    found = (await agent.get([SYS_DESCR])).get(SYS_DESCR)
    agent.keep()
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_of_v3_reads(snmpd: Snmpd, way: str) -> None:
    memory = Memory()
    assert await descr(snmpd, snmpd.users[way], memory) == "Linux OpenWrt test"
    assert memory.engine_id
    assert await descr(snmpd, snmpd.users[way], memory) == "Linux OpenWrt test", (
        "with the keys localised by us"
    )


async def test_wrong_logins_say_so_and_that_the_host_lives(snmpd: Snmpd) -> None:
    right = snmpd.users["SHA-256-AES"]
    wrong = {
        "no such user": Login("nobody"),
        "password": msgspec.structs.replace(right, auth_password="not the password"),
        "algorithm": msgspec.structs.replace(right, auth="SHA"),
        "level": msgspec.structs.replace(right, priv=None),
    }
    for what, login in wrong.items():
        with pytest.raises(SilentAgentError) as caught:
            await descr(snmpd, login)
        assert caught.value.host_lives, what
        assert "refuses" in caught.value.reason
        assert "password" not in repr(login)
    silent = msgspec.structs.replace(right, priv_password="not the password")
    agent = Agent("127.0.0.1", snmpd.port, silent, 0.2)
    with pytest.raises(SilentAgentError, match="no SNMP answer"):
        await agent.begin()


def test_the_command_asks_over_v3_and_shows_no_password(snmpd: Snmpd, tmp_path: Path) -> None:
    login = snmpd.users["SHA-256-AES"]
    kept = tmp_path / "user.json"
    kept.write_bytes(msgspec.json.encode(login))
    command = [sys.executable, "-m", "ioc.cli", "probe", "wifi", "127.0.0.1", "--port", str(snmpd.port)]
    done = subprocess.run(
        [*command, "--secret", f"file:{kept}", "--ping", "none"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["model"] == "Test AP"
    kept.write_text('{"user": "x", "auth": "SHA", "auth_password": "short"}')
    refused = subprocess.run([*command, "--secret", f"file:{kept}"], capture_output=True, text=True)
    assert (refused.returncode, "at least 8 bytes" in refused.stderr) == (3, True)
    assert not [word for word in (login.auth_password, "short") if word in done.stdout + refused.stderr]


async def test_a_probe_over_v3_and_its_traffic(snmpd: Snmpd) -> None:
    target = WifiTarget(Place("d", "u"), "127.0.0.1", snmpd.port, snmpd.users["SHA-256-AES"], ping="none")
    history = History(60.0)
    (first,) = await probe(target, history=history)
    assert (first.data.status, first.data.model, first.data.clients) == (Status.OK, "Test AP", 7)
    before = {i.name: i.rx_bytes for i in first.data.interfaces}
    assert before["lo"] is not None
    assert all(i.rx_bps is None for i in first.data.interfaces), "one reading is no rate"
    for _ in range(200):  # snmpd keeps its counters for a second or more
        await asyncio.sleep(0.5)
        (second,) = await probe(target, history=history)
        lo = next(i for i in second.data.interfaces if i.name == "lo")
        if lo.rx_bps:
            break
    assert lo.rx_bytes is not None
    assert lo.rx_bytes > before["lo"]
    assert lo.rx_bps
