"""Targets of indicators, by unit and period."""

from ioc.storage.plain_sql import run

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    run("0044_targets.sql")
