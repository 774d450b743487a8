"""Numbers to call at units and reception points."""

from ioc.storage.plain_sql import run

revision = "0075"
down_revision = "0080"


def upgrade() -> None:
    run("0075_numbers.sql")
