"""Moves what triggers noted into sums, lot by lot: what a statement takes out of the notes is what it adds."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from ioc.platform.rollups import ENSURE_ZONES

Connection = psycopg.Connection[Any]

#: Most lots of one call, so that windows keep closing.
TURNS: Final = 20


def move(connection: Connection, statement: str, *, most: int, turns: int = TURNS) -> int:
    """Run a statement that moves a lot and tells how many it moved, until one is not full.

    :param statement: takes the size of a lot; each runs in a transaction of its own, so that none is long.
    :param most: notes of one lot.
    :param turns: most lots; where there is more, another call goes on.
    :returns: how many notes were moved.
    """
    moved = 0
    for _ in range(turns):
        with connection.transaction():
            connection.execute(ENSURE_ZONES)
            row = connection.execute(statement.encode(), (most,)).fetchone()
        taken = 0 if row is None else int(row[0])
        moved += taken
        if taken < most:
            break
    return moved
