"""Further models, firmwares and ways to answer, against recordings written after the MIBs: what is there is read."""

from __future__ import annotations

import pytest

from connectors.shared.snmp.agent import Agent, Memory
from connectors.wifi.probe import History, Place, WifiTarget, probe
from connectors.wifi.reading import is_air, read
from ioc.events import Radio, Status, WifiProbed, WifiSample, encode

pytestmark = pytest.mark.peers


async def events(port: int, community: str, history: History | None = None) -> list[WifiProbed]:
    target = WifiTarget(Place("d", "u"), "127.0.0.1", port, community, ping="none")
    return await probe(target, history=history)


async def one(port: int, community: str) -> WifiSample:
    (event,) = await events(port, community)
    assert event.data.status is Status.OK
    return event.data


def shown(radios: tuple[Radio, ...]) -> list[tuple[str, int | None, int | None, int | None]]:
    return [(radio.name, radio.frequency_mhz, radio.clients, radio.noise_dbm) for radio in radios]


async def test_radios_are_those_that_the_networks_name_where_there_is_no_table_of_them(
    recordings: int,
) -> None:
    sample = await one(recordings, "unifi_no-radio-table")  # numbers are texts, one index is missing
    assert (sample.model, sample.firmware, sample.clients) == ("UAP-AC-Lite", "4.3.28.11361", 9)
    assert shown(sample.radios) == [("ng", 2412, 3, None), ("na", 5240, 6, None)]
    assert sample.radios[0].ssid == "cong dan, can bo"


async def test_openwrt_under_a_name_of_its_own(recordings: int) -> None:
    sample = await one(recordings, "openwrt_named")
    assert (sample.model, sample.firmware, sample.clients) == ("TP-Link EAP615-Wall v1", "23.05.3", 15)
    assert shown(sample.radios) == [
        ("wl-2.4G", 2462, 4, -89),
        ("wl-5G", 5500, 11, None),
        ("phy1-ap1", None, 0, None),
    ]
    assert [(i.index, i.name, i.up, i.rx_bytes, i.tx_bytes) for i in sample.interfaces] == [
        (1, "lo", True, 10, 10),
        (4, "eth0", True, 4_000_000_000, 5),
        (2017, "phy0-ap0", True, 100, 1100),
        (2019, "phy1-ap0", True, 200, 2200),
        (2023, "phy1-ap1", False, None, None),
    ]


async def test_mikrotik_with_virtual_and_renamed_interfaces(recordings: int) -> None:
    sample = await one(recordings, "mikrotik_virtual")
    assert (sample.model, sample.firmware, sample.clients) == ("RB952Ui-5ac2nD", "6.42.1", 15)
    assert shown(sample.radios) == [
        ("wlan1", 2437, 6, -110),
        ("wlan2", 5745, 0, -112),
        ("wlan-khach", None, 9, None),
    ]
    agent = Agent("127.0.0.1", recordings, "mikrotik_virtual", 1.0)
    _, (reading,) = await read(agent)
    assert [port.name for port in reading.ports if is_air(reading, port)] == ["wlan1", "wlan2", "wlan-khach"]


async def test_a_walk_of_net_snmp_as_recording(recordings: int) -> None:
    sample = await one(recordings, "mikrotik_walk")
    assert (sample.model, sample.firmware, sample.clients) == ("hAP ax^2", "7.14", 13)
    assert shown(sample.radios) == [("wlan1", 2452, 13, -101)]
    assert sample.radios[0].ssid == "Gò Dầu"
    assert [(i.name, i.rx_bytes) for i in sample.interfaces] == [("wlan1", 9_000_000_001)]


async def test_clients_are_counted_where_the_agent_counts_none_and_nobody_is_kept(recordings: int) -> None:
    history = History(60.0)
    for _ in range(2):  # learned, then remembered
        found = {e.subject: e for e in await events(recordings, "aruba-instant_before-8.4", history)}
        assert {s: e.data.clients for s, e in found.items()} == {"d:BT0000001": 3, "d:BT0000002": 0}
        hall = found["d:BT0000001"].data
        assert (hall.model, hall.firmware) == ("105", "6.4.4.8-4.2.4.12")
        assert shown(hall.radios) == [("radio 0", 5220, None, -92), ("radio 1", 2437, None, None)]
        assert [r.frequency_mhz for r in found["d:BT0000002"].data.radios] == [5745, 2462]
        assert history.memory.usable
    kept = repr(vars(history.memory)) + "".join(encode(event).decode() for event in found.values())
    assert "170.187.204" not in kept, "rows of clients are counted and forgotten"


