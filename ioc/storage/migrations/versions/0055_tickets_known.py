"""Tickets as of an earlier moment."""

from ioc.storage.plain_sql import run

revision = "0055"
down_revision = "0042"


def upgrade() -> None:
    run("0055_tickets_known.sql")
