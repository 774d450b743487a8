"""The camera probe against real RTSP servers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from connectors.camera import address
from connectors.camera.probe import CameraTarget, probe
from ioc.events import CameraSample, Status, encode
from tests.peers.encoders import shown

pytestmark = pytest.mark.peers

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def ask(
    url: str, *, watch_s: float = 4.0, first_frame_s: float = 8.0, connect_s: float = 3.0
) -> CameraSample:
    target = CameraTarget(
        "cam-1", "u", address.parse(url), watch_s=watch_s, first_frame_s=first_frame_s, connect_s=connect_s
    )
    return (await probe(target)).data


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[int]:
    """A peer that misbehaves as no stock server does."""
    found = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with found:
        yield found.sockets[0].getsockname()[1]


async def test_what_each_camera_shows(rtsp: int) -> None:
    kinds = ("good", "still", "frozen", "black", "blurred", "stall")
    urls = [f"rtsp://127.0.0.1:{rtsp}/{kind}.mp4/play_count_0" for kind in kinds]
    found = dict(zip(kinds, await asyncio.gather(*map(ask, urls)), strict=True))
    verdicts = {kind: (data.verdict, data.rung) for kind, data in found.items()}
    assert verdicts == {
        kind: (Status.OK if kind in ("good", "still") else Status.DEGRADED, "content") for kind in kinds
    }
    assert found["good"].fps == pytest.approx(10, abs=0.5)
    assert found["good"].reason is None
    assert found["good"].clock_offset_s is None
    assert found["good"].bitrate_kbps is not None
    assert (found["good"].frozen, found["good"].stalled) == (False, False)
    assert found["still"].frozen is False, "a still scene with a sensor's noise is alive"
    assert (found["frozen"].frozen, found["frozen"].stalled) == (True, False)
    assert (found["stall"].frozen, found["stall"].stalled) == (None, True)
    assert found["stall"].last_frame_age_s is not None
    assert found["stall"].last_frame_age_s > 2
    assert found["good"].last_frame_age_s is not None
    assert found["good"].last_frame_age_s < 1
    for kind in ("frozen", "black", "blurred"):
        assert (found[kind].reason or "").startswith(kind)


async def test_a_second_key_frame_is_waited_for_where_it_alone_can_tell(rtsp: int) -> None:
    kinds = ("good-seldom", "still-seldom", "frozen-seldom", "frozen-never")
    urls = [f"rtsp://127.0.0.1:{rtsp}/{kind}.mp4/play_count_0" for kind in kinds]
    asked = asyncio.gather(*(ask(url, watch_s=2.5) for url in urls))
    found = dict(zip(kinds, await asked, strict=True))
    assert {kind: (data.verdict, data.frozen) for kind, data in found.items()} == {
        "good-seldom": (Status.OK, False),
        "still-seldom": (Status.OK, False),
        "frozen-seldom": (Status.DEGRADED, True),
        "frozen-never": (Status.DEGRADED, True),
    }
    looked = {kind: data.observed_s or 0.0 for kind, data in found.items()}
    assert looked["good-seldom"] < 4 < looked["frozen-seldom"] < looked["frozen-never"], looked


@pytest.mark.parametrize(
    ("path", "reason"),
    [("sound.wav", "no video stream"), ("nothing.mp4", "404")],
    ids=["sound only", "no such stream"],
)
async def test_a_stream_without_pictures_is_down(rtsp: int, path: str, reason: str) -> None:
    data = await ask(f"rtsp://127.0.0.1:{rtsp}/{path}")
    assert (data.verdict, data.rung) == (Status.DOWN, "describe")
    assert reason in (data.reason or "")
    assert (data.fps, data.last_frame_age_s) == (None, None), "unknown is never zero"


async def test_a_dead_port_is_down_at_once(unused_tcp_port: int) -> None:
    began = time.monotonic()
    data = await ask(f"rtsp://127.0.0.1:{unused_tcp_port}/x")
    assert (data.verdict, data.rung, data.reason) == (Status.DOWN, "tcp", "the connection is refused")
    assert time.monotonic() - began < 2


async def test_a_name_that_does_not_exist_is_unknown() -> None:
    data = await ask("rtsp://no-such-camera.invalid/x")
    assert (data.verdict, data.rung) == (Status.UNKNOWN, "tcp")


async def test_the_right_login_sees_pictures_and_the_wrong_one_is_unknown(guarded_rtsp: int) -> None:
    host = f"127.0.0.1:{guarded_rtsp}/cam"
    right, wrong, none = await asyncio.gather(
        shown(partial(ask, f"rtsp://operator:right%20horse@{host}", watch_s=2.5)),
        ask(f"rtsp://operator:wr0ng-s3cret@{host}"),
        ask(f"rtsp://{host}"),
    )
    assert (right.verdict, right.rung) == (Status.OK, "content")
    assert (wrong.verdict, wrong.rung, wrong.reason) == (
        Status.UNKNOWN,
        "describe",
        "it refuses the login (401)",
    )
    assert (none.verdict, none.rung, none.reason) == (Status.UNKNOWN, "describe", "it wants a login (401)")


async def test_other_codecs_show_pictures_too(guarded_rtsp: int) -> None:
    host = f"rtsp://operator:right%20horse@127.0.0.1:{guarded_rtsp}"
    found = [
        await shown(partial(ask, f"{host}/{codec}", watch_s=2.5, first_frame_s=30, connect_s=30))
        for codec in ("h265", "mjpeg")
    ]
    assert [(data.verdict, data.reason, data.frozen) for data in found] == [(Status.OK, None, False)] * 2
    assert all(data.fps and data.bitrate_kbps for data in found)


async def test_no_password_is_printed_or_sent(guarded_rtsp: int) -> None:
    url = f"rtsp://operator:right%20horse@127.0.0.1:{guarded_rtsp}/cam"
    command = [sys.executable, "-m", "ioc.cli", "probe", "camera", url, "--watch-s", "1"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 0
    data = json.loads(done.stdout)["data"]
    assert {"verdict", "rung", "reason", "last_frame_age_s", "fps", "clock_offset_s"} <= set(data)
    assert data["clock_offset_s"] is None
    for secret in ("operator", "right", "horse"):
        assert secret not in done.stdout + done.stderr


async def test_a_camera_that_accepts_and_says_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(silent) as port:
        data = await ask(f"rtsp://127.0.0.1:{port}/x", connect_s=0.5)
    assert (data.verdict, data.rung) == (Status.DOWN, "describe")
    assert "no answer to DESCRIBE" in (data.reason or "")


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad\r\n\r\n", b"\0\xff" * 50_000, b"RTSP/1.0 200 OK\r\n", b""]
)
async def test_a_peer_that_does_not_speak_rtsp(answer: bytes) -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with server(babble) as port:
        data = await ask(f"rtsp://127.0.0.1:{port}/x")
    assert (data.verdict, data.rung) == (Status.DOWN, "describe")


async def test_a_camera_that_describes_and_never_plays_is_bounded_in_time() -> None:
    body = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    head = (
        f"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async def describes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"ioc-probe" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(head.encode() + body)
            await writer.drain()
        await reader.read()

    began = time.monotonic()
    async with server(describes) as port:
        data = await ask(f"rtsp://127.0.0.1:{port}/x", first_frame_s=2)
    assert (data.verdict, data.rung) == (Status.DOWN, "frame")
    assert "no decoded picture within 2 s" in (data.reason or "")
    assert time.monotonic() - began < 8


async def test_two_probes_of_one_moment_are_one_fact(unused_tcp_port: int) -> None:
    from datetime import UTC, datetime

    target = CameraTarget("cam-1", "u", address.parse(f"rtsp://u:s3cret@127.0.0.1:{unused_tcp_port}/x"))
    moment = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)
    first, second = await probe(target, at=moment), await probe(target, at=moment)
    assert encode(first) == encode(second)
    assert b"s3cret" not in encode(first)


def test_a_url_that_makes_no_sense_ends_with_two() -> None:
    command = [sys.executable, "-m", "ioc.cli", "probe", "camera", "http://u:s3cret@cam/x"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "makes no sense" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
