"""Agency names of the pack, and names without a unit."""

from ioc.storage.plain_sql import run

revision = "0016"
down_revision = "0011"


def upgrade() -> None:
    run("0016_agencies.sql")
