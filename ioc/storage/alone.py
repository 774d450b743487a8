"""Work that one process at a time does on a database: session locks, which end with the session that holds them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import psycopg

_TAKE: Final = "SELECT pg_try_advisory_lock(%s)"
_TAKE_OF: Final = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"


def take(connection: psycopg.Connection[Any], lock: int, of: str | None = None) -> bool:
    """Take a lock, unless another session has it; whether it is ours now.

    :param of: which one of many that share the number; such a lock is another than the number's own.
    """
    asked = (_TAKE, (lock,)) if of is None else (_TAKE_OF, (lock, of))
    row = connection.execute(*asked).fetchone()
    return row is not None and bool(row[0])


def wait(
    connection: psycopg.Connection[Any],
    lock: int,
    stop: threading.Event,
    *,
    every_s: float,
    of: str | None = None,
    turned: Callable[[], None] = lambda: None,
) -> bool:
    """Wait until the lock is ours; False when ``stop`` was set before.

    :param turned: called at each try, so that somebody sees that it gets on.
    """
    while not stop.is_set():
        turned()
        if take(connection, lock, of):
            return True
        stop.wait(every_s)
    return False
