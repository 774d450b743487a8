"""Wifi without a network: what silence means, the vendors' table, channels."""

from __future__ import annotations

import pytest

from connectors.shared.snmp.agent import SilentAgentError
from connectors.wifi.channels import centre_mhz
from connectors.wifi.ping import Ping, ping
from connectors.wifi.probe import judge_silence
from connectors.wifi.vendors import vendors
from ioc.errors import UsageError
from ioc.events import Status


@pytest.mark.parametrize(
    ("alive", "host_lives", "status"),
    [
        (False, False, Status.DOWN),
        (True, False, Status.UNKNOWN),
        (None, False, Status.UNKNOWN),
        (False, True, Status.UNKNOWN),
    ],
)
def test_down_needs_ping_and_data_to_fail(alive: bool | None, host_lives: bool, status: Status) -> None:
    found, reason = judge_silence(SilentAgentError("no SNMP answer", host_lives=host_lives), Ping(alive))
    assert found is status
    assert "no SNMP answer" in reason


def test_the_vendors_table_can_be_read_and_names_each_once() -> None:
    names = [vendor.name for vendor in vendors()]
    assert len(names) == len(set(names))
    assert {"openwrt", "unifi", "airos", "aruba-instant", "mikrotik"} <= set(names)
    assert all(vendor.match != type(vendor.match)() for vendor in vendors()), (
        "an empty match takes everything"
    )


def test_channels_and_their_frequencies() -> None:
    known = {1: 2412, 13: 2472, 14: 2484, 36: 5180, 60: 5300, 116: 5580, 157: 5785, 161: 5805}
    assert {channel: centre_mhz(channel) for channel in known} == known
    assert [centre_mhz(channel) for channel in (None, 0, 53, 69, 200)] == [None] * 5


async def test_ping_by_a_tcp_port_and_nonsense(unused_tcp_port: int) -> None:
    assert (await ping("127.0.0.1", f"tcp:{unused_tcp_port}")).alive is False
    assert (await ping("127.0.0.1", "none")).alive is None
    with pytest.raises(UsageError):
        await ping("127.0.0.1", "tcp:many")


async def test_ping_of_this_machine_is_answered_or_not_allowed() -> None:
    found = await ping("127.0.0.1")
    assert found.alive in (True, None)
    if found.alive:
        assert found.rtt_ms is not None
        assert found.loss == 0
