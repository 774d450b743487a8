"""The wifi probe against snmpsim with recordings of real devices, compared with a well-known system's readings."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.wifi.probe import Place, WifiTarget, probe
from ioc.events import Status, WifiProbed, WifiSample, encode

pytestmark = [pytest.mark.peers, pytest.mark.shared]

SINGLE = ("openwrt", "unifi_nanohd", "airos_airos8", "routeros_ltap-mini")
RADIOS = {
    "openwrt": {"wl-5G": (2, 5180, -90), "wl-2.4G": (1, 2462, -65)},
    "unifi_nanohd": {"na": (14, 5785, None), "ng": (4, 2437, None)},
    "airos_airos8": {"radio 1": (1, 5780, -91)},
    "routeros_ltap-mini": {"wlan1": (0, 2412, -113)},
}
"""Clients, MHz and noise floor, from the recordings' own tables."""


@pytest.fixture(scope="session")
def expected(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "data" / "snmp" / "expected.json").read_text("utf-8"))
    return found


async def ask(port: int, community: str, **changes: Any) -> list[WifiProbed]:
    return await probe(WifiTarget(Place("ap-1", "u"), "127.0.0.1", port, community, **changes))


def value(device: dict[str, Any], kind: str, name: str) -> Any:
    found = [
        entry["value"] for entry in device["wireless"] if (entry["class"], entry["name"]) == (kind, name)
    ]
    assert len(found) == 1, (kind, name)
    return found[0]


def check_interfaces(sample: WifiSample, device: dict[str, Any], recording: Path) -> None:
    counted = any(
        line.startswith(("1.3.6.1.2.1.31.1.1.1.6.", "1.3.6.1.2.1.2.2.1.10."))
        for line in recording.read_text("utf-8", errors="replace").splitlines()
    )
    assert [(i.index, i.name, i.up) for i in sample.interfaces] == [
        (i["ifIndex"], i["ifName"], i["ifOperStatus"] == "up") for i in device["interfaces"]
    ]
    for ours, theirs in zip(sample.interfaces, device["interfaces"], strict=True):
        if counted:
            assert (ours.rx_bytes, ours.tx_bytes) == (theirs["ifInOctets"], theirs["ifOutOctets"])
        else:
            assert (ours.rx_bytes, ours.tx_bytes) == (None, None), (
                "no counter in the recording: unknown, not zero"
            )


@pytest.mark.parametrize("name", SINGLE)
async def test_an_access_point_reads_as_expected(
    snmp: int, expected: dict[str, Any], shared: Path, name: str
) -> None:
    events = await ask(snmp, name)
    assert len(events) == 1
    sample, device = events[0].data, expected[name]
    assert sample.status is Status.OK
    assert (sample.model, sample.firmware) == (device["hardware"], device["version"])
    found = {radio.name: (radio.clients, radio.frequency_mhz, radio.noise_dbm) for radio in sample.radios}
    assert found == RADIOS[name]
    check_interfaces(sample, device, shared / "data" / "snmp" / f"{name}.snmprec")


async def test_clients_are_those_that_the_other_system_counts(snmp: int, expected: dict[str, Any]) -> None:
    totals = {name: (await ask(snmp, name))[0].data.clients for name in SINGLE}
    unifi = expected["unifi_nanohd"]
    assert totals == {
        "openwrt": value(expected["openwrt"], "clients", "wlan"),
        "unifi_nanohd": value(unifi, "clients", "Clients (na)") + value(unifi, "clients", "Clients (ng)"),
        "airos_airos8": value(expected["airos_airos8"], "clients", "Clients"),
        "routeros_ltap-mini": value(expected["routeros_ltap-mini"], "clients", "2G: MikroTik-XXXXXX"),
    }


async def test_airtime_and_ssid(snmp: int, expected: dict[str, Any]) -> None:
    airos = (await ask(snmp, "airos_airos8"))[0].data.radios[0]
    assert airos.utilisation == pytest.approx(value(expected["airos_airos8"], "utilization", "Airtime") / 100)
    assert (await ask(snmp, "routeros_ltap-mini"))[0].data.radios[0].ssid == "MikroTik-XXXXXX"


