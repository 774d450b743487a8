"""Watchers that hang, die, grow or lose their server: one stream's fault is that stream's alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.camera.seen import Order, Seen
from connectors.camera.watchers import Lost, Watchers

pytestmark = pytest.mark.peers


@pytest.fixture
def pool() -> Iterator[Watchers]:
    found = Watchers()
    yield found
    found.close()


def order(rtsp: int, watch_s: float = 0.4, stream: str = "street", first_frame_s: float = 20.0) -> Order:
    return Order(f"rtsp://127.0.0.1:{rtsp}/{stream}.mp4/play_count_0", first_frame_s, watch_s)


def children(pid: int | None) -> list[int]:
    """Processes whose parent this is, from the kernel."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(folder.name))
    return found


async def until_children(pool: Watchers, count: int) -> list[int]:
    async with asyncio.timeout(120):
        while len(found := children(pool.pid)) != count:
            await asyncio.sleep(0.02)
    return found


async def until_watching(pool: Watchers, but: set[int] = frozenset()) -> int:  # type: ignore[assignment]
    """The watcher that is at work: it has its order, and a second thread that keeps its time."""
    async with asyncio.timeout(120):
        while True:
            for pid in children(pool.pid):
                if pid not in but and threads(pid) > 1:
                    return pid
            await asyncio.sleep(0.02)


def threads(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@asynccontextmanager
async def silent_after_describe() -> AsyncIterator[int]:
    """Plays to nobody: every connection hangs."""

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_watcher_that_hangs_is_stopped_and_the_others_go_on(rtsp: int) -> None:
    pool = Watchers(slack_s=1.0)
    try:
        hanging = asyncio.create_task(pool.watch(order(rtsp, first_frame_s=2.0)))
        pid = await until_watching(pool)
        os.kill(pid, signal.SIGSTOP)
        others = await asyncio.gather(*(pool.watch(order(rtsp)) for _ in range(3)))
        assert [isinstance(one, Seen) and one.frames > 0 for one in others] == [True] * 3
        assert await hanging is Lost.HUNG
        await until_children(pool, 0)
        assert not alive(pid)
    finally:
        pool.close()


async def test_a_watcher_that_dies_is_tried_again_once(rtsp: int, pool: Watchers) -> None:
    watching = asyncio.create_task(pool.watch(order(rtsp, 5.0)))
    first = await until_watching(pool)
    os.kill(first, signal.SIGKILL)
    seen = await watching
    assert isinstance(seen, Seen)
    assert seen.frames > 0
    await until_children(pool, 0)
    watching = asyncio.create_task(pool.watch(order(rtsp, 30.0)))
    killed: set[int] = set()
    for _ in range(2):
        pid = await until_watching(pool, killed)
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
    assert await watching is Lost.DIED


async def test_a_lost_fork_server_takes_its_watchers_along_and_a_new_one_is_started(
    rtsp: int, pool: Watchers
) -> None:
    watching = asyncio.create_task(pool.watch(order(rtsp, 5.0)))
    watcher = await until_watching(pool)
    server = pool.pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    seen = await watching
    assert isinstance(seen, Seen)
    assert seen.frames > 0
    assert pool.pid != server
    assert not alive(watcher)


async def test_none_is_left_when_the_pool_closes_or_a_watch_is_given_up() -> None:
    async with silent_after_describe() as port:
        pool = Watchers()
        watching = [asyncio.create_task(pool.watch(order(port))) for _ in range(3)]
        pids = await until_children(pool, 3)
        watching[0].cancel()
        await until_children(pool, 2)
        server = pool.pid
        pool.close()
        assert server is not None
        assert not any(alive(pid) for pid in [server, *pids])
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def test_a_stream_that_asks_for_too_much_memory_ends_its_own_watcher(rtsp: int) -> None:
    pool = Watchers(memory_mib=2)
    try:
        found = await pool.watch(order(rtsp))
        assert found is Lost.DIED or found is Lost.OURS or (isinstance(found, Seen) and found.frames == 0)
        assert pool.pid is not None
        assert alive(pool.pid)
    finally:
        pool.close()


async def test_without_a_fork_server_the_camera_is_not_blamed(rtsp: int) -> None:
    pool = Watchers(start_s=0.001)
    try:
        assert await pool.watch(order(rtsp)) is Lost.OURS
    finally:
        pool.close()
