"""The upper rungs against real peers: TLS, a moved scene, kept pictures, a continuous watch, the clock."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
from contextlib import ExitStack, aclosing
from datetime import timedelta
from functools import partial
from pathlib import Path

import av
import pytest

from connectors.camera import address, onvif
from connectors.camera.continuous import follow
from connectors.camera.describe import Tls
from connectors.camera.evidence import Evidence
from connectors.camera.memory import Memory
from connectors.camera.probe import CameraTarget, probe
from connectors.camera.watchers import Watchers
from ioc.events import CameraSample, Status
from tests.peers.encoders import shown
from tests.peers.onvif_camera import OnvifCamera, running

pytestmark = pytest.mark.peers


def target(url: str, **changes: object) -> CameraTarget:
    settings: dict[str, object] = {"watch_s": 0.4, "first_frame_s": 40.0, "connect_s": 30.0, **changes}
    return CameraTarget("cam-1", "u", address.parse(url), **settings)  # type: ignore[arg-type]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_tls_is_trusted_as_told(tls_rtsp: int, certificates: Path) -> None:
    url = f"rtsps://operator:right%20horse@127.0.0.1:{tls_rtsp}/cam"

    async def ask(tls: Tls) -> CameraSample:
        return (await probe(target(url, tls=tls))).data

    own, other = (str(certificates / f"{name}.pem.crt") for name in ("own", "other"))
    # one after the other: it shares its encoder, and two who come while that starts may both wait in vain
    trusted = await shown(partial(ask, Tls(ca_file=own)))
    anyone = await shown(partial(ask, Tls(verify=False)))
    unknown, wrong, missing = await asyncio.gather(
        ask(Tls()), ask(Tls(ca_file=other)), ask(Tls(ca_file="/nowhere"))
    )
    assert [one.verdict for one in (trusted, anyone)] == [Status.OK, Status.OK], (trusted, anyone)
    for one in (unknown, wrong, missing):
        assert (one.verdict, one.rung) == (Status.UNKNOWN, "tcp"), (
            "that we don't trust it says nothing about it"
        )
    assert "not trusted" in (unknown.reason or "")
    assert "trusted certificates" in (missing.reason or "")
    pool = Watchers()
    try:
        order = target(url, tls=Tls(ca_file=other)).order()
        seen = await pool.watch(order)
        assert getattr(seen, "frames", None) == 0, "the decoder judges the certificate too"
    finally:
        pool.close()


async def test_a_camera_that_was_turned_is_told_dusk_is_not(rtsp: int, media: Path, tmp_path: Path) -> None:
    place = media / "gate.mp4"

    def show(kind: str) -> None:
        place.unlink(missing_ok=True)
        os.link(media / f"{kind}.mp4", place)

    camera = target(f"rtsp://127.0.0.1:{rtsp}/gate.mp4/play_count_0", scene=True)

    async def look(kind: str, times: int) -> list[CameraSample]:
        show(kind)
        # a fresh memory each time: what counts survives a restart
        return [(await probe(camera, memory=camera.memory(tmp_path))).data for _ in range(times)]

    assert [one.moved for one in await look("street", 4)] == [None, None, None, False]
    assert [one.moved for one in await look("dusk", 1)] == [False]
    turned = await look("turned", 3)
    assert [one.moved for one in turned] == [None, None, True]
    assert (turned[-1].verdict, turned[-1].rung) == (Status.DEGRADED, "content")
    assert (turned[-1].reason or "").startswith("moved")
    back = (await look("street", 1))[0]
    assert (back.moved, back.verdict) == (False, Status.OK)
    assert [path.suffix for path in files(tmp_path)] == [".scene"], "numbers, never a picture"


async def test_a_picture_is_kept_only_where_it_may_be(rtsp: int, tmp_path: Path) -> None:
    kept, state = tmp_path / "kept", tmp_path / "state"
    good = target(f"rtsp://127.0.0.1:{rtsp}/good.mp4/play_count_0", evidence=Evidence(kept, most=2))
    memory = good.memory(state)
    plain = target(f"rtsp://127.0.0.1:{rtsp}/good.mp4/play_count_0", scene=True)
    await asyncio.gather(probe(good, memory=memory), probe(plain, memory=plain.memory(state)))
    (picture,) = kept.iterdir()
    assert picture.name.endswith("-ok.jpg")
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    with av.open(str(picture)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (320, 240)
    assert {path.suffix for path in files(tmp_path)} == {".jpg", ".scene"}
    await probe(good, memory=memory)
    assert len(list(kept.iterdir())) == 1, "the same verdict again is no news"
    for status in (Status.DEGRADED, Status.DOWN, Status.UNKNOWN):
        memory.kept_status = status
        await probe(good, memory=memory)
    assert len(list(kept.iterdir())) == 2, "few are kept"


async def test_a_continuous_watch_tells_changes_at_once_and_beats_between(rtsp: int) -> None:
    live = target(f"rtsp://127.0.0.1:{rtsp}/hiccup.mp4/play_count_0", watch_s=0.5, interval_s=60.0)
    steady = target(f"rtsp://127.0.0.1:{rtsp}/street.mp4/play_count_0", watch_s=0.3, interval_s=1.0)

    async def collect(camera: CameraTarget, count: int) -> list[CameraSample]:
        found: list[CameraSample] = []
        async with aclosing(follow(camera, Memory(camera.device))) as events:
            async for event in events:
                found.append(event.data)
                if len(found) == count:
                    break
        return found

    changes, beats = await asyncio.wait_for(asyncio.gather(collect(live, 3), collect(steady, 3)), 120)
    assert [one.verdict for one in changes] == [Status.OK, Status.DEGRADED, Status.OK]
    stalled = changes[1]
    assert (stalled.reason or "").startswith("stalled")
    assert stalled.stalled is True
    assert stalled.stalls_per_minute is not None
    assert stalled.stalls_per_minute > 0
    assert [one.verdict for one in beats] == [Status.OK] * 3
    assert all((one.observed_s or 0) >= 0.9 for one in beats[1:]), (
        "each tells of all the time since the one before"
    )
    assert all(one.stalls_per_minute == 0 for one in beats)


async def test_a_continuous_watch_comes_back_to_a_camera_that_was_away(rtsp: int, media: Path) -> None:
    place = media / "yard.mp4"
    camera = target(f"rtsp://127.0.0.1:{rtsp}/yard.mp4/play_count_1", watch_s=0.3, interval_s=0.5)

    async def until(status: Status, events: object) -> CameraSample:
        async for event in events:  # type: ignore[attr-defined]
            if event.data.verdict is status:
                return event.data  # type: ignore[no-any-return]
        raise AssertionError

    async with asyncio.timeout(120), aclosing(follow(camera, Memory("cam-1"))) as events:
        assert "404" in ((await until(Status.DOWN, events)).reason or "")
        os.link(media / "street.mp4", place)
        assert (await until(Status.OK, events)).fps is not None
        place.unlink()
        gone = await until(Status.DOWN, events)
    assert gone.last_frame_age_s is not None, "the age of the last picture is still told"


async def test_the_clock_is_measured_before_the_login_and_used_in_it(rtsp: int) -> None:
    url = f"rtsp://operator:right%20horse@127.0.0.1:{rtsp}/street.mp4/play_count_0"

    async def ask(peer: OnvifCamera, times: int = 1) -> CameraSample:
        service = onvif.service_of("127.0.0.1", str(peer.port))
        camera = target(url, onvif=service, onvif_sure=True)
        memory = camera.memory()
        return [(await probe(camera, memory=memory)).data for _ in range(times)][-1]

    offsets = (timedelta(seconds=3), timedelta(seconds=-45), timedelta(hours=7), timedelta(days=-15_000))
    with ExitStack() as stack:
        peers = [stack.enter_context(running(OnvifCamera(offset))) for offset in offsets]
        right, drifted, zone, reset = await asyncio.gather(ask(peers[0], 2), *map(ask, peers[1:]))
    for data, offset in zip((right, drifted, zone, reset), offsets, strict=True):
        assert data.clock_offset_s == pytest.approx(offset.total_seconds(), abs=2.0)
        assert (data.model, data.firmware) == ("PX-1", "1.2.3"), "the login was written in the camera's time"
        assert data.rung == "clock"
    assert (right.verdict, right.reason) == (Status.OK, None)
    assert peers[0].asked == ["GetSystemDateAndTime", "GetDeviceInformation", "GetSystemDateAndTime"]
    assert {data.verdict for data in (drifted, zone, reset)} == {Status.DEGRADED}
    # the second is as good as the way there and back: two are allowed for above, and so here
    assert re.search(r"\b4[3-7] s behind", drifted.reason or "")
    assert "7 h ahead, a time-zone fault" in (zone.reason or "")
    assert "behind" in (reset.reason or "")


def test_the_command_prints_clock_and_unit_and_no_secret(rtsp: int) -> None:
    with running(OnvifCamera(timedelta(hours=1))) as peer:
        url = f"rtsp://operator:right%20horse@127.0.0.1:{rtsp}/street.mp4/play_count_0"
        command = [sys.executable, "-m", "ioc.cli", "probe", "camera", url, "--watch-s", "0.5"]
        done = subprocess.run(
            [*command, "--onvif", str(peer.port)], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["clock_offset_s"] == pytest.approx(3600, abs=2)
    assert (data["verdict"], data["rung"], data["model"]) == ("degraded", "clock", "PX-1")
    assert (data["uptime_s"], data["disks"]) == (None, [])
    for secret in ("operator", "right", "horse"):
        assert secret not in done.stdout + done.stderr
