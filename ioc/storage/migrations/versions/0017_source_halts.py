"""Sources that are halted, and whose each unreadable record is."""

from ioc.storage.plain_sql import run

revision = "0017"
down_revision = "0020"


def upgrade() -> None:
    run("0017_source_halts.sql")
