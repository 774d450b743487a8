"""The tables of streams."""

from ioc.storage.plain_sql import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run("0002_streams.sql")
