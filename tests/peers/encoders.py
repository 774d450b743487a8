"""GStreamer's server as a peer: it starts an encoder for the first who asks, and now and then gives up on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ioc.events import CameraSample, Status


async def shown(ask: Callable[[], Awaitable[CameraSample]]) -> CameraSample:
    """What a camera shows; it is asked once more where no picture came."""
    found = await ask()
    return await ask() if found.verdict is Status.DOWN else found
