"""How connectors are."""

from ioc.storage.plain_sql import run

revision = "0020"
down_revision = "0040"


def upgrade() -> None:
    run("0020_connectors.sql")
