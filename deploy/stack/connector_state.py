"""How the connectors are, read from the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from ioc.settings import Settings

_QUERY = """
SELECT name, source, state, since, reason, sources, failing, spooled_events FROM ioc.connector_now ORDER BY name, source
"""


@dataclass(frozen=True)
class ConnectorFacts:
    """One connector as it last said it was."""

    name: str
    source: str
    """The machine it runs on."""
    state: str
    since: datetime
    reason: str | None
    sources: int
    failing: int
    spooled_events: int


def connector_states(settings: Settings) -> list[ConnectorFacts] | None:
    """Every connector's state; none when the database does not answer or was never prepared."""
    try:
        with psycopg.connect(
            settings.database_dsn, connect_timeout=3, row_factory=class_row(ConnectorFacts)
        ) as connection:
            return connection.execute(_QUERY).fetchall()
    except psycopg.Error:
        return None
