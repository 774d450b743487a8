"""Simulated cameras: real RTSP streams, one server a reception point, all in this process.

Streams cost nothing while nobody watches. A fault is what the connector would meet: another clip, a stream that is
not offered any more, or, in an outage, a port that nobody listens on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from aio_rtsp_toolkit import server as rtsp

from deploy.simulation.incidents import Kind
from ioc.district.model import Device

log = structlog.get_logger(__name__)

#: Fault → clip; cameras that are gone have none.
_CLIP: Final = {None: "good", Kind.FROZEN: "frozen", Kind.BLACK: "black", Kind.STALLED: "stalled"}
_CLOSE_S: Final = 2.0


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class CameraSite:
    """The recorder of one point with its cameras.

    :param folder: holds the streams that it offers.
    :param clips: name → file, from :func:`deploy.simulation.media.make_clips`; on the same file system.
    """

    folder: Path
    cameras: Sequence[Device]
    clips: dict[str, Path]
    port: int = field(default_factory=free_port)
    _server: rtsp.RtspServer | None = field(default=None, init=False)
    _shown: dict[str, str | None] = field(default_factory=dict, init=False)

    def url(self, camera: Device) -> str:
        """Where the camera's stream is; it plays for ever."""
        return f"rtsp://127.0.0.1:{self.port}/{camera.code}.mp4/play_count_0"

    async def show(self, camera: Device, fault: Kind | None) -> None:
        """Bring one camera into a state; streams that run keep what they play until their viewer leaves."""
        clip = _CLIP.get(fault)
        if camera.code in self._shown and self._shown[camera.code] == clip:
            return
        path = self.folder / f"{camera.code}.mp4"
        if clip is None:
            path.unlink(missing_ok=True)
        else:
            link = path.with_suffix(".new")
            link.unlink(missing_ok=True)
            os.link(self.clips[clip], link)
            link.replace(path)
        self._shown[camera.code] = clip

    async def switch(self, *, on: bool) -> None:
        """Start or end the recorder; harmless when it is so already."""
        if on and self._server is None:
            rtsp.logger = logging.getLogger("simulation.rtsp")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._server = await rtsp.RtspServer(str(self.folder), "127.0.0.1", self.port).start()
        elif not on and self._server is not None:
            server, self._server = self._server, None
            # closing waits for viewers on some versions of Python; the port is closed at once on all
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.close(), _CLOSE_S)
