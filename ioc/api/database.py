"""The API's connections: a bounded pool that opens when the database does, and questions with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ioc.errors import UnavailableError
from ioc.kpi.query import QUESTION_TIMEOUT_S, Steps, answer_async, change_async, translate

_T = TypeVar("_T")
_MOST_CONNECTIONS: Final = 8
#: Shorter than what those who ask for readiness wait themselves.
_WAIT_S: Final = 2.0


class Database:
    """Answers questions over a pool of at most eight connections."""

    def __init__(self, dsn: str, *, timeout_s: float = QUESTION_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=_MOST_CONNECTIONS,
            timeout=_WAIT_S,
            open=False,
            reconnect_timeout=5.0,
            # a connection that died with the server is replaced before anyone is given it
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "connect_timeout": 5,
                "application_name": "ioc serve",
                "options": f"-c statement_timeout={int(timeout_s * 1000)}",
            },
        )

    async def open(self) -> None:
        """Start connecting; does not wait, so that a database that is away does not keep the API from answering."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Give all connections back."""
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise UnavailableError(
                "The database does not answer in time.",
                remedy="Try again shortly; ioc status and ioc doctor say more.",
            ) from error

    async def answer(self, steps: Steps[_T]) -> _T:
        """Drive the steps of a question; see :func:`ioc.kpi.query.answer_async`."""
        async with self._connection() as connection:
            return await answer_async(connection, steps, timeout_s=self._timeout_s)

    async def change(self, steps: Steps[_T]) -> _T:
        """Drive steps that may write, in one transaction; each within the time limit.

        :raises IocError: the database does not answer, or took too long.
        """
        async with self._connection() as connection:
            return await change_async(connection, steps)

    async def rows(
        self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> list[tuple[Any, ...]]:
        """Return the rows of one statement.

        :raises IocError: the database does not answer, or took too long.
        """
        async with self._connection() as connection:
            try:
                return await (await connection.execute(statement.encode(), parameters)).fetchall()
            except psycopg.Error as error:
                found = translate(error)
                if found is None:
                    raise
                raise found from error


class Shared:
    """Answers that many ask for at once: computed once, and given to all who ask within ``hold_s`` seconds.

    A wall that a hundred screens show costs the database one question a second. Holds at most ``most`` answers.
    """

    def __init__(self, *, hold_s: float, most: int = 256) -> None:
        self._hold_s = hold_s
        self._most = most
        self._held: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, key: Hashable, compute: Callable[[], Awaitable[_T]]) -> _T:
        """Return the answer for ``key``, computing it when none is held; an error is given to all who wait for it."""
        now = asyncio.get_running_loop().time()
        held = self._held.get(key)
        if held is not None and now - held[0] < self._hold_s and not (held[1].done() and _failed(held[1])):
            known: _T = await asyncio.shield(held[1])
            return known
        for old in [k for k, (at, _) in self._held.items() if now - at >= self._hold_s]:
            del self._held[old]
        while len(self._held) >= self._most:
            del self._held[next(iter(self._held))]
        task: asyncio.Task[_T] = asyncio.ensure_future(_as_coroutine(compute))
        self._held[key] = (now, task)
        return await asyncio.shield(task)


def _failed(future: asyncio.Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None


async def _as_coroutine(compute: Callable[[], Awaitable[_T]]) -> _T:
    return await compute()
