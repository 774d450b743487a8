"""What cameras and recorders tell over SNMP: the recordings of real ones, and others after their MIBs."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.camera import address
from connectors.camera.probe import CameraTarget, probe
from connectors.camera.units import SnmpAddress, read_unit, units
from connectors.shared.snmp.agent import Memory
from connectors.shared.snmp.cells import Match
from ioc.events import Disk, Status

pytestmark = pytest.mark.peers
GIB = 1024**3


@pytest.mark.shared
async def test_real_units_tell_what_is_expected_of_them(recordings: int, shared: Path) -> None:
    expected = json.loads((shared / "data" / "snmp" / "expected.json").read_text())
    for name in ("hikvision-cam", "hikvision-nvr_disk", "axiscam_box", "dahua-nvr"):
        memory = Memory()
        for _ in range(2):  # learned, then remembered
            found = await read_unit(SnmpAddress("127.0.0.1", recordings, name), memory)
            assert (found.model, found.firmware) == (expected[name]["hardware"], expected[name]["version"]), (
                name
            )
            assert found.reason is None


@pytest.mark.shared
async def test_disks_and_uptime_of_real_units(recordings: int, shared: Path) -> None:
    async def read(name: str) -> tuple[float | None, tuple[Disk, ...]]:
        found = await read_unit(SnmpAddress("127.0.0.1", recordings, name))
        return found.uptime_s, found.disks

    mib = 1024**2
    disk = Disk(name="Disk 1", state="normal", ok=True, size_bytes=1000 * mib, free_bytes=400 * mib)
    assert await read("hikvision-nvr_disk") == (123_456.0, (disk,))
    assert await read("hikvision-cam") == (None, ()), "a slot without a card is no disk, no answer no uptime"
    uptime_s, disks = await read("axiscam_box")
    assert uptime_s == 13_545.29
    assert [(one.state, one.ok) for one in disks] == [("disruption", False)] * 2
    assert await read("dahua-nvr") == (246_418.13, ())


async def test_other_models_after_their_mibs(recordings: int) -> None:
    async def read(name: str) -> tuple[Disk, ...]:
        return (await read_unit(SnmpAddress("127.0.0.1", recordings, name))).disks

    assert await read("hikvision-cam-card") == (
        Disk(name="storage", size_bytes=round(59.5 * GIB), free_bytes=round(59.5 * GIB * 0.75)),
    )
    running, broken = await read("dahua-nvr-disks")
    assert running == Disk(
        name="HDD 1", state="Running", ok=True, size_bytes=4000 * GIB, free_bytes=1000 * GIB
    )
    assert (broken.state, broken.ok, broken.size_bytes) == ("Error", False, None)
    sizes = [
        (one.name, one.state, one.size_bytes, one.free_bytes) for one in await read("hikvision-nvr-sizes")
    ]
    mib = 1024**2
    assert sizes == [
        ("storage 1", None, 8000 * mib, 2000 * mib),
        ("storage 2", None, 4000 * mib, 0),
    ]
    states = {disk.name: (disk.state, disk.ok) for disk in await read("hikvision-nvr-disks")}
    assert states == {"hd1": ("smart failed", False), "hd2": ("idle", True), "hd3": (None, None)}


async def test_a_sample_tells_the_unit_and_an_agent_that_is_silent_changes_no_verdict(
    rtsp: int, recordings: int
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        camera = CameraTarget(
            "c",
            "u",
            address.parse(f"rtsp://127.0.0.1:{rtsp}/street.mp4/play_count_0"),
            watch_s=0.3,
            snmp=SnmpAddress("127.0.0.1", recordings, "dahua-nvr-disks"),
        )
        data = (await probe(camera)).data
        assert (data.model, data.firmware, data.uptime_s) == ("DH-XVR5116", "4.001.1", 360.0)
        assert len(data.disks) == 2
        assert (data.verdict, data.reason) == (Status.OK, "disks: HDD 2 Error")
        silent = SnmpAddress("127.0.0.1", deaf.getsockname()[1], timeout_s=0.1)
        data = (await probe(replace(camera, snmp=silent))).data
    assert (data.verdict, data.model, data.uptime_s, data.disks) == (Status.OK, None, None, ())
    assert "no SNMP answer" in (data.reason or "")


def test_each_family_has_a_name_of_its_own_and_the_last_takes_the_rest() -> None:
    names = [unit.name for unit in units()]
    assert len(set(names)) == len(names)
    assert [unit.name for unit in units() if unit.match == (Match(),)] == [names[-1]]
