"""Readers limited to the district, the anonymous reader, definitions of indicators over time."""

from ioc.storage.plain_sql import run

revision = "0010"
down_revision = "0006"


def upgrade() -> None:
    run("0010_readers.sql")
