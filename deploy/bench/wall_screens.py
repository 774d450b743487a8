"""Opens walls as browsers do, and notes what each is told and when; run in a process of its own."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import msgspec
import socketio

_CLIENT: Final = re.compile(r"'client_id': '([0-9a-f-]+)', 'next_message_id': (\d+)")
#: The figure whose way is timed, as the wall writes it below its queues.
_ISSUED: Final = re.compile(r"([\d.]+) phiếu đã cấp hôm nay")
_ACK_S: Final = 3.0
_HEALTH_S: Final = 5.0
#: Walls are opened one after another, as people do and not all in one moment.
_APART_S: Final = 0.1
_CONNECT_S: Final = 20


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Which walls to open.

    :param until: the process ends when this file is there.
    :param renew_s: each time one wall is closed and another one opened; 0: none is.
    """

    address: str
    reader: str
    password: str
    walls: int
    answer: str
    ready: str
    until: str
    renew_s: float = 0.0


class Told(msgspec.Struct, kw_only=True):
    """What the walls were told.

    :param page_bytes: of one page's HTML.
    :param messages: and their bytes, of all walls together.
    :param seen: moment (system-wide monotonic clock, s) at which each wall was first told each number of tickets.
    :param lost: connections that ended before they should.
    """

    page_bytes: int
    messages: int
    message_bytes: int
    seen: dict[int, list[float]]
    lost: int
    opened: int
    watched_s: float


async def _wall(plan: Plan, session: aiohttp.ClientSession, told: Told, over: asyncio.Event) -> None:
    told.opened += 1
    async with session.get(f"{plan.address}/ops/wall?mode=wall&lang=vi") as answer:
        answer.raise_for_status()
        page = await answer.text()
    told.page_bytes = len(page.encode())
    found = _CLIENT.search(page)
    if found is None:
        raise RuntimeError("The page names no client: is its framework another version?")
    client, following = found[1], int(found[2])
    known: set[int] = set()
    socket = socketio.AsyncClient(reconnection=False)

    def heard(_kind: str, data: Any = None) -> None:
        nonlocal following
        now = time.monotonic()
        raw = msgspec.json.encode(data)
        told.messages += 1
        told.message_bytes += len(raw)
        following = max(following, int((data or {}).get("_id", following - 1)) + 1)
        for number in _ISSUED.findall(raw.decode()):
            issued = int(number.replace(".", ""))
            if issued not in known:
                known.add(issued)
                told.seen.setdefault(issued, []).append(now)

    def gone(*_: Any) -> None:
        if not over.is_set():
            told.lost += 1

    socket.on("*", heard)
    socket.on("disconnect", gone)
    query = urlencode(
        {
            "client_id": client,
            "next_message_id": following,
            "implicit_handshake": "true",
            "document_id": uuid4(),
            "tab_id": uuid4(),
            "old_tab_id": "",
        }
    )
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in session.cookie_jar)
    await socket.connect(
        f"{plan.address}?{query}",
        headers={"Cookie": cookies},
        transports=["websocket"],
        socketio_path="/ops/_nicegui_ws/socket.io",
        wait_timeout=_CONNECT_S,
    )
    asyncio.get_running_loop().create_task(_look(plan, session, over))
    while not over.is_set():
        await socket.emit("ack", {"client_id": client, "next_message_id": following})
        await asyncio.wait([asyncio.ensure_future(over.wait())], timeout=_ACK_S)
    await socket.disconnect()


async def _look(plan: Plan, session: aiohttp.ClientSession, over: asyncio.Event) -> None:
    """As the wall's script does, besides its connection."""
    while not over.is_set():
        async with session.get(f"{plan.address}/health/live") as answer:
            await answer.read()
        await asyncio.wait([asyncio.ensure_future(over.wait())], timeout=_HEALTH_S)


async def watch(plan: Plan) -> Told:
    """Open the walls, say so, and watch until it is over."""
    told = Told(page_bytes=0, messages=0, message_bytes=0, seen={}, lost=0, opened=0, watched_s=0)
    # cookies of an address without a name are kept too
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        form = {"name": plan.reader, "password": plan.password, "next": "/ops/wall"}
        async with session.post(f"{plan.address}/login", data=form, allow_redirects=False) as answer:
            if answer.status != 303:
                raise RuntimeError(f"{plan.reader} can't log in: {answer.status}")
        walls: deque[tuple[asyncio.Task[None], asyncio.Event]] = deque()

        async def another() -> None:
            end = asyncio.Event()
            walls.append((asyncio.create_task(_wall(plan, session, told, end)), end))
            await asyncio.sleep(_APART_S)

        for _ in range(plan.walls):
            await another()
        began = renewed = time.monotonic()
        await asyncio.to_thread(Path(plan.ready).touch)
        while not await asyncio.to_thread(Path(plan.until).exists):
            for wall, _ in walls:
                if wall.done():
                    wall.result()
            if plan.renew_s and time.monotonic() - renewed >= plan.renew_s:
                renewed = time.monotonic()
                oldest, end = walls.popleft()
                end.set()
                await oldest
                await another()
            await asyncio.sleep(0.2)
        for _, end in walls:
            end.set()
        await asyncio.gather(*(wall for wall, _ in walls))
        told.watched_s = time.monotonic() - began
    return told


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=Plan)
    Path(given.answer).write_bytes(msgspec.json.encode(asyncio.run(watch(given))))
