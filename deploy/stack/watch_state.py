"""How the platform stands, read from the database."""

from __future__ import annotations

import psycopg

from ioc.errors import IocError
from ioc.kpi.query import answer
from ioc.settings import Settings
from ioc.watch.standing import Standing, look


def standing(settings: Settings) -> Standing | None:
    """How it stands now; none when the database does not answer or was never prepared."""
    try:
        with psycopg.connect(settings.database_dsn, autocommit=True, connect_timeout=3) as connection:
            return answer(connection, look())
    except (psycopg.Error, IocError):
        return None
