"""Stock peers, started once a session on free ports of 127.0.0.1, stopped by their process id."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import clips
from tests.peers.processes import free_port, process
from tests.peers.snmp_agents import recordings, snmp, snmpd

__all__ = ["recordings", "snmp", "snmpd"]

KINDS = ("good", "still", "frozen", "black", "blurred", "stall")


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the RTSP server serves: a file is a stream."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def rtsp(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of an RTSP server (aio-rtsp-toolkit) that plays one clip for each kind."""
    folder = tmp_path_factory.mktemp("rtsp")
    for kind in KINDS:
        clips.make(media / f"{kind}.mp4", kind)
    for kind in ("street", "turned", "dusk"):
        clips.make(media / f"{kind}.mp4", kind, seconds=1.5)
    for kind in ("still", "frozen", "good"):
        clips.make(media / f"{kind}-seldom.mp4", kind, seconds=10.0, key_s=5.0)
    clips.make(media / "frozen-never.mp4", "frozen", seconds=16.0, key_s=60.0)
    clips.make(media / "hiccup.mp4", "stall", seconds=2.0, gap_s=4.0)
    clips.make_sound(media / "sound.wav")
    port = free_port()
    code = (
        "import asyncio, sys; from aio_rtsp_toolkit import server;"
        "asyncio.run(server.serve(sys.argv[1], '127.0.0.1', int(sys.argv[2])))"
    )
    with process([sys.executable, "-c", code, str(media), str(port)], folder / "log", lambda: accepts(port)):
        yield port


def _gst(log: Path, *arguments: str) -> Iterator[int]:
    python, script = "/usr/bin/python3", Path(__file__).with_name("gst_rtsp_server.py")
    asked = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if not Path(python).exists() or subprocess.run([python, "-c", asked], capture_output=True).returncode:
        pytest.skip(
            "GStreamer's RTSP server is not installed; apt-get install the packages of deploy/apt-test.txt"
        )
    port = free_port()
    with process([python, str(script), str(port), *arguments], log, lambda: accepts(port)):
        yield port


@pytest.fixture(scope="session", params=["digest", "basic"])
def guarded_rtsp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of GStreamer's RTSP server with a login; see gst_rtsp_server.py."""
    yield from _gst(tmp_path_factory.mktemp("gst") / "log", request.param)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``own.pem`` (certificate and key of 127.0.0.1) and ``other.pem``, another one like it."""
    folder = tmp_path_factory.mktemp("tls")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificates for TLS")
    for name in ("own", "other"):
        pem = str(folder / f"{name}.pem")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += [
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ]
        subprocess.run([*command, "-keyout", pem, "-out", f"{pem}.crt"], check=True, capture_output=True)
        Path(pem).write_text(Path(pem).read_text() + Path(f"{pem}.crt").read_text())
    return folder


@pytest.fixture(scope="session")
def tls_rtsp(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of the same server over TLS, with a digest login."""
    yield from _gst(tmp_path_factory.mktemp("gst-tls") / "log", "digest", str(certificates / "own.pem"))
