"""Runs a migration's plain SQL file through Alembic's connection."""

from __future__ import annotations

from importlib import resources

from alembic import op


def run(name: str) -> None:
    """Execute ``ioc/storage/migrations/sql/<name>`` as it stands, several statements at once."""
    text = (resources.files("ioc.storage") / "migrations" / "sql" / name).read_text(encoding="utf-8")
    raw = op.get_bind().connection.dbapi_connection
    if raw is None:
        raise RuntimeError("the migration's connection is closed")
    cursor = raw.cursor()
    try:
        cursor.execute(text)
    finally:
        cursor.close()
