"""Brings a database to the newest schema and installs the KPI functions."""

from __future__ import annotations

from importlib import resources

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from ioc.errors import UnavailableError
from ioc.kpi.install import install

#: One upgrade at a time on a database, whoever starts it.
_UPGRADE_LOCK = 0x696F6301


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("ioc.storage") / "migrations"))
    return config


def head_revision() -> str:
    """Return the newest revision that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the package holds no migrations")
    return head


def knows(revision: str) -> bool:
    """Whether this program has a migration of this name, and so can bring a database of it up to date."""
    return any(one.revision == revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade(dsn: str) -> str:
    """Migrate the database at ``dsn`` to the newest schema; harmless when it is there already.

    :param dsn: a ``postgresql://`` URL of the owning role. TimescaleDB must be installable or installed.
    :returns: the revision that the database has afterwards.
    :raises UnavailableError: when the server does not answer or lacks TimescaleDB.
    """
    engine = create_engine(make_url(dsn).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _UPGRADE_LOCK})
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS ioc"))
            connection.commit()
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            driver = connection.connection.driver_connection
            if not isinstance(driver, psycopg.Connection):
                raise RuntimeError("the database's driver is not psycopg")
            install(driver)
            connection.commit()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _UPGRADE_LOCK})
            connection.commit()
    except Exception as error:
        cause = getattr(error, "orig", None)
        if isinstance(cause, psycopg.OperationalError | psycopg.errors.FeatureNotSupported):
            raise UnavailableError(
                f"The database can't be prepared: {str(cause).strip()}.",
                remedy="Check IOC_DATABASE_URL and that TimescaleDB is installed there, or run: ioc doctor",
            ) from error
        raise
    finally:
        engine.dispose()
    return head_revision()


def current_revision(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """Return the schema revision of a database, or None where it was never prepared."""
    row = connection.execute("SELECT to_regclass('ioc.alembic_version') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return None
    found = connection.execute("SELECT version_num FROM ioc.alembic_version").fetchone()
    return None if found is None else str(found[0])
