"""One connection that hears of changed alerts, for however many follow them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import structlog

from ioc.alerts import following, trail
from ioc.alerts.following import BATCH, Happened, Position, Scope
from ioc.errors import IocError, UnavailableError
from ioc.kpi.query import answer_async

_MOST: Final = 200
_MOST_OF_ONE: Final = 20
#: Events that somebody may be behind by.
_BEHIND: Final = 1000
#: The events are looked at this often even when nobody tells of any.
_LOOK_S: Final = 10.0
#: What is told of within this time is read at once.
_TOGETHER_S: Final = 0.1
_AGAIN_S: Final = 2.0
_READY_S: Final = 5.0
_log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Follower:
    """Somebody who follows.

    :param coming: events with the number from which to go on after each.
    :param lost: he was too slow: what came is no longer whole.
    """

    reader: str
    scope: Scope
    coming: asyncio.Queue[tuple[int, Happened]] = field(default_factory=lambda: asyncio.Queue(_BEHIND))
    lost: bool = False


class Feed:
    """Tells followers what happens; reads nothing while there are none."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None
        self._position: Position | None = None
        self._ready = asyncio.Event()

    def admit(self, reader: str) -> None:
        """See whether one more may follow.

        :raises UnavailableError: too many follow already.
        """
        of_one = Counter(follower.reader for follower in self._followers)[reader]
        if len(self._followers) >= _MOST or of_one >= _MOST_OF_ONE:
            raise UnavailableError(
                f"{of_one} streams of this reader are open, {len(self._followers)} in all.",
                remedy=f"{_MOST_OF_ONE} for one reader and {_MOST} in all are served: close some.",
            )

    @asynccontextmanager
    async def follow(self, reader: str, scope: Scope) -> AsyncIterator[tuple[Follower, Position]]:
        """Follow until the end of the block; gives how far the events were read before the first that is told.

        :raises UnavailableError: too many follow already, or the database is away.
        """
        self.admit(reader)
        follower = Follower(reader, scope)
        self._followers.add(follower)
        try:
            if self._task is None or self._task.done():
                self._position = None
                self._ready.clear()
                self._task = asyncio.create_task(self._run())
            try:
                await asyncio.wait_for(self._ready.wait(), _READY_S)
            except TimeoutError:
                raise UnavailableError(
                    "The database does not answer in time.", remedy="Try again shortly; ioc status says more."
                ) from None
            assert self._position is not None  # noqa: S101 - set before it is ready
            yield follower, self._position
        finally:
            self._followers.discard(follower)

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        """Read for as long as somebody follows; where the database went away, go on from where it was."""
        while self._followers:
            try:
                await self._listen()
            except (psycopg.Error, IocError) as error:
                _log.warning("alerts can't be followed for now", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)

    async def _listen(self) -> None:
        connection: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, connect_timeout=5, application_name="ioc serve stream"
        )
        async with connection:
            await connection.execute(f"LISTEN {trail.NEWS}".encode())
            newest = await answer_async(connection, following.newest())
            # less than before: another database, or one that was restored from a backup
            if self._position is None or newest < self._position.newest:
                self._position = Position(newest)
                self._ready.set()
            while self._followers:
                while await self._tell(connection, self._position) == BATCH:
                    pass
                async for _ in connection.notifies(timeout=_LOOK_S, stop_after=1):
                    await asyncio.sleep(_TOGETHER_S)

    async def _tell(self, connection: psycopg.AsyncConnection[Any], position: Position) -> int:
        found = await answer_async(connection, following.new(position))
        position.read((happened.id for happened in found), asyncio.get_running_loop().time())
        for happened in found:
            told = min(happened.id, position.safe), happened
            for follower in list(self._followers):
                if follower.lost or not follower.scope.covers(happened):
                    continue
                try:
                    follower.coming.put_nowait(told)
                except asyncio.QueueFull:
                    follower.lost = True
        return len(found)
