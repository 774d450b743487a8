"""Successions with a share that nobody has said."""

from ioc.storage.plain_sql import run

revision = "0043"
down_revision = "0030"


def upgrade() -> None:
    run("0043_areas.sql")
