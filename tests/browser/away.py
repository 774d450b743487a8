"""A database that is away for a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql


@contextmanager
def away(database: str, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Nobody but this connection reaches the database meanwhile."""
    name = connection.info.dbname
    named = sql.Identifier(name)
    with psycopg.connect(f"{database.rsplit('/', 1)[0]}/postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(named))
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
                (name, connection.info.backend_pid),
            )
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(named))
