"""A line of sources.csv connects a controller or an access server; devices.csv says where its access points are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.pack import devices_file, usable_pack, wifi_jobs
from connectors.polled import POLLED, active
from connectors.shared.runner import Job
from deploy.stack.connecting import groups_of
from ioc.district import examine
from ioc.events import Status, WifiSample
from tests.peers.http_double import serving
from tests.peers.test_controllers import ACCOUNT, Classic, samples, unifi_device

pytestmark = pytest.mark.peers

SHIPPED = Path(__file__).parents[2] / "deploy" / "packs" / "go-dau"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "pack"))
    (folder / "login").write_text(ACCOUNT)
    return folder


def write(pack: Path, *rows: str, **behind: str) -> None:
    (pack / "sources.csv").write_text(
        "code,kind,address,secret,point,options\n" + "".join(f"{row}\n" for row in rows), "utf-8"
    )
    devices = (SHIPPED / "devices.csv").read_text("utf-8")
    for name, address in behind.items():
        assert f"Wifi {name},," in devices
        devices = devices.replace(f"Wifi {name},,", f"Wifi {name},{address},")
    (pack / "devices.csv").write_text(devices, "utf-8")


def jobs(pack: Path, kind: str) -> list[Job]:
    return POLLED[kind](kind, active(usable_pack(pack), kind)).jobs(devices_file(pack))


async def test_a_controller_is_a_line_and_its_access_points_have_their_places(pack: Path) -> None:
    async with serving(Classic([unifi_device(1), unifi_device(2)])) as (port, _):
        write(
            pack,
            f"ctl,unifi,http://127.0.0.1:{port},file:login,point.huyen,site=go-dau",
            "dead,unifi,http://127.0.0.1:1,file:absent,,",
            **{"Bàu Đồn": "via://ctl/24-5A-4C-00-00-01", "Cẩm Giang": "via://ctl/245A4C000009"},
        )
        assert examine(pack).errors == []
        with capture_logs() as logs:
            (job,) = jobs(pack, "unifi")
        assert [(line["event"], line["source"]) for line in logs] == [("source.unusable", "dead")]
        found = await samples(job)
    units = {device: (sample.unit, sample.point, sample.status) for device, sample in found.items()}
    assert units == {
        "ap-bau-don-01": ("go-dau.kv-bau-don", "point.bau-don", Status.OK),
        "ctl:245a4c000002": ("go-dau.phuong", "point.huyen", Status.OK),
        "ap-cam-giang-01": ("go-dau.kv-cam-giang", "point.cam-giang", Status.UNKNOWN),
    }
    assert wifi_jobs(devices_file(pack)) == []  # nobody asks them by SNMP besides
    reading = examine(pack)
    assert reading.usable is not None
    assert set(groups_of(reading.usable, pack, kinds=POLLED)) == {"unifi"}


async def test_an_access_server_is_a_line(pack: Path) -> None:
    write(
        pack,
        "nas,radius,udp://127.0.0.1,file:login,,",
        "odd,radius,udp://nowhere,file:login,,",
        **{"Bàu Đồn": "via://nas/00-10-A4-23-19-C0"},
    )
    with capture_logs() as logs:
        (job,) = jobs(pack, "radius")
    assert [line["source"] for line in logs] == ["odd"]
    outcome = await job.probe()
    found: dict[str, WifiSample] = {event.subject: event.data for event in outcome.events}  # type: ignore[misc]
    assert {device: sample.status for device, sample in found.items()} == {
        "nas": Status.UNKNOWN,
        "ap-bau-don-01": Status.UNKNOWN,
    }
    assert found["nas"].unit == "go-dau"


def test_a_cluster_that_is_asked_by_snmp_places_its_members_too(pack: Path) -> None:
    write(pack, **{"điểm trung tâm": "snmp://127.0.0.1:1", "Bàu Đồn": "via://ap-huyen-01/CN0001"})
    assert examine(pack).errors == []
    (job,) = wifi_jobs(devices_file(pack))
    assert job.device == "ap-huyen-01"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("via://ctk/AA", "'ctk', which is no controller of the pack. Did you mean ctl?"),
        ("via://ctl/", "names no access point"),
        ("via://", "via://CODE/KEY"),
        ("http://ctl/AA", "via://CODE/KEY"),
    ],
)
def test_an_access_point_behind_nothing_is_told(pack: Path, address: str, message: str) -> None:
    write(pack, "ctl,unifi,http://127.0.0.1:1,file:login,,", **{"Bàu Đồn": address})
    errors = examine(pack).errors
    assert errors
    assert message in " ".join(map(str, errors))
    assert {error.file for error in errors} == {"devices.csv"}
