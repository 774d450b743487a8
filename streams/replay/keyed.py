"""Dossiers and tickets: each is computed anew from its own facts, some hundred at a time under their rows' locks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import psycopg

from streams.dossiers.projector import rebuild
from streams.ownership import Connection
from streams.queues.projector import project
from streams.registry import Registry
from streams.replay.finding import Finding, Progress

_CHUNK: Final = 500
_Rebuild = Callable[[Sequence[int]], Awaitable[tuple[int, ...]]]


async def dossiers(
    connection: Connection, registry: Registry, *, repair: bool, progress: Progress
) -> list[Finding]:
    """Hold every dossier's projection and ledger against its facts."""

    async def anew(numbers: Sequence[int]) -> tuple[int, ...]:
        return await rebuild(connection, registry, numbers)

    entries, projections = await _walk(
        connection, "dossier", anew, ("ledger entries", "dossiers"), repair=repair, progress=progress
    )
    return [entries, projections]


async def tickets(connection: Connection, *, repair: bool, progress: Progress) -> list[Finding]:
    """Hold every queue ticket against its facts."""

    async def anew(numbers: Sequence[int]) -> tuple[int, ...]:
        return (await project(connection, numbers),)

    return await _walk(connection, "ticket", anew, ("tickets",), repair=repair, progress=progress)


async def _walk(
    connection: Connection,
    table: str,
    anew: _Rebuild,
    names: tuple[str, ...],
    *,
    repair: bool,
    progress: Progress,
) -> list[Finding]:
    checked, differed, last = 0, [0] * len(names), 0
    locking = (  # the tables are named above
        f"SELECT {table}_id FROM ioc.{table} WHERE {table}_id > %s ORDER BY {table}_id LIMIT %s FOR UPDATE"  # noqa: S608
    )
    while True:
        async with connection.transaction():
            rows: list[Any] = await (await connection.execute(locking.encode(), (last, _CHUNK))).fetchall()
            numbers = [number for (number,) in rows]
            if not numbers:
                break
            changes = await anew(numbers)
            if not repair:
                raise psycopg.Rollback
        last = numbers[-1]
        checked += len(numbers)
        differed = [before + n for before, n in zip(differed, changes, strict=True)]
        progress(f"{checked} {table}s")
    return [Finding(name, checked, n) for name, n in zip(names, differed, strict=True)]
