"""How the watch is, read from the database: who lives, who audits, how soon alerts arrive."""

from __future__ import annotations

import psycopg

from ioc.errors import IocError
from ioc.kpi.query import answer
from ioc.settings import Settings
from ioc.watch.state import Watched, look


def watched(settings: Settings) -> Watched | None:
    """Processes and readings now; none when the database does not answer or was never prepared."""
    try:
        with psycopg.connect(settings.database_dsn, autocommit=True, connect_timeout=3) as connection:
            return answer(connection, look())
    except (psycopg.Error, IocError):
        return None
