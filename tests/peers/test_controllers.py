"""Controllers over HTTP: doubles that speak the documented shapes of UniFi Network and OpenWISP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.shared.runner import Job
from connectors.wifi.controllers.targets import Controllers
from ioc.errors import InputError
from ioc.events import Status, WifiSample, encode
from tests.peers.http_double import Asked, Reply, serving

pytestmark = pytest.mark.peers

ACCOUNT = "reader:a:password"
CLIENT = "aa:bb:cc:dd:ee:ff"


def unifi_device(number: int, **changes: Any) -> dict[str, Any]:
    device = {
        "type": "uap",
        "mac": f"24:5a:4c:00:00:0{number}",
        "serial": f"245A4C00000{number}",
        "model": "U7PG2",
        "version": "6.6.55.15189",
        "adopted": True,
        "state": 1,
        "num_sta": 7,
        "user-num_sta": 7,
        "uptime": 86_400,
        "rx_bytes": 1_000,
        "tx_bytes": 2_000,
        "last_seen_client": CLIENT,
        "radio_table_stats": [
            {"name": "wifi0", "radio": "ng", "channel": 6, "num_sta": 2, "cu_total": 40},
            {"name": "wifi1", "radio": "6e", "channel": 37, "num_sta": 5, "cu_total": None},
        ],
    }
    return {**device, **changes}


class Classic:
    """A controller of the classic kind: logs in by cookie, ends sessions, may refuse."""

    def __init__(self, devices: list[dict[str, Any]], *, prefix: str = "", login: str = "/api/login") -> None:
        self.devices = devices
        self.prefix = prefix
        self.login = login
        self.sessions = 0
        self.refuse: Reply | None = None

    def __call__(self, asked: Asked) -> Reply:
        if self.refuse is not None:
            return self.refuse
        if asked.path == self.login and asked.method == "POST":
            if msgspec.json.decode(asked.body) != {"username": "reader", "password": "a:password"}:
                return Reply(400, {"meta": {"rc": "error", "msg": "api.err.Invalid"}, "data": []})
            self.sessions += 1
            return Reply(
                headers={"Set-Cookie": f"unifises=s{self.sessions}; Path=/"}, body={"meta": {"rc": "ok"}}
            )
        if asked.path == f"{self.prefix}/api/s/go-dau/stat/device":
            if f"unifises=s{self.sessions}" not in asked.headers.get("cookie", ""):
                return Reply(401, {"meta": {"rc": "error", "msg": "api.err.LoginRequired"}, "data": []})
            return Reply(body={"meta": {"rc": "ok"}, "data": self.devices})
        return Reply(404)


def job_of(tmp_path: Path, port: int, more: str = "", *, kind: str = "unifi", secret: str = ACCOUNT) -> Job:
    (tmp_path / "secret").write_text(secret)
    path = tmp_path / "controllers.toml"
    path.write_text(
        f"""
        [[target]]
        device = "ctl"
        unit = "u"
        kind = "{kind}"
        url = "http://127.0.0.1:{port}"
        secret = "file:secret"
        site = "go-dau"
        {more}
        """
    )
    (job,) = Controllers().jobs(path)
    return job


async def samples(job: Job) -> dict[str, WifiSample]:
    outcome = await job.probe()
    for event in outcome.events:
        assert CLIENT not in encode(event).decode()  # type: ignore[arg-type]
    return {event.subject: event.data for event in outcome.events}  # type: ignore[misc]


async def test_unifi_classic(tmp_path: Path) -> None:
    switch = {"type": "usw", "mac": "24:5a:4c:00:00:09", "adopted": True, "state": 1}
    gone = unifi_device(2, state=0, num_sta=0)
    controller = Classic(
        [unifi_device(1), gone, unifi_device(3, state=4), unifi_device(4, adopted=False), switch]
    )
    places = '[target.access_points."24-5A-4C-00-00-01"]\ndevice = "ap-1"\nunit = "bau-don"\npoint = "p1"'
    async with serving(controller) as (port, asked):
        job = job_of(tmp_path, port, places)
        found = await samples(job)
        assert set(found) == {"ap-1", "ctl:245a4c000002", "ctl:245a4c000003"}
        one = found["ap-1"]
        assert (one.unit, one.point, one.status, one.clients) == ("bau-don", "p1", Status.OK, 7)
        assert (one.model, one.firmware) == ("U7PG2", "6.6.55.15189")
        assert [(r.name, r.channel, r.frequency_mhz, r.clients, r.utilisation) for r in one.radios] == [
            ("wifi0", 6, 2437, 2, 0.4),
            ("wifi1", 37, 6135, 5, None),
        ]
        assert one.rx_bytes is None, "one reading is no traffic"
        down = found["ctl:245a4c000002"]
        assert (down.status, down.clients, down.radios) == (Status.DOWN, None, ()), "down: unknown, not zero"
        assert found["ctl:245a4c000003"].status is Status.UNKNOWN
        assert len(asked) == 2, "a login and a call"
        controller.devices = [unifi_device(1, rx_bytes=1_500, tx_bytes=9_000, num_sta=0)]
        again = await samples(job)
        assert len(asked) == 3, "the session is kept"
        assert again["ap-1"].clients == 0
        controller.sessions = 99  # the controller ended the session
        assert (await samples(job))["ap-1"].status is Status.OK
        assert [one.path for one in asked[3:]] == [
            "/api/s/go-dau/stat/device",
            "/api/login",
            "/api/s/go-dau/stat/device",
        ]
        assert all("/stat/sta" not in one.path for one in asked)


async def test_unifi_os_by_account_and_by_api_key(tmp_path: Path) -> None:
    controller = Classic([unifi_device(1)], prefix="/proxy/network", login="/api/auth/login")
    async with serving(controller) as (port, _):
        assert (await samples(job_of(tmp_path, port)))["ctl:245a4c000001"].clients == 7

    def by_key(asked: Asked) -> Reply:
        if asked.headers.get("x-api-key") != "0123456789abcdef":
            return Reply(401)
        return Reply(body={"meta": {"rc": "ok"}, "data": [unifi_device(1)]})

    async with serving(by_key) as (port, asked):
        found = await samples(job_of(tmp_path, port, secret="0123456789abcdef"))
        assert found["ctl:245a4c000001"].clients == 7
        assert [one.path for one in asked] == ["/proxy/network/api/s/go-dau/stat/device"]


async def test_a_controller_that_refuses_is_left_alone(tmp_path: Path) -> None:
    controller = Classic([unifi_device(1)])
    places = '[target.access_points."245a4c000001"]\ndevice = "ap-1"\nunit = "u"'
    async with serving(controller) as (port, asked):
        job = job_of(tmp_path, port, places)
        await samples(job)
        controller.refuse = Reply(429, headers={"Retry-After": "120"})
        found = await samples(job)
        calls = len(asked)
        assert (found["ap-1"].status, found["ap-1"].clients) == (Status.UNKNOWN, None)
        assert "429" in (found["ap-1"].reason or "")
        controller.refuse = None
        for _ in range(20):
            found = await samples(job)
        assert len(asked) == calls, "not one call while it asked to be left alone"
        assert "left alone" in (found["ap-1"].reason or "")


async def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    async with serving(Classic([unifi_device(1)])) as (port, asked):
        job = job_of(tmp_path, port, secret="reader:wrong")
        for _ in range(5):
            outcome = await job.probe()
            assert not outcome.healthy
        assert len(asked) == 1
        assert "wrong" not in (outcome.reason or "")


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: Reply(body=b"<html>not json"),
        lambda _: Reply(body={"meta": {"rc": "ok"}, "data": "x"}),
        lambda _: Reply(body=b"[" * 100_000),
        lambda _: Reply(500),
        lambda _: Reply(302, headers={"Location": "http://127.0.0.1:1/"}),
        lambda _: Reply(body=b"x" * 40_000_000),
        lambda _: None,
    ],
    ids=["html", "shape", "deep", "500", "redirect", "40 MB", "silence"],
)
async def test_what_a_controller_may_do_wrong(
    tmp_path: Path, answer: Callable[[Asked], Reply | None]
) -> None:
    async with serving(answer) as (port, _):
        outcome = await job_of(tmp_path, port, "timeout_s = 1.0", secret="an-api-key").probe()
        assert not outcome.healthy
        assert [event.data.status for event in outcome.events] == [Status.UNKNOWN]  # type: ignore[union-attr]


class OpenWisp:
    """Devices in pages, charts of counts; the raw data with addresses of clients answers 403."""

    def __init__(self, statuses: list[str]) -> None:
        self.statuses = statuses
        self.refuse_after = 10**9
        self.charts = 0

    def __call__(self, asked: Asked) -> Reply:
        path, _, query = asked.path.partition("?")
        if asked.headers.get("authorization") != "Bearer a-token":
            return Reply(401)
        if "status" in query.replace("organization_slug", "") or "wifi-session" in path:
            return Reply(403)
        if path == "/api/v1/monitoring/device/":
            page = int(query.split("page=")[1].split("&")[0])
            results = [
                {
                    "id": f"id-{number}",
                    "name": f"ap {number}",
                    "mac_address": f"00:11:22:33:44:{number:02x}",
                    "model": "TP-Link EAP245",
                    "os": "OpenWrt 23.05.3",
                    "key": "a device key",
                    "monitoring": {"status": status},
                }
                for number, status in enumerate(self.statuses)
            ][(page - 1) * 100 : page * 100]
            more = len(self.statuses) > page * 100
            return Reply(
                body={"count": len(self.statuses), "next": "…" if more else None, "results": results}
            )
        self.charts += 1
        if self.charts > self.refuse_after:
            return Reply(429, headers={"Retry-After": "30"})
        clients = [["wifi_clients", [1, 4, None, 3]]]
        return Reply(
            body={
                "x": ["a", "b", "c", "d"],
                "charts": [
                    {"title": "Traffic: wlan0", "traces": [["download", [1.5, 2.5, 0.1, 9.0]]]},
                    {"title": "WiFi clients: wlan0", "traces": clients},
                    {"title": "WiFi clients: wlan1", "traces": [["wifi_clients", [0, 0, 2, None]]]},
                    {"title": "odd", "traces": {"x": 1}},
                ],
            }
        )


async def test_openwisp(tmp_path: Path) -> None:
    states = ["ok", "problem", "critical", "unknown", "deactivated"]
    controller = OpenWisp(states + ["critical"] * 100)
    async with serving(controller) as (port, asked):
        job = job_of(tmp_path, port, "calls_a_minute = 600", kind="openwisp", secret="a-token")
        found = await samples(job)
    assert len(found) == 105
    first = [found[f"ctl:0011223344{number:02x}"] for number in range(5)]
    assert [one.status for one in first] == [
        Status.OK,
        Status.DEGRADED,
        Status.DOWN,
        Status.UNKNOWN,
        Status.MAINTENANCE,
    ]
    assert [one.clients for one in first] == [5, 5, None, None, None]
    assert (first[0].model, first[0].firmware) == ("TP-Link EAP245", "OpenWrt 23.05.3")
    assert len(asked) == 4, "two pages, two charts"
    assert "organization_slug=go-dau" in asked[0].path


async def test_openwisp_that_refuses_in_the_middle_leaves_the_rest_unknown(tmp_path: Path) -> None:
    controller = OpenWisp(["ok"] * 10)
    controller.refuse_after = 3
    async with serving(controller) as (port, asked):
        found = await samples(
            job_of(tmp_path, port, "calls_a_minute = 600", kind="openwisp", secret="a-token")
        )
    assert [one.clients for one in found.values()] == [5] * 3 + [None] * 7
    assert {one.status for one in found.values()} == {Status.OK}
    assert len(asked) == 5, "no call after the refusal"


async def test_the_calls_of_a_host_are_added_up_first(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a-token")
    one = (
        '[[target]]\ndevice = "d{}"\nunit = "u"\nkind = "openwisp"\n'
        'url = "https://wisp.example"\nsecret = "file:secret"\n'
    )
    path = tmp_path / "c.toml"
    path.write_text(one.format(1) + one.format(2))
    with pytest.raises(InputError, match="102 times a minute, 60 are allowed"):
        Controllers().jobs(path)
    path.write_text(one.format(1) + "interval_s = 300\n" + one.format(2) + "interval_s = 300\n")
    assert len(Controllers().jobs(path)) == 2
    path.write_text(one.format(1).replace("https://wisp", "https://user:pw@wisp"))
    with pytest.raises(InputError, match="can't be used") as caught:
        Controllers().jobs(path)
    assert "pw" not in caught.value.message
