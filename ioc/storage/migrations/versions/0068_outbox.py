"""Delivery: why steps and messages wait, and what went together."""

from ioc.storage.plain_sql import run

revision = "0068"
down_revision = "0069"


def upgrade() -> None:
    run("0068_outbox.sql")
