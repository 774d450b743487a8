"""Addresses, secrets and options of devices: mistakes are told, secrets are not, jobs come of the rest."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.camera import address as camera_address
from connectors.pack import (
    camera_entry,
    camera_jobs,
    devices_file,
    examine_devices,
    wifi_entry,
    wifi_jobs,
)
from connectors.shared.runner import Outcome
from ioc.cli.district import app as district
from ioc.district import examine, read_pack
from ioc.district.secrets import is_reference, read_secret
from ioc.errors import InputError

SHIPPED = Path(__file__).parents[3] / "deploy" / "packs" / "go-dau"
_HEADER = "code,kind,point,name,address,interval_s,valid_from,valid_to,secret,options\n"


def _pack(folder: Path, *rows: str) -> Path:
    for name in ("pack.toml", "units.csv", "points.csv"):
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    (folder / "devices.csv").write_text(_HEADER + "".join(f"{row}\n" for row in rows), "utf-8")
    return folder


def _camera(address: str, *, code: str = "c1", secret: str = "", options: str = "", until: str = "") -> str:
    return f"{code},camera,point.huyen,C,{address},60,,{until},{secret},{options}"


def _wifi(address: str, *, code: str = "w1", secret: str = "", options: str = "") -> str:
    return f"{code},wifi,point.huyen,W,{address},60,,,{secret},{options}"


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ([_camera("rtsp://a:hunter2@h/x")], 2, "address holds a password"),
        ([_camera("a:hunter2@h/x")], 2, "address holds a password"),
        ([_camera("rtsp://h/user=a_password=hunter2")], 2, "address holds a password"),
        ([_camera("rtsp://h/x?pwd=hunter2")], 2, "address holds a password"),
        ([_camera("rtsp://hunter2@h/x")], 2, "address holds a password or a login"),
        ([_camera("http://h/x")], 2, "Write it as rtsp://host[:port]/path"),
        ([_camera("rtsp://")], 2, "The address of c1 can't be used"),
        ([_camera("rtsp://h:99999/x")], 2, "The address of c1 can't be used"),
        ([_wifi("10.0.0.1")], 2, "Write it as snmp://host[:port]"),
        ([_wifi("snmp://h:0")], 2, "The address of w1 can't be used"),
        ([_camera("rtsp://h/x"), _camera("rtsp://H/x", code="c2")], 3, "c2 has the address of c1 on line 2"),
        ([_camera("", secret="hunter2")], 2, "secret is no reference"),
        ([_camera("", secret="env:A B hunter2")], 2, "secret is no reference"),
        ([_camera("", options="watch_s")], 2, "options can't be read"),
        ([_camera("", options="watch_s=1;watch_s=2")], 2, "names 'watch_s' twice"),
        ([_camera("", options="wach_s=1")], 2, "Option 'wach_s' is unknown here; known are: connect_s"),
        ([_camera("", options="watch_s=nan")], 2, "Option watch_s is not above 0 and up to 60"),
        ([_camera("", options="watch_s=0")], 2, "Option watch_s is not above 0"),
        ([_wifi("", options="watch_s=1")], 2, "known are: timeout_s, ping"),
        ([_wifi("", options="ping=udp")], 2, "Option ping is none of icmp, tcp:PORT and none"),
        ([_wifi("", options="ping=tcp:65536")], 2, "Option ping is none of"),
        ([_wifi("", options="ping=no")], 2, "Option ping is no text"),
    ],
)
def test_each_mistake_is_told_with_its_line(tmp_path: Path, rows: list[str], line: int, message: str) -> None:
    errors = examine(_pack(tmp_path, *rows)).errors
    assert [(error.file, error.line) for error in errors] == [("devices.csv", line)]
    assert message in str(errors[0])
    assert "hunter2" not in str(errors[0])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_camera("rtsp://h/x", options="onvif=ftp://x"), "ONVIF address makes no sense"),
        (_camera("rtsp://h/x", options="snmp=h:99999"), "SNMP port makes no sense"),
        (_camera("rtsps://h/x", options="tls_ca_file=nope.pem"), "The file nope.pem is not there"),
        (_camera("rtsp://h/x", options="snmp=161;snmp_secret=file:user"), "passwords have at least 8 bytes"),
        (_wifi("snmp://h", secret="file:user"), "passwords have at least 8 bytes"),
    ],
)
def test_what_only_the_connector_knows_is_told_too(tmp_path: Path, row: str, message: str) -> None:
    folder = _pack(tmp_path, _wifi("snmp://other", code="w2"), row)
    (folder / "user").write_text('{"user": "u", "auth": "SHA", "auth_password": "hunter2"}')
    assert examine(folder).errors == []
    answer = CliRunner().invoke(district, ["check", str(folder)])
    (problem,) = examine_devices(read_pack(folder), folder)
    assert (problem.file, problem.line, answer.exit_code) == ("devices.csv", 3, 1)
    assert message in str(problem)
    assert str(problem) in str(answer.exception)
    assert "hunter2" not in str(answer.exception) + answer.output


def test_a_secret_that_is_not_here_hides_no_other_mistake(tmp_path: Path) -> None:
    row = _camera("rtsp://h/x", secret="env:NOWHERE", options="snmp=161;snmp_secret=env:NEITHER;onvif=0")
    folder = _pack(tmp_path, row)
    notes = [note.message for note in examine(folder).notes if note.line == 2]
    assert notes == ["The environment has no NEITHER.", "The environment has no NOWHERE."]
    assert ["ONVIF" in str(problem) for problem in examine_devices(read_pack(folder), folder)] == [True]


def test_a_kiosks_address_and_a_cameras_limit_are_told(tmp_path: Path) -> None:
    folder = _pack(tmp_path)
    (folder / "devices.csv").write_text(
        _HEADER.replace("options", "options,client_limit")
        + "k1,kiosk,point.huyen,K,http://10.0.0.1,60,,,,,\nc1,camera,point.huyen,C,,60,,,,,30\n",
        "utf-8",
    )
    reading = examine(folder)
    assert [(e.line, "access points only" in e.message) for e in reading.errors] == [(3, True)]
    assert [n.line for n in reading.notes if "reports by itself" in n.message] == [2]


def test_one_address_may_serve_one_device_after_another(tmp_path: Path) -> None:
    later = "c2,camera,point.huyen,C,rtsp://h/x,60,2025-07-01,,,"
    assert examine(_pack(tmp_path, _camera("rtsp://h/x", until="2025-07-01"), later)).errors == []


def test_a_missing_secret_and_a_missing_address_are_notes(tmp_path: Path) -> None:
    reading = examine(_pack(tmp_path, _camera("", secret="file:none.txt"), _wifi("snmp://h")))
    assert reading.pack is not None
    of_devices = [note for note in reading.notes if note.file == "devices.csv"]
    assert [(note.line, "c1" in note.message or "none.txt" in note.message) for note in of_devices] == [
        (0, True),
        (2, True),
    ]
    assert "no address in the pack" in of_devices[0].message


def test_secrets_are_read_from_files_beside_the_pack_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "login").write_text(" admin:hunter2 \n", "utf-8")
    monkeypatch.setenv("A_LOGIN", "x")
    found = read_secret("file:login", tmp_path)
    assert (found.get_secret_value(), "hunter2" in repr(found)) == ("admin:hunter2", False)
    assert read_secret("env:A_LOGIN", tmp_path).get_secret_value() == "x"


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"x" * 5000])
def test_a_file_that_holds_no_secret_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "login").write_bytes(content)
    with pytest.raises(InputError, match="missing, empty or unreadable"):
        read_secret("file:login", tmp_path)


def test_what_is_no_regular_file_or_no_reference_is_refused(tmp_path: Path) -> None:
    for reference in ("file:/dev/zero", "file:.", "env:NOT_SET_ANYWHERE"):
        with pytest.raises(InputError):
            read_secret(reference, tmp_path)
    assert not any(is_reference(text) for text in ("", "env:", "file:", "env:A-B", "vault:x", "file:a\nb"))


def test_devices_with_an_address_become_jobs_and_the_rest_do_not(tmp_path: Path) -> None:
    folder = _pack(
        tmp_path,
        _camera("rtsp://h/1"),
        _camera("", code="c2"),
        _camera("rtsp://h/3", code="c3", until="2020-01-01"),
        _camera("rtsp://h/4", code="c4", secret="file:none"),
        _wifi("snmp://h"),
    )
    assert [job.device for job in camera_jobs(devices_file(folder))] == ["c1"]
    assert [job.device for job in wifi_jobs(devices_file(folder))] == ["w1"]


def test_a_login_with_awkward_marks_arrives_whole_and_options_are_taken(tmp_path: Path) -> None:
    (device,) = read_pack(_pack(tmp_path, _camera("rtsp://h:8554/x", options="watch_s=6"))).devices
    entry = camera_entry(device, "u", "a@b:p:/@ #%é")
    found = camera_address.parse(entry.url)
    assert (found.user, found.password, found.host, found.port) == ("a@b", "p:/@ #%é", "h", 8554)
    assert (entry.watch_s, entry.point, "p:" in repr(entry)) == (6.0, "point.huyen", False)


def test_the_shipped_pack_has_nothing_to_ask() -> None:
    assert camera_jobs(devices_file(SHIPPED)) == wifi_jobs(devices_file(SHIPPED)) == []


def test_the_community_of_the_secret_is_what_an_access_point_hears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AP_COMMUNITY", "quiet-word")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(10)
        port = peer.getsockname()[1]
        row = _wifi(f"snmp://127.0.0.1:{port}", secret="env:AP_COMMUNITY", options="timeout_s=0.2")
        folder = _pack(tmp_path, row)
        (job,) = wifi_jobs(devices_file(folder))

        async def ask() -> Outcome:
            return await job.probe()

        outcome = asyncio.run(ask())
        assert b"quiet-word" in peer.recv(4096)
    assert not outcome.healthy
    assert [event.data.unit for event in outcome.events] == ["go-dau.phuong"]
    (device,) = read_pack(folder).devices
    assert wifi_entry(device, "u", None).timeout_s == 0.2


def test_findings_come_as_json_with_the_same_exit_status(tmp_path: Path) -> None:
    bad = CliRunner().invoke(district, ["check", "--json", str(_pack(tmp_path, _camera("http://h/x")))])
    told = json.loads(bad.output)
    assert (bad.exit_code, told["in_order"]) == (3, False)
    assert (told["findings"][0]["file"], told["findings"][0]["line"]) == ("devices.csv", 2)
    good = CliRunner().invoke(district, ["check", "--json", str(SHIPPED)])
    told = json.loads(good.output)
    assert (good.exit_code, told["in_order"]) == (0, True)
    assert all(finding["note"] for finding in told["findings"])
