"""Reporting groups whose members are dated."""

from ioc.storage.plain_sql import run

revision = "0059"
down_revision = "0049"


def upgrade() -> None:
    run("0059_members.sql")
