"""Published figures of the index of Decision 766."""

from ioc.storage.plain_sql import run

revision = "0045"
down_revision = "0060"


def upgrade() -> None:
    run("0045_index766.sql")
