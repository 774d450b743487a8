"""Vendors without a recording of a real device, against recordings written after their MIBs."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.wifi.probe import History, Place, WifiTarget, probe
from ioc.events import Status, WifiProbed, WifiSample

pytestmark = pytest.mark.peers


async def ask(port: int, community: str, **changes: Any) -> list[WifiProbed]:
    return await probe(WifiTarget(Place("d", "u"), "127.0.0.1", port, community, ping="none"), **changes)


async def one(port: int, community: str) -> WifiSample:
    (event,) = await ask(port, community)
    return event.data


def radios(sample: WifiSample) -> list[tuple[int | None, int | None, int | None, float | None]]:
    return [(r.channel, r.frequency_mhz, r.clients, r.utilisation) for r in sample.radios]


@pytest.mark.parametrize(
    ("community", "up", "down", "model", "clients"),
    [
        ("ruckus-zonedirector", "S0000001", "S0000002", "r510", 12),
        ("ruckus-smartzone", "S1", "S2", "R510", 9),
        ("aruba-controller", "CN1", "CN2", "AP-305", 7),
    ],
)
async def test_a_controller_gives_each_access_point_its_event(
    recordings: int, community: str, up: str, down: str, model: str, clients: int
) -> None:
    events = {event.subject: event.data for event in await ask(recordings, community)}
    assert set(events) == {f"d:{up}", f"d:{down}"}
    works, fails = events[f"d:{up}"], events[f"d:{down}"]
    assert (works.status, works.model, works.clients) == (Status.OK, model, clients)
    assert works.firmware is not None
    assert (fails.status, fails.reason) == (Status.DOWN, "its controller reports it down")


async def test_radios_of_controllers(recordings: int) -> None:
    ruckus = {event.subject: event.data for event in await ask(recordings, "ruckus-zonedirector")}
    assert radios(ruckus["d:S0000001"]) == [(6, 2437, 4, 0.17), (149, 5745, 8, 0.09)]
    assert radios(ruckus["d:S0000002"]) == [(11, 2462, 0, 0.0)]
    cisco = {event.subject: event.data for event in await ask(recordings, "cisco-controller")}
    assert radios(cisco["d:FCZ1"]) == [(11, 2462, 2, 0.3), (36, 5180, 5, 0.04)]
    assert radios(cisco["d:FCZ2"]) == [(1, 2412, 0, 0.0), (5, 5975, 0, 0.01)], "slot 1 is in the 6 GHz band"
    assert [sample.clients for sample in cisco.values()] == [7, 0]
    assert [sample.status for sample in cisco.values()] == [Status.OK, Status.OK], "loading is not down"
    aruba = {event.subject: event.data for event in await ask(recordings, "aruba-controller")}
    assert radios(aruba["d:CN1"]) == [(44, 5220, 5, 0.12), (6, 2437, 2, 0.4)]


async def test_a_controller_that_tells_of_no_access_point_gives_its_total(recordings: int) -> None:
    total = await one(recordings, "ruckus-zonedirector_total")
    assert (total.model, total.firmware, total.clients) == ("ZD1200", "9.13.3.0 build 99", 7)
    unleashed = await one(recordings, "ruckus-unleashed")
    assert (unleashed.model, unleashed.clients, unleashed.radios) == ("R550", 0, ())


async def test_access_points_that_stand_alone(recordings: int) -> None:
    ruckus = await one(recordings, "ruckus-ap")
    assert (ruckus.model, ruckus.firmware, ruckus.clients) == ("R600", "9.13.2.0.33", 1)
    assert [(r.clients, r.noise_dbm, r.utilisation) for r in ruckus.radios] == [
        (1, -101, 0.037),
        (0, -99, None),
    ]
    omada = await one(recordings, "omada-eap")
    assert (omada.model, omada.firmware, omada.clients, omada.radios) == ("EAP225", "5.0.8", 6, ())


async def test_old_and_new_branches(recordings: int) -> None:
    airos = await one(recordings, "airos_old")
    assert (airos.model, airos.firmware) == ("NanoStation M5", "5.3.5.11245.111219.2000")
    assert [(r.ssid, r.frequency_mhz, r.clients) for r in airos.radios] == [("go-dau", 5180, 3)]
    capsman = await one(recordings, "mikrotik_capsman")
    assert [(r.name, r.frequency_mhz, r.clients) for r in capsman.radios] == [
        ("cap1", 2437, 4),
        ("cap2", None, 0),
    ]
    assert [(i.name, i.up, i.rx_bytes) for i in capsman.interfaces] == [
        ("cap1", True, None),
        ("cap2", False, None),
    ]


async def test_three_bands_and_nobody_there(recordings: int) -> None:
    sample = await one(recordings, "unifi_6ghz")
    assert radios(sample) == [(6, 2437, 0, 0.1), (36, 5180, 0, 0.2), (37, 6135, 0, 0.3)]
    assert sample.clients == 0, "counted and nobody: not unknown"
    assert sample.radios[0].ssid == "Gò Dầu"
    assert sample.interfaces == ()


async def test_what_is_remembered_of_a_device_reads_the_same_again(recordings: int) -> None:
    for community in ("ruckus-zonedirector", "unifi_6ghz", "mikrotik_capsman", "cisco-controller"):
        history = History(60.0)
        first, again, third = [await ask(recordings, community, history=history) for _ in range(3)]
        assert history.memory.usable
        shown = [
            [(e.subject, e.data.clients, e.data.model, e.data.radios) for e in r]
            for r in (first, again, third)
        ]
        assert shown[0] == shown[1] == shown[2], community
