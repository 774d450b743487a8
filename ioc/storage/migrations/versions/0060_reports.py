"""Reports as they were made."""

from ioc.storage.plain_sql import run

revision = "0060"
down_revision = "0056"


def upgrade() -> None:
    run("0060_reports.sql")
