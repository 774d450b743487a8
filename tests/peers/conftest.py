"""Stock peers, started once a session on free ports of 127.0.0.1, stopped by their process id."""

from __future__ import annotations

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
def rtsp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of an RTSP server (aio-rtsp-toolkit) that plays one clip for each kind."""
    folder = tmp_path_factory.mktemp("rtsp")
    media = folder / "media"
    media.mkdir()
    for kind in KINDS:
        clips.make(media / f"{kind}.mp4", kind)
    clips.make_sound(media / "sound.wav")
    port = free_port()
    code = (
        "import asyncio, sys; from aio_rtsp_toolkit import server;"
        "asyncio.run(server.serve(sys.argv[1], '127.0.0.1', int(sys.argv[2])))"
    )
    with process([sys.executable, "-c", code, str(media), str(port)], folder / "log", lambda: accepts(port)):
        yield port


@pytest.fixture(scope="session", params=["digest", "basic"])
def guarded_rtsp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of GStreamer's RTSP server with a login; see gst_rtsp_server.py."""
    python, script = "/usr/bin/python3", Path(__file__).with_name("gst_rtsp_server.py")
    asked = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if not Path(python).exists() or subprocess.run([python, "-c", asked], capture_output=True).returncode:
        pytest.skip(
            "GStreamer's RTSP server is not installed; apt-get install the packages of deploy/apt-test.txt"
        )
    port = free_port()
    log = tmp_path_factory.mktemp("gst") / "log"
    with process([python, str(script), str(port), request.param], log, lambda: accepts(port)):
        yield port
