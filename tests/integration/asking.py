"""The API asked in this process, over the settings of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from ioc.api import create_app
from ioc.settings import Settings


@asynccontextmanager
async def asking(
    settings: Settings, auth: tuple[str, str] | None = None, *, raising: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, from its start to its end.

    :param auth: name and password of the reader who asks; without them, the guest.
    :param raising: let an error that nothing catches end the test; else it is the answer that people would get.
    """
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=raising)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://ioc", auth=auth, timeout=60) as found,
    ):
        yield found
