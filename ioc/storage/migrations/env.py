"""Alembic's entry point: the connection comes from :mod:`ioc.storage.migrate`, never from a file."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="ioc")
with context.begin_transaction():
    context.run_migrations()
