"""Stock peers, started once a session on free ports of 127.0.0.1, stopped by their process id."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gufo.snmp import SnmpError
from gufo.snmp.sync import SnmpSession

from tests.peers import clips

KINDS = ("good", "still", "frozen", "black", "blurred", "stall")


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def answers(port: int) -> bool:
    """Whether the SNMP agent answers: it says that it listens seconds before it does."""
    try:
        with SnmpSession("127.0.0.1", port=port, community="openwrt", timeout=0.5) as session:
            return bool(session.get("1.3.6.1.2.1.1.1.0"))
    except (OSError, SnmpError):
        return False


@contextmanager
def process(command: list[str], log: Path, ready: Callable[[], bool], seconds: float = 30) -> Iterator[None]:
    """Run a server until the block ends; fails with its log when it does not come up."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + seconds
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} does not come up:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


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


@pytest.fixture(scope="session")
def snmp(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """UDP port of snmpsim, replaying the recordings of the real data."""
    folder = tmp_path_factory.mktemp("snmp")
    port = free_port(socket.SOCK_DGRAM)
    log = folder / "log"
    command = [
        str(Path(sys.executable).with_name("snmpsim-command-responder")),
        f"--data-dir={shared / 'data' / 'snmp'}",
        f"--cache-dir={folder / 'cache'}",
        f"--agent-udpv4-endpoint=127.0.0.1:{port}",
    ]
    if os.geteuid() == 0:
        command += ["--process-user=root", "--process-group=root"]
    with process(command, log, lambda: answers(port)):
        yield port
