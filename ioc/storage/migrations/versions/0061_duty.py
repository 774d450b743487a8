"""Rosters, people, changes and the shift log."""

from ioc.storage.plain_sql import run

revision = "0061"
down_revision = "0057"


def upgrade() -> None:
    run("0061_duty.sql")
