"""A number that is given twice in a day."""

from ioc.storage.plain_sql import run

revision = "0025"
down_revision = "0017"


def upgrade() -> None:
    run("0025_ticket_rounds.sql")
