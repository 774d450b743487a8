"""Steps of an answer: generators that say what to ask next, and what drives them over a connection.

What is asked, and what is decided from it, is written once for both kinds of connection, and for whatever transaction
the caller holds.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec
import psycopg

_T = TypeVar("_T")
#: A statement and its parameters.
Asking: TypeAlias = tuple[str, Sequence[object] | Mapping[str, object]]
#: Yields a statement and its parameters, is sent the rows, and returns the answer.
Steps: TypeAlias = Generator[Asking, Sequence[tuple[Any, ...]], _T]


def as_rows(of: Sequence[object]) -> str:
    """Records as the text that ``jsonb_to_recordset`` makes rows of: one parameter, however many there are."""
    return msgspec.json.encode(of).decode()


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
