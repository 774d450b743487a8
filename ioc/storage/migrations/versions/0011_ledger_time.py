"""The ledger by time, for today's figures."""

from ioc.storage.plain_sql import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run("0011_ledger_time.sql")
