"""Drives steps inside a transaction that the caller holds: alerts rise and clear with the facts that made them."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg

from ioc.kpi.query import Steps

_T = TypeVar("_T")


def run(connection: psycopg.Connection[Any], steps: Steps[_T]) -> _T:
    """Drive steps over a connection, in whatever transaction it is in."""
    try:
        statement, parameters = next(steps)
        while True:
            cursor = connection.execute(statement.encode(), parameters)
            statement, parameters = steps.send(cursor.fetchall() if cursor.description else [])
    except StopIteration as done:
        found: _T = done.value
        return found


async def run_async(connection: psycopg.AsyncConnection[Any], steps: Steps[_T]) -> _T:
    """The same over an asynchronous connection."""
    try:
        statement, parameters = next(steps)
        while True:
            cursor = await connection.execute(statement.encode(), parameters)
            statement, parameters = steps.send(await cursor.fetchall() if cursor.description else [])
    except StopIteration as done:
        found: _T = done.value
        return found
