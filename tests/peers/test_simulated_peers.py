"""The simulated devices speak their protocols: the real probes see each fault as what it is."""

from __future__ import annotations

import asyncio
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gufo.snmp.aio import SnmpSession

from connectors.camera import address
from connectors.camera.probe import CameraTarget
from connectors.camera.probe import probe as probe_camera
from connectors.wifi.probe import Place, WifiTarget
from connectors.wifi.probe import probe as probe_wifi
from deploy.simulation.access_points import AccessPoints
from deploy.simulation.cameras import CameraSite
from deploy.simulation.district import SimulatedDistrict
from deploy.simulation.incidents import Kind
from deploy.simulation.media import make_clips
from deploy.simulation.peers import CAMERAS, WIFI, Peers
from ioc.district import Pack, read_pack
from ioc.district.model import Device, DeviceKind
from ioc.events import Status

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def pack() -> Pack:
    return read_pack(Path(__file__).parents[2] / "deploy" / "packs" / "go-dau")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_clips(tmp_path_factory.mktemp("media") / "clips")


@pytest.fixture
def camera(pack: Pack) -> Device:
    return next(device for device in pack.devices if device.kind is DeviceKind.CAMERA)


@pytest.mark.parametrize(
    ("fault", "verdict", "rung", "word"),
    [
        (None, Status.OK, "content", None),
        (Kind.FROZEN, Status.DEGRADED, "content", "frozen"),
        (Kind.BLACK, Status.DEGRADED, "content", "black"),
        (Kind.STALLED, Status.DEGRADED, "content", "stalled"),
        (Kind.GONE, Status.DOWN, "describe", "404"),
        (Kind.OUTAGE, Status.DOWN, "tcp", "refused"),
    ],
)
async def test_a_camera_fault_is_seen_by_the_probe(
    clips: dict[str, Path], camera: Device, fault: Kind | None, verdict: Status, rung: str, word: str | None
) -> None:
    site = CameraSite(clips["good"].parents[1] / "streams", [camera], clips)
    await site.switch(on=True)
    await site.show(camera, fault)
    await site.switch(on=fault is not Kind.OUTAGE)
    try:
        target = CameraTarget(device=camera.code, unit="u", address=address.parse(site.url(camera)))
        seen = (await probe_camera(target)).data
    finally:
        await site.switch(on=False)
    assert (seen.verdict, seen.rung) == (verdict, rung)
    assert word is None or word in (seen.reason or "")


async def test_a_site_comes_back_on_its_own_address(clips: dict[str, Path], camera: Device) -> None:
    site = CameraSite(clips["good"].parents[1] / "streams", [camera], clips)
    for _ in range(2):
        await site.switch(on=True)
        await site.show(camera, None)
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.close()
        await site.switch(on=False)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", site.port)


async def _ask(points: AccessPoints, code: str) -> tuple[Status, int | None, str | None]:
    ping = f"tcp:{points.host_ports[code]}"
    target = WifiTarget(Place(code, "u"), "127.0.0.1", points.port, code, ping=ping, timeout_s=0.2)
    (event,) = await probe_wifi(target)
    return event.data.status, event.data.clients, event.data.reason


async def test_access_points_tell_their_clients_and_fall_silent() -> None:
    points = AccessPoints(["ap-1", "ap-2"])
    await points.start()
    try:
        await points.update("ap-1", 7, None)
        await points.update("ap-2", 0, None)
        assert await _ask(points, "ap-1") == (Status.OK, 7, None)
        assert await _ask(points, "ap-2") == (Status.OK, 0, None)
        await points.update("ap-1", 7, Kind.SILENT)
        status, clients, reason = await _ask(points, "ap-1")
        assert (status, clients) == (Status.UNKNOWN, None)
        assert "ping answers" in (reason or "")
        await points.update("ap-1", 7, Kind.OUTAGE)
        assert (await _ask(points, "ap-1"))[:2] == (Status.DOWN, None)
        assert (await _ask(points, "ap-2"))[0] is Status.OK
        await points.update("ap-1", 3, None)
        assert (await _ask(points, "ap-1"))[:2] == (Status.OK, 3)
    finally:
        await points.close()


async def test_an_access_point_counts_traffic_and_starts_again_after_an_outage() -> None:
    points = AccessPoints(["ap-1"])
    await points.start()
    received = "1.3.6.1.2.1.31.1.1.1.6.1"
    try:
        counts = []
        for fault in (None, None, Kind.OUTAGE, None):
            await points.update("ap-1", 5, fault)
            await asyncio.sleep(0.05)
            if fault is None:
                async with SnmpSession("127.0.0.1", port=points.port, community="ap-1") as session:
                    counts.append(await session.get(received))
        assert 0 < counts[0] < counts[1]
        assert counts[2] < counts[1]
    finally:
        await points.close()


async def test_whole_tables_come_in_order_and_junk_gets_no_answer() -> None:
    points = AccessPoints(["ap-1"])
    await points.start()
    try:
        await points.update("ap-1", 4, None)
        async with SnmpSession("127.0.0.1", port=points.port, community="ap-1", timeout=1) as session:
            walked = [oid async for oid, _ in session.getnext("1.3.6.1")]
            bulk = [oid async for oid, _ in session.getbulk("1.3.6.1")]
        assert walked == bulk == sorted(walked, key=lambda oid: [int(part) for part in oid.split(".")])
        assert len(walked) > 30
        loop = asyncio.get_running_loop()
        answers: list[bytes] = []

        class Listener(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                answers.append(data)

        transport, _ = await loop.create_datagram_endpoint(Listener, remote_addr=("127.0.0.1", points.port))
        for junk in (b"", b"\x30", b"\x30\x82\xff\xff", bytes(range(256)), b"\x30\x03\x02\x01\x01"):
            transport.sendto(junk)
        await asyncio.sleep(0.3)
        transport.close()
        assert answers == []
        assert (await _ask(points, "ap-1"))[0] is Status.OK
    finally:
        await points.close()


async def test_peers_follow_the_model_and_name_every_device(pack: Pack, tmp_path: Path) -> None:
    district = SimulatedDistrict(pack, seed=1, points=3)
    start = datetime(2026, 3, 2, tzinfo=UTC)
    place = district.places[1]
    outage = next(
        moment
        for moment in (start + timedelta(minutes=minute) for minute in range(60 * 24 * 7))
        if Kind.OUTAGE in district.incidents.kinds(place.code, moment)
    )
    peers = Peers(district, tmp_path)
    try:
        await peers.start(outage)
        cameras = tomllib.loads((tmp_path / CAMERAS).read_text("utf-8"))["target"]
        wifi = tomllib.loads((tmp_path / WIFI).read_text("utf-8"))["target"]
        assert len(cameras) == sum(len(place.cameras) for place in district.places)
        assert [target["device"] for target in wifi] == ["ap-huyen-01", "ap-thi-tran-01", "ap-bau-don-01"]
        (gone,) = {target["url"].split("/")[2] for target in cameras if target["point"] == place.code}
        others = {target["url"].split("/")[2] for target in cameras if target["point"] != place.code}
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*gone.split(":"))
        for other in others:
            _, writer = await asyncio.open_connection(*other.split(":"))
            writer.close()
        await peers.follow(outage + timedelta(hours=1))
        _, writer = await asyncio.open_connection(*gone.split(":"))
        writer.close()
    finally:
        await peers.close()
