"""The tables of queues."""

from ioc.storage.plain_sql import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run("0005_queues.sql")
