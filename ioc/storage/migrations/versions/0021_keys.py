"""Keys of sending systems."""

from ioc.storage.plain_sql import run

revision = "0021"
down_revision = "0022"


def upgrade() -> None:
    run("0021_keys.sql")