async def test_a_controller_gives_one_event_for_each_access_point(
    snmp: int, expected: dict[str, Any], shared: Path
) -> None:
    device = expected["aruba-instant"]
    named = {"CNBJHMV0WN": Place("ap-bau-don", "bau-don", "point-2")}
    events = {event.subject: event.data for event in await ask(snmp, "aruba-instant", access_points=named)}
    assert set(events) == {"ap-1:PHRCKYJ2RR", "ap-1:PHRCKYJ4N1", "ap-bau-don"}
    assert len(events) == value(device, "ap-count", "Total APs")
    conductor = events["ap-bau-don"]
    assert (conductor.unit, conductor.point) == ("bau-don", "point-2")
    assert (conductor.model, conductor.firmware) == (device["hardware"], device["version"])
    check_interfaces(conductor, device, shared / "data" / "snmp" / "aruba-instant.snmprec")
    for subject, serial in ((s, s.partition(":")[2] or "CNBJHMV0WN") for s in events):
        sample = events[subject]
        assert sample.status is Status.OK
        for number, radio in enumerate(sample.radios):
            name = f"{serial} Radio {number}"
            assert radio.clients == value(device, "clients", name)
            assert radio.noise_dbm == value(device, "noise-floor", name)
            assert radio.utilisation == pytest.approx(value(device, "utilization", name) / 100)
            assert (radio.frequency_mhz or 0) == value(device, "frequency", name)
    assert sum(sample.clients or 0 for sample in events.values()) == value(device, "clients", "Total Clients")


@pytest.mark.parametrize("name", ["dahua-nvr", "axiscam_box", "hikvision-cam", "hikvision-nvr_disk"])
async def test_a_device_that_is_in_no_table_of_wifi_still_shows_what_it_is(
    snmp: int, expected: dict[str, Any], shared: Path, name: str
) -> None:
    sample, device = (await ask(snmp, name))[0].data, expected[name]
    assert sample.status is Status.OK
    assert "not in the table" in (sample.reason or "")
    assert (sample.clients, sample.radios) == (None, ())
    assert (sample.model, sample.firmware) == (device["hardware"], device["version"])
    check_interfaces(sample, device, shared / "data" / "snmp" / f"{name}.snmprec")


async def test_no_clients_address_is_in_an_event(snmp: int, shared: Path) -> None:
    recording = (shared / "data" / "snmp" / "unifi_nanohd.snmprec").read_text("utf-8")
    neighbours = {line.rsplit("|", 1)[1].lower() for line in recording.splitlines() if ".4.22.1.2." in line}
    sent = encode((await ask(snmp, "unifi_nanohd"))[0]).decode().lower()
    assert neighbours
    assert not [address for address in neighbours if address in sent.replace(":", "")]


async def test_a_wrong_community_is_unknown_while_the_host_lives(snmp: int, unused_tcp_port: int) -> None:
    began = time.monotonic()
    listening = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        alive = (await ask(snmp, "no-such", timeout_s=0.3, ping=f"tcp:{port}"))[0].data
        dead = (await ask(snmp, "no-such", timeout_s=0.3, ping=f"tcp:{unused_tcp_port}"))[0].data
        untold = (await ask(snmp, "no-such", timeout_s=0.3, ping="none"))[0].data
    assert [alive.status, dead.status, untold.status] == [Status.UNKNOWN, Status.DOWN, Status.UNKNOWN]
    assert "3 tries" in (dead.reason or "")
    assert (dead.clients, dead.loss) == (None, 1.0)
    assert time.monotonic() - began < 6


def test_the_command_prints_what_would_be_published(snmp: int) -> None:
    def run(community: str) -> Any:
        command = [sys.executable, "-m", "ioc.cli", "probe", "wifi", "127.0.0.1"]
        command += ["--port", str(snmp), "--community", community, "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    one, many = run("openwrt"), run("aruba-instant")
    assert one["type"] == "ioc.wifi.probed.v1"
    assert (one["data"]["clients"], one["data"]["model"], one["data"]["firmware"]) == (
        3,
        "Linksys WRT1200AC",
        "21.02.0-rc4",
    )
    assert [len(one["data"]["radios"]), len(one["data"]["interfaces"])] == [2, 18]
    assert len(many) == 3
    assert all(
        {"clients", "radios", "interfaces", "model", "firmware"} <= set(event["data"]) for event in many
    )