async def test_nothing_in_a_table_of_clients_is_unknown_not_zero(recordings: int) -> None:
    agent = Agent("127.0.0.1", recordings, "omada-eap", 1.0, Memory())
    await agent.begin()
    assert not await agent.tally("1.3.6.1.4.1.14823.2.3.3.1.2.4.1.4")


async def test_unleashed_with_its_members(recordings: int) -> None:
    members = {e.subject: e.data for e in await events(recordings, "ruckus-unleashed_members")}
    assert {s: (d.status, d.model, d.clients) for s, d in members.items()} == {
        "d:U0000001": (Status.OK, "r350", 8),
        "d:880102030406": (Status.DOWN, "r350", 0),
    }
    total = {e.subject: e.data for e in await events(recordings, "ruckus-unleashed_total")}
    assert {s: (d.status, d.clients) for s, d in total.items()} == {
        "d": (Status.OK, 8),  # only the network's total is told: by the controller's own event
        "d:U0000001": (Status.OK, None),
        "d:880102030406": (Status.DOWN, None),
    }
    assert (total["d"].model, total["d"].firmware) == ("R350", "200.12.10.5 build 212")


async def test_further_controllers(recordings: int) -> None:
    scg = {e.subject: e.data for e in await events(recordings, "ruckus-scg")}
    assert {s: (d.status, d.model, d.clients) for s, d in scg.items()} == {
        "d:G1": (Status.OK, "R500", 6),
        "d:G2": (Status.DOWN, "R500", 0),
    }
    (cisco,) = await events(recordings, "cisco-controller_9800")
    assert (cisco.subject, cisco.data.clients) == ("d:a00102030405", 7), "no serial number: its MAC address"
    assert (cisco.data.model, cisco.data.firmware) == ("C9136I-E", "17.9.4.27")
    assert [(r.channel, r.frequency_mhz, r.clients) for r in cisco.data.radios] == [
        (6, 2437, 1),
        (149, 5745, 4),
        (37, None, 2),  # of either band: not guessed
        (5, None, 0),
    ]


async def test_access_points_are_known_by_their_radios_alone(recordings: int) -> None:
    found = {e.subject: e.data for e in await events(recordings, "aruba-controller_radios")}
    assert {s: (d.status, d.clients) for s, d in found.items()} == {
        "d:186472010203": (Status.OK, 5),
        "d:186472010204": (Status.OK, 0),
    }
    assert shown(found["d:186472010203"].radios) == [
        ("radio 1", 5500, 4, None),
        ("radio 2", 2412, 1, None),
    ]


async def test_further_access_points(recordings: int) -> None:
    cisco = await one(recordings, "cisco-ap")
    assert (cisco.model, cisco.firmware, cisco.clients) == ("AIR-SAP1602I-E-K9", "15.2(4)JB6", 5)
    assert [(r.name, r.clients) for r in cisco.radios] == [("Dot11Radio0", 5), ("Dot11Radio1", 0)]
    cambium = await one(recordings, "cambium-ap")
    assert (cambium.model, cambium.firmware, cambium.clients) == ("XV2-2", "6.4.1-r5", 9)
    assert shown(cambium.radios) == [("radio 1", 2462, 2, -94), ("radio 2", 5745, 7, -96)]
    epmp = await one(recordings, "cambium-epmp")
    assert epmp.firmware == "U-Boot 9344_PX 1.1.4.e Version 4.6.2"
    assert shown(epmp.radios) == [("radio 0", 5690, 3, None)]


async def test_counters_that_stand_still_are_texts_or_are_missing(recordings: int) -> None:
    sample = await one(recordings, "other_odd-counters")
    assert (sample.model, sample.firmware, sample.clients) == ("AX-3000", "1.0.9", None)
    assert "not in the table" in (sample.reason or "")
    assert [(i.name, i.up, i.rx_bytes, i.tx_bytes) for i in sample.interfaces] == [
        ("ra0", True, 3_000_000_001, 2**64 - 1),
        ("eth0", False, 17, 0),  # dormant
        ("apcli0", True, 42, None),
    ]


async def test_other_units_show_who_they_are_too(recordings: int) -> None:
    recorder = await one(recordings, "dahua-nvr-disks")
    assert (recorder.model, recorder.firmware, recorder.clients) == ("DH-XVR5116", "4.001.1", None)


async def test_what_is_remembered_reads_the_same_again(recordings: int) -> None:
    for community in (
        "unifi_no-radio-table",
        "openwrt_named",
        "mikrotik_virtual",
        "ruckus-unleashed_total",
        "cisco-controller_9800",
        "other_odd-counters",
    ):
        history = History(60.0)
        rounds = [await events(recordings, community, history) for _ in range(3)]
        assert history.memory.usable
        told = [[(e.subject, e.data.clients, e.data.model, e.data.radios) for e in found] for found in rounds]
        assert told[0] == told[1] == told[2], community
