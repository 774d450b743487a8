"""Cameras that mean harm, or are broken in the same ways: each bounded in time and memory, each told clearly."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from connectors.camera import address, onvif
from connectors.camera.probe import CameraTarget, probe
from ioc.events import CameraSample, Status

pytestmark = pytest.mark.peers

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MIB = 1024 * 1024
OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
FAIR_SDP = b"v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"


@asynccontextmanager
async def peer(talk: Talk) -> AsyncIterator[int]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, EOFError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def saying(*parts: bytes, endless: bytes = b"") -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        while endless:
            writer.write(endless)
            await writer.drain()
        await reader.read()

    return talk


async def ask(port: int, **changes: object) -> CameraSample:
    settings: dict[str, object] = {"connect_s": 1.0, "first_frame_s": 2.0, "watch_s": 0.5, **changes}
    camera = CameraTarget("c", "u", address.parse(f"rtsp://u:p@127.0.0.1:{port}/x"), **settings)  # type: ignore[arg-type]
    return (await probe(camera)).data


async def test_answers_to_describe_without_end_or_sense() -> None:
    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))

    reached: list[bytes] = []
    async with peer(elsewhere) as other:
        talks = {
            "headers without end": saying(
                b"RTSP/1.0 200 OK\r\n", endless=b"X-Junk: " + b"a" * 4000 + b"\r\n"
            ),
            "one header without end": saying(b"RTSP/1.0 200 OK\r\nX: ", endless=b"a" * 65_536),
            "body without end": saying(
                OK + b"Content-Length: 99999999999999\r\n\r\n", endless=b"v=0\r\n" * 9000
            ),
            "body that never comes": saying(OK + b"Content-Length: 5000\r\n\r\nv=0\r\n"),
            "length without sense": saying(OK + b"Content-Length: -7\r\n\r\n"),
            "another place": saying(
                b"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.1:%d/x\r\n\r\n" % other
            ),
            "logins without end": saying(
                *(b'RTSP/1.0 401 No\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n',)
                * 50
            ),
            "noise": saying(bytes(range(256)) * 200 + b"\r\n\r\n"),
        }
        tracemalloc.start()
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(_through(talk)) for name, talk in talks.items()}
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert time.monotonic() - began < 30
    assert peak < 16 * MIB
    found = {name: task.result() for name, task in asked.items()}
    verdicts = {name: (data.verdict, data.rung) for name, data in found.items()}
    assert verdicts.pop("logins without end") == (Status.UNKNOWN, "describe")
    assert set(verdicts.values()) == {(Status.DOWN, "describe")}, verdicts
    assert "not followed" in (found["another place"].reason or "")
    assert reached == []


async def _through(talk: Talk, **changes: object) -> CameraSample:
    async with peer(talk) as port:
        return await ask(port, **changes)


def player(sdp: bytes, after: bytes = b"", endless: bytes = b"") -> Talk:
    """Describes fairly to the probe; what the decoder is told is another matter."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            number += 1
            method = request.split(b" ", 1)[0]
            head = b"RTSP/1.0 200 OK\r\nCSeq: %d\r\n" % number
            if method == b"DESCRIBE":
                body = FAIR_SDP if b"ioc-probe" in request else sdp
                kind = b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(body)
                writer.write(head + kind + body)
            elif method == b"SETUP":
                writer.write(head + b"Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n")
            else:
                writer.write(head + b"Session: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n")
            await writer.drain()
            if method == b"PLAY":
                writer.write(after)
                while endless:
                    writer.write(endless)
                    await writer.drain()

    return talk


def packet(payload: bytes, sequence: int = 1) -> bytes:
    """An RTP packet in RTSP's interleaved frame."""
    rtp = bytes((0x80, 0xE0)) + sequence.to_bytes(2, "big") + (90 * sequence).to_bytes(4, "big") + b"\0\0\0\7"
    whole = rtp + payload
    return b"$\0" + len(whole).to_bytes(2, "big") + whole


async def test_streams_that_the_decoder_must_survive() -> None:
    huge_picture = b"\x67\x42\x00\x33\xe9\x00\x08\x00\x04\x00\x02\x2a" + b"\xff" * 20
    talks = {
        "sdp of noise": player(bytes(range(1, 256)) * 100),
        "sdp with thousands of streams": player(
            b"v=0\r\n" + b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" * 900
        ),
        "packets of noise": player(FAIR_SDP, endless=packet(bytes(range(256)) * 4)),
        "a picture too large": player(
            FAIR_SDP, endless=packet(huge_picture) + packet(b"\x65" + b"\0" * 1000, 2)
        ),
        "no packets": player(FAIR_SDP),
        "not even frames": player(FAIR_SDP, endless=b"\0" * 4096),
    }
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(_through(talk)) for name, talk in talks.items()}
    assert time.monotonic() - began < 60
    verdicts = {name: (task.result().verdict, task.result().rung) for name, task in asked.items()}
    assert set(verdicts.values()) == {(Status.DOWN, "frame")}, verdicts


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><x>&c;</x>'
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'


def http(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, headers, len(body), body)


async def test_onvif_answers_without_end_or_sense() -> None:
    reached: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))

    async def clock(talk: Talk) -> onvif.Answered:
        async with peer(talk) as port:
            service = onvif.service_of("127.0.0.1", str(port))
            assert service is not None
            return await onvif.ask(service, onvif.Login("u", "secret-word"), 2.0)

    async with peer(elsewhere) as other:
        moved = http(b"", b"307 Elsewhere", b"Location: http://127.0.0.1:%d/\r\n" % other)
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        talks = {
            "entities": saying(http(BOMB)),
            "an outside entity": saying(http(OUTSIDE)),
            "another place": saying(moved),
            "a body without end": saying(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", endless=chunk
            ),
            "a body packed small": saying(
                http(b"\x1f\x8b\x08" + b"\0" * 900, headers=b"Content-Encoding: gzip\r\n")
            ),
            "headers without end": saying(
                b"HTTP/1.1 200 OK\r\n", endless=b"X-Junk: " + b"a" * 4000 + b"\r\n"
            ),
            "silence": saying(),
            "no xml": saying(http(b"<html><body>Camera</body>")),
            "no clock": saying(http(b"<a/>")),
            "no such day": saying(
                http(b"<a><UTCDateTime><Year>2026</Year><Month>13</Month></UTCDateTime></a>")
            ),
            "deep": saying(http(b"<a>" * 9000)),
            "not http": saying(b"RTSP/1.0 200 OK\r\n\r\n"),
        }
        tracemalloc.start()
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(clock(talk)) for name, talk in talks.items()}
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert time.monotonic() - began < 30
    assert peak < 32 * MIB
    for name, task in asked.items():
        found = task.result()
        assert found.offset_s is None, name
        assert found.reason, name
        assert "secret" not in found.reason
    assert "not followed" in (asked["another place"].result().reason or "")
    assert "64 KiB" in (asked["a body without end"].result().reason or "")
    assert "can be trusted" in (asked["entities"].result().reason or "")
    assert reached == []
