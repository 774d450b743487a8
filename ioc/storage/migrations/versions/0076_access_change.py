"""Changes of accounts and keys, with who made them."""

from ioc.storage.plain_sql import run

revision = "0076"
down_revision = "0072"


def upgrade() -> None:
    run("0076_access_change.sql")
